"""Velocity: how long leads stay in each stage, with those still there counted honestly, and how long a step takes."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import charts
from crm.models import User
from crm.requests import SignedInRequest
from leads.models import Lead
from leads.reports import funnel, sheet, velocity
from leads.reports.period import Scope
from leads.reports.sheet import Cell, Column, Row, Sheet, Table
from leads.reports.survival import Stay
from leads.stages import Stage
from leads.views import report_rows, report_sheet

DAY = 86_400


def page(request: SignedInRequest) -> HttpResponse:
    """How fast leads move."""
    return report_sheet.page(request, "velocity", partial(made, request.user), {"title": _("Velocity")})


def made(user: User, scope: Scope) -> Sheet:
    """Return the report for the leads of `scope` that `user` may read."""
    stays, lags = velocity.stays(scope.cohort(user), scope.moved(user), timezone.now())
    columns = [
        Column(_("Came into it"), ("came",)), Column(_("Left it"), ("left",)), Column(_("Still there"), ("still",)),
        Column(_("Half are through after"), ("median_seconds",)),
        Column(_("Nine of ten are through after"), ("p90_seconds",)),
    ]  # fmt: skip
    stayed = Table(
        "stays", _("Time in each stage"), _("Stage"), columns,
        [Row(stage, str(Stage(stage).label), _stay_cells(stay, stage, scope)) for stage, stay in stays.items()],
        tells=_(
            "The first stay of a lead in a stage, until it left for any other. Leads still there count with the time"
            " they have been there so far (Kaplan and Meier’s estimate), so that a stage where many wait does not look"
            " fast; “>” says that too many are still there to tell."
        ),
    )  # fmt: skip
    titles = {key: str(label) for key, label, _sales in funnel.STEPS}
    columns = [
        Column(_("Leads that got there"), ("leads",)), Column(_("Median"), ("median_seconds",)),
        Column(_("Nine of ten within"), ("p90_seconds",)),
    ]  # fmt: skip
    reached = Table(
        "lags", _("From entering to each step"), _("Step"), columns,
        [Row(step, titles[step], _lag_cells(lag, step, scope)) for step, lag in lags.items()],
        tells=_("From entering to the first time there, of the leads that got there; the others do not count here."),
    )  # fmt: skip
    cases = stays["lead"].cases + sum(lag.cases for lag in lags.values())
    return Sheet(cases, [_figure(stays)] if cases else [], [stayed, reached])


def _stay_cells(stay: Stay, stage: str, scope: Scope) -> list[Cell]:
    at = partial(sheet.link, "velocity", query=scope.query)
    return [
        sheet.number(stay.cases, at(step=f"came-{stage}")), sheet.number(len(stay.over), at(step=f"left-{stage}")),
        sheet.number(len(stay.open), at(step=f"still-{stage}")),
        *(sheet.time(stay.quantile(share), stay.cases, least=stay.longest) for share in (0.5, 0.9)),
    ]  # fmt: skip


def _lag_cells(lag: Stay, step: str, scope: Scope) -> list[Cell]:
    at = sheet.link("velocity", f"reached-{step}", scope.query)
    return [sheet.number(lag.cases, at), *(sheet.time(lag.quantile(share), lag.cases) for share in (0.5, 0.9))]


def _figure(stays: dict[str, Stay]) -> charts.Bars:
    bars, slowest = [], ("", 0.0)
    for stage, stay in stays.items():
        half = stay.quantile(0.5) if stay.cases >= sheet.FEWEST else None
        if half is None:
            continue
        label = str(Stage(stage).label)
        slowest = max(slowest, (label, half), key=lambda one: one[1])
        long = sheet.time(stay.quantile(0.9), stay.cases, least=stay.longest).text
        note = _("nine of ten: %(time)s") % {"time": long}
        bars.append(charts.Bar(label=label, value=half / DAY, text=sheet.time(half, stay.cases).text, note=note))
    summary = _("Too few leads have moved to say how long they stay.")
    if bars:
        summary = _("Leads stay longest in “%(stage)s”: half of them are through after %(time)s.") % {
            "stage": slowest[0], "time": sheet.time(slowest[1], sheet.FEWEST).text,
        }  # fmt: skip
    return charts.Bars(title=_("Half are through after"), summary=summary, bars=bars, measure=_("Median"))


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one figure."""
    _form, scope, _compare = report_sheet.asked(request)
    found: QuerySet[Lead]
    leads, (what, _dash, place) = scope.cohort(request.user), step.partition("-")
    titles = {key: str(label) for key, label, _sales in funnel.STEPS}
    try:
        if what == "reached" and place in velocity.STEPS:
            found, title = leads.filter(**{f"milestones__{place}__isnull": False}), titles[place]
        else:
            found, title = velocity.that_stayed(leads, what, place), str(Stage(place).label)
    except (KeyError, ValueError) as error:
        raise Http404 from error
    return report_rows.listed(request, found, title=title, scope=scope, key="velocity")  # type: ignore[arg-type]
