"""Why a lead scores as it does, now or at the end of a past day: the ledger of the page, as data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import described
from crm.api.endpoint import endpoint
from crm.api.fields import Day
from crm.api.listing import refuse_unknown
from crm.workdays import day_of, local_date
from leads.api.leads import find
from leads.models import Lead
from scoring import as_of, ledger
from scoring.ledger import Ledger, Row
from scoring.models import ScorecardVersion

STATES = {
    "scored": "Reckoned from the activities.", "ended": "A newer episode has followed; its last score.",
    "objected": "The person objects to profiling: no score.", "waiting": "Not scored yet.",
    "unscored": "No scorecard was in force on that day, or the lead was not there.",
}  # fmt: skip
ASKS = (
    OpenApiParameter(
        "as_of", {"type": "string", "format": "date"}, description="The end of this local day; now when left out."
    ),
)


class Line(serializers.Serializer):
    """Within a dimension the points of lines and caps add up to its sub."""

    kind = serializers.ChoiceField(["group", "line", "cap", "part", "sub"])
    label = serializers.CharField()
    points = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    days = serializers.ListField(child=serializers.CharField(), help_text="The dates behind it, with their weight.")


class ScoreShown(serializers.Serializer):
    lead_id = serializers.IntegerField()
    as_of = serializers.DateField()
    state = serializers.ChoiceField(list(STATES), help_text=" ".join(f"{k}: {v}" for k, v in STATES.items()))
    version = serializers.IntegerField(allow_null=True, help_text="Number of the scorecard's version.")
    score = serializers.IntegerField(allow_null=True)
    fit = serializers.IntegerField(allow_null=True)
    engagement = serializers.IntegerField(allow_null=True)
    grade = serializers.CharField(allow_blank=True)
    at_bar = serializers.BooleanField()
    missing = serializers.IntegerField(help_text="Points to the MQL bar.")
    lines = Line(many=True)


class AsOf(serializers.Serializer):
    as_of = Day(required=False)


@described("GET", "Why this score", name="leads_score", answer=ScoreShown, asks=ASKS, noes=(404,))
@endpoint(get="leads:read")
def score(request: Any, pk: int) -> Response:
    refuse_unknown(request, ["as_of"])
    lead = find(request, pk)
    sent = AsOf(data=request.query_params)
    sent.is_valid(raise_exception=True)
    wanted = sent.validated_data.get("as_of")
    return Response(ScoreShown(_now(lead) if wanted is None else _then(lead, wanted)).data)


def _now(lead: Lead) -> dict[str, Any]:
    told = ledger.of(lead)
    return _of(lead, local_date(), told.state, told)


def _then(lead: Lead, day: date) -> dict[str, Any]:
    days = as_of.days_of(lead)
    if days is None or not days[0] <= day <= min(days[1], local_date()):
        return _of(lead, day, "unscored", None)
    then = as_of.of(lead, day_of(day))
    if then.objected or then.told is None:
        return _of(lead, day, "objected" if then.objected else "unscored", None)
    return _of(lead, day, "scored", ledger.booked(lead, "scored", then.told))


def _of(lead: Lead, day: date, state: str, told: Ledger | None) -> dict[str, Any]:
    known = told is not None and told.total is not None
    version: ScorecardVersion | None = told.version if told else None
    return {
        "lead_id": lead.pk, "as_of": day, "state": state, "version": version.number if version else None,
        "score": told.total if told else None, "fit": told.fit if told and known else None,
        "engagement": told.engagement if told and known else None, "grade": told.grade if told else "",
        "at_bar": bool(told and told.at_bar), "missing": told.missing if told else 0,
        "lines": _lines(told.rows if told else []),
    }  # fmt: skip


def _lines(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {"kind": row.kind, "label": row.label, "points": row.points, "detail": row.detail, "days": list(row.days)}
        for row in rows
    ]
