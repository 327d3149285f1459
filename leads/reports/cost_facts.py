"""What the cost report reads: the leads of a cohort with what brought them, and the spend of its period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from django.db.models import Case, Count, When

from crm.workdays import local_date
from leads import spending
from leads.models import Campaign, Lead, Spend, Touch
from leads.models.lead import LeadQuerySet
from leads.reports import attribution, funnel
from leads.reports.allocation import within
from leads.reports.period import Scope, midnight
from leads.stages import CLOSED

STEPS = ("entered", "mql", "sal", "sql", "won")
DEPTHS = [funnel.DEPTH[step] for step in STEPS]
NONE, OTHERS = "none", "u:"  # keys of campaigns: no campaign, and the unknown ones that are not named
NAMED = 20  # unknown campaigns with a line of their own


@dataclass(frozen=True, slots=True)
class Came:
    """One part of a lead: how far it came (an index of STEPS), and the campaign, source and month it counts for."""

    lead: int
    depth: int
    part: attribution.Part
    campaign: str
    source: str
    month: str


@dataclass(frozen=True, slots=True)
class Booked:
    """What of one row of spend falls into the period, in cents; `campaign` is '' for none."""

    pk: int
    campaign: str
    side: str
    cents: int
    first: date
    last: date
    whole: int

    def inside(self, start: date, end: date) -> int:
        return within(self.whole, self.first, self.last, start, end)


@dataclass(frozen=True)
class Campaigns:
    """All campaigns there are, and how they are called in a report."""

    rows: Mapping[int, Campaign]

    @cached_property
    def by_key(self) -> dict[str, str]:
        ordered = sorted(self.rows.values(), key=lambda row: -row.pk)
        return {row.key.casefold(): f"c{row.pk}" for row in ordered}

    def find(self, key: str) -> Campaign | None:
        """Return the campaign a group of the report stands for."""
        return self.rows.get(int(key[1:])) if key[:1] == "c" and key[1:].isdecimal() else None


def campaigns() -> Campaigns:
    return Campaigns({row.pk: row for row in Campaign.objects.order_by()})


def came(scope: Scope, rule: str, known: Campaigns) -> Iterator[Came]:
    """Yield the leads of `scope`, in parts where several campaigns share one (the parts of a lead add up to 1).

    All of them, whoever looks: what was spent was spent on everybody's leads.
    """
    leads = scope.among(Lead.objects.all()).order_by()
    rows = leads.values_list("pk", "source_id", "entered_at", "depth")
    until = _ends(leads) if rule == attribution.LINEAR else {}
    shares = attribution.shares(leads, rule, until)
    names = _names(Counter(key for parts in shares.values() for key in parts), known)
    for pk, source, at, deepest in rows:
        parts = shares.get(pk) or {attribution.NONE: 1}
        for key, part in parts.items():
            yield Came(
                pk, _depth(deepest), part, names[key], str(source) if source else NONE, f"{local_date(at):%Y-%m}"
            )  # fmt: skip


def summed(scope: Scope, rule: str, known: Campaigns, by: str) -> list[Came]:
    """Return the same as `came`, with the leads that count alike added up by the database: nobody's lead, a part > 1.

    What `by` does not ask for is left empty: the month, or else campaign and source. Touches that share a lead are
    added up one by one.
    """
    leads = scope.among(Lead.objects.all()).order_by()
    if by == "month":
        spans = months(scope)
        month = Case(*[When(entered_at__lt=midnight(last + timedelta(1)), then=place)
                       for place, (_key, _first, last) in enumerate(spans)])  # fmt: skip
        rows = leads.values_list(month, "depth").annotate(n=Count("pk"))
        return [Came(0, _depth(deepest), n, "", "", spans[place][0]) for place, deepest, n in rows]
    if rule == attribution.LINEAR:
        return list(came(scope, rule, known))
    touches = scope.among_touches(Touch.objects.filter(place=rule).exclude(campaign="")).order_by()
    by_touch = touches.values_list("campaign", "lead__source_id", "lead__depth").annotate(n=Count("pk"))
    rest = Counter(
        {(source, deepest): n for source, deepest, n in leads.values_list("source_id", "depth").annotate(n=Count("pk"))}
    )
    told = [(attribution.key_of(campaign), source, deepest, n) for campaign, source, deepest, n in by_touch]
    for _key, source, deepest, n in told:
        rest[source, deepest] -= n
    told += [(attribution.NONE, source, deepest, n) for (source, deepest), n in rest.items() if n]
    times: Counter[str] = Counter()
    for key, _source, _deepest, n in told:
        times[key] += n
    names = _names(times, known)
    return [
        Came(0, _depth(deepest), n, names[key], str(source) if source else NONE, "")
        for key, source, deepest, n in told
    ]  # fmt: skip


def _depth(deepest: int) -> int:
    """Return how far a lead came, as an index of STEPS, of its place in the funnel."""
    return max(place for place, least in enumerate(DEPTHS) if least <= deepest)


def _ends(leads: LeadQuerySet) -> dict[int, datetime]:
    """Return until when touches count: {lead: first SQL, else when it closed}."""
    rows = leads.values_list("pk", "milestones__sql", "stage", "stage_since")
    return {
        pk: since if sql is None else datetime.fromtimestamp(sql + 1, UTC)
        for pk, sql, stage, since in rows
        if sql is not None or stage in CLOSED
    }


def _names(times: Counter[str], known: Campaigns) -> dict[str, str]:
    """Return {campaign key: group} of {campaign key: leads}; beyond NAMED, the rarest unknown ones share a group."""
    unknown = sorted((key for key in times if key and key not in known.by_key), key=lambda key: (-times[key], key))
    names = {attribution.NONE: NONE} | {key: f"{OTHERS}{key}" if n < NAMED else OTHERS for n, key in enumerate(unknown)}
    return names | {key: known.by_key[key] for key in times if key in known.by_key}


def booked(scope: Scope, sides: tuple[str, ...]) -> list[Booked]:
    """Return what was spent in the period of `scope`, oldest first; rows in another currency are left to `foreign`."""
    rows = _rows(scope, sides).filter(currency=spending.currency()).order_by("starts_on", "pk")
    return [
        Booked(pk, f"c{campaign}" if campaign else "", side, within(cents, first, last, scope.start, scope.end),
               first, last, cents)
        for pk, campaign, side, first, last, cents in (
            (pk, campaign, side, first, last, int(amount * 100))
            for pk, campaign, side, first, last, amount in rows.values_list(
                "pk", "campaign_id", "side", "starts_on", "ends_on", "amount"
            )
        )
    ]  # fmt: skip


def foreign(scope: Scope, sides: tuple[str, ...]) -> int:
    """Return how many rows of the period are in a currency the workspace no longer has."""
    return _rows(scope, sides).exclude(currency=spending.currency()).count()


def _rows(scope: Scope, sides: tuple[str, ...]):  # type: ignore[no-untyped-def]
    return Spend.objects.filter(starts_on__lte=scope.end, ends_on__gte=scope.start, side__in=sides)


def months(scope: Scope) -> list[tuple[str, date, date]]:
    """Return (key, first day, last day) of each month of the period, cut to it."""
    found, day = [], scope.start
    while day <= scope.end:
        following = (day.replace(day=1) + timedelta(32)).replace(day=1)
        found.append((f"{day:%Y-%m}", day, min(following - timedelta(1), scope.end)))
        day = following
    return found
