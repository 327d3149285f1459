"""Making the demo world and taking it away: reproducible, and gone in one step (its looks: test_demo_world.py)."""

from __future__ import annotations

from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm import demo, triggers
from crm.demo import World
from crm.models import Company, Contact, Team, User
from leads import capture
from leads import demo as leads_demo
from leads.models import Finding, Handoff, Lead, Source, StageChange
from tests.cast import ada, assemble

pytestmark = pytest.mark.django_db


def seed(leads: int = 70, activities: int = 900, number: int = 1) -> None:
    demo.build(World(leads=leads, activities=activities, seed=number))


def story_of(number: int) -> list[tuple[object, ...]]:
    """Return the whole log of a world made from seed `number`, without ids."""
    seed(20, 200, number)
    rows = StageChange.objects.order_by("lead__contact__email", "lead__episode", "seq")
    story = list(rows.values_list("lead__contact__email", "verb", "to_stage", "at", "by__email", "reason__key"))
    demo.remove()
    return story


def test_the_same_seed_tells_the_same_story(time_machine) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    first, other = story_of(5), story_of(6)
    assert first == story_of(5)
    assert first != other


def test_removal_leaves_the_real_ones_alone() -> None:
    cast = assemble()
    real = capture.open_lead(ada(), source=Source.objects.get(key="webinar"), owner=cast.mia)
    seed(30, 300)
    demo.remove()
    assert list(Lead.objects.all()) == [real]
    assert list(Contact.objects.all()) == [real.contact]
    assert Company.objects.count() == 1
    assert User.objects.count() == len(cast.everyone)
    assert triggers.differences() == []


def test_a_demo_person_with_real_leads_may_no_longer_sign_in() -> None:
    seed(10, 100)
    mia = User.objects.get(email="mia@example.com")
    capture.open_lead(ada(), source=Source.objects.get(key="webinar"), owner=mia)
    demo.remove()
    mia.refresh_from_db()
    assert not mia.is_active
    assert not User.objects.exclude(pk=mia.pk).exists()
    assert Team.objects.filter(name="Marketing").exists()


def test_the_command_asks_before_it_touches_what_is_here() -> None:
    ada()
    with patch("builtins.input", return_value="n"), pytest.raises(CommandError):
        call_command("seed_demo", "--leads", "5")
    assert Contact.objects.count() == 1
    call_command("seed_demo", "--leads", "5", "--no-input", stdout=StringIO())
    assert Lead.objects.count() == 5


def test_a_second_run_makes_the_world_anew() -> None:
    for _ in range(2):
        call_command("seed_demo", "--leads", "8", "--no-input", stdout=StringIO())
    assert Lead.objects.count() == 8


def picture() -> dict[str, list[tuple[object, ...]]]:
    """Return everything that the moves of a world left behind, without keys."""
    who, by = "lead__contact__email", ("lead__contact__email", "lead__episode", "lead__entered_at")
    log = StageChange.objects.order_by(*by, "seq").values_list(
        who, "seq", "verb", "from_stage", "to_stage", "at", "actor", "by__email", "reason__key", "round",
        "handoff__offered_at", "details__amount", "details__wake_on",
        "before__lead__stage_since", "before__lead__round_open",
    )  # fmt: skip
    leads = Lead.objects.order_by("contact__email", "episode", "entered_at").values_list(
        "contact__email", "episode", "stage", "version", "round", "round_open", "owner__email", "team__name", "amount",
        "closed_on", "wake_on", "next_step", "entered_at", "stage_since", "source__key", "counts_from",
        "standing__lane", "standing__lane_since", "standing__owner__email", "standing__team__name",
    )  # fmt: skip
    handoffs = Handoff.objects.order_by(*by, "offered_at").values_list(
        who, "round", "offered_at", "offered_by__email", "from_owner__email", "assignee__email", "team__name", "due_at",
        "closed_at", "closed_by__email", "outcome",
    )  # fmt: skip
    findings = Finding.objects.order_by(*by, "id").values_list(who, "dimension", "status", "dated_on", "author__email")
    return {"log": list(log), "leads": list(leads), "handoffs": list(handoffs), "findings": list(findings)}


def test_a_crowd_lives_the_same_lives_as_those_who_go_through_the_door(
    time_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    monkeypatch.setattr(leads_demo, "_reckoner", None)
    pictures = []
    for large in (False, True):
        monkeypatch.setattr(World, "is_large", large)
        world = World(leads=150, activities=600, seed=3)
        demo.hire(world)
        leads_demo.live(world)
        pictures.append(picture())
        demo.remove()
    by_door, in_bulk = pictures
    for part, rows in by_door.items():
        assert rows == in_bulk[part], part
    assert len(by_door["log"]) > 200
