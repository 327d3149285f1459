"""The funnel report: how far a cohort came, each number with the leads behind it."""

from __future__ import annotations

import csv
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from crm import charts
from crm.requests import SignedInRequest
from crm.templatetags.formats import count, span
from crm.workdays import workspace_zone
from leads.models.lead import LeadQuerySet
from leads.reports import funnel as funnels
from leads.reports.period import ScopeForm
from leads.stages import OPEN, Stage
from leads.views import report_rows


def page(request: SignedInRequest) -> HttpResponse:
    """How far the leads came that entered in the period, and what happened on one day."""
    scope = ScopeForm(request.GET).scope()
    form = ScopeForm(initial=vars(scope))
    counted = funnels.cohort(scope.cohort(request.user))
    shape = funnels.funnel(counted, scope.moved(request.user))
    query = urlencode({key: value for key, value in request.GET.items() if value and key in form.fields})
    if request.GET.get("format") == "csv":
        return _as_csv(shape)
    day = parse_date(request.GET.get("day", "")) or timezone.now().astimezone(workspace_zone()).date()
    return render(
        request,
        "leads/reports/funnel.html",
        {
            "form": form,
            "scope": scope,
            "query": query,
            "balance": counted.balance(),
            "shape": shape,
            "figure": _figure(shape, query),
            "steps": [label for _key, label, _sales in funnels.STEPS],
            "day": funnels.on_day(day, request.user),
            "now": timezone.now(),
        },
    )


def _figure(shape: funnels.Funnel, query: str) -> charts.Funnel:
    steps = [
        charts.Step(
            label=str(label), value=reached, with_sales=sales, time=span(time) if time is not None else "",
            url=f"{reverse('report_rows', args=['funnel', key])}?{query}",
        )
        for (key, label, sales), reached, time in zip(funnels.STEPS, shape.reached, shape.times, strict=True)
    ]  # fmt: skip
    reached = dict(zip(funnels.DEPTH, shape.reached, strict=True))
    summary = _("%(entered)s leads entered, %(mql)s became MQL, %(sql)s qualified, %(won)s won.") % {
        key: count(value) for key, value in reached.items()
    }
    note = _("pale: with marketing, full colour: with sales")
    return charts.Funnel(title=_("Furthest stage reached"), summary=summary, note=note, steps=steps)


def _as_csv(shape: funnels.Funnel) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="funnel.csv"'
    writer = csv.writer(response)
    writer.writerow(["source", *funnels.DEPTH])
    for line in shape.lines:
        writer.writerow([line.source.key if line.source else "", *line.reached])
    return response


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one number of the funnel."""
    if step not in {*funnels.DEPTH, "open", *Stage.values}:
        raise Http404
    scope = ScopeForm(request.GET).scope()
    titles = {key: label for key, label, _sales in funnels.STEPS} | {"open": _("Open")} | dict(Stage.choices)
    leads = _behind(scope.cohort(request.user), step)
    return report_rows.listed(request, leads, title=str(titles[step]), scope=scope, key="funnel")


def _behind(leads: LeadQuerySet, step: str) -> LeadQuerySet:
    if step == "open":
        return leads.filter(stage__in=OPEN)
    if step in {Stage.LOST, Stage.DISQUALIFIED}:
        return leads.filter(stage=step)
    return funnels.leads_that_reached(leads, step)
