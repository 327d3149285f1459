"""The report on the agreement: sales' side and marketing's, week by week, each number with the handoffs behind it."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from crm import charts, keyset
from crm.models import Team
from crm.requests import SignedInRequest
from crm.templatetags.formats import count, percent
from crm.workdays import local_date
from leads.agreements import monday
from leads.reports import sla
from leads.reports.period import ScopeForm
from leads.reports.sla import Week

WEEKS = 12
MOST = timedelta(weeks=156)


def _asked(request: SignedInRequest) -> tuple[ScopeForm, date, date, Team | None]:
    """Return the form and the whole weeks asked for: the last twelve where the address says nothing."""
    form = ScopeForm(request.GET)
    form.is_valid()
    given = form.cleaned_data
    end = given.get("end") or local_date()
    start = given.get("start") or end - timedelta(weeks=WEEKS - 1)
    start = monday(max(min(start, end), end - MOST))
    end = monday(end) + timedelta(days=6)
    shown = ScopeForm(initial={"start": start, "end": end, "team": given.get("team")})
    del shown.fields["source"]
    return shown, start, end, given.get("team")


def page(request: SignedInRequest) -> HttpResponse:
    """How fast sales answers, and what marketing delivers of what it promised."""
    form, start, end, team = _asked(request)
    now = timezone.now()
    weeks = sla.weeks(sla.handoffs(request.user, start, end, team), start, end, team, now)
    if request.GET.get("format") == "csv":
        return _as_csv(weeks)
    more = {"team": team.pk} if team else {}
    whole = sla.total(weeks)
    context = {
        "form": form, "start": start, "end": end, "now": now, "whole": whole, "figure": _figure(weeks, whole),
        "pages": {step.replace("-", "_"): reverse("report_rows", args=["sla", step]) for step in sla.STEPS},
        "lines": [(week, urlencode({"start": week.start, "end": week.end, **more})) for week in weeks],
        "query": urlencode({"start": start, "end": end, **more}),
    }  # fmt: skip
    return render(request, "leads/reports/sla.html", context)


def _figure(weeks: list[Week], whole: Week) -> charts.Lines:
    oldest_first = list(reversed(weeks))
    summary = _(
        "%(in_time)s of %(judged)s handoffs were answered in time; %(accepted)s of those answered were accepted."
    )
    return charts.Lines(
        title=_("Answered in time, percent"),
        summary=summary % {
            "in_time": count(whole.numbers["in-time"]), "judged": count(whole.judged),
            "accepted": percent(whole.accepted_share),
        },
        periods=[formats.date_format(week.start, _("j M")) for week in oldest_first],
        values=[None if week.in_time_share is None else 100 * week.in_time_share for week in oldest_first],
        label=_("in time"),
    )  # fmt: skip


def _as_csv(weeks: list[Week]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="agreement.csv"'
    writer = csv.writer(response)
    keys = list(Week(date.min).numbers)
    writer.writerow(["week", *keys, "late_by_system", "median_minutes", "promised", "promised_acceptance"])
    for week in weeks:
        took = "" if week.median is None else int(week.median / timedelta(minutes=1))
        figures = [week.numbers[key] for key in keys]
        writer.writerow([week.start, *figures, week.by_system, took, week.promised, week.promised_share])
    return response


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The handoffs behind one number, the newest first, fifty a page."""
    _form, start, end, team = _asked(request)
    asks = sla.steps(timezone.now())
    if step not in asks:
        raise Http404
    found = sla.handoffs(request.user, start, end, team).filter(asks[step])
    page = keyset.page(
        found.select_related("lead__contact", "assignee", "team"), request.GET.get("after", ""),
        order=("-offered_at", "-id"), size=50,
    )  # fmt: skip
    keep = urlencode({"start": start, "end": end, **({"team": team.pk} if team else {})})
    context: dict[str, Any] = {
        "page": page,
        "total": found.count(),
        "title": titles()[step],
        "keep": keep,
        "report": "sla",
    }
    return render(request, "leads/reports/sla_rows.html", context | {"start": start, "end": end})


def titles() -> dict[str, str]:
    """Return the words of each number."""
    return {
        "offered": _("Handed over"), "answered": _("Answered"), "in-time": _("Answered in time"),
        "late": _("Answered late"), "overdue": _("Overdue and open"), "waiting": _("Open, not yet due"),
        "accepted": _("Accepted"),
    }  # fmt: skip
