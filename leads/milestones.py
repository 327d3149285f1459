"""Keeps the milestones of leads: a projection of the log, written in the transaction of each move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from crm import bulk
from leads.models import Lead, Milestones, StageChange
from leads.stages import SALES_OWNED, Stage, Verb

#: How far a lead can come, in order; a lead's depth is a place in this row.
STEPS = ("entered", "mql", "offered", "sal", "sql", "won")
#: stage → the column that says since when a lead first stayed in it
STAYS = {"lead": "entered", "mql": "mql", "sal": "sal", "sql": "sql", "nurture": "nurture"}
COLUMNS = tuple(field.attname for field in Milestones._meta.concrete_fields)
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Made:
    """A move that still holds, as far as milestones look at it."""

    verb: str
    from_stage: str
    to_stage: str
    at: datetime
    handoff: int | None = None
    score: int | None = None
    grade: str = ""


def of_log(entered_at: datetime, moves: Iterable[Made]) -> dict[str, Any]:
    """Return {column: value} of a lead that entered at `entered_at`, from its moves in the order they were made.

    `moves` are those that still hold: neither undone nor an undo. Instants become whole seconds since 1970.
    """
    found: dict[str, Any] = dict.fromkeys(COLUMNS[1:]) | {"rejected_to": "", "grade": "", "depth": 0}
    found["entered"] = int(entered_at.timestamp())
    for move in moves:
        at, came = int(move.at.timestamp()), move.from_stage != move.to_stage
        if came and move.from_stage in STAYS:
            _first(found, f"{STAYS[move.from_stage]}_left", at)
        if came and move.to_stage == Stage.MARKETING_QUALIFIED and found["mql"] is None:
            found["score"], found["grade"] = move.score, move.grade
        step = "offered" if move.verb == Verb.HAND_OFF else move.to_stage if came else ""
        if step in STEPS:
            found["depth"] = max(found["depth"], STEPS.index(step))
        if step in found:
            _first(found, step, at)
        if found["rejected"] is None and _rejects(move):
            found["rejected"], found["rejected_to"] = at, str(move.to_stage)
    return found


def _first(found: dict[str, Any], name: str, at: int) -> None:
    if found[name] is None:
        found[name] = at


def _rejects(move: Made) -> bool:
    """Whether sales let go of the lead by this move, whether accepted or only offered."""
    ends = move.to_stage in {Stage.NURTURE, Stage.LOST, Stage.DISQUALIFIED} and move.verb != Verb.ABSORB
    return ends and (move.from_stage in SALES_OWNED or move.handoff is not None)


def of_leads(lead_ids: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (lead, its milestones) for those leads whose log holds a move that still stands. One query."""
    rows = (
        StageChange.objects.filter(lead__in=list(lead_ids), reversed_by=None)
        .exclude(verb=Verb.UNDO)
        .order_by("lead", "seq")
        .values_list(
            "lead_id", "lead__entered_at", "verb", "from_stage", "to_stage", "at", "handoff_id", "score", "grade"
        )
    )
    for (lead, entered), moves in groupby(rows, key=lambda row: row[:2]):
        yield lead, of_log(entered, (Made(*row[2:]) for row in moves))


def keep(lead_ids: Iterable[int]) -> None:
    """Bring the milestones of these leads in line with their log, in the caller's transaction."""
    ids = list(lead_ids)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        rows = Milestones.objects.filter(lead__in=some)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
        made = dict(of_leads(some))
        insert(made)
        _tell_leads({lead: made[lead]["depth"] if lead in made else 0 for lead in some})


def insert(made: Mapping[int, Mapping[str, Any]]) -> None:
    """Store {lead: what `of_log` says} of leads that have no milestones yet; their depth is the caller's to write."""
    bulk.insert_values(
        Milestones, COLUMNS, ((lead, *(told[name] for name in COLUMNS[1:])) for lead, told in made.items())
    )


def _tell_leads(depths: Mapping[int, int]) -> None:
    """Write on the leads how far they have come, where that has changed."""
    for depth in set(depths.values()):
        ids = [lead for lead, deepest in depths.items() if deepest == depth]
        Lead.objects.filter(pk__in=ids).exclude(depth=depth).update(depth=depth)
