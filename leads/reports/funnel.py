"""The funnel: how far a cohort came, how long each step took, and what happened on one day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from django.db.models import Count, F, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm import roles
from crm.models import User
from leads import milestones
from leads.models import Lead, Milestones, Source, StageChange
from leads.models.lead import LeadQuerySet
from leads.reports.listed import Listed, numbers, of_all
from leads.reports.period import midnight
from leads.stages import OPEN, Stage, Verb

STEPS: tuple[tuple[str, str | Promise, bool], ...] = (
    ("entered", _("Entered"), False),
    ("mql", _("MQL"), False),
    ("offered", pgettext_lazy("step of the funnel", "Offered to sales"), False),
    ("sal", _("Accepted (SAL)"), True),
    ("sql", _("Qualified (SQL)"), True),
    ("won", _("Won"), True),
)
DEPTH = {key: place for place, key in enumerate(milestones.STEPS)}


@dataclass(frozen=True)
class Balance:
    """The conservation law for one cohort."""

    entered: int
    open: int
    won: int
    lost: int
    disqualified: int
    nurture: int

    @property
    def difference(self) -> int:
        return self.entered - self.open - self.won - self.lost - self.disqualified


@dataclass
class Line:
    """One row of the table: a source, and how many of its leads reached each step (counts, same order as STEPS)."""

    source: Source | None
    reached: list[int] = field(default_factory=lambda: [0] * len(STEPS))

    @property
    def entered_to_sql(self) -> float | None:
        return self.reached[DEPTH["sql"]] / self.reached[0] if self.reached[0] else None

    @property
    def accepted_of_offered(self) -> float | None:
        offered = self.reached[DEPTH["offered"]]
        return self.reached[DEPTH["sal"]] / offered if offered else None


@dataclass(frozen=True)
class Funnel:
    """What a cohort came to: `reached` and `times` (median from entering, None without cases) per step; by source."""

    reached: list[int]
    times: list[timedelta | None]
    lines: list[Line]


@dataclass(frozen=True)
class Day:
    """What happened on one local day; what was undone since does not count."""

    day: date
    entered: int
    moved: dict[str, int]
    amount: Decimal


def standing_moves(leads: QuerySet[Lead] | None = None) -> QuerySet[StageChange]:
    """Return the moves that still hold: neither undone nor an undo themselves."""
    moves = StageChange.objects.filter(reversed_by=None).exclude(verb=Verb.UNDO)
    return moves if leads is None else moves.filter(lead__in=leads)


@dataclass(frozen=True)
class Cohort:
    """Leads counted by what became of them: {(source, stage, depth): leads}."""

    counts: Mapping[tuple[int | None, str, int], int]

    def balance(self) -> Balance:
        """Return them by what became of them."""
        counted: Counter[str] = Counter()
        for (_source, stage, _depth), number in self.counts.items():
            counted[stage] += number
        return Balance(
            counted.total(), sum(counted[stage] for stage in OPEN), counted[Stage.WON], counted[Stage.LOST],
            counted[Stage.DISQUALIFIED], counted[Stage.NURTURE],
        )  # fmt: skip

    def lines(self) -> list[Line]:
        """Return the lines of the sources, those with most leads first. One query."""
        by_source: dict[int | None, Counter[int]] = defaultdict(Counter)
        for (source, _stage, deepest), number in self.counts.items():
            by_source[source][deepest] += number
        sources = Source.objects.in_bulk([pk for pk in by_source if pk])
        lines = [Line(sources.get(pk) if pk else None, at_least(depths)) for pk, depths in by_source.items()]
        return sorted(lines, key=lambda line: -line.reached[0])


def cohort(leads: QuerySet[Lead]) -> Cohort:
    """Count `leads`, in one query from one index alone."""
    rows = leads.order_by().values_list("source_id", "stage", "depth").annotate(n=Count("pk"))
    return Cohort({(source, stage, deepest): n for source, stage, deepest, n in rows})


def funnel(counted: Cohort, moved: QuerySet[Milestones]) -> Funnel:
    """Return how far the cohort came. A lead counts in every step up to the furthest it reached.

    `moved` are the milestones of the same leads.
    """
    lines = counted.lines()
    times = [None, *(timedelta(seconds=float(np.median(span))) if len(span) else None for span in lags(moved).values())]
    reached = [sum(line.reached[place] for line in lines) for place in range(len(STEPS))]
    return Funnel(reached, times, lines)


def at_least(depths: Mapping[int, int]) -> list[int]:
    """Return how many came at least to each of STEPS, of {depth: leads}."""
    return [sum(n for deepest, n in depths.items() if deepest >= place) for place in range(len(STEPS))]


def lags(moved: QuerySet[Milestones]) -> dict[str, np.ndarray]:
    """Return {step: seconds from entering to the first time there, of each lead that got there}, without "entered"."""
    listed = {f"to_{step}": Listed(F(step) - F("entered")) for step in list(DEPTH)[1:]}
    return {name.removeprefix("to_"): numbers(spans) for name, spans in of_all(moved, **listed).items()}


def leads_that_reached(leads: LeadQuerySet, step: str) -> LeadQuerySet:
    """Return the rows behind one number of the funnel; KeyError for a step there is none of."""
    place = DEPTH[step]
    return leads.filter(depth__gte=place) if place else leads


def on_day(day: date, user: User) -> Day:
    """Return what happened on one local day to the leads `user` may read."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    visible = Lead.objects.visible_to(user)
    moves = standing_moves(None if roles.sees_everything(user) else visible).order_by()
    moves = moves.filter(verb__in=Verb.values, at__gte=start, at__lt=end)
    verbs: Counter[str] = Counter()
    imported = 0
    for verb, to_stage, number in moves.values_list("verb", "to_stage").annotate(n=Count("pk")):
        verbs[verb] += number
        imported += number if (verb, to_stage) == (Verb.ENTER_AS, Stage.WON) else 0
    won = moves.filter(verb__in=[Verb.WIN, Verb.ENTER_AS], to_stage=Stage.WON).values("lead")
    moved = {
        "mql": verbs[Verb.QUALIFY_FOR_MARKETING],
        "offered": verbs[Verb.HAND_OFF],
        "sal": verbs[Verb.ACCEPT],
        "sql": verbs[Verb.QUALIFY_FOR_SALES],
        "won": verbs[Verb.WIN] + imported,
        "sent_back": verbs[Verb.SEND_BACK],
        "lost": verbs[Verb.LOSE],
        "disqualified": verbs[Verb.DISQUALIFY] + verbs[Verb.ABSORB],
    }
    amount = visible.filter(pk__in=won, stage=Stage.WON).aggregate(total=Sum("amount"))["total"] or Decimal(0)
    entered = visible.filter(entered_at__gte=start, entered_at__lt=end).count()
    return Day(day, entered, moved, amount)
