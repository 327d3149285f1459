"""The picture in the docs is the machine."""

from __future__ import annotations

from django.conf import settings

from leads.drawing import arrows, lifecycle
from leads.models import Lead
from leads.stages import PAIRS, Stage, Verb


def test_the_picture_in_the_docs_is_drawn_from_the_machine() -> None:
    assert (settings.BASE_DIR / "docs" / "lifecycle.svg").read_text(encoding="utf-8") == lifecycle()


def test_every_step_of_the_machine_is_in_the_picture() -> None:
    drawing = lifecycle()
    assert all(str(stage.label) in drawing for stage in Stage)
    assert {verb for verbs in arrows().values() for verb in verbs} | {
        "disqualify",
        "undo",
        "enter_as",
        "absorb",
    } == set(Verb.values)


def test_the_state_machine_has_exactly_the_pairs_of_the_table() -> None:
    for verb, pairs in PAIRS.items():
        meta = getattr(Lead, verb)._django_fsm
        fixed = {(start, t.target) for start, t in meta.transitions.items() if isinstance(t.target, str)}
        if fixed:
            assert fixed == {(str(start), str(end)) for start, end in pairs}, verb
