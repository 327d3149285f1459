"""The agreement measured both ways, week by week: how fast sales answers, and what marketing delivers.

A handoff counts in the local week (from Monday) in which it was offered; one that was withdrawn or undone nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

import numpy as np
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce

from crm import roles
from crm.models import Team, User
from crm.templatetags.formats import working_span
from crm.workdays import workspace_zone
from leads import agreements, clock
from leads.models import Handoff, Lead
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, Row, of_all, rows
from leads.reports.period import midnight

Outcome = Handoff.Outcome
WEEK = timedelta(days=7)
ANSWERED = Q(outcome__in=[Outcome.ACCEPTED, Outcome.SENT_BACK, Outcome.DISQUALIFIED])

LATE = ANSWERED & Q(closed_at__gt=F("due_at"))
STEPS = ("offered", "answered", "in-time", "late", "overdue", "waiting", "accepted")
STATES = ("in-time", "late", "overdue", "waiting")  # one of them each
ANSWERS = 2  # the first two are answers
WAITED = 70  # seconds after which a notice had to leave


def steps(now: datetime) -> dict[str, Q]:
    """Return key → which handoffs a number counts; the list behind the number asks the same."""
    return {
        "offered": Q(),
        "answered": ANSWERED,
        "in-time": ANSWERED & Q(closed_at__lte=F("due_at")),
        "late": LATE,
        "overdue": Q(closed_at=None, due_at__lt=now),
        "waiting": Q(closed_at=None, due_at__gte=now),
        "accepted": Q(outcome=Outcome.ACCEPTED),
    }


@dataclass
class Week:
    """One week: handoffs by what became of them, what was promised, how long answers took (working time)."""

    start: date
    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    by_system: int = 0
    promised: int | None = None
    promised_share: float | None = None
    times: list[int] = field(default_factory=list)

    def count(self, states: np.ndarray, accepted: int) -> None:
        """Take the handoffs of this week, each as its place in STATES."""
        counted = np.bincount(states, minlength=len(STATES) + 1).tolist()
        self.numbers = dict(zip(STATES, counted, strict=False)) | {
            "offered": len(states), "answered": sum(counted[:ANSWERS]), "accepted": accepted,
        }  # fmt: skip

    @property
    def end(self) -> date:
        return self.start + WEEK - timedelta(days=1)

    @property
    def judged(self) -> int:
        """How many should have been answered by now."""
        return self.numbers["answered"] + self.numbers["overdue"]

    @property
    def in_time_share(self) -> float | None:
        return self.numbers["in-time"] / self.judged if self.judged else None

    @property
    def accepted_share(self) -> float | None:
        return self.numbers["accepted"] / self.numbers["answered"] if self.numbers["answered"] else None

    @property
    def missing(self) -> int | None:
        """How many MQLs fewer than promised came; negative when more did, None where nothing was promised."""
        return None if self.promised is None else self.promised - self.numbers["offered"]

    @property
    def median(self) -> timedelta | None:
        return timedelta(seconds=median(self.times)) if self.times else None

    @property
    def median_words(self) -> str:
        middle = self.median
        return "–" if middle is None else working_span(middle)

    @property
    def in_time(self) -> int:
        return self.numbers["in-time"]


def handoffs(user: User, start: date, end: date, team: Team | None) -> QuerySet[Handoff]:
    """Return what was offered in the weeks from Monday `start` to Sunday `end` of leads `user` may read."""
    found = Handoff.objects.filter(offered_at__gte=midnight(start), offered_at__lt=midnight(end + timedelta(days=1)))
    found = found.exclude(outcome__in=[Outcome.UNDONE, Outcome.WITHDRAWN])
    if not roles.sees_everything(user):
        found = found.filter(lead__in=Lead.objects.visible_to(user))
    return found.filter(team=team) if team else found


def weeks(found: QuerySet[Handoff], start: date, end: date, team: Team | None, now: datetime) -> list[Week]:
    """Return every week from Monday `start` to Sunday `end`, the newest first. A fixed number of queries."""
    made = [Week(start + n * WEEK) for n in range((end - start) // WEEK + 1)]
    offered, states, accepted, took, waited = _told(found, now)
    week_of = np.searchsorted([midnight(week.start).timestamp() for week in made], offered, "right") - 1
    order = np.argsort(week_of, kind="stable")
    bounds = np.searchsorted(week_of[order], np.arange(len(made) + 1))
    kept = np.where((states < ANSWERS) & (took >= 0), took, -1)
    for place, week in enumerate(made):
        of_it = order[bounds[place] : bounds[place + 1]]
        week.count(states[of_it], int(accepted[of_it].sum()))
        week.times = kept[of_it][kept[of_it] >= 0].tolist()
    by_start = {week.start: week for week in made}
    if (took[states < ANSWERS] < 0).any():
        _add_times_of_old(found, by_start)
    if waited.any():
        _add_system(found, by_start)
    _add_promises(by_start, [team] if team else agreements.sales_teams())
    return made[::-1]


def _told(found: QuerySet[Handoff], now: datetime) -> np.ndarray:
    """Return int64[5, n] of n handoffs: the second they were offered, the place of their state in STATES (behind it:
    none), whether accepted, how long the answer took (-1: not kept), whether late with a notice that waited."""
    asks = steps(now)
    state = Case(*[When(asks[key], then=place) for place, key in enumerate(STATES)], default=len(STATES))
    was_accepted = Case(When(asks["accepted"], then=1), default=0)
    waited = Case(When(LATE & Q(told__gte=F("offered") + WAITED), then=1), default=0)
    told = Row(Epoch("offered_at"), state, was_accepted, Coalesce("took", -1), waited)
    handoffs = found.annotate(offered=Epoch("offered_at"), told=Epoch("told_at"))
    return rows(of_all(handoffs, listed=Listed(told))["listed"], told)


def _week_of(at: datetime) -> date:
    return agreements.monday(at.astimezone(workspace_zone()).date())


def _add_times_of_old(found: QuerySet[Handoff], made: Mapping[date, Week]) -> None:
    """Count what was answered before handoffs kept how long it took."""
    for old in found.filter(ANSWERED, took=None).select_related("team").iterator(chunk_size=2000):
        if old.closed_at:
            made[_week_of(old.offered_at)].times.append(clock.took(old, old.closed_at))


def _add_system(found: QuerySet[Handoff], made: Mapping[date, Week]) -> None:
    """Count the late ones that would have been in time, had their notice left at once."""
    waited = Q(told_at__gt=F("offered_at") + timedelta(seconds=WAITED))
    for late in found.filter(LATE, waited).select_related("team"):
        closed = late.closed_at
        if closed and clock.used(late, closed) - clock.system_delay(late, closed) <= clock.allowed(late):
            made[_week_of(late.offered_at)].by_system += 1


def _add_promises(made: Mapping[date, Week], teams: list[Team]) -> None:
    """Add up what the teams were promised; the share is weighed by the MQLs promised, else the plain mean."""
    promises = agreements.all_promises()
    for week in made.values():
        held = [agreements.in_force(promises.get(team.pk, []), week.start) for team in teams]
        numbers = [mqls for mqls, _percent in held if mqls is not None]
        shares = [(percent, mqls or 1) for mqls, percent in held if percent is not None]
        week.promised = sum(numbers) if numbers else None
        weight = sum(weighs for _percent, weighs in shares)
        week.promised_share = sum(p * weighs for p, weighs in shares) / weight / 100 if shares else None


def total(all_weeks: list[Week]) -> Week:
    """Return the sums of all weeks as one."""
    whole = Week(min((week.start for week in all_weeks), default=date.min))
    for week in all_weeks:
        whole.numbers = {key: whole.numbers[key] + number for key, number in week.numbers.items()}
        whole.by_system += week.by_system
        whole.times += week.times
    promised = [week.promised for week in all_weeks if week.promised is not None]
    shares = [week.promised_share for week in all_weeks if week.promised_share is not None]
    whole.promised = sum(promised) if promised else None
    whole.promised_share = sum(shares) / len(shares) if shares else None
    return whole
