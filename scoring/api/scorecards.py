"""Scorecards: every version as it was signed. They are drafted, signed and published in the product."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Instant, Properties
from crm.api.listing import ChoiceFilter, Filters, listed
from scoring import contents
from scoring.models import ScorecardVersion


class ScorecardShown(serializers.ModelSerializer):
    scorecard = serializers.CharField(source="scorecard.key")
    name = serializers.CharField(source="scorecard")
    published_at, retired_at = Instant(allow_null=True), Instant(allow_null=True)
    created_at = Instant()

    class Meta:
        model = ScorecardVersion
        fields = ["id", "scorecard", "name", "number", "state", "note", "created_at", "published_at", "retired_at"]
        extra_kwargs = {name: {"required": True} for name in fields}


class ScorecardWhole(ScorecardShown):
    bars = Properties()
    groups = serializers.ListField(child=Properties())
    criteria = serializers.ListField(child=Properties())

    class Meta(ScorecardShown.Meta):
        fields = [*ScorecardShown.Meta.fields, "bars", "groups", "criteria"]


class ScorecardFilters(Filters):
    state = ChoiceFilter(field_name="state", choices=ScorecardVersion.State.choices, label="State.")


@described("GET", "List scorecard versions", name="scorecards_list", answer=page_of(ScorecardShown), filters=ScorecardFilters)  # fmt: skip # noqa: E501
@endpoint(get="scorecards:read")
def collection(request: Any) -> Response:
    return listed(request, ScorecardVersion.objects.select_related("scorecard"), ScorecardFilters, ScorecardShown)


@described("GET", "Read a scorecard version", name="scorecards_read", answer=ScorecardWhole, noes=(404,))
@endpoint(get="scorecards:read")
def one(request: Any, pk: int) -> Response:
    version = get_object_or_404(ScorecardVersion.objects.select_related("scorecard"), pk=pk)
    return Response(ScorecardShown(version).data | contents.of_version(version))
