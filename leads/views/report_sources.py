"""The quality of sources: what of each became MQL, SAL, SQL and won, with how sure that is."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from crm import charts
from crm.models import User
from crm.requests import SignedInRequest
from crm.templatetags.formats import count
from leads.reports import funnel, sheet
from leads.reports.funnel import DEPTH, Line
from leads.reports.period import Scope
from leads.reports.sheet import Column, Row, Sheet, Table
from leads.views import report_rows, report_sheet

STEPS = ("mql", "sal", "sql", "won")


def page(request: SignedInRequest) -> HttpResponse:
    """How good the leads of each source are."""
    return report_sheet.page(request, "sources", partial(made, request.user), {"title": _("Quality of sources")})


def made(user: User, scope: Scope) -> Sheet:
    """Return the report for the leads of `scope` that `user` may read."""
    lines = funnel.cohort(scope.cohort(user)).lines()
    whole = Line(None, [sum(line.reached[place] for line in lines) for place in range(len(DEPTH))])
    titles = {key: label for key, label, _sales in funnel.STEPS}
    columns = [Column(_("Entered"), ("entered",))]
    columns += [Column(titles[step], (step, *(f"{step}_{name}" for name in sheet.SHARE))) for step in STEPS]
    rows = [Row(_key(line), _name(line), _cells(line, scope, group=_key(line))) for line in lines]
    table = Table(
        "sources", _("From each source, with its share of those that entered"), _("Source"), columns, rows,
        Row("", _("Together"), _cells(whole, scope)),
        _(
            "A lead counts in every step up to the furthest it reached, whenever that was. In brackets: the true share"
            " lies between these in 95 of 100 such cases (Wilson’s interval). Of fewer than five leads no"
            " share is shown."
        ),
    )  # fmt: skip
    return Sheet(whole.reached[0], [_figure(lines, whole)], [table])


def _key(line: Line) -> str:
    return str(line.source.pk) if line.source else "none"


def _name(line: Line) -> str:
    return str(line.source) if line.source else _("No source")


def _cells(line: Line, scope: Scope, **group: str) -> list[sheet.Cell]:
    at = partial(sheet.link, "sources", query=scope.query, **group)
    entered = line.reached[0]
    return [sheet.number(entered, at(step="entered"))] + [
        sheet.number_of(line.reached[DEPTH[step]], entered, at(step=step)) for step in STEPS
    ]


def _figure(lines: list[Line], whole: Line) -> charts.Bars:
    """Draw the share that became SQL, best first; of sources with fewer than five leads there is none."""
    entered, sql = whole.reached[0], whole.reached[DEPTH["sql"]]
    known = [line for line in lines if line.reached[0] >= sheet.FEWEST]
    known.sort(key=lambda line: -line.reached[DEPTH["sql"]] / line.reached[0])
    average = sql / entered if entered else 0
    bars = [
        charts.Bar(
            label=_name(line), value=100 * part, text=sheet.percentage(part),
            note=_("of %(number)s") % {"number": count(line.reached[0])}, strong=part >= average,
        )
        for line in known[:12] for part in [line.reached[DEPTH["sql"]] / line.reached[0]]
    ]  # fmt: skip
    summary = _("%(sql)s of %(entered)s leads became SQL, %(share)s.") % {
        "sql": count(sql), "entered": count(entered), "share": sheet.percentage(average),
    }  # fmt: skip
    return charts.Bars(
        title=_("Became SQL, share of those that entered"), summary=summary, bars=bars, measure=_("Became SQL"),
        note=_("full colour: at least the average"),
        reference=(100 * average, _("average %(share)s") % {"share": sheet.percentage(average)}),
    )  # fmt: skip


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one figure."""
    if step not in DEPTH:
        raise Http404
    _form, scope, _compare = report_sheet.asked(request)
    leads = report_sheet.of_group(request, funnel.leads_that_reached(scope.cohort(request.user), step))
    titles = {key: label for key, label, _sales in funnel.STEPS}
    return report_rows.listed(request, leads, title=str(titles[step]), scope=scope, key="sources")
