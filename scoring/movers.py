"""Who changes sides under a draft: whom a publish would promote and demote, the first names, and why."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crm import consents
from crm.models import Contact, Suppression
from leads.models import Handoff, Lead
from leads.stages import Stage
from scoring import engine, promotion
from scoring.chunks import Stored
from scoring.models import Criterion
from scoring.trial import Trial

NAMES = 50
AT_ONCE = 5_000


@dataclass(frozen=True)
class Shift:
    """One lead before and after: `move` is rises, falls, stays (below the leave bar, but handed over) or ''.

    `reasons` are the criteria, as the scorecard names them, whose points differ most, and by how much.
    """

    lead_id: int
    before: int | None
    after: int
    grade_before: str
    grade_after: str
    move: str
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.move) or self.before != self.after or self.grade_before != self.grade_after


@dataclass(frozen=True)
class Moves:
    """The leads of a chunk a publish would move, or leave below the leave bar; whom the guards refuse, as a count."""

    rising: set[int]
    falling: set[int]
    stay: set[int]
    offered: int
    by_people: int
    refused: int


def moves(draft: Trial, stored: Stored, scores: engine.Scores) -> Moves:
    """Return the leads a publish would promote and demote, and how many it would leave where they are."""
    waiting = _those(stored.lead[scores.at_bar], stage=Stage.LEAD, round_open=True)
    rising = set(waiting) - _refused(waiting)
    low = stored.lead[~scores.at_bar & (scores.total < draft.compiled.bars.leave)]
    below = set(_those(low, stage=Stage.MARKETING_QUALIFIED))
    falling = set(promotion.lifted_by_the_system(Lead.objects.filter(pk__in=below)).values_list("pk", flat=True))
    offered = set(Handoff.objects.open().filter(lead__in=below).values_list("lead_id", flat=True))
    return Moves(
        rising, falling, below - falling, len(offered), len(below - falling - offered), len(waiting) - len(rising)
    )


def _those(lead_ids: np.ndarray, **state: object) -> list[int]:
    """Return those leads that are in `state`."""
    if len(lead_ids) > AT_ONCE:  # most of all leads: one read of the state is quicker than a long list
        within = set(lead_ids.tolist())
        rows = Lead.objects.filter(pk__gte=int(lead_ids.min()), pk__lte=int(lead_ids.max()), **state)
        return [pk for pk in rows.order_by().values_list("pk", flat=True) if pk in within]
    return list(Lead.objects.filter(pk__in=lead_ids.tolist(), **state).order_by().values_list("pk", flat=True))


def _refused(lead_ids: Sequence[int]) -> set[int]:
    """Return those whom the guards of a promotion would refuse: not reachable, objected, suppressed."""
    refused: set[int] = set()
    for start in range(0, len(lead_ids), AT_ONCE):
        people = {
            lead.contact_id: (lead.pk, lead.contact)
            for lead in Lead.objects.filter(pk__in=lead_ids[start : start + AT_ONCE]).select_related("contact")
        }
        refused |= {pk for pk, contact in people.values() if not contact.is_reachable}
        objections = consents.objections_of(people)
        refused |= {people[contact][0] for contact, pairs in objections.items() if ("offer", "") in pairs}
        refused |= _suppressed(people)
    return refused


def _suppressed(people: Mapping[int, tuple[int, Contact]]) -> set[int]:
    if not Suppression.objects.exists():
        return set()
    prints: dict[str, list[int]] = {}
    for pk, contact in people.values():
        for key in (contact.email_key, contact.phone_key):
            if key:
                prints.setdefault(consents.fingerprint(key), []).append(pk)
    return {pk for found in consents.suppressed_prints(prints) for pk in prints[found]}


# --- The first names ------------------------------------------------------------------------------


def first(
    draft: Trial, stored: Stored, scores: engine.Scores, moving: Moves, *, everybody: bool = False
) -> list[Shift]:
    """Return the strongest risers and the weakest fallers of a chunk, with their reasons."""
    leads, after = stored.lead.tolist(), scores.total
    places = list(range(len(leads)))
    if not everybody:
        rising = heapq.nlargest(NAMES, (n for n in places if leads[n] in moving.rising), key=lambda n: int(after[n]))
        falling = heapq.nsmallest(NAMES, (n for n in places if leads[n] in moving.falling), key=lambda n: int(after[n]))
        places = [*rising, *falling]
    keys = _stored_keys(draft)
    return [_shift(draft, keys, stored, scores, moving, place) for place in places]


def _stored_keys(draft: Trial) -> dict[int, tuple[str, str]]:
    """Return {slot of a stored score: (key, label) of the criterion}; a key keeps its slot through all versions.

    A sales signal has a place there too, but its point moves nothing.
    """
    rows = Criterion.objects.filter(version__scorecard=draft.version.scorecard_id, slot__isnull=False)
    rows = rows.exclude(kind=Criterion.Kind.SALES_SIGNAL)
    named = rows.order_by("version__number").values_list("slot", "key", "label")
    return {slot: (key, label) for slot, key, label in named if slot is not None}


def _shift(
    draft: Trial, keys: Mapping[int, tuple[str, str]], stored: Stored, scores: engine.Scores, moving: Moves,
    place: int,
) -> Shift:  # fmt: skip
    lead, has = int(stored.lead[place]), stored.seq[place] >= 0
    was = {keys[slot]: points for slot, points in enumerate(stored.points[place].tolist()) if points and slot in keys}
    old = {key: points for (key, _label), points in was.items()}
    labels = dict(was.keys()) | {c.key: c.label for c in draft.version.criteria.all()}
    new = {c.key: int(scores.points[place, c.slot]) for c in draft.version.criteria.all() if c.is_summed}
    deltas = {key: new.get(key, 0) - old.get(key, 0) for key in {*new, *old}}
    strongest = sorted((key for key, delta in deltas.items() if delta), key=lambda key: (-abs(deltas[key]), key))[:3]
    names = {"rises": moving.rising, "falls": moving.falling, "stays": moving.stay}
    return Shift(
        lead, int(stored.fit[place] + stored.engagement[place]) if has else None, int(scores.total[place]),
        stored.grade[place].decode() if has else "", scores.grade[place].decode(),
        next((name for name, ids in names.items() if lead in ids), ""),
        tuple((labels[key], deltas[key]) for key in strongest),
    )  # fmt: skip


def strongest(shifts: Sequence[Shift]) -> list[Shift]:
    """Return the strongest risers and the weakest fallers, as many of each as may be named in the end."""
    rising = heapq.nlargest(NAMES, (s for s in shifts if s.move == "rises"), key=lambda s: s.after)
    falling = heapq.nsmallest(NAMES, (s for s in shifts if s.move == "falls"), key=lambda s: s.after)
    return [*rising, *falling]


def named(shifts: Sequence[Shift]) -> list[Shift]:
    """Return the names that are shown, out of the strongest: half of the places are for those that fall."""
    rising = [s for s in shifts if s.move == "rises"]
    falling = [s for s in shifts if s.move == "falls"]
    kept = min(len(falling), max(NAMES // 2, NAMES - len(rising)))
    return [*rising[: NAMES - kept], *falling[:kept]]
