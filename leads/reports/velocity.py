"""Velocity: how long leads stay in a stage, and how long they take to get somewhere. Two queries."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db.models import F, Q, QuerySet

from leads import milestones
from leads.models import Lead
from leads.models.lead import LeadQuerySet
from leads.reports.epoch import Epoch
from leads.reports.survival import Stay
from leads.stages import Stage

#: stage → the milestone that says since when a lead first stayed in it
STAYS = milestones.STAYS


NAMES = [name for since in STAYS.values() for name in (since, f"{since}_left")]
STEPS = ("mql", "offered", "sal", "sql", "won")


def stays(leads: LeadQuerySet, now: datetime) -> tuple[dict[str, Stay], dict[str, Stay]]:
    """Return ({stage: how long it was stayed in}, {step: how long from entering until there}), in seconds.

    A stay is the first one in a stage, until it was left for any other. What an import let pass through in no time,
    or backwards, was no stay. Those still there count with how long they have been (see Stay).
    """
    columns = list(dict.fromkeys([*NAMES, *STEPS]))
    moved = leads.order_by().filter(milestones__depth__isnull=False)
    rows = list(moved.values_list(*(f"milestones__{name}" for name in columns)))
    table = np.array(rows, dtype=float).reshape(len(rows), len(columns)).T  # None becomes nan
    known = dict(zip(columns, table, strict=True))
    unmoved = leads.order_by().filter(milestones=None).values_list(Epoch("entered_at"), flat=True)
    waiting = np.array(list(unmoved), dtype=float)
    today = now.timestamp()
    found = {stage: _stay(known[since], known[f"{since}_left"], today) for stage, since in STAYS.items()}
    new = found[Stage.LEAD]
    found[Stage.LEAD] = Stay(new.over, np.concatenate([new.open, np.maximum(today - waiting, 0)]))
    lags = {step: known[step] - known["entered"] for step in STEPS}
    return found, {step: Stay(lag[~np.isnan(lag)], np.array([])) for step, lag in lags.items()}  # type: ignore[return-value]


def _stay(since: np.ndarray, left: np.ndarray, now: float) -> Stay:
    came, gone = ~np.isnan(since), ~np.isnan(left)
    lasted = left - since
    return Stay(lasted[came & gone & (np.nan_to_num(lasted) > 0)], np.maximum(now - since[came & ~gone], 0))


def that_stayed(leads: LeadQuerySet, what: str, stage: str) -> QuerySet[Lead]:
    """Return the leads that `came` into `stage`, `left` it or are `still` there; KeyError for anything else."""
    name = f"milestones__{STAYS[stage]}"
    still = Q(**{f"{name}__isnull": False, f"{name}_left": None})
    if stage == Stage.LEAD:
        still |= Q(milestones=None)
    left = Q(**{f"{name}_left__gt": F(name)})
    return leads.filter({"came": still | left, "left": left, "still": still}[what])
