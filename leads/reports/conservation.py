"""The conservation law: entered = open + won + lost + disqualified, for every cohort."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth

from crm.workdays import workspace_zone
from leads.models import Lead
from leads.stages import OPEN, Stage


@dataclass(frozen=True)
class Cohort:
    """The leads that entered in one month, by what became of them."""

    month: date
    entered: int
    open: int
    won: int
    lost: int
    disqualified: int

    @property
    def label(self) -> str:
        return f"{self.month:%Y-%m}"

    @property
    def adds_up(self) -> bool:
        return self.entered == self.open + self.won + self.lost + self.disqualified


def by_month(leads: QuerySet[Lead] | None = None) -> list[Cohort]:
    """Return the cohorts of `leads` (default all) by the local month they entered, oldest first."""
    rows = (
        (Lead.objects.all() if leads is None else leads)
        .annotate(month=TruncMonth("entered_at", tzinfo=workspace_zone()))
        .order_by("month")
        .values("month")
        .annotate(
            entered=Count("pk"),
            open=Count("pk", filter=Q(stage__in=OPEN)),
            won=Count("pk", filter=Q(stage=Stage.WON)),
            lost=Count("pk", filter=Q(stage=Stage.LOST)),
            disqualified=Count("pk", filter=Q(stage=Stage.DISQUALIFIED)),
        )
    )
    return [Cohort(**(row | {"month": row["month"].date()})) for row in rows]
