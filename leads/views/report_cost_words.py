"""The cost report in words and pictures: labels, changes against the year before, and the two charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import charts
from crm.templatetags.formats import MINUS, count, money, percent, to_the_cent
from leads.models import Campaign, Spend
from leads.reports.cost import APART, SQL, Line, Report, in_order
from leads.reports.cost_facts import NONE, OTHERS, STEPS, Campaigns
from leads.reports.cost_form import Asked

TITLES: dict[str, str | Promise] = {
    "entered": gettext_lazy("Entered"), "mql": gettext_lazy("MQL"), "sal": gettext_lazy("Accepted (SAL)"),
    "sql": gettext_lazy("Qualified (SQL)"), "won": gettext_lazy("Won"),
}  # fmt: skip
LONGEST_CHART = 12


class Cell(NamedTuple):
    """One figure as it is written, the address of what is behind it ('' where there is nothing), and what one cost."""

    written: str
    address: str = ""
    each: str = ""


@dataclass(frozen=True)
class Shown:
    """One line as the table shows it; `change` is the cost per SQL against the year before, as a share.

    `addresses` lead to what is behind its figures, by step or by the sides of spend that are shown.
    """

    line: Line
    label: str
    channel: str
    page: str
    change: Decimal | None
    addresses: Mapping[str, str]

    @staticmethod
    def number(value: Fraction | int) -> str:
        """Return a count; the parts of shared leads with one decimal."""
        exact = Fraction(value)
        return count(exact.numerator if exact.denominator == 1 else round(float(exact), 1))

    @cached_property
    def cells(self) -> list[Cell]:
        """Return what was spent on each side, then how many came to each step."""
        spent = [self._spent(side) for side in Spend.Side.values if side in self.addresses]
        return spent + [self._came(place, self.addresses[step]) for place, step in enumerate(STEPS)]

    def _spent(self, side: str) -> Cell:
        sum_ = self.line.money(side)
        return Cell(to_the_cent(sum_), self.addresses[side] if sum_ else "")

    def _came(self, place: int, address: str) -> Cell:
        if self.is_apart:
            return Cell("–")
        number = self.number(self.line.counts[place])
        return Cell(number) if number == "0" else Cell(number, address, to_the_cent(self.line.per(place)))

    @property
    def entered(self) -> str:
        return self.number(self.line.counts[0])

    @cached_property
    def cost(self) -> Decimal | None:
        return self.line.per(SQL)

    @property
    def is_apart(self) -> bool:
        return self.line.key == APART

    @property
    def is_unknown(self) -> bool:
        return self.line.key.startswith(OTHERS)

    @property
    def cheaper(self) -> bool:
        return self.change is not None and self.change < 0

    @property
    def written_change(self) -> str:
        if self.change is None:
            return ""
        return f"{MINUS if self.change < 0 else '+'}{percent(abs(self.change))}"

    @property
    def change_size(self) -> str:
        return percent(abs(self.change)) if self.change is not None else ""


def _change(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return (now - then) / then if now is not None and then else None


@dataclass(frozen=True)
class Words:
    asked: Asked
    report: Report
    before: Report
    months: Sequence[Line]
    months_before: Sequence[Line]
    known: Campaigns
    sources: Mapping[str, str]
    currency: str

    @cached_property
    def lines(self) -> list[Shown]:
        return [self._shown(line) for line in in_order(self.report.lines, self.asked.by)]

    @cached_property
    def total(self) -> Shown:
        change = _change(self.report.total.per(SQL), self.before.total.per(SQL))
        return Shown(self.report.total, _("Sum, equals the ledger to the cent"), "", "", change, self._behind())

    @property
    def sum(self) -> list[Shown]:
        return [self.total]

    @cached_property
    def compares(self) -> bool:
        """Whether any line has a year before to stand beside."""
        return self.total.change is not None or any(line.change is not None for line in self.lines)

    def _shown(self, line: Line) -> Shown:
        then = self._before.get(self._a_year_before(line.key))
        campaign = self.known.find(line.key) if self.asked.by == "campaign" else None
        channel = campaign.get_channel_display() if campaign else ""
        change = _change(line.per(SQL), then and then.per(SQL))
        page = reverse("campaign", args=[campaign.pk]) if campaign else ""
        return Shown(line, self._label(line.key), channel, page, change, self._behind(line.key))

    @cached_property
    def _before(self) -> dict[str, Line]:
        return {line.key: line for line in self.before.lines}

    @cached_property
    def _pages(self) -> dict[str, str]:
        query = self.asked.query()
        leads = {step: f"{reverse('report_rows', args=['cost', step])}?{query}" for step in STEPS}
        return leads | {side: f"{reverse('cost_spend')}?{query}&of={side}" for side in self.asked.sides}

    def _behind(self, group: str | None = None) -> dict[str, str]:
        """Return the address of what is behind each figure of a line, or of the sum of all."""
        of_it = "" if group is None else f"&{urlencode({'group': group})}"
        return {figure: f"{page}{of_it}" for figure, page in self._pages.items()}

    def _a_year_before(self, key: str) -> str:
        return f"{int(key[:4]) - 1}{key[4:]}" if self.asked.by == "month" else key

    def _label(self, key: str) -> str:
        by = self.asked.by
        if by == "month":
            return month(key)
        if key == APART:
            return _("Spend without a campaign") if by != "source" else _("Spend no lead came of")
        if by == "source":
            return self.sources.get(key, _("No source"))
        if key == NONE:
            return _("No campaign")
        if key.startswith(OTHERS):
            return _("Unknown campaign “%(key)s”") % {"key": key[2:62]} if key[2:] else self._unknown
        campaign = self.known.find(key)
        return campaign.name if campaign else str(dict(Campaign.Channel.choices).get(key, key))

    @property
    def _unknown(self) -> str:
        return _("Unknown campaigns") if self.asked.by == "channel" else _("Other unknown campaigns")

    @property
    def basis(self) -> str:
        """Return how sales cost without a campaign was divided, '' where there was none."""
        if self.report.basis == "sql":
            return _("Sales cost without a campaign is divided over the lines by their SQLs.")
        if self.report.basis:
            return _("Sales cost without a campaign is divided over the lines by their leads, as there is no SQL yet.")
        return ""

    # --- Charts -----------------------------------------------------------------------------------

    @cached_property
    def priced(self) -> list[Shown]:
        """Return the lines with a cost per SQL, cheapest first; not what came by no campaign, or by an unknown one."""
        found = [line for line in self.lines if line.cost and line.line.key != NONE and not line.is_unknown]
        return sorted(found, key=lambda line: line.cost or Decimal(0))

    def cheapest(self) -> Shown | None:
        """Return the cheapest line, where there are several to choose from."""
        return self.priced[0] if len(self.priced) > 1 and self.asked.by != "month" else None

    def bars(self) -> charts.Bars | None:
        """Return the chart of the lines, None where they are months or fewer than two have a price."""
        average = self.total.cost
        if self.asked.by == "month" or len(self.priced) < 2 or not average:
            return None
        bars = [
            charts.Bar(
                label=line.label, value=float(line.cost or 0), text=count(round(line.cost or 0)),
                note=_("%(number)s SQL") % {"number": Shown.number(line.line.counts[SQL])},
                strong=(line.cost or 0) <= average,
            )
            for line in self.priced[:LONGEST_CHART]
        ]  # fmt: skip
        summary = _("%(best)s: %(least)s per SQL; %(worst)s: %(most)s; on average %(average)s.") % {
            "best": self.priced[0].label, "least": self._money(self.priced[0].cost), "worst": self.priced[-1].label,
            "most": self._money(self.priced[-1].cost), "average": self._money(average),
        }  # fmt: skip
        return charts.Bars(
            title=_("Cost per SQL, in %(currency)s") % {"currency": self.currency}, summary=summary,
            note=_("full colour: at most the average"), bars=bars, measure=_("Cost per SQL"),
            reference=(float(average), _("average %(cost)s") % {"cost": count(round(average))}),
        )  # fmt: skip

    def over_time(self) -> charts.Lines | None:
        """Return the chart of the months, None where fewer than two have an SQL."""
        now, then = self._curve(self.months), self._curve(self.months_before)
        known = [line for line, value in zip(self.months, now, strict=True) if value is not None]
        if len(known) < 2:
            return None
        first, last = known[0], known[-1]
        summary = _("%(first)s: %(was)s per SQL; %(last)s: %(became)s.") % {
            "first": month(first.key), "was": self._money(first.per(SQL)), "last": month(last.key),
            "became": self._money(last.per(SQL)),
        }  # fmt: skip
        length = len(self.months)
        return charts.Lines(
            title=_("Cost per SQL by month of entry, in %(currency)s") % {"currency": self.currency}, summary=summary,
            note=_("line: this period, dashes: the year before"), periods=[month(line.key) for line in self.months],
            values=now, label=_("this period"), before_label=_("the year before"),
            before=(then + [None] * length)[:length] if any(value is not None for value in then) else (),
        )  # fmt: skip

    @staticmethod
    def _curve(lines: Sequence[Line]) -> list[float | None]:
        return [None if line.per(SQL) is None else float(round(line.per(SQL) or 0)) for line in lines]

    def _money(self, amount: Decimal | None) -> str:
        return money(round(amount), self.currency) if amount is not None else ""


def month(key: str) -> str:
    """ "2026-03" → "Mar 2026"."""
    return formats.date_format(date(int(key[:4]), int(key[5:]), 1), "M Y")
