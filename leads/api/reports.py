"""Reports as figures: the same functions, filters and rights as the pages."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import described
from crm.api.endpoint import endpoint
from crm.api.listing import refuse_unknown
from leads.reports import funnel as funnels
from leads.reports.period import ScopeForm

ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
ASKS = (
    OpenApiParameter("start", {"type": "string", "format": "date"}, description="Entered from this day on."),
    OpenApiParameter("end", {"type": "string", "format": "date"}, description="Entered up to this day."),
    OpenApiParameter("source", ID, description="Number of a source."),
    OpenApiParameter("team", ID, description="Number of a team."),
)


class Step(serializers.Serializer):
    key = serializers.CharField()
    reached = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True, help_text="From entering to this step.")


class SourceLine(serializers.Serializer):
    source = serializers.CharField(allow_null=True)
    reached = serializers.ListField(child=serializers.IntegerField(), help_text="In the order of the steps.")


class BalanceShown(serializers.Serializer):
    entered = serializers.IntegerField()
    open = serializers.IntegerField()
    won = serializers.IntegerField()
    lost = serializers.IntegerField()
    disqualified = serializers.IntegerField()
    nurture = serializers.IntegerField(help_text="Of the open ones.")


class FunnelShown(serializers.Serializer):
    start = serializers.DateField()
    end = serializers.DateField()
    balance = BalanceShown()
    steps = Step(many=True)
    by_source = SourceLine(many=True)


class ReportsShown(serializers.Serializer):
    results = serializers.ListField(child=serializers.CharField())


@described("GET", "Which reports there are", name="reports_list", answer=ReportsShown)
@endpoint(get="reports:read")
def collection(request: Any) -> Response:
    refuse_unknown(request, [])
    return Response({"results": ["funnel"]})


@described("GET", "How far leads came", name="reports_funnel", answer=FunnelShown, asks=ASKS)
@endpoint(get="reports:read")
def funnel(request: Any) -> Response:
    """The leads that entered in a period (twelve months unless said otherwise), as far as you may read them."""
    refuse_unknown(request, [str(one.name) for one in ASKS])
    form = ScopeForm(request.query_params)
    if not form.is_valid():
        raise serializers.ValidationError({name: list(texts) for name, texts in form.errors.items()})
    scope = form.scope()
    counted = funnels.cohort(scope.cohort(request.user))
    shape = funnels.funnel(counted, scope.moved(request.user))
    steps = [
        {"key": key, "reached": reached, "median_seconds": time.total_seconds() if time is not None else None}
        for key, reached, time in zip(funnels.DEPTH, shape.reached, shape.times, strict=True)
    ]
    lines = [{"source": line.source.key if line.source else None, "reached": line.reached} for line in shape.lines]
    told = {
        "start": scope.start, "end": scope.end, "balance": counted.balance(), "steps": steps, "by_source": lines,
    }  # fmt: skip
    return Response(FunnelShown(told).data)
