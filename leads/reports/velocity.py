"""Velocity: how long leads stay in a stage, and how long they take to get somewhere. Two queries."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db.models import F, Q, QuerySet

from leads import milestones
from leads.models import Lead, Milestones
from leads.models.lead import LeadQuerySet
from leads.reports import funnel
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, numbers, of_all
from leads.reports.survival import Stay
from leads.stages import Stage

#: stage → the milestone that says since when a lead first stayed in it
STAYS = milestones.STAYS
STEPS = milestones.STEPS[1:]


def stays(leads: LeadQuerySet, moved: QuerySet[Milestones], now: datetime) -> tuple[dict[str, Stay], dict[str, Stay]]:
    """Return ({stage: how long it was stayed in}, {step: how long from entering until there}), in seconds.

    A stay is the first one in a stage, until it was left for any other. What an import let pass through in no time,
    or backwards, was no stay. Those still there count with how long they have been (see Stay). `moved` are the
    milestones of `leads`; those without any are new leads to this day.
    """
    today = now.timestamp()
    wanted: dict[str, Listed] = {}
    for stage, since in STAYS.items():
        left = f"{since}_left"
        wanted[f"{stage}_over"] = Listed(F(left) - F(since), filter=Q(**{f"{left}__gt": F(since)}))
        wanted[f"{stage}_open"] = Listed(F(since), filter=Q(**{f"{since}__isnull": False, left: None}))
    told = {name: numbers(listed) for name, listed in of_all(moved, **wanted).items()}
    unmoved = leads.filter(stage=Stage.LEAD, depth=0, milestones=None)
    waiting = numbers(of_all(unmoved, since=Listed(Epoch("entered_at")))["since"])
    told["lead_open"] = np.concatenate([told["lead_open"], waiting])
    found = {stage: Stay(told[f"{stage}_over"], np.maximum(today - told[f"{stage}_open"], 0)) for stage in STAYS}
    return found, {step: Stay(spans, np.array([])) for step, spans in funnel.lags(moved).items()}


def that_stayed(leads: LeadQuerySet, what: str, stage: str) -> QuerySet[Lead]:
    """Return the leads that `came` into `stage`, `left` it or are `still` there; KeyError for anything else."""
    name = f"milestones__{STAYS[stage]}"
    still = Q(**{f"{name}__isnull": False, f"{name}_left": None})
    if stage == Stage.LEAD:
        still |= Q(milestones=None)
    left = Q(**{f"{name}_left__gt": F(name)})
    return leads.filter({"came": still | left, "left": left, "still": still}[what])
