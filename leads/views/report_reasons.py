"""The report on reasons: why leads came back, were lost or disqualified, each number with the moves behind it."""

from __future__ import annotations

import csv
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as gl
from django.utils.translation import pgettext_lazy

from crm.requests import SignedInRequest
from crm.spreadsheet_cells import safe
from leads.reports import reasons
from leads.reports.period import Scope, ScopeForm
from leads.reports.reason_moves import KINDS, MQLS, STEPS, Alike, Told, told
from leads.reports.reasons import BY, Line, Table

PAGE = 50


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=forms.Select({"class": "select"}))


class ReasonsForm(ScopeForm):
    by = _choice(
        pgettext_lazy("lines of a report", "By"), lambda: [(key, one.label) for key, one in BY.items()]
    )  # fmt: skip
    mql = _choice(gl("MQLs"), lambda: [("", gl("First and repeat")), *MQLS.items()])


class _Asked:
    """What an address asks for; what it does not say is the last twelve months by source, all MQLs."""

    def __init__(self, request: SignedInRequest) -> None:
        form = ReasonsForm(request.GET)
        self.scope: Scope = form.scope()
        self.by: str = form.cleaned_data.get("by") or "source"
        self.mql: str = form.cleaned_data.get("mql") or ""
        self.user = request.user
        told = {"start": self.scope.start, "end": self.scope.end, "by": self.by, "mql": self.mql}
        for name in ("source", "team"):
            chosen = getattr(self.scope, name)
            told[name] = chosen.pk if chosen else ""
        self.query = {name: value for name, value in told.items() if value}

    def form(self) -> ReasonsForm:
        return ReasonsForm(initial=vars(self.scope) | {"by": self.by, "mql": self.mql})

    def added_up(self) -> list[Alike]:
        return reasons.added_up(self.scope, self.user, self.mql, self.by)

    def moves(self, verb: str, group: str) -> list[Told]:
        """Return the moves of one kind; with `group` those of all kinds, which say what is rare."""
        return told(self.scope, self.user, self.mql, {verb, *KINDS} if group else {verb})


Cell = tuple[int, float | None, str]


def _lines(table: Table, query: dict[str, Any]) -> tuple[list[tuple[Line, list[Cell]]], list[Cell]]:
    """Return (line, cells) of each line, and the cells of the whole: number, share and the address behind it.

    The total comes first, then each column.
    """
    address = f"{reverse('report_rows', args=['reasons', table.verb])}?{urlencode(query)}"
    columns = [(key, f"&{urlencode({'reason': key})}") for key, _label in table.columns]

    def cells(line: Line) -> list[Cell]:
        of_line = f"{address}&{urlencode({'group': line.key})}" if line.key else address
        behind = [(line.reasons[key], line.share(key), f"{of_line}{more}") for key, more in columns]
        return [(line.total, None, of_line), *behind]

    return [(line, cells(line)) for line in table.lines], cells(table.whole)


def _shown(table: Table, query: dict[str, Any]) -> dict[str, Any]:
    lines, whole = _lines(table, query)
    return {
        "title": KINDS[table.verb], "verb": table.verb, "columns": table.columns, "lines": lines, "whole": whole,
        "most": table.columns[0][1], "total": table.whole.total,
    }  # fmt: skip


def page(request: SignedInRequest) -> HttpResponse:
    """Reasons by source, campaign, grade or criterion; first and repeat MQLs apart."""
    asked = _Asked(request)
    moves = asked.added_up()
    tables = reasons.tables(moves, asked.by)
    if request.GET.get("format") == "csv":
        return _as_csv(tables, asked.by)
    steps = [
        (MQLS[which], [(counted[verb], verb, urlencode(asked.query | {"mql": which})) for verb in STEPS])
        for which, counted in reasons.steps(moves).items()
    ]
    context = {
        "form": asked.form(), "scope": asked.scope, "by": BY[asked.by].label, "query": urlencode(asked.query),
        "tables": [_shown(table, asked.query) for table in tables], "steps": steps,
        "heads": list(STEPS.values()), "now": timezone.now(),
        "overlaps": asked.by not in {"source", "campaign", "grade"}, "fewest": reasons.FEWEST,
    }  # fmt: skip
    return render(request, "leads/reports/reasons.html", context)


def _as_csv(tables: list[Table], by: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="reasons-by-{by}.csv"'
    writer = csv.writer(response)
    writer.writerow(["what", by, "name", "reason", "number", "of"])
    for table in tables:
        for line in table.lines:
            for key, label in table.columns:
                if line.reasons[key]:
                    cells = [table.verb, line.key, line.label, label, line.reasons[key], line.total]
                    writer.writerow([safe(cell) for cell in cells])
    return response


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The moves behind one number, the newest first, fifty a page."""
    if step not in STEPS:
        raise Http404
    asked = _Asked(request)
    group = request.GET.get("group", "")
    found = reasons.behind(asked.moves(step, group), step, asked.by, group, request.GET.get("reason", ""))
    after = request.GET.get("after", "")
    last = int(after) if after.lstrip("-").isdecimal() and len(after) < 19 else 0
    start = found.index(last) + 1 if last in found else 0
    pks = found[start : start + PAGE]
    keep = request.GET.copy()
    keep.pop("after", None)
    context = {
        "moves": reasons.shown(pks), "total": len(found), "title": STEPS[step], "scope": asked.scope,
        "page": {"next": pks[-1] if start + PAGE < len(found) else ""}, "keep": keep.urlencode(),
    }  # fmt: skip
    return render(request, "leads/reports/reasons_rows.html", context)
