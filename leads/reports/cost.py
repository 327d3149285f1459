"""What a lead, an MQL, an SAL, an SQL and a customer cost: the spend of a period over the leads that entered in it.

Every row of spend is divided over the lines of the report, each row by itself, so that the lines add up to the ledger
to the cent and every figure opens the rows it is made of.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import lcm
from typing import Literal

from leads.models import Spend
from leads.reports.allocation import split_by
from leads.reports.attribution import Part
from leads.reports.cost_facts import NONE, OTHERS, STEPS, Booked, Came, Campaigns, months
from leads.reports.period import Scope

By = Literal["campaign", "channel", "source", "month"]
APART = "apart"  # the line of spend that no line of leads can carry
SQL = STEPS.index("sql")
CENT = Decimal("0.01")
Counts = dict[str, list[Fraction]]


@dataclass
class Line:
    """One line: how many leads came at least to each of STEPS, and which cents of which rows of spend it carries."""

    key: str
    counts: list[Fraction] = field(default_factory=lambda: [Fraction(0)] * len(STEPS))
    spent: dict[str, dict[int, int]] = field(default_factory=lambda: {side: {} for side in Spend.Side.values})

    def cents(self, side: str = "") -> int:
        """Return what was spent on one side, or on both."""
        return sum(sum(rows.values()) for name, rows in self.spent.items() if side in ("", name))

    def money(self, side: str = "") -> Decimal:
        return Decimal(self.cents(side)).scaleb(-2)

    @property
    def marketing(self) -> Decimal:
        return self.money(Spend.Side.MARKETING)

    @property
    def sales(self) -> Decimal:
        return self.money(Spend.Side.SALES)

    def per(self, step: int) -> Decimal | None:
        """Return what one lead of a step cost, rounded to the cent; None where there is none yet."""
        if not self.counts[step]:
            return None
        number = self.counts[step]
        exact = Decimal(self.cents() * number.denominator) / Decimal(100 * number.numerator)
        return exact.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Report:
    """`basis` is the step sales cost without a campaign was divided by ('' where there was none to divide)."""

    lines: list[Line]
    total: Line
    ledger: int
    basis: str

    @property
    def difference(self) -> int:
        """Return what the lines lack of the ledger, in cents; anything but 0 is a fault."""
        return self.ledger - self.total.cents()

    @property
    def apart(self) -> Line | None:
        return next((line for line in self.lines if line.key == APART), None)


def counted(parts: Iterable[Came], group: Callable[[Came], str]) -> Counts:
    """Return {group: leads that came at least to each step}."""
    parts = list(parts)
    common = lcm(*{one.part.denominator for one in parts})  # whole numbers add up ten times faster
    exact: dict[str, list[int]] = defaultdict(lambda: [0] * len(STEPS))
    for one in parts:
        exact[group(one)][one.depth] += one.part.numerator * (common // one.part.denominator)
    return {key: [Fraction(sum(row[step:]), common) for step in range(len(STEPS))] for key, row in exact.items()}


def report(parts: Sequence[Came], rows: Sequence[Booked], by: By, scope: Scope, known: Campaigns) -> Report:
    """Return the lines of `by`, in no order. Pure: `parts` and `rows` hold everything."""
    lines: dict[str, Line] = {}

    def line(key: str) -> Line:
        return lines.get(key) or lines.setdefault(key, Line(key))

    for key, counts in counted(parts, grouping(by, known)).items():
        line(key).counts = counts
    if by == "month":
        for key, _first, _last in months(scope):
            line(key)
    basis, divide = _divider(parts, by, scope, known)
    for row in rows:
        for key, cents in divide(row).items():
            spent = line(key).spent[row.side]
            spent[row.pk] = spent.get(row.pk, 0) + cents
    total = _sum(lines.values())
    pooled = by != "month" and any(not row.campaign and row.side == Spend.Side.SALES for row in rows)
    return Report(list(lines.values()), total, sum(row.cents for row in rows), basis if pooled else "")


def grouping(by: By, known: Campaigns) -> Callable[[Came], str]:
    """Return what names the line a lead counts in."""
    if by == "month":
        return lambda one: one.month
    if by == "source":
        return lambda one: one.source
    return (lambda one: one.campaign) if by == "campaign" else lambda one: channel_of(one.campaign, known)


def channel_of(campaign: str, known: Campaigns) -> str:
    """Return the channel a campaign counts in; what is unknown, none or apart stays so."""
    row = known.find(campaign)
    if row:
        return row.channel
    return OTHERS if campaign.startswith(OTHERS) else campaign


def _divider(
    parts: Sequence[Came], by: By, scope: Scope, known: Campaigns
) -> tuple[str, Callable[[Booked], dict[str, int]]]:
    """Return the step that sales cost without a campaign is divided by, and what divides a row over the lines."""
    if by == "month":
        spans = months(scope)
        firsts = [start for _key, start, _end in spans]

        def over_months(row: Booked) -> dict[str, int]:
            touched = spans[max(0, bisect_right(firsts, row.first) - 1) : bisect_right(firsts, row.last)]
            return {key: cents for key, start, end in touched if (cents := row.inside(start, end))}

        return "", over_months
    if by == "source":
        basis, pool = _weights(counted(parts, lambda one: one.source))
        own: dict[str, dict[str, Part]] = defaultdict(lambda: defaultdict(int))
        for one in sorted(parts, key=lambda one: one.source):
            own[one.campaign][one.source] += one.part
        return basis, lambda row: _divided(row, pool, own.get(row.campaign, {}))
    basis, pool = _weights(counted(parts, lambda one: one.campaign))

    def divide(row: Booked) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for key, cents in _divided(row, pool, {row.campaign: Fraction(1)}).items():
            found[key if by == "campaign" else channel_of(key, known)] += cents
        return found

    return basis, divide


def _weights(counts: Counts) -> tuple[str, dict[str, Fraction]]:
    """Return the step that has leads, SQLs first, and {line: leads of that step} in a fixed order."""
    for step in (SQL, 0):
        weights = {key: counts[key][step] for key in sorted(counts) if counts[key][step]}
        if weights:
            return STEPS[step], weights
    return "", {}


def _divided(row: Booked, pool: Mapping[str, Fraction], own: Mapping[str, Part]) -> dict[str, int]:
    """A campaign's row goes over `own`, sales cost without one over `pool`; what fits neither stands apart."""
    weights = own if row.campaign else (pool if row.side == Spend.Side.SALES else {})
    return split_by(row.cents, weights) if weights else {APART: row.cents}


def _sum(lines: Iterable[Line]) -> Line:
    total = Line("")
    for line in lines:
        total.counts = [a + b for a, b in zip(total.counts, line.counts, strict=True)]
        for side, rows in line.spent.items():
            for pk, cents in rows.items():
                total.spent[side][pk] = total.spent[side].get(pk, 0) + cents
    return total


def in_order(lines: Iterable[Line], by: By) -> list[Line]:
    """Months by time; else the cheapest SQL first, then those without one by what they cost; apart at the end."""
    if by == "month":
        return sorted(lines, key=lambda line: line.key)

    def place(line: Line) -> tuple[bool, bool, Decimal, int, str]:
        cost = line.per(SQL)
        return line.key in {APART, NONE}, cost is None, cost or Decimal(0), -line.cents(), line.key

    return sorted(lines, key=place)


def members(parts: Iterable[Came], group: Callable[[Came], str], key: str | None, step: int) -> dict[int, Fraction]:
    """Return {lead: part} behind one figure; `key` None is the sum."""
    found: dict[int, Fraction] = defaultdict(Fraction)
    for one in parts:
        if one.depth >= step and (key is None or group(one) == key):
            found[one.lead] += one.part
    return dict(found)
