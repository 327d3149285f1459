"""What the reports made of sheets share: one page, its comparison, and the CSV of each table."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm.requests import SignedInRequest
from leads.models.lead import LeadQuerySet
from leads.reports.period import ComparedForm, Scope
from leads.reports.sheet import Sheet, Table, compared

Make = Callable[[Scope], Sheet]


def asked(request: SignedInRequest, form_class: type[ComparedForm] = ComparedForm) -> tuple[ComparedForm, Scope, str]:
    """Return the form as it is shown, the scope asked for, and what it is compared with ('' for nothing)."""
    form = form_class(request.GET)
    scope = form.scope()
    own = {name: form.cleaned_data.get(name) for name in form.fields}
    compare = own.get("compare") or ""
    return form_class(initial=own | vars(scope)), scope, compare


def told(request: SignedInRequest, scope: Scope, compare: str, make: Make) -> Sheet:
    """Return the report for `scope`, with the figures of the scope it is compared with beside its own."""
    sheet = make(scope)
    if not compare:
        return sheet
    before = {table.key: table for table in make(scope.earlier(compare)).tables}
    return replace(sheet, tables=[compared(table, before[table.key]) for table in sheet.tables])


def page(
    request: SignedInRequest,
    key: str,
    make: Make,
    words: Mapping[str, Any],
    form_class: type[ComparedForm] = ComparedForm,
) -> HttpResponse:
    """Show the report `key`; ?format=csv&table=… answers with one of its tables, the first by itself."""
    form, scope, compare = asked(request, form_class)
    sheet = told(request, scope, compare, make)
    if request.GET.get("format") == "csv":
        return as_csv(key, sheet, request.GET.get("table", ""))
    query = {name: value for name, value in request.GET.items() if value and name in form.fields}
    context = {
        "form": form, "scope": scope, "sheet": sheet, "report": key, "query": urlencode(query), "now": timezone.now(),
        "earlier": scope.earlier(compare) if compare else None,
    }  # fmt: skip
    return render(request, "leads/reports/sheet.html", context | dict(words))


def as_csv(key: str, sheet: Sheet, wanted: str) -> HttpResponse:
    """Answer with one table of the report; 404 for a table it has not."""
    found: Table | None = next((table for table in sheet.tables if wanted in ("", table.key)), None)
    if found is None:
        raise Http404
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{key}-{found.key}.csv"'
    csv.writer(response).writerows(found.lines())
    return response


def of_group(request: SignedInRequest, leads: LeadQuerySet, field: str = "source") -> LeadQuerySet:
    """Cut `leads` to the group the address names (?group=<id> or none); 404 for what is no group."""
    group = request.GET.get("group", "")
    if group in ("", "none"):
        return leads.filter(**{field: None}) if group else leads
    if not group.lstrip("-").isdecimal() or len(group) > 9:
        raise Http404
    return leads.filter(**{field: int(group)})
