"""The weekly review: one page for marketing and sales together, to read side by side or on paper."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import roles
from crm.requests import SignedInRequest
from crm.workdays import local_date
from leads.agreements import monday
from leads.reports.period import DATE
from leads.reports.sla import WEEK
from scoring import health, lifts, review

EARLIEST = date(2000, 1, 3)


class WeekForm(forms.Form):
    week = forms.DateField(label=_("A day of the week"), required=False, widget=forms.DateInput(DATE, "%Y-%m-%d"))

    def monday(self) -> date:
        """Return the Monday asked for; without one, or for nonsense, that of the last week that is over."""
        day = self.cleaned_data.get("week") if self.is_valid() else None
        return monday(min(max(day, EARLIEST), local_date())) if day else review.last_week()


def page(request: SignedInRequest) -> HttpResponse:
    """What one week brought, what came back and why, what sales said, which criteria are in alarm."""
    start = WeekForm(request.GET).monday()
    found = review.review(start, request.user, timezone.now())
    scope = {"start": found.start, "end": found.end}
    answer = lifts.answer(health.reckoned())
    context: dict[str, Any] = {
        "review": found, "form": WeekForm(initial={"week": start}), "now": timezone.now(), "answer": answer,
        "lines": [(line, urlencode(scope | ({"mql": line.mql} if line.mql else {}))) for line in found.lines],
        "why": [(label, number, urlencode(scope | {"reason": key})) for key, label, number in found.reasons],
        "said": [(label, number, urlencode(scope | {"reason": key})) for key, label, number in found.feedback],
        "query": urlencode(scope), "before": start - WEEK, "after": start + WEEK,
        "has_after": start + WEEK <= local_date(), "sees_all": roles.sees_everything(request.user),
    }  # fmt: skip
    return render(request, "scoring/week.html", context)
