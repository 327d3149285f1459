"""What the cost report reads: the leads of a cohort with what brought them, and the spend of its period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import F
from django.db.models.functions import Coalesce

from crm.workdays import local_date
from leads.models import Campaign, Lead, Spend, Touch
from leads.reports import attribution, funnel
from leads.reports.allocation import within
from leads.reports.arrays import counted, positions
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, Row, by_group, integers, of_all, rows, whole
from leads.reports.period import Scope, midnight

STEPS = ("entered", "mql", "sal", "sql", "won")
DEPTHS = [funnel.DEPTH[step] for step in STEPS]
NONE, OTHERS = "none", "u:"  # keys of campaigns: no campaign, and the unknown ones that are not named
SMALLINT = 1 << 15  # more than how far a lead came is ever told by
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
    shares = attribution.shares(leads, rule)
    names = _names(Counter(key for parts in shares.values() for key in parts), known)
    for pk, source, at, deepest in rows:
        parts = shares.get(pk) or {attribution.NONE: 1}
        for key, part in parts.items():
            yield Came(
                pk, _depth(deepest), part, names[key], str(source) if source else NONE, f"{local_date(at):%Y-%m}"
            )  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """Leads by their key, int64: when they entered (seconds), source (0: none), depth, place in `campaigns`.

    Where all touches count alike, `shares` says instead which campaigns share which of these leads.
    """

    entered: np.ndarray
    source: np.ndarray
    depth: np.ndarray
    campaign: np.ndarray
    campaigns: list[str]
    shares: attribution.Shared | None = None

    @cached_property
    def _in_order(self) -> np.ndarray:
        """Return when each lead entered and its depth as one number, in order."""
        return np.sort(self.entered * SMALLINT + self.depth)

    def came_within(self, first: date, last: date) -> list[int]:
        """Return how many leads that entered on the days `first` to `last` came how far, by depth."""
        bounds = [_second(first) * SMALLINT, _second(last + timedelta(1)) * SMALLINT]
        start, end = np.searchsorted(self._in_order, bounds)
        return np.bincount(self._in_order[start:end] % SMALLINT).tolist()  # type: ignore[no-any-return]


def cohort(scopes: Iterable[Scope], rule: str, by: str) -> Cohort:
    """Read the leads that entered from the first day of `scopes` to the last: two queries, of a row for each campaign.

    All of them, whoever looks; their sources only where lines are sources. With LINEAR the second query reads all
    touches.
    """
    scopes = list(scopes)
    first, last = min(scope.start for scope in scopes), max(scope.end for scope in scopes)
    leads = replace(scopes[0], start=first, end=last).among(Lead.objects.all())
    linear = rule == attribution.LINEAR
    # SQLite reads the few leads that were touched by themselves, and these columns of all from an index alone.
    at_once = linear and connection.vendor == "postgresql"
    asked: dict[str, Any] = {"pk": whole(F("pk") * SMALLINT + F("depth")), "entered": Epoch("entered_at")}
    asked |= {"source": Coalesce("source_id", 0)} if by == "source" else {}
    asked |= attribution.ASKED if at_once else {}
    told = Row(*asked.values())
    found = dict(zip(asked, rows(of_all(leads, listed=Listed(told))["listed"], told), strict=True))
    (pk, depth), entered = np.divmod(found["pk"], SMALLINT), found["entered"]
    source = found.get("source", np.zeros_like(pk))
    campaign = np.zeros_like(pk)
    if at_once:
        shares = attribution.shared(pk, tuple(found[name] for name in attribution.ASKED))
        return Cohort(entered, source, depth, campaign, [attribution.NONE], shares)
    if linear:
        return Cohort(entered, source, depth, campaign, [attribution.NONE], attribution.share(leads, pk))
    keys = {attribution.NONE: 0}
    touches = Touch.objects.filter(place=rule).exclude(campaign="").order_by()
    for name, listed in by_group(touches.values_list("campaign").annotate(listed=Listed("lead_id"))):
        place = keys.setdefault(attribution.key_of(name), len(keys))
        known = positions(pk, integers(listed))
        campaign[known[known >= 0]] = place
    return Cohort(entered, source, depth, campaign, list(keys))


def summed(scope: Scope, rule: str, known: Campaigns, by: str, leads: Cohort | None = None) -> list[Came]:
    """Return the same as `came`, with the leads that count alike added up: nobody's lead, a part > 1.

    What `by` does not ask for is left empty: the month, or else campaign and source; the source also where lines are
    campaigns or channels. `leads` are those of this scope or more, where they have been read.
    """
    leads = leads or cohort([scope], rule, by)
    if by == "month":
        return _summed_by_month(scope, leads)
    within = (leads.entered >= _second(scope.start)) & (leads.entered < _second(scope.end + timedelta(1)))
    if leads.shares:
        return _summed_shares(leads, leads.shares, within, known)
    told, times = _alike(leads.campaign[within], leads.source[within], leads.depth[within])
    by_name: Counter[str] = Counter()
    for (campaign, _source, _deepest), n in zip(told, times, strict=True):
        by_name[leads.campaigns[campaign]] += n
    names = _names(by_name, known)
    return [
        Came(0, _depth(deepest), n, names[leads.campaigns[campaign]], str(source) if source else NONE, "")
        for (campaign, source, deepest), n in zip(told, times, strict=True)
    ]  # fmt: skip


def _summed_shares(leads: Cohort, shares: attribution.Shared, within: np.ndarray, known: Campaigns) -> list[Came]:
    lead, campaign, times, total = (column[within[shares.columns[0]]] for column in shares.columns)
    names = _names(Counter({shares.keys[key]: int(n) for key, n in enumerate(np.bincount(campaign)) if n}), known)
    told, summed = _alike(campaign, leads.source[lead], leads.depth[lead], total, each=times)
    common = lcm(*{all_of for *_group, all_of in told})  # whole numbers add up ten times faster than fractions
    parts: Counter[tuple[str, int, int]] = Counter()
    for (key, kind, deepest, all_of), n in zip(told, summed, strict=True):
        parts[shares.keys[key], kind, deepest] += n * (common // all_of)
    within[lead] = False
    for (kind, deepest), n in zip(*_alike(leads.source[within], leads.depth[within]), strict=True):
        parts[attribution.NONE, kind, deepest] += n * common
    return [
        Came(0, _depth(deepest), Fraction(part, common), names[key], str(kind) if kind else NONE, "")
        for (key, kind, deepest), part in parts.items()
    ]


def _summed_by_month(scope: Scope, leads: Cohort) -> list[Came]:
    return [
        Came(0, _depth(deepest), n, "", "", key)
        for key, first, last in months(scope)
        for deepest, n in enumerate(leads.came_within(first, last))
        if n
    ]


def _alike(*columns: np.ndarray, each: np.ndarray | None = None) -> tuple[list[list[int]], list[int]]:
    """Return the rows there are of these columns, and how often each; or the sum of `each` (> 0) over them."""
    if not len(columns[0]):
        return [], []
    widths = [int(column.max()) + 1 for column in columns]
    together = np.ravel_multi_index(columns, widths)
    packed, times = counted(together, each)
    return np.stack(np.unravel_index(packed, widths), axis=1).tolist(), times.tolist()


def _second(day: date) -> int:
    return int(midnight(day).timestamp())


def _depth(deepest: int) -> int:
    """Return how far a lead came, as an index of STEPS, of its place in the funnel."""
    return max(place for place, least in enumerate(DEPTHS) if least <= deepest)


def _names(times: Counter[str], known: Campaigns) -> dict[str, str]:
    """Return {campaign key: group} of {campaign key: leads}; beyond NAMED, the rarest unknown ones share a group."""
    unknown = sorted((key for key in times if key and key not in known.by_key), key=lambda key: (-times[key], key))
    names = {attribution.NONE: NONE} | {key: f"{OTHERS}{key}" if n < NAMED else OTHERS for n, key in enumerate(unknown)}
    return names | {key: known.by_key[key] for key in times if key in known.by_key}


def booked(scope: Scope, sides: tuple[str, ...], currency: str) -> tuple[list[Booked], int]:
    """Return what was spent in the period of `scope` in `currency`, oldest first; and how many rows are in another."""
    told = Spend.objects.filter(starts_on__lte=scope.end, ends_on__gte=scope.start, side__in=sides)
    names = ("pk", "campaign_id", "side", "starts_on", "ends_on", "amount", "currency")
    rows = told.order_by("starts_on", "pk").values_list(*names)
    found = [
        Booked(pk, f"c{campaign}" if campaign else "", side, within(cents, first, last, scope.start, scope.end),
               first, last, cents)
        for pk, campaign, side, first, last, cents in (
            (pk, campaign, side, first, last, int(amount * 100))
            for pk, campaign, side, first, last, amount, booked_in in rows
            if booked_in == currency
        )
    ]  # fmt: skip
    return found, len(rows) - len(found)


def months(scope: Scope) -> list[tuple[str, date, date]]:
    """Return (key, first day, last day) of each month of the period, cut to it."""
    found, day = [], scope.start
    while day <= scope.end:
        following = (day.replace(day=1) + timedelta(32)).replace(day=1)
        found.append((f"{day:%Y-%m}", day, min(following - timedelta(1), scope.end)))
        day = following
    return found
