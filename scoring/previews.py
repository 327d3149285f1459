"""The preview of a version as a job, and what it found, kept with the version for those who sign.

A version that asks nothing new is previewed while one waits. What nobody has asked before is asked of everybody's
activities; with many leads that takes minutes, so a worker does it chunk by chunk (scoring/looks.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from crm import jobs
from crm.models import User
from scoring import backtest, contents, pointer, simulation, trial
from scoring.flow import Crossed, Flow
from scoring.looks import Kind, StartOver, Step
from scoring.models import ContactSignals, Criterion, PreviewRun, ScorecardVersion
from scoring.movers import Shift
from scoring.simulation import Effect, Preview, Simulation

AT_ONCE = 10_000
IN_A_REQUEST = 5_000  # leads a new question may be asked of while somebody waits
COUNTS = (
    "leads", "scored", "changed", "rises", "falls", "offered_stay", "made_by_people", "refused", "torn", "seconds",
    "before", "after", "grades",
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A preview that is kept: `is_current` while the version and the one in force are as they were."""

    run: PreviewRun
    told: Preview
    is_current: bool


# --- Asking ---------------------------------------------------------------------------------------


def digest(version: ScorecardVersion) -> str:
    """Return 64 hex digits of everything in `version` that moves a score or a lead; names and order do not."""
    return contents.seal([backtest.digest(version), version.leave_total])


def is_quick(version: ScorecardVersion) -> bool:
    """Whether a preview takes moments only: everything is answered already, or there are few leads."""
    new = trial.of(version.pk).new
    if not new.matchers and not new.predicates:
        return True
    some = ContactSignals.objects.filter(lead_id__isnull=False).order_by().values_list("pk", flat=True)
    return len(some[: IN_A_REQUEST + 1]) <= IN_A_REQUEST


def kept(version: ScorecardVersion) -> Kept | None:
    """Return the newest finished preview of `version`, of whatever it said then; None without one."""
    done = PreviewRun.objects.filter(version=version, state=PreviewRun.State.DONE)
    run = done.select_related("asked_by", "published").order_by("-id").first()
    if run is None:
        return None
    current = pointer.read()
    same = run.digest == digest(version) and run.published_id == (current.version_id if current else None)
    return Kept(run, from_json(run.result, version.criteria.all()), same)


def under_way(version: ScorecardVersion) -> PreviewRun | None:
    """Return the preview of `version` that is running."""
    return LOOK.under_way(version)


def ended_badly(version: ScorecardVersion) -> PreviewRun | None:
    """Return the newest preview of `version` when it failed or was overtaken."""
    newest = PreviewRun.objects.filter(version=version).exclude(state=PreviewRun.State.RUNNING).first()
    return newest if newest and newest.state != PreviewRun.State.DONE else None


def ask(version: ScorecardVersion, *, by: User | None) -> PreviewRun:
    """Begin a preview of what `version` says now, or return the one that is at it already."""
    return LOOK.ask(version, by=by)


# --- Working --------------------------------------------------------------------------------------


@jobs.job
def carry_on(seconds: float) -> bool:
    """Work on the previews under way for at most about `seconds`; True when none is left."""
    return LOOK.carry_on(seconds)


def _basis() -> list[int | None]:
    """Return what the scores before are of: the version in force and the day. Half of either is no preview."""
    current = pointer.read()
    return [current.version_id if current else None, simulation.publish_day()]


def _begin() -> tuple[int, dict[str, Any]]:
    return simulation.count(), {"basis": _basis()}


def _make_ready(run: PreviewRun) -> Simulation:
    return Simulation.of(run.version_id)


def _step(run: PreviewRun, ready: Simulation) -> Step | None:
    if run.tallies["basis"] != _basis():
        raise StartOver
    told = from_json(run.tallies, ready.draft.version.criteria.all()) if run.done else ready.begin()
    chunk = ready.add(told, run.cursor, AT_ONCE)
    if not len(chunk):
        return None
    return Step(chunk.last, len(chunk), as_json(told) | {"basis": run.tallies["basis"]})


def _result(run: PreviewRun) -> dict[str, Any]:
    ready = Simulation.of(run.version_id)
    told = from_json(run.tallies, ready.draft.version.criteria.all()) if run.done else ready.begin()
    return as_json(simulation.ended(told))


LOOK = Kind(PreviewRun, digest, _begin, _make_ready, _step, _result)


# --- Keeping --------------------------------------------------------------------------------------


def as_json(told: Preview) -> dict[str, Any]:
    """Return a preview as plain data, leads and criteria by their keys: no name of a person is kept."""
    return {name: getattr(told, name) for name in COUNTS} | {
        "names": [list(asdict(shift).values()) for shift in told.names],
        "effects": {
            e.criterion.key: [e.criterion.points, e.before, e.fires, e.decides, e.points_before] for e in told.effects
        },
        "crossed": asdict(told.crossed), "flow": asdict(told.flow) if told.flow else None,
    }  # fmt: skip


def from_json(said: dict[str, Any], criteria: Iterable[Criterion]) -> Preview:
    """Return the preview that `as_json` gave; a criterion that is gone from `criteria` is left out.

    The others have the points they had then.
    """
    return Preview(
        **{name: said[name] for name in COUNTS if name in said},  # an older one does not know all
        names=[_shift(row) for row in said["names"]],
        effects=[_effect(one, said["effects"][one.key]) for one in criteria if one.key in said["effects"]],
        crossed=Crossed(**said["crossed"]), flow=Flow(**said["flow"]) if said["flow"] else None,
    )  # fmt: skip


def _effect(criterion: Criterion, row: list[Any]) -> Effect:
    points, *counts = row
    then = copy.copy(criterion)
    then.points = points
    return Effect(then, *counts)


def _shift(row: list[Any]) -> Shift:
    lead, before, after, grade_before, grade_after, move, reasons = row
    return Shift(lead, before, after, grade_before, grade_after, move, tuple((label, n) for label, n in reasons))
