"""Effort: what sales spent on leads it later let go of, beside what it spent on all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from crm.models import Activity, ActivityKind, Role, User
from leads.models import Lead, Source
from leads.models.lead import LeadQuerySet
from leads.reports.epoch import Epoch

#: What became of a lead that sales had; they add up to all of them.
FATES = ("nurture", "lost", "disqualified", "won", "open")
REJECTED = FATES[:3]
#: Since when sales has a lead: the first offer, or where a file brought it in as SAL or SQL, that.
SINCE = Coalesce("milestones__offered", "milestones__sal", "milestones__sql")
FATE = Case(
    When(milestones__won__isnull=False, then=Value("won")),
    When(milestones__rejected__isnull=False, then=F("milestones__rejected_to")), default=Value("open"),
)  # fmt: skip
DAY = 86_400


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


def with_sales(leads: QuerySet[Lead]) -> QuerySet[Any]:
    """Return the leads that sales was offered or has had, with `since`, `fate` and how far they came."""
    had = Q(milestones__offered__isnull=False) | Q(milestones__sal__isnull=False) | Q(milestones__sql__isnull=False)
    return leads.filter(had).annotate(since=SINCE, fate=FATE)


def lines(leads: LeadQuerySet) -> list[Line]:
    """Return what sales spent per source, most activities on leads let go of first. Three queries."""
    found: dict[int | None, Line] = {}
    had = with_sales(leads).order_by()
    rows = had.values_list("source_id", "fate").annotate(
        n=Count("pk"), lasted=Sum(F("milestones__rejected") - F("since"))
    )
    sources = Source.objects.in_bulk()
    for source, fate, number, lasted in rows:
        line = found.setdefault(source, Line(sources.get(source) if source else None))
        line.by_fate[fate].add(Spent(leads=number, seconds=(lasted or 0) if fate in REJECTED else 0))
    for source, fate, activities, calls in _activities(had):
        found[source].by_fate[fate].add(Spent(activities=activities, calls=calls))
    return sorted(found.values(), key=lambda line: (-line.sum(REJECTED).activities, -line.sum().leads))


def _activities(had: QuerySet[Any]) -> Iterable[tuple[int | None, str, int, int]]:
    """Yield (source, fate, 1, is it a call or meeting) of all that sales wrote down while it had the leads.

    Joined here: a database would look up each activity by the contact of each lead.
    """
    sellers = list(User.objects.filter(role__in=[Role.SALES_REP, Role.SALES_LEAD]).values_list("pk", flat=True))
    calls = set(ActivityKind.objects.filter(group=ActivityKind.Group.CALL).values_list("pk", flat=True))
    theirs: dict[int, list[tuple[int | None, str, int, float]]] = defaultdict(list)
    for contact, source, fate, since, rejected in had.values_list(
        "contact_id", "source_id", "fate", "since", "milestones__rejected"
    ):
        theirs[contact].append((source, fate, since, inf if rejected is None or fate == "won" else rejected))
    first = min((since for leads in theirs.values() for _source, _fate, since, _until in leads), default=0)
    since_then = datetime.fromtimestamp(first, UTC)
    done = Activity.objects.filter(by__in=sellers, by__isnull=False, occurred_at__gte=since_then)
    for contact, at, kind in done.order_by().values_list("contact_id", Epoch("occurred_at"), "kind_id"):
        for source, fate, since, until in theirs.get(contact, ()):
            if since <= at <= until:
                yield source, fate, 1, kind in calls


def of_fate(leads: LeadQuerySet, fate: str) -> QuerySet[Any]:
    """Return the leads behind a figure: "all", "rejected" or one fate; KeyError for anything else."""
    wanted = {"all": FATES, "rejected": REJECTED} | {one: (one,) for one in FATES}
    return with_sales(leads).filter(fate__in=wanted[fate])


def together(all_lines: Iterable[Line]) -> Line:
    """Return all lines as one."""
    whole = Line(None)
    for line in all_lines:
        for fate, spent in line.by_fate.items():
            whole.by_fate[fate].add(spent)
    return whole
