"""Acceptance: of what was handed over, how much sales accepted, sent back or has not answered, line by line."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from crm import charts, keyset
from crm.models import User
from crm.requests import SignedInRequest
from crm.templatetags.formats import count
from leads.reports import acceptance, sheet
from leads.reports.acceptance import OUTCOMES, STEPS, Line
from leads.reports.period import ComparedForm, Scope
from leads.reports.sheet import Cell, Column, Row, Sheet, Table
from leads.views import report_sheet

BY = {"person": gettext_lazy("Person"), "team": gettext_lazy("Team"), "source": gettext_lazy("Source")}
TITLES = {
    "offered": gettext_lazy("Handed over"), "accepted": gettext_lazy("Accepted"),
    "sent_back": gettext_lazy("Sent back"), "disqualified": gettext_lazy("Disqualified"),
    "waiting": gettext_lazy("Not answered yet"),
}  # fmt: skip


class AcceptanceForm(ComparedForm):
    by = forms.ChoiceField(
        label=pgettext_lazy("lines of a report", "By"), choices=list(BY.items()), required=False,
        widget=forms.Select({"class": "select"}),
    )  # fmt: skip


def _by(request: SignedInRequest) -> str:
    by = request.GET.get("by", "")
    return by if by in BY else "person"


def page(request: SignedInRequest) -> HttpResponse:
    """How much of what was handed over sales accepts."""
    make = partial(made, request.user, _by(request))
    words = {"title": _("Acceptance"), "of_handoffs": True}
    return report_sheet.page(request, "acceptance", make, words, AcceptanceForm)


def made(user: User, by: str, scope: Scope) -> Sheet:
    """Return the report for what was handed over in `scope` of the leads that `user` may read."""
    lines = acceptance.lines(acceptance.handoffs(user, scope), by)
    whole = acceptance.together(lines)
    query = scope.query | {"by": by}
    columns = [Column(TITLES[step], (step,)) for step in STEPS]
    columns.append(Column(_("Accepted of answered"), sheet.SHARE))
    table = Table(
        by, _("What became of what was handed over"), str(BY[by]), columns,
        [Row(line.key, _name(line, by), _cells(line, query, group=line.key)) for line in lines],
        Row("", _("Together"), _cells(whole, query)),
        _(
            "A handoff counts on the day it was offered, by its own answer; one that was withdrawn or undone counts"
            " nowhere. Person: who answered, else to whom it was offered. Below the share: where the true one lies in"
            " 95 of 100 such cases; of fewer than five answers none is shown."
        ),
    )  # fmt: skip
    return Sheet(whole.numbers["offered"], [_figure(lines, whole, by)], [table])


def _name(line: Line, by: str) -> str:
    if line.who:
        return str(line.who)
    return {"person": _("Nobody yet"), "team": _("No team"), "source": _("No source")}[by]


def _cells(line: Line, query: dict[str, Any], **group: str) -> list[Cell]:
    at = partial(sheet.link, "acceptance", query=query, **group)
    counts = [sheet.number(line.numbers[step], at(step=step.replace("_", "-"))) for step in STEPS]
    return [*counts, sheet.share(line.numbers["accepted"], line.answered)]


def _figure(lines: list[Line], whole: Line, by: str) -> charts.Stacked:
    summary = _("%(accepted)s of %(answered)s answered handoffs were accepted.") % {
        "accepted": count(whole.numbers["accepted"]), "answered": count(whole.answered),
    }  # fmt: skip
    rows = [(_name(line, by), [line.numbers[step] for step in OUTCOMES]) for line in lines[:12]]
    parts = [str(TITLES[step]) for step in OUTCOMES]
    return charts.Stacked(title=_("What became of what was handed over"), summary=summary, parts=parts, rows=rows)


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The handoffs behind one figure, the newest first, fifty a page."""
    asks, (_form, scope, _compare), by = STEPS.get(step.replace("-", "_")), report_sheet.asked(request), _by(request)
    group = request.GET.get("group", "")
    if asks is None or not (group in ("", "none") or (group.isdecimal() and len(group) < 10)):
        raise Http404
    found = acceptance.handoffs(request.user, scope).filter(asks)
    if group:
        found = acceptance.of_line(found, by, None if group == "none" else int(group))
    page = keyset.page(
        found.select_related("lead__contact", "assignee", "team"), request.GET.get("after", ""),
        order=("-offered_at", "-id"), size=50,
    )  # fmt: skip
    keep = urlencode(scope.query | {"by": by} | ({"group": group} if group else {}))
    context = {
        "page": page, "total": found.count(), "title": TITLES[step.replace("-", "_")], "keep": keep,
        "start": scope.start, "end": scope.end, "report": "acceptance",
    }  # fmt: skip
    return render(request, "leads/reports/sla_rows.html", context)
