"""The clock of a handoff: how long sales has, when the answer is due, and every stretch of time on the way there.

The way is frozen with the offer and with each re-assignment. Settings, holidays and absences that change later move no
clock that runs already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm import absences, outbox
from crm.calendars import WORK, ZERO, Calendar, Stretch
from crm.models import Team, User
from crm.workdays import calendar_of, working_time_between, zone_of
from leads.models import Handoff, SlaEvent

WITHOUT_TEAM = timedelta(days=1)
LOOKED_AHEAD = timedelta(days=400)
TOLERATED = timedelta(minutes=1)
#: What a re-assignment sets anew, and an undo puts back.
FIELDS = ("due_at", "clock_from", "promised_minutes", "way", "remind_at", "reassign_at")


def promised(team: Team | None, grade: str) -> timedelta:
    """Return how much working time a team has to answer a lead of this grade."""
    if team is None:
        return WITHOUT_TEAM
    return timedelta(hours=team.hours_by_grade.get(grade, team.response_hours))


def calendar_for(team: Team, assignee: User | None, start: datetime) -> Calendar:
    """Return the team's calendar, less the days on which the person who has to answer is away."""
    zone = zone_of(team)
    if assignee is None:
        return Calendar(team, zone)
    away = absences.spans([assignee.pk], start, start + LOOKED_AHEAD, zone).get(assignee.pk, [])
    return Calendar(team, zone, away, assignee.name)


def started(
    team: Team | None, assignee: User | None, grade: str, at: datetime, *, moves_on: bool = True
) -> dict[str, Any]:
    """Return the fields of a handoff whose clock starts `at`; with `moves_on` it may go to another when overdue."""
    length = promised(team, grade)
    minutes = int(length / timedelta(minutes=1))
    if team is None:
        way = [Stretch(at, at + length, WORK)]
        return dict(zip(FIELDS, (at + length, at, minutes, frozen(way), None, None), strict=True))
    reckoned = calendar_for(team, assignee, at).reckon(at, length)
    ahead = timedelta(minutes=team.remind_minutes)
    remind = instant_of(reckoned.stretches, length - ahead) if ZERO < ahead < length else None
    again = None
    if moves_on and team.reassign_hours:
        again = calendar_of(team).reckon(reckoned.due, timedelta(hours=team.reassign_hours)).due
    return dict(zip(FIELDS, (reckoned.due, at, minutes, frozen(reckoned.stretches), remind, again), strict=True))


def instant_of(way: Iterable[Stretch], amount: timedelta) -> datetime | None:
    """Return when so much of the way has counted, None when it never does."""
    for one in way:
        if one.counts and one.length >= amount:
            return one.start + amount
        amount -= one.length if one.counts else ZERO
    return None


def frozen(way: Iterable[Stretch]) -> list[list[str]]:
    """Return stretches as JSON keeps them."""
    return [[one.start.isoformat(), one.end.isoformat(), one.kind, one.name] for one in way]


# --- Writing down what was due --------------------------------------------------------------------


def write(handoff: Handoff, kind: str, due_at: datetime) -> bool:
    """Write an event down unless that has been done; the caller's transaction holds the handoff's row."""
    _event, made = SlaEvent.objects.get_or_create(
        handoff=handoff, kind=kind, due_at=due_at,
        defaults={"assignee_id": handoff.assignee_id, "team_id": handoff.team_id, "noticed_at": timezone.now()},
    )  # fmt: skip
    return made


def note_late(handoff: Handoff, at: datetime) -> None:
    """Write the breach of a handoff that is answered or re-assigned `at`, when that comes too late."""
    if at > handoff.due_at:
        write(handoff, SlaEvent.Kind.BREACH, handoff.due_at)


# --- Reading --------------------------------------------------------------------------------------


def way_of(handoff: Handoff) -> list[Stretch]:
    """Return the way to the due time; where none was frozen, as today's settings would have it."""
    if handoff.way:
        return [
            Stretch(datetime.fromisoformat(start), datetime.fromisoformat(end), kind, name)
            for start, end, kind, name in handoff.way
        ]
    begins = handoff.clock_from or handoff.offered_at
    if handoff.team is None:
        return [Stretch(begins, handoff.due_at, WORK)] if begins < handoff.due_at else []
    return calendar_of(handoff.team).way(begins, handoff.due_at)


def allowed(handoff: Handoff) -> timedelta:
    """Return how much working time there was to answer, from the newest re-assignment on."""
    if handoff.promised_minutes is not None:
        return timedelta(minutes=handoff.promised_minutes)
    return promised(handoff.team, "")


def counted(way: Iterable[Stretch], start: datetime, end: datetime) -> timedelta:
    """Return how much of the way lies between two instants and counts."""
    return sum((max(ZERO, min(one.end, end) - max(one.start, start)) for one in way if one.counts), ZERO)


def left(handoff: Handoff, now: datetime) -> timedelta | None:
    """Return the working time until the answer is due, negative once it is over, None for a closed handoff."""
    if handoff.closed_at is not None:
        return None
    if now <= handoff.due_at:
        return counted(way_of(handoff), now, handoff.due_at)
    return -max(over(handoff, now), timedelta(minutes=1))


def over(handoff: Handoff, until: datetime) -> timedelta:
    """Return how much working time has passed since the answer was due."""
    if until <= handoff.due_at:
        return ZERO
    return working_time_between(handoff.team, handoff.due_at, until) if handoff.team else until - handoff.due_at


def used(handoff: Handoff, until: datetime) -> timedelta:
    """Return how much working time has counted since the clock started, until it stopped or `until`."""
    until = min(until, handoff.closed_at or until)
    start = handoff.clock_from or handoff.offered_at
    return counted(way_of(handoff), start, min(until, handoff.due_at)) + over(handoff, until)


def took(handoff: Handoff, closed: datetime) -> int:
    """Return the seconds of working time from the start of the clock until `closed`, by the team's hours of today."""
    start = handoff.clock_from or handoff.offered_at
    passed = working_time_between(handoff.team, start, closed) if handoff.team else closed - start
    return max(0, int(passed.total_seconds()))


def system_delay(handoff: Handoff, until: datetime) -> timedelta:
    """Return how much of the used time the offer waited for us: its notice had not left. Less than a minute is nothing.

    Never more than was used. Who is told by the board alone, as a queue is, waits for nothing.
    """
    until = min(until, handoff.closed_at or until)
    start = (handoff.clock_from or handoff.offered_at) + outbox.HOLD
    told = min(handoff.told_at or until, until)
    waited = counted(way_of(handoff), start, min(told, handoff.due_at)) if told > start else ZERO
    if told > handoff.due_at:
        waited += over(handoff, told)
    return waited if waited >= TOLERATED else ZERO
