"""The ledger of what was spent: all rows, one to book or to change, one to take out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import keyset, roles
from crm.requests import SignedInRequest
from leads import spending
from leads.campaign_forms import SpendForm
from leads.models import Campaign, Spend
from leads.views.bounced_forms import anew, show_errors
from leads.views.campaigns import OF_SPEND, for_keepers, for_readers


@for_readers
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """All rows, the newest period first; ?campaign=none shows those without one, ?side= one side."""
    which, side = request.GET.get("campaign", ""), request.GET.get("side", "")
    rows: QuerySet[Spend] = Spend.objects.select_related("campaign")
    if which == "none":
        rows = rows.filter(campaign=None)
    if side in Spend.Side.values:
        rows = rows.filter(side=side)
    context = {
        "page": keyset.page(rows, request.GET.get("after", ""), order=OF_SPEND),
        "total": spending.total(rows), "which": which, "side": side, "sides": Spend.Side.choices,
        "keeps": roles.is_marketing(request.user), "currency": spending.currency(),
        "keep": "&".join(f"{name}={value}" for name, value in (("campaign", which), ("side", side)) if value.isalpha()),
    }  # fmt: skip
    return render(request, "leads/campaigns/spend.html", context)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """A new row (?campaign=<id> names its campaign), or one to change."""
    row = get_object_or_404(Spend, pk=pk) if pk else None
    currency = row.currency if row else spending.currency()
    form = SpendForm(request.POST or None, currency=currency, initial=_initial(row, request))
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                saved = _save(form, row, request)
            except ValidationError as error:
                show_errors(form, error)
            except spending.Stale as error:
                if error.current is None:
                    return _gone(request)
                status, form = 409, anew(form, error.current.version, currency=currency)
            else:
                messages.success(request, _("Saved."))
                return _back(saved)
    return render(request, "leads/campaigns/spend_edit.html", {"form": form, "row": row}, status=status)


def _initial(row: Spend | None, request: SignedInRequest) -> dict[str, Any]:
    if row is None:
        asked = request.GET.get("campaign", "")
        known = Campaign.objects.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None
        return {"campaign": known}
    return {name: getattr(row, name) for name in (*SpendForm.base_fields,)}


def _save(form: SpendForm, row: Spend | None, request: SignedInRequest) -> Spend:
    if row is None:
        return spending.book(form.values(), by=request.user)
    spending.change(row, form.values(), by=request.user, version=form.cleaned_data["version"] or 0)
    return row


def _back(row: Spend) -> HttpResponse:
    return redirect("campaign", row.campaign_id) if row.campaign_id else redirect("spend")


def _gone(request: SignedInRequest) -> HttpResponse:
    messages.error(request, _("Somebody took this row out meanwhile; nothing was written."))
    return redirect("spend")


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a row out of the ledger, after a look at it."""
    row = get_object_or_404(Spend.objects.select_related("campaign"), pk=pk)
    if request.method != "POST":
        return render(request, "leads/campaigns/spend_removal.html", {"row": row})
    version = request.POST.get("version", "")
    if not version.isdecimal():
        raise Http404
    try:
        spending.remove(row, by=request.user, version=int(version))
    except spending.Stale as error:
        if error.current is None:
            return _gone(request)
        return render(request, "leads/campaigns/spend_removal.html", {"row": error.current, "stale": True}, status=409)
    messages.success(request, _("Taken out. The audit log keeps what it said."))
    return _back(row)
