"""Handoffs: who offered what to whom, until when, and what became of it. Moves make them; here they are read."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Instant, Properties
from crm.api.listing import ChoiceFilter, Filters, IdFilter, listed
from crm.models import User
from leads.models import Handoff, Lead


class HandoffShown(serializers.ModelSerializer):
    lead_id = serializers.IntegerField()
    outcome = serializers.SerializerMethodField()
    is_overdue = serializers.BooleanField()
    packet = Properties(help_text="What sales got to see, frozen at the offer.")
    offered_at, due_at = Instant(), Instant()
    closed_at = Instant(allow_null=True)
    offered_by_id = serializers.IntegerField(allow_null=True)
    assignee_id = serializers.IntegerField(allow_null=True)
    team_id = serializers.IntegerField(allow_null=True)
    closed_by_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Handoff
        fields = [
            "id", "lead_id", "round", "offered_at", "offered_by_id", "assignee_id", "team_id", "due_at", "is_overdue",
            "closed_at", "closed_by_id", "outcome", "packet",
        ]  # fmt: skip

    def get_outcome(self, handoff: Handoff) -> str:
        return handoff.outcome or "open"


class HandoffFilters(Filters):
    lead = IdFilter("lead_id", label="Number of the lead.")
    assignee = IdFilter("assignee_id", label="Number of the person it was offered to.")
    team = IdFilter("team_id", label="Number of the team it was offered to.")
    outcome = ChoiceFilter(
        method="by_outcome", label="What became of it.",
        choices=[("open", "open"), *(choice for choice in Handoff.Outcome.choices if choice[0])],
    )  # fmt: skip

    def by_outcome(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(closed_at=None) if value == "open" else rows.filter(outcome=value)


def _visible(user: User) -> Any:
    return Handoff.objects.filter(lead__in=Lead.objects.visible_to(user))


@described("GET", "List handoffs", name="handoffs_list", answer=page_of(HandoffShown), filters=HandoffFilters)
@endpoint(get="handoffs:read")
def collection(request: Any) -> Response:
    return listed(request, _visible(request.user), HandoffFilters, HandoffShown)


@described("GET", "Read a handoff", name="handoffs_read", answer=HandoffShown, noes=(404,))
@endpoint(get="handoffs:read")
def one(request: Any, pk: int) -> Response:
    return Response(HandoffShown(get_object_or_404(_visible(request.user), pk=pk)).data)
