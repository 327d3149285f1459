"""Campaigns: read by everybody, kept by marketing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm import roles
from crm.api import stale
from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Day, Id, Instant, Strict, Text, Whole
from crm.api.listing import ChoiceFilter, Filters, TextFilter, listed
from crm.models import AuditEntry
from leads import campaigns
from leads.models import Campaign

EXAMPLE = {"name": "Spring fair 2026", "channel": "fair", "starts_on": "2026-04-20", "ends_on": "2026-04-24"}


class CampaignShown(serializers.ModelSerializer):
    owner_id = serializers.IntegerField(allow_null=True)
    created_at = Instant()

    class Meta:
        model = Campaign
        fields = ["id", "version", "key", "name", "channel", "starts_on", "ends_on", "owner_id", "created_at"]
        extra_kwargs = {name: {"required": True} for name in fields}


class CampaignNew(Strict):
    shown = ("id", "version", "created_at", "is_demo")

    name = Text(max_length=120)
    key = serializers.RegexField(
        r"^[a-z0-9_-]{1,60}\Z", required=False, help_text="Made from the name when left out; it stays."
    )
    channel = serializers.ChoiceField(Campaign.Channel.values, required=False)
    starts_on, ends_on = Day(required=False, allow_null=True), Day(required=False, allow_null=True)
    owner_id = Id(required=False, allow_null=True)


class CampaignChange(Strict):
    shown = ("id", "key", "created_at", "is_demo")

    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The version you have read.")
    name = Text(max_length=120, required=False)
    channel = serializers.ChoiceField(Campaign.Channel.values, required=False)
    starts_on, ends_on = Day(required=False, allow_null=True), Day(required=False, allow_null=True)
    owner_id = Id(required=False, allow_null=True)


class CampaignFilters(Filters):
    key = TextFilter("key", label="The key, exactly.")
    channel = ChoiceFilter(field_name="channel", choices=Campaign.Channel.choices, label="Channel.")


def _must_keep(request: Any) -> None:
    if not roles.is_marketing(request.user):
        raise PermissionDenied(_("Campaigns are kept by marketing."))


@described("GET", "List campaigns", name="campaigns_list", answer=page_of(CampaignShown), filters=CampaignFilters)
@described(
    "POST", "Add a campaign", name="campaigns_create", status=201, answer=CampaignShown, body=CampaignNew,
    examples={"Fair": EXAMPLE},
)  # fmt: skip
@endpoint(get="campaigns:read", post="campaigns:write")
def collection(request: Any) -> Response:
    if request.method == "GET":
        return listed(request, Campaign.objects.all(), CampaignFilters, CampaignShown)
    _must_keep(request)
    sent = CampaignNew(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    key = values.pop("key", "")
    return Response(CampaignShown(campaigns.create(values, by=request.user, key=key)).data, status=201)


@described("GET", "Read a campaign", name="campaigns_read", answer=CampaignShown, noes=(404,))
@described(
    "PATCH", "Change a campaign", name="campaigns_update", answer=CampaignShown, body=CampaignChange, noes=(404,),
    examples={"Longer": {"version": 0, "ends_on": "2026-04-30"}},
)  # fmt: skip
@endpoint(get="campaigns:read", patch="campaigns:write")
def one(request: Any, pk: int) -> Response:
    campaign = get_object_or_404(Campaign, pk=pk)
    if request.method == "GET":
        return Response(CampaignShown(campaign).data)
    _must_keep(request)
    sent = CampaignChange(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    version = values.pop("version")
    try:
        campaigns.update(campaign, values, by=request.user, version=version)
    except campaigns.Stale as error:
        newest = AuditEntry.objects.filter(object=f"campaign:{pk}").select_related("actor").order_by("-id").first()
        raise stale.conflict(error.current.version, newest.actor if newest else None, values, error.current) from error
    return Response(CampaignShown(campaign).data)
