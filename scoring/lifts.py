"""Who was lifted by which criterion when it was decided on: written by the back-test, charged when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from leads.models import Lead, Reason
from leads.reports.listed import Listed, by_group, integers
from scoring.charges import Charge, charges, ranked
from scoring.intervals import Share
from scoring.models import BacktestRun, Criterion, Lift, ScorecardVersion

AT_ONCE = 2_000
NAMED = 3  # reasons named per criterion
SOME = 500  # leads; more of them are not named one by one in a question to the database


# --- Writing --------------------------------------------------------------------------------------


def keep(run: BacktestRun, lead_ids: Sequence[int], found: Iterable[Lift]) -> None:
    """Write what a chunk found. A chunk that is done again replaces what it wrote before it was killed."""
    with transaction.atomic():
        Lift.objects.filter(run=run, lead__in=lead_ids).delete()
        Lift.objects.bulk_create(found, batch_size=AT_ONCE)


def forget_older(run: BacktestRun) -> None:
    """Delete what older runs of the same version found, and all of versions that are no longer in force."""
    older = Q(run__version=run.version_id) & ~Q(run=run)
    Lift.objects.filter(older | Q(run__version__state=ScorecardVersion.State.RETIRED)).delete()


# --- Charging -------------------------------------------------------------------------------------


def charged(run: BacktestRun) -> dict[str, Any]:
    """Return {"decided": MQLs with an answer, "rejected": of them, "criteria": {key: charge as JSON}}."""
    criteria = list(Criterion.objects.filter(version=run.version_id).order_by("position", "id"))
    keys = [criterion.key for criterion in criteria]
    place = {criterion.pk: n for n, criterion in enumerate(criteria)}
    answered = Lift.objects.filter(run=run, rejected__isnull=False).order_by()
    rows = np.array(list(answered.values_list("lead_id", "criterion_id", "rejected").iterator(AT_ONCE)), np.int64)
    rows = rows.reshape(-1, 3)
    leads, row_of = np.unique(rows[:, 0], return_inverse=True)
    lifted = np.zeros((len(leads), len(criteria)), bool)
    rejected = np.zeros(len(leads), bool)
    lifted[row_of.ravel(), [place[pk] for pk in rows[:, 1].tolist()]] = True
    rejected[row_of.ravel()] = rows[:, 2] != 0
    told = charges(lifted, rejected)
    return {
        "decided": len(leads), "rejected": int(rejected.sum()), "ranked": [keys[n] for n in ranked(told)],
        "criteria": {key: _as_json(one, keys) for key, one in zip(keys, told, strict=True)},
    }  # fmt: skip


def _as_json(one: Charge, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "lifted": [one.lifted.hits, one.lifted.cases], "others": [one.others.hits, one.others.cases],
        "z": round(one.z, 4), "p": one.p, "plain": one.plain,
        "beside": None if one.beside is None else keys[one.beside], "same": [keys[n] for n in one.same],
    }  # fmt: skip


# --- Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One criterion with its charge; `lifts` are all MQLs it lifted, `decides` those below the bar without it.

    `reasons`: why sales rejected those it lifted, [(reason, how often)], the most frequent first; None: no reason.
    """

    criterion: Criterion
    charge: Charge
    lifts: int
    decides: int
    reasons: list[tuple[Reason | None, int]]
    beside: Criterion | None
    same: list[Criterion]


@dataclass(frozen=True)
class Answer:
    """What a back-test of the version in force says: its lines, the strongest evidence first."""

    run: BacktestRun
    decided: Share
    first: datetime | None
    last: datetime | None
    lines: list[Line]

    @property
    def accused(self) -> list[Line]:
        return [line for line in self.lines if line.charge.is_accused]


def answer(run: BacktestRun | None) -> Answer | None:
    """Return what `run` charges the criteria with; None where it was reckoned before there were charges."""
    told = run.result.get("charges") if run else None
    if run is None or told is None:
        return None
    criteria = {one.key: one for one in Criterion.objects.filter(version=run.version_id).select_related("group")}
    counts = {
        row["criterion"]: (row["lifts"], row["decides"])
        for row in Lift.objects.filter(run=run).order_by().values("criterion").annotate(
            lifts=Count("pk"), decides=Count("pk", filter=Q(decides=True))
        )
    }  # fmt: skip
    reasons = _reasons(run)
    lines = []
    for key in told["ranked"]:
        criterion, one = criteria[key], told["criteria"][key]
        lifts, decides = counts.get(criterion.pk, (0, 0))
        if not lifts:
            continue
        charge = Charge(Share(*one["lifted"]), Share(*one["others"]), one["z"], one["p"], one["plain"], None, ())
        why, same = reasons.get(criterion.pk, Counter()).most_common(NAMED), [criteria[key] for key in one["same"]]
        lines.append(Line(criterion, charge, lifts, decides, why, criteria.get(one["beside"]), same))
    first, last = (datetime.fromisoformat(at) if at else None for at in (run.result["first"], run.result["last"]))
    return Answer(run, Share(told["rejected"], told["decided"]), first, last, lines)


def _reasons(run: BacktestRun) -> dict[int, Counter[Reason | None]]:
    names = Reason.objects.in_bulk()
    found: dict[int, Counter[Reason | None]] = {}
    rows = Lift.objects.filter(run=run, rejected=True).order_by().values_list("criterion", "reason")
    for criterion, reason, n in rows.annotate(n=Count("pk")):
        found.setdefault(criterion, Counter())[names.get(reason)] += n
    return found


def behind(run: BacktestRun, criterion: int, rejected: bool | None, leads: QuerySet[Lead]) -> QuerySet[Lift]:
    """Return what stands behind a number: leads of `leads` that `criterion` lifted; with `rejected` only those."""
    found = Lift.objects.filter(run=run, criterion=criterion, lead__in=leads)
    return found if rejected is None else found.filter(rejected=rejected)


def of_leads(run: BacktestRun, lead_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Return {lead: keys of the criteria that lifted it} for those that `run` found at the bar: `lead_ids` or more."""
    rows = Lift.objects.filter(run=run)
    rows = rows if len(lead_ids) > SOME else rows.filter(lead__in=lead_ids)
    found: dict[int, tuple[str, ...]] = {}
    by_criterion = rows.order_by("criterion__position", "criterion").values_list("criterion__key", "criterion")
    for key, _criterion, leads in by_group(by_criterion.annotate(leads=Listed("lead_id"))):
        for lead in integers(leads).tolist():
            found[lead] = (*found.get(lead, ()), key)
    return found
