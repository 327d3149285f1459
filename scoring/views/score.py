"""Why this score: the ledger of one lead, as a page, inside the lead page and in a popover on the boards."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from crm.workdays import day_of
from leads.models import Lead
from scoring import as_of, crossings, ledger, personas
from scoring.day_form import DayForm
from scoring.explain import unreadable
from scoring.packing import Torn

FRAGMENTS = {"popover": "scoring/score/_popover.html", "score": "scoring/score/_part.html"}


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the sum as of now; with `?as_of=2026-05-01` on the whole page, as of the end of that day."""
    lead = get_object_or_404(Lead.objects.visible_to(request.user).with_people(), pk=pk)
    told = ledger.of(lead, days=ledger.CURVE_DAYS if request.htmx else ledger.WHOLE_CURVE)
    shown: dict[str, Any] = {
        "lead": lead,
        "ledger": told,
        "personas": personas.matches([lead.contact_id])[lead.contact_id],
        "outlook": _outlook(told),
    }
    if request.htmx:
        response = render(request, FRAGMENTS.get(request.htmx.target or "", FRAGMENTS["score"]), shown)
    else:
        form = _form(request, told)
        if form is not None and form.is_bound and form.is_valid():
            shown |= _then(told, day_of(form.cleaned_data["as_of"]))
        wrong = form is not None and bool(form.errors)
        shown |= {"day_form": form, "history": ledger.history(lead) if told.total is not None else []}
        response = render(request, "scoring/score.html", shown, status=422 if wrong else 200)
    response["Vary"] = "HX-Request, HX-Target"
    return response


def _outlook(told: ledger.Ledger) -> crossings.Outlook | None:
    """Return what comes without news; where the stored signals are torn, the ledger says so instead."""
    if told.state != "scored":
        return None
    try:
        return crossings.of_lead(told.lead.pk)
    except Torn:
        told.trouble = unreadable()
        return None


def _form(request: SignedInRequest, told: ledger.Ledger) -> DayForm | None:
    """Return the form for a past day; None where there is no such day, or the person objects to profiling."""
    days = as_of.days_of(told.lead) if told.state in {"scored", "ended"} else None
    if days is None:
        return None
    return DayForm(request.GET if "as_of" in request.GET else None, first=days[0], last=days[1])


def _then(told: ledger.Ledger, day: int) -> dict[str, Any]:
    then = as_of.of(told.lead, day, told.in_force)
    return {"then": then, "now": told, "ledger": ledger.as_it_was(told, day, then.told or then.today)}
