"""Campaigns: the list with what each cost and brought, one campaign's page, and the form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from crm import keyset, roles
from crm.requests import SignedInRequest
from leads import campaigns, spending
from leads.campaign_forms import CampaignForm
from leads.models import Campaign
from leads.reports import attribution
from leads.views.bounced_forms import anew, show_errors
from leads.views.kept_pages import keepers, readers

OF_SPEND = ("-starts_on", "-id")


for_readers = readers(roles.reads_spend)
for_keepers = keepers(for_readers, gettext_lazy("Campaigns and spend are kept by marketing."))


@for_readers
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """All campaigns, the newest first, with what was booked on each and how many leads came by it first."""
    page = keyset.page(Campaign.objects.select_related("owner"), request.GET.get("after", ""), order=("-id",))
    booked = spending.booked([campaign.pk for campaign in page.rows])
    came = attribution.counts("first")
    context = {
        "page": page,
        "rows": [(row, booked.get(row.pk), came.get(row.key.casefold(), 0)) for row in page.rows],
        "keeps": roles.is_marketing(request.user),
        "currency": spending.currency(),
    }
    return render(request, "leads/campaigns/index.html", context)


@for_readers
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One campaign: its facts, its spend, and the leads that came by it."""
    campaign = get_object_or_404(Campaign.objects.select_related("owner"), pk=pk)
    rows = keyset.page(campaign.spend.all(), request.GET.get("after", ""), order=OF_SPEND)
    leads = attribution.that_touched(campaign, request.user)
    people = keyset.page(leads.with_people(), request.GET.get("people", ""), order=("-id",))
    context = {
        "campaign": campaign, "page": rows, "people": people, "total": spending.booked([pk]).get(pk),
        "number": leads.count(), "keeps": roles.is_marketing(request.user), "currency": spending.currency(),
    }  # fmt: skip
    return render(request, "leads/campaigns/page.html", context)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """A new campaign, or one to change."""
    row = get_object_or_404(Campaign, pk=pk) if pk else None
    form = CampaignForm(request.POST or None, campaign=row, initial=_initial(row) if row else None)
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                saved = _save(form, row, request)
            except ValidationError as error:
                show_errors(form, error)
            except campaigns.Stale as error:
                status = 409
                form = anew(form, error.current.version, campaign=row)
            else:
                messages.success(request, _("Saved."))
                return redirect("campaign", saved.pk)
    return render(request, "leads/campaigns/edit.html", {"form": form, "campaign": row}, status=status)


def _initial(row: Campaign) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "channel", "starts_on", "ends_on", "owner", "version")}


def _save(form: CampaignForm, row: Campaign | None, request: SignedInRequest) -> Campaign:
    if row is None:
        return campaigns.create(form.values(), by=request.user, key=form.cleaned_data["key"])
    campaigns.update(row, form.values(), by=request.user, version=form.cleaned_data["version"] or 0)
    return row
