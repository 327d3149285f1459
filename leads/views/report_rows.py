"""The leads behind one number of a report, newest first, fifty a page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from crm.requests import SignedInRequest
from leads.models.lead import LeadQuerySet
from leads.reports.period import Scope

PAGE = 50


def listed(
    request: SignedInRequest, leads: LeadQuerySet, *, title: str, scope: Scope, key: str, note: str = ""
) -> HttpResponse:
    """Show `leads` of `scope` as the list behind one number of the report `key`; ?before=<id> goes on."""
    before = request.GET.get("before", "")
    page = list(
        (leads.filter(pk__lt=int(before)) if before.isdecimal() else leads).with_people().order_by("-pk")[: PAGE + 1]
    )
    query = request.GET.copy()
    if len(page) > PAGE:
        query["before"] = str(page[PAGE - 1].pk)
    context = {
        "leads": page[:PAGE],
        "total": leads.count(),
        "title": title,
        "scope": scope,
        "report": key,
        "note": note,
    }
    return render(request, "leads/reports/rows.html", context | {"more": query.urlencode() if len(page) > PAGE else ""})
