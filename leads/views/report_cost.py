"""The cost report: what a lead, an SQL and a customer cost, each figure with the leads and the spend behind it."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.requests import SignedInRequest
from crm.spreadsheet_cells import safe
from crm.templatetags.formats import count
from leads import spending
from leads.models import Lead, Source, Spend
from leads.reports import cost, cost_facts
from leads.reports.allocation import within
from leads.reports.cost_facts import STEPS, Booked
from leads.reports.cost_form import Asked, CostForm
from leads.reports.period import year_before
from leads.views import report_rows
from leads.views.campaigns import for_readers
from leads.views.report_cost_words import TITLES, Shown, Words


class _Answer:
    """The figures one address asks for, and those of the year before; read once."""

    def __init__(self, request: SignedInRequest, asked: Asked) -> None:
        self.asked = asked
        self.known = cost_facts.campaigns()
        self.currency = spending.currency()
        self.rows, self.foreign = cost_facts.booked(asked.scope, asked.sides, self.currency)
        self.leads = cost_facts.cohort([asked.scope, year_before(asked.scope)], asked.rule, asked.by)
        self.report = self._report(asked, self.rows, asked.by)

    def _report(self, asked: Asked, rows: list[Booked], by: cost.By) -> cost.Report:
        parts = cost_facts.summed(asked.scope, asked.rule, self.known, by, self.leads)
        return cost.report(parts, rows, by, asked.scope, self.known)

    def words(self) -> Words:
        """Return the figures with their comparison, ready to be shown."""
        asked, earlier = self.asked, replace(self.asked, scope=year_before(self.asked.scope))
        then, _foreign = cost_facts.booked(earlier.scope, earlier.sides, self.currency)
        before = self._report(earlier, then, earlier.by)
        months = [
            cost.in_order(self._report(one, rows, "month").lines, "month")
            for one, rows in ((asked, self.rows), (earlier, then))
        ]
        named = Source.objects.in_bulk() if asked.by == "source" else {}
        sources = {str(pk): str(source) for pk, source in named.items()}
        return Words(self.asked, self.report, before, months[0], months[1], self.known, sources, self.currency)


def page(request: SignedInRequest) -> HttpResponse:
    """Costs by campaign, channel, source or month, against the year before."""
    asked = CostForm(request.GET).asked()
    answer = _Answer(request, asked)
    words = answer.words()
    if request.GET.get("format") == "csv":
        return _as_csv(words)
    context = {
        "form": CostForm(initial=vars(asked.scope) | {"by": asked.by, "rule": asked.rule, "side": asked.side}),
        "scope": asked.scope, "asked": asked, "query": asked.query(), "words": words, "now": timezone.now(),
        "foreign": answer.foreign, "currency": words.currency,
        "titles": TITLES.values(),
    }  # fmt: skip
    return render(request, "leads/reports/cost.html", context)


def _as_csv(words: Words) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="cost-by-{words.asked.by}.csv"'
    writer = csv.writer(response)
    head = ["key", "name", "channel", "currency", "marketing", "sales", *STEPS, *[f"cost_per_{step}" for step in STEPS]]
    writer.writerow(head)
    for line in words.lines:
        counts = [float(number) if number.denominator > 1 else int(number) for number in line.line.counts]
        costs = [line.line.per(step) for step in range(len(STEPS))]
        money = [f"{line.line.money(side):.2f}" for side in Spend.Side.values]
        cells = [line.line.key, line.label, line.channel, words.currency, *money, *counts, *costs]
        writer.writerow([safe(cell) for cell in cells])
    return response


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one number; where several campaigns share leads, the page says what the parts add up to."""
    if step not in STEPS:
        raise Http404
    asked = CostForm(request.GET).asked()
    known = cost_facts.campaigns()
    parts = cost_facts.came(asked.scope, asked.rule, known)
    found = cost.members(parts, cost.grouping(asked.by, known), request.GET.get("group"), STEPS.index(step))
    leads = Lead.objects.visible_to(request.user).filter(pk__in=found)
    shared = sum(found.values())
    note = _hidden(len(found), leads.count())
    if shared != len(found):
        words = _("Several campaigns share some of these leads. Their parts here add up to %(sum)s.")
        note = " ".join(filter(None, [note, words % {"sum": Shown.number(shared)}]))
    return report_rows.listed(request, leads, title=str(TITLES[step]), scope=asked.scope, key="cost", note=note)


def _hidden(number: int, readable: int) -> str:
    """Say that a figure counts more leads than its reader may read; '' when it does not."""
    if readable == number:
        return ""
    words = _("The figure counts all %(number)s leads; these are the ones you may read.")
    return words % {"number": count(number)}


@for_readers
def spend(request: SignedInRequest) -> HttpResponse:
    """The rows of spend behind one figure: what of each falls into the period, and what of that on this line."""
    asked = CostForm(request.GET).asked()
    answer = _Answer(request, asked)
    side = request.GET.get("of", "")
    group = request.GET.get("group")
    line = next((line for line in answer.report.lines if line.key == group), None)
    line = answer.report.total if group is None else line
    if line is None or side not in Spend.Side.values:
        raise Http404
    cents = line.spent[side]
    found = Spend.objects.filter(pk__in=cents).select_related("campaign").order_by("-starts_on", "-pk")
    scope = asked.scope
    lines = [
        (row, _money(within(int(row.amount * 100), row.starts_on, row.ends_on, scope.start, scope.end)),
         _money(cents[row.pk]))
        for row in found
    ]  # fmt: skip
    context = {
        "lines": lines, "total": line.money(side), "scope": scope, "currency": answer.currency, "keeps": False,
        "side": Spend.Side(side).label, "query": asked.query(), "of_line": group is not None,
    }  # fmt: skip
    return render(request, "leads/reports/cost_spend.html", context)


def _money(cents: int) -> Any:
    line = cost.Line("")
    line.spent[Spend.Side.MARKETING][0] = cents
    return line.money()
