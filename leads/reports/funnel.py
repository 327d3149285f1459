"""The funnel: how far a cohort came, how long each step took, and what happened on one day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.models import User
from leads.models import Lead, Source, StageChange
from leads.models.lead import LeadQuerySet
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
DEPTH = {key: depth for depth, (key, _label, _sales) in enumerate(STEPS)}


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


def balance(leads: QuerySet[Lead]) -> Balance:
    """Count the cohort by what became of it, in one query."""
    counted = leads.aggregate(
        entered=Count("pk"),
        open=Count("pk", filter=Q(stage__in=OPEN)),
        won=Count("pk", filter=Q(stage=Stage.WON)),
        lost=Count("pk", filter=Q(stage=Stage.LOST)),
        disqualified=Count("pk", filter=Q(stage=Stage.DISQUALIFIED)),
        nurture=Count("pk", filter=Q(stage=Stage.NURTURE)),
    )
    return Balance(**counted)


def _step_of(verb: str, to_stage: str) -> str | None:
    if verb == Verb.HAND_OFF:
        return "offered"
    return to_stage if to_stage in DEPTH else None


def depths(leads: QuerySet[Lead]) -> tuple[dict[int, int], dict[str, dict[int, datetime]]]:
    """Return (lead → furthest step, step → lead → first instant), read from the log alone."""
    furthest: dict[int, int] = {}
    first: dict[str, dict[int, datetime]] = defaultdict(dict)
    for lead, verb, to_stage, at in (
        standing_moves(leads).order_by("seq").values_list("lead_id", "verb", "to_stage", "at")
    ):
        step = _step_of(verb, to_stage)
        if step is None:
            continue
        furthest[lead] = max(furthest.get(lead, 0), DEPTH[step])
        first[step].setdefault(lead, at)
    return furthest, first


def funnel(leads: QuerySet[Lead]) -> Funnel:
    """Return how far the cohort came. A lead counts in every step up to the furthest it reached."""
    entered = {pk: (source, at) for pk, source, at in leads.values_list("pk", "source_id", "entered_at")}
    furthest, first = depths(leads)
    by_source: dict[int | None, Counter[int]] = defaultdict(Counter)
    for pk, (source, _at) in entered.items():
        by_source[source][furthest.get(pk, 0)] += 1
    sources = Source.objects.in_bulk([pk for pk in by_source if pk])
    lines = [Line(sources.get(pk) if pk else None, _at_least(depths)) for pk, depths in by_source.items()]
    lines.sort(key=lambda line: -line.reached[0])
    times = [None, *(_median_time(entered, first[key]) for key, _label, _sales in STEPS[1:])]
    reached = [sum(line.reached[depth] for line in lines) for depth in range(len(STEPS))]
    return Funnel(reached, times, lines)


def _at_least(depths: Counter[int]) -> list[int]:
    return [sum(n for deepest, n in depths.items() if deepest >= depth) for depth in range(len(STEPS))]


def _median_time(entered: Mapping[int, tuple[int | None, datetime]], first: Mapping[int, datetime]) -> timedelta | None:
    spans = [(at - entered[lead][1]).total_seconds() for lead, at in first.items() if lead in entered]
    return timedelta(seconds=median(spans)) if spans else None


def leads_that_reached(leads: LeadQuerySet, step: str) -> LeadQuerySet:
    """Return the rows behind one number of the funnel; KeyError for a step there is none of."""
    depth = DEPTH[step]
    furthest, _first = depths(leads)
    return leads if depth == 0 else leads.filter(pk__in=[pk for pk, deepest in furthest.items() if deepest >= depth])


def on_day(day: date, user: User) -> Day:
    """Return what happened on one local day to the leads `user` may read."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    visible = Lead.objects.visible_to(user)
    moves = standing_moves().filter(at__gte=start, at__lt=end, lead__in=visible)
    verbs = Counter(dict(moves.values_list("verb").annotate(n=Count("pk")).order_by()))
    imported = moves.filter(verb=Verb.ENTER_AS, to_stage=Stage.WON).count()
    won = moves.filter(Q(verb=Verb.WIN) | Q(verb=Verb.ENTER_AS, to_stage=Stage.WON)).values("lead")
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
