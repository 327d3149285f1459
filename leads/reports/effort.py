"""Effort: what sales spent on leads it later let go of, beside what it spent on all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from crm.models import Activity, ActivityKind, Role, User
from leads.models import Milestones, Source
from leads.models.lead import LeadQuerySet
from leads.reports.arrays import runs
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, Row, of_all, rows, whole

#: What became of a lead that sales had; they add up to all of them.
FATES = ("nurture", "lost", "disqualified", "won", "open")
REJECTED = FATES[:3]
DAY = 86_400
NEVER = Value(2**33, output_field=BigIntegerField())  # seconds since 1970: no lead was let go of so late


@dataclass
class Spent:
    """On so many leads: activities sales wrote down, calls and meetings of them, and days until they were let go."""

    leads: int = 0
    activities: int = 0
    calls: int = 0
    seconds: int = 0

    def add(self, other: Spent) -> None:
        for name in ("leads", "activities", "calls", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Line:
    """One source (None: none): what was spent, by what became of the leads."""

    source: Source | None
    by_fate: dict[str, Spent] = field(default_factory=lambda: {fate: Spent() for fate in FATES})

    @property
    def key(self) -> str:
        return str(self.source.pk) if self.source else "none"

    def sum(self, fates: Iterable[str] = FATES) -> Spent:
        whole = Spent()
        for fate in fates:
            whole.add(self.by_fate[fate])
        return whole


def _had(at: str) -> Q:
    """Return whether sales has had a lead whose milestones are at `at`."""
    return Q(**{f"{at}offered__isnull": False}) | Q(**{f"{at}sal__isnull": False}) | Q(**{f"{at}sql__isnull": False})


def _fate(at: str, name: Callable[[str], Any] = Value) -> Case:
    """Return what became of a lead, as `name` of it; won ones stay won, whatever else became of them."""
    let_go = [When(**{f"{at}rejected_to": fate}, then=name(fate)) for fate in REJECTED]
    return Case(When(**{f"{at}won__isnull": False}, then=name("won")), *let_go, default=name("open"))


def lines(moved: QuerySet[Milestones]) -> list[Line]:
    """Return what sales spent per source, most activities on leads let go of first. A fixed number of queries."""
    had = _leads_of(moved)
    activities, calls = _activities(had)
    sources = Source.objects.in_bulk()
    found: dict[int, Line] = {}
    leads = np.bincount(had.group)
    seconds = np.bincount(had.group, had.until - had.since).astype(np.int64)  # exact: far fewer than 2 ** 53
    for group in np.flatnonzero(leads).tolist():
        source, fate = group // len(FATES), FATES[group % len(FATES)]
        line = found.setdefault(source, Line(sources.get(source)))
        held = int(seconds[group]) if fate in REJECTED else 0
        line.by_fate[fate] = Spent(int(leads[group]), int(activities[group]), int(calls[group]), held)
    return sorted(found.values(), key=lambda line: (-line.sum(REJECTED).activities, -line.sum().leads))


@dataclass(frozen=True)
class _Had:
    """The leads sales had, by contact: whose, from when until when (seconds), in which group; int64.

    A group is the key of a source (0: none) times so many as FATES, and the place of a fate.
    """

    contact: np.ndarray
    since: np.ndarray
    until: np.ndarray
    group: np.ndarray


def _leads_of(moved: QuerySet[Milestones]) -> _Had:
    """Return the leads sales had of those with these milestones. One query, of one row."""
    until = Case(When(won__isnull=True, then=Coalesce("rejected", NEVER)), default=NEVER)
    fate = _fate("", lambda name: Value(FATES.index(name)))
    group = Coalesce("lead__source_id", 0) * len(FATES) + fate
    told = Row("lead__contact_id", Coalesce("offered", "sal", "sql"), until, whole(group))
    listed = of_all(moved.filter(_had("")), listed=Listed(told))["listed"]
    found = rows(listed, told)
    return _Had(*found[:, np.argsort(found[0], kind="stable")])


def _activities(had: _Had) -> tuple[np.ndarray, np.ndarray]:
    """Return, by group, how much sales wrote down while it had the leads, and how many of that are calls and meetings.

    Joined here: a database would look up the activities of each lead by itself.
    """
    sellers = list(User.objects.filter(role__in=[Role.SALES_REP, Role.SALES_LEAD]).values_list("pk", flat=True))
    calls = ActivityKind.objects.filter(group=ActivityKind.Group.CALL).values_list("pk", flat=True)
    first = datetime.fromtimestamp(int(had.since.min(initial=int(NEVER.value))), UTC)
    done = Activity.objects.filter(by__in=sellers, by__isnull=False, contact__isnull=False, occurred_at__gte=first)
    called = Case(When(kind__in=list(calls), then=1), default=0, output_field=BigIntegerField())
    told = Row(whole(F("contact_id") * 2 + called), Epoch("occurred_at"))  # the fewer numbers, the faster
    told_of, at = rows(of_all(done, listed=Listed(told))["listed"], told)
    contact, is_call = np.divmod(told_of, 2)
    lowest, many = runs(had.contact, contact)
    groups = had.group.max(initial=-1) + 1
    counted = np.zeros((2, groups), np.int64)
    for nth in range(many.max(initial=0)):  # the leads one contact has had
        some = np.flatnonzero(nth < many)
        lead = lowest[some] + nth
        within = (had.since[lead] <= at[some]) & (at[some] <= had.until[lead])
        group, was_call = had.group[lead[within]], is_call[some[within]]
        counted += [np.bincount(group, minlength=groups), np.bincount(group[was_call == 1], minlength=groups)]
    return counted[0], counted[1]


def of_fate(leads: LeadQuerySet, fate: str) -> QuerySet[Any]:
    """Return the leads behind a figure: "all", "rejected" or one fate; KeyError for anything else."""
    wanted = {"all": FATES, "rejected": REJECTED} | {one: (one,) for one in FATES}
    return leads.filter(_had("milestones__")).annotate(fate=_fate("milestones__")).filter(fate__in=wanted[fate])


def together(all_lines: Iterable[Line]) -> Line:
    """Return all lines as one."""
    whole = Line(None)
    for line in all_lines:
        for fate, spent in line.by_fate.items():
            whole.by_fate[fate].add(spent)
    return whole
