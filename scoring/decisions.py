"""When a lead was first decided on, and what became of it, read from the log alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from leads.models import Lead, StageChange
from leads.stages import Stage, Verb

WITH_SALES = (Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.WON, Stage.LOST)
DECIDES = Q(to_stage__in=[Stage.MARKETING_QUALIFIED, *WITH_SALES]) | Q(verb=Verb.SEND_BACK)


@dataclass(frozen=True)
class Decision:
    """A lead's first decision: `accepted` is sales' first answer, `won` the end; None while there is none yet.

    `by_file`: an import tells of it; `dated`: and says when. `reason_id`: why the first answer was no.
    """

    lead_id: int
    at: datetime
    accepted: bool | None
    won: bool | None
    by_file: bool
    dated: bool
    reason_id: int | None = None


class Logged(NamedTuple):
    """What the log says of one move."""

    verb: str
    to_stage: str
    at: datetime
    actor: str
    reason_id: int | None


def count() -> int:
    """Return how many leads have ever been decided on."""
    return _deciding().order_by().values("lead").distinct().count()


def next_leads(after: int, limit: int) -> list[int]:
    """Return the next leads above `after` that were decided on, in order."""
    rows = _deciding().filter(lead__gt=after).order_by("lead").values_list("lead", flat=True).distinct()
    return list(rows[:limit])


def _deciding() -> QuerySet[StageChange]:
    return StageChange.objects.filter(DECIDES, reversed_by=None).exclude(verb=Verb.UNDO)


def of(lead_ids: Sequence[int]) -> dict[int, Decision]:
    """Return {lead: its first decision}; what was undone never happened."""
    moves: dict[int, list[Logged]] = defaultdict(list)
    standing = StageChange.objects.filter(lead__in=lead_ids, reversed_by=None).exclude(verb=Verb.UNDO)
    names = ("lead_id", "verb", "to_stage", "at", "actor", "reason_id")
    for lead, *logged in standing.order_by("lead", "seq").values_list(*names):
        moves[lead].append(Logged(*logged))
    entered = dict(Lead.objects.filter(pk__in=lead_ids).order_by().values_list("pk", "entered_at"))
    found = {}
    for lead, log in moves.items():
        first = next((n for n, move in enumerate(log) if _decides(move.verb, move.to_stage)), None)
        if first is None:
            continue
        move, answer = log[first], _answer(log[first:])
        by_file = move.actor == StageChange.Actor.IMPORT
        dated = not by_file or move.at > entered[lead]
        accepted = None if answer is None else answer.to_stage in WITH_SALES
        reason = None if answer is None or accepted else answer.reason_id
        found[lead] = Decision(lead, move.at, accepted, _won(log[first:]), by_file, dated, reason)
    return found


def _decides(verb: str, to_stage: str) -> bool:
    return to_stage == Stage.MARKETING_QUALIFIED or to_stage in WITH_SALES or verb == Verb.SEND_BACK


def _answer(log: Iterable[Logged]) -> Logged | None:
    """Return the move with which sales first said yes or no, None while neither was said."""
    return next((move for move in log if move.to_stage in WITH_SALES or move.verb == Verb.SEND_BACK
                 or move.to_stage in {Stage.NURTURE, Stage.DISQUALIFIED}), None)  # fmt: skip


def _won(log: Sequence[Logged]) -> bool | None:
    stages = [move.to_stage for move in log]
    if Stage.WON in stages:
        return True
    return False if stages[-1] in {Stage.LOST, Stage.DISQUALIFIED, Stage.NURTURE} else None
