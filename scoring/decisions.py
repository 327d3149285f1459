"""When a lead was first decided on, and what became of it, read from the log alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from leads.models import Lead, StageChange
from leads.stages import Stage, Verb

WITH_SALES = (Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.WON, Stage.LOST)
DECIDES = Q(to_stage__in=[Stage.MARKETING_QUALIFIED, *WITH_SALES]) | Q(verb=Verb.SEND_BACK)


@dataclass(frozen=True)
class Decision:
    """A lead's first decision: `accepted` is sales' first answer, `won` the end; None while there is none yet.

    `by_file`: an import tells of it; `dated`: and says when.
    """

    lead_id: int
    at: datetime
    accepted: bool | None
    won: bool | None
    by_file: bool
    dated: bool


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
    moves: dict[int, list[tuple[str, str, datetime, str]]] = defaultdict(list)
    standing = StageChange.objects.filter(lead__in=lead_ids, reversed_by=None).exclude(verb=Verb.UNDO)
    names = ("lead_id", "verb", "to_stage", "at", "actor")
    for lead, verb, to_stage, at, actor in standing.order_by("lead", "seq").values_list(*names):
        moves[lead].append((verb, to_stage, at, actor))
    entered = dict(Lead.objects.filter(pk__in=lead_ids).order_by().values_list("pk", "entered_at"))
    found = {}
    for lead, log in moves.items():
        first = next((n for n, (verb, to, *_rest) in enumerate(log) if _decides(verb, to)), None)
        if first is None:
            continue
        _verb, _to, at, actor = log[first]
        by_file = actor == StageChange.Actor.IMPORT
        dated = not by_file or at > entered[lead]
        found[lead] = Decision(lead, at, _accepted(log[first:]), _won(log[first:]), by_file, dated)
    return found


def _decides(verb: str, to_stage: str) -> bool:
    return to_stage == Stage.MARKETING_QUALIFIED or to_stage in WITH_SALES or verb == Verb.SEND_BACK


def _accepted(log: Iterable[tuple[str, str, datetime, str]]) -> bool | None:
    for verb, to_stage, _at, _actor in log:
        if to_stage in WITH_SALES:
            return True
        if verb == Verb.SEND_BACK or to_stage in {Stage.NURTURE, Stage.DISQUALIFIED}:
            return False
    return None


def _won(log: Sequence[tuple[str, str, datetime, str]]) -> bool | None:
    stages = [to for _verb, to, _at, _actor in log]
    if Stage.WON in stages:
        return True
    return False if stages[-1] in {Stage.LOST, Stage.DISQUALIFIED, Stage.NURTURE} else None
