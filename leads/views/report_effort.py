"""Effort: how much of what sales did went into leads it later let go of."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import charts
from crm.models import User
from crm.requests import SignedInRequest
from crm.templatetags.formats import count
from leads.reports import effort, sheet
from leads.reports.effort import DAY, FATES, REJECTED, Line
from leads.reports.period import Scope
from leads.reports.sheet import Cell, Column, Row, Sheet, Table
from leads.views import report_rows, report_sheet

TITLES = {
    "all": gettext_lazy("Leads sales had"), "rejected": gettext_lazy("Leads sales let go of"),
    "nurture": gettext_lazy("Sent back"), "lost": gettext_lazy("Lost"), "disqualified": gettext_lazy("Disqualified"),
    "won": gettext_lazy("Won"), "open": gettext_lazy("Still with sales"),
}  # fmt: skip


def page(request: SignedInRequest) -> HttpResponse:
    """How much of what sales did went into leads it let go of."""
    return report_sheet.page(request, "effort", partial(made, request.user), {"title": _("Effort on leads let go of")})


def made(user: User, scope: Scope) -> Sheet:
    """Return the report for the leads of `scope` that `user` may read."""
    lines = effort.lines(scope.moved(user))
    whole = effort.together(lines)
    columns = [
        Column(TITLES["all"], ("leads",)), Column(TITLES["rejected"], ("let_go", *_of("let_go"))),
        Column(_("Activities of sales"), ("activities",)),
        Column(_("of them on leads let go of"), ("activities_let_go", *_of("activities_let_go"))),
        Column(_("Calls and meetings on them"), ("calls_let_go",)), Column(_("Days with sales, on average"), ("days",)),
    ]  # fmt: skip
    tells = _(
        "Leads that were offered to sales or that sales has had, by what became of them first. Let go of: sent"
        " back, lost or disqualified. Activities: what people in sales wrote down from the offer until they let"
        " the lead go. Days: from the offer until then."
    )
    by_source = Table(
        "sources", _("By source"), _("Source"), columns,
        [Row(line.key, str(line.source or _("No source")), _source(line, scope, group=line.key)) for line in lines],
        Row("", _("Together"), _source(whole, scope)), tells,
    )  # fmt: skip
    columns = [
        Column(_("Leads"), ("leads",)), Column(_("Activities of sales"), ("activities",)),
        Column(_("Calls and meetings"), ("calls",)), Column(_("Days with sales, on average"), ("days",)),
    ]  # fmt: skip
    by_fate = Table(
        "fates", _("By what became of them"), _("What became of it"), columns,
        [Row(fate, str(TITLES[fate]), _fate(whole, (fate,), scope, fate)) for fate in FATES],
        Row("", _("Together"), _fate(whole, FATES, scope, "all")),
        _("A lead that was let go of and won later counts as won."),
    )  # fmt: skip
    cases = whole.sum().leads
    return Sheet(cases, [_figure(whole)] if cases else [], [by_source, by_fate])


def _of(name: str) -> list[str]:
    return [f"{name}_{part}" for part in sheet.SHARE]


def _source(line: Line, scope: Scope, **group: str) -> list[Cell]:
    at = partial(sheet.link, "effort", query=scope.query, **group)
    every, gone = line.sum(), line.sum(REJECTED)
    return [
        sheet.number(every.leads, at(step="all")), sheet.number_of(gone.leads, every.leads, at(step="rejected")),
        sheet.number(every.activities, at(step="all")),
        sheet.number_of(gone.activities, every.activities, at(step="rejected")),
        sheet.number(gone.calls, at(step="rejected")), _days(gone.seconds, gone.leads),
    ]  # fmt: skip


def _fate(line: Line, fates: tuple[str, ...], scope: Scope, step: str) -> list[Cell]:
    at = sheet.link("effort", step, scope.query)
    spent = line.sum(fates)
    gone = line.sum(set(fates) & set(REJECTED))
    return [
        sheet.number(spent.leads, at), sheet.number(spent.activities, at), sheet.number(spent.calls, at),
        _days(gone.seconds, gone.leads),
    ]  # fmt: skip


def _days(seconds: int, leads: int) -> Cell:
    if leads < sheet.FEWEST:
        return Cell("–", small=sheet.few(leads), values=("",))
    days = round(seconds / leads / DAY, 1)
    return Cell(count(days), values=(days,))


def _figure(whole: Line) -> charts.Bars:
    bars = [
        charts.Bar(
            label=str(TITLES[fate]), value=whole.by_fate[fate].activities, strong=fate in REJECTED,
            note=_("%(number)s leads") % {"number": count(whole.by_fate[fate].leads)},
        )
        for fate in FATES
    ]  # fmt: skip
    summary = _("%(gone)s of %(all)s activities of sales went into leads it let go of.") % {
        "gone": count(whole.sum(REJECTED).activities), "all": count(whole.sum().activities),
    }  # fmt: skip
    return charts.Bars(
        title=_("Activities of sales, by what became of the lead"), summary=summary, bars=bars,
        measure=_("Activities of sales"), note=_("full colour: leads let go of"),
    )  # fmt: skip


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one figure."""
    if step not in TITLES:
        raise Http404
    _form, scope, _compare = report_sheet.asked(request)
    leads = effort.of_fate(report_sheet.of_group(request, scope.cohort(request.user)), step)
    return report_rows.listed(request, leads, title=str(TITLES[step]), scope=scope, key="effort")  # type: ignore[arg-type]
