"""MQLs per week: how often leads came over the bar by either version, what the log says, and the room sales has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
from django.db.models import Count, Q
from django.utils import timezone

from crm.models import Role, Team, User
from leads.models import Lead, StageChange
from leads.stages import SALES_OWNED, Verb
from scoring import engine, trial
from scoring.chunks import Stored
from scoring.trial import Trial

SAMPLE = 20_000  # leads the estimate per week looks at
WEEKS = 4
OBSERVED_WEEKS = 8


@dataclass(frozen=True)
class Flow:
    """MQLs per week: estimated for either version, measured in the log; what sales took over and has room for."""

    live: float
    draft: float
    measured: float
    accepted: float
    places: int
    free: int

    @property
    def weeks_of_room(self) -> int | None:
        """Return after how many weeks the free places are taken when sales closes nothing; None without MQLs."""
        return int(self.free / self.draft) if self.draft else None


@dataclass
class Crossed:
    """How often leads of the sample, one of `every`, came over the bar in the last weeks, by either version."""

    every: int = 1
    live: int = 0
    draft: int = 0


def count(told: Crossed, draft: Trial, live: Trial | None, stored: Stored, batch: engine.Batch, day: int) -> None:
    """Add how often leads of the sample came over the bar in the last weeks, reckoned week by week."""
    recent = np.zeros(len(stored), bool)
    recent[batch.owner[batch.day > day - 7 * WEEKS]] = True  # without news nobody comes over the bar
    places = np.flatnonzero(recent & (stored.contact % told.every == 0))
    if not len(places):
        return
    for name, version, signals in (("draft", draft, batch), ("live", live, stored.signals)):
        if version is None:
            continue
        sample = trial.chosen(signals, places)
        ends = [engine.score(version.compiled, day - 7 * week, sample).at_bar for week in range(WEEKS, -1, -1)]
        crossed = sum(int((now & ~then).sum()) for then, now in pairwise(ends))
        setattr(told, name, getattr(told, name) + crossed)


def of(crossed: Crossed) -> Flow:
    """Return the flow per week: the estimate for all leads, and what happened."""
    since = timezone.now() - timedelta(weeks=OBSERVED_WEEKS)
    moves = StageChange.objects.filter(at__gte=since, reversed_by=None).aggregate(
        risen=Count("pk", filter=Q(verb=Verb.QUALIFY_FOR_MARKETING)), accepted=Count("pk", filter=Q(verb=Verb.ACCEPT))
    )
    places, free = _room()
    return Flow(
        crossed.live * crossed.every / WEEKS, crossed.draft * crossed.every / WEEKS, moves["risen"] / OBSERVED_WEEKS,
        moves["accepted"] / OBSERVED_WEEKS, places, free,
    )  # fmt: skip


def _room() -> tuple[int, int]:
    """Return how many open leads sales may have in all, and how many places are free."""
    sellers = User.objects.filter(is_active=True, role=Role.SALES_REP, team__isnull=False)
    heads = dict(sellers.order_by().values_list("team").annotate(n=Count("pk")))
    places = sum(team.capacity * heads.get(team.pk, 0) for team in Team.objects.all())
    held = Lead.objects.filter(stage__in=SALES_OWNED).count()
    return places, max(0, places - held)
