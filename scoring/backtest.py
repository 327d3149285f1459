"""Looking back before signing: what a version would have made of every lead at the moment it was decided on.

Each lead is scored by the version and by the one in force, from what was known then (scoring/knowledge.py), and
compared with what became of it (scoring/decisions.py). A run goes on chunk by chunk (scoring/looks.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm import consents, jobs
from crm.models import User
from scoring import contents, decisions, effects, engine, knowledge, lifts, trial
from scoring.decisions import Decision
from scoring.intervals import FEWEST, Share
from scoring.knowledge import Moment
from scoring.looks import Kind, Step
from scoring.models import HORIZON, BacktestRun, Criterion, Lift, ScorecardVersion
from scoring.packing import MOST, matrix, pack_bits
from scoring.trial import Trial

State = BacktestRun.State

AT_ONCE = 500
THEN = 4 * HORIZON  # the day all moments are moved to, so that one pass scores them
BAND, BANDS = 20, 9  # points per band; the last one is open
LISTED = 50
LABELS = ("accepted", "won")
SILENT = {"label", "position", "leave_total", "skip_review"}  # move no score


# --- Asking ---------------------------------------------------------------------------------------


def digest(version: ScorecardVersion) -> str:
    """Return 64 hex digits of everything in `version` that can move a score; names and order cannot."""
    said = contents.of_version(version)
    rows = [{k: v for k, v in row.items() if k not in SILENT} for row in (*said["groups"], *said["criteria"])]
    return contents.seal([{k: v for k, v in said["bars"].items() if k not in SILENT}, rows])


def latest(version: ScorecardVersion) -> BacktestRun | None:
    """Return the newest finished back-test of what `version` says now, None without one."""
    done = BacktestRun.objects.filter(version=version, state=State.DONE, digest=digest(version))
    return done.select_related("asked_by", "published").order_by("-id").first()


def under_way(version: ScorecardVersion) -> BacktestRun | None:
    """Return the back-test of `version` that is running."""
    return LOOK.under_way(version)


def ask(version: ScorecardVersion, *, by: User | None) -> BacktestRun:
    """Begin a back-test of what `version` says now, or return the one that is at it already."""
    return LOOK.ask(version, by=by)


# --- Working --------------------------------------------------------------------------------------


@jobs.job
def carry_on(seconds: float) -> bool:
    """Work on the back-tests under way for at most about `seconds`; True when none is left."""
    return LOOK.carry_on(seconds)


def _begin() -> tuple[int, dict[str, Any]]:
    return decisions.count(), _nothing_yet()


def _make_ready(run: BacktestRun) -> list[Trial]:
    return trial.from_nothing([run.version_id, run.published_id or run.version_id])


def _step(run: BacktestRun, trials: list[Trial]) -> Step | None:
    leads = decisions.next_leads(run.cursor, AT_ONCE)
    if not leads:
        return None
    told = told_of(leads, trials)
    lifts.keep(run, leads, _lifted(run, trials[0], told))
    return Step(leads[-1], len(leads), counted(run.tallies, told, *trials))


def _lifted(run: BacktestRun, trial: Trial, told: Told) -> Iterator[Lift]:
    """Yield who lifted whom over the bar or above it, by the version of `run`."""
    if not told.cases:
        return
    then = told.then[0]
    at_bar = then.scores.at_bar
    for criterion in trial.version.criteria.all():
        slot = criterion.slot
        assert slot is not None
        raised = criterion.kind == Criterion.Kind.HAND_RAISE
        if not (raised or criterion.is_summed):
            continue  # a sales signal moves nothing
        lifting = then.fired[slot] if raised else then.scores.points[:, slot] > 0
        decides = set(then.decisive[slot].tolist())
        for place in np.flatnonzero(lifting & at_bar).tolist():
            what = told.what[place]
            rejected = None if what.accepted is None else not what.accepted
            yield Lift(
                run=run, criterion=criterion, lead_id=what.lead_id, decides=place in decides, rejected=rejected,
                reason_id=what.reason_id,
            )  # fmt: skip


# --- Scoring as of then ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Then:
    """What one version says of n moments: their scores; {slot: who fired, bool[n]}; {slot: places it decides for}."""

    scores: engine.Scores
    fired: dict[int, np.ndarray]
    decisive: dict[int, np.ndarray]


def scores_then(trials: Sequence[Trial], wanted: Sequence[Moment]) -> list[Then]:
    """Return, per version, what it says of each moment from what was known then."""
    leads = _then(trials, wanted)
    found = []
    for one in trials:
        scores, hands = engine.score(one.compiled, THEN, leads), effects.raised(one.compiled, THEN, leads)
        fired = effects.fired(one.compiled, scores, THEN, leads, hands)
        found.append(Then(scores, fired, effects.decisive(one.compiled, scores, hands)))
    return found


def _then(trials: Sequence[Trial], wanted: Sequence[Moment]) -> engine.Batch:
    """Return the moments as a batch in which every decision falls on the day THEN."""
    asked = trials[0].new
    profiles = knowledge.profiles(wanted)
    done = knowledge.happenings(wanted, asked.matchers)
    rows: list[tuple[int, int, int, int]] = []
    for place, moment in enumerate(wanted):
        counts: Counter[tuple[int, int]] = Counter()
        for _pk, kind, day, properties in done[moment.lead_id]:
            counts.update((matcher, day) for matcher in asked.hits(kind, properties))
        moved = THEN - moment.day
        rows += [(place, matcher, day + moved, min(n, MOST)) for (matcher, day), n in counts.items()]
    rows.sort(key=lambda row: (row[0], row[1], -row[2]))
    columns = [np.array(column, np.int64) for column in (zip(*rows, strict=True) if rows else [()] * 4)]
    counts_from = np.array([max(-THEN, m.counts_from + THEN - m.day) for m in wanted], np.int64)
    bits = matrix([pack_bits(asked.bits(profiles[m.lead_id])) for m in wanted], "u1", 1)
    return engine.Batch(counts_from, bits, *columns)


# --- Counting -------------------------------------------------------------------------------------


def _nothing_yet() -> dict[str, Any]:
    return {
        "cases": 0, "by_file": 0, "undated": 0, "objected": 0, "first": None, "last": None,
        "draft": _empty(), "live": _empty(),
    }  # fmt: skip


def _empty() -> dict[str, Any]:
    """Per label: counts of (at bar, yes), (at bar, no), (below, yes), (below, no). Per band: cases, then hits/cases."""
    return {
        **{label: [0, 0, 0, 0] for label in LABELS}, "at_bar": 0, "bands": [[0, 0, 0, 0, 0] for _ in range(BANDS)],
        "criteria": {}, "missed": [], "wrong": [],
    }  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a chunk of leads tells: how many have no date or objected, the moments, what came of them, their scores."""

    undated: int
    objected: int
    cases: Sequence[Moment]
    what: Sequence[Decision]
    then: Sequence[Then]


def told_of(lead_ids: Sequence[int], trials: Sequence[Trial]) -> Told:
    """Return what these leads tell, with their scores by each of `trials`."""
    known = decisions.of(lead_ids)
    usable = {pk: d for pk, d in known.items() if d.dated}
    moments = knowledge.moments({pk: d.at for pk, d in usable.items()}, [pk for pk, d in usable.items() if d.by_file])
    objected = consents.profiling_objectors([m.contact_id for m in moments])
    cases = [m for m in moments if m.contact_id not in objected]
    what = [usable[m.lead_id] for m in cases]
    then = scores_then(trials, cases) if cases else []
    return Told(len(known) - len(usable), len(moments) - len(cases), cases, what, then)


def counted(tallies: dict[str, Any], told: Told, draft: Trial, live: Trial) -> dict[str, Any]:
    """Return `tallies` with these leads added."""
    tallies = json.loads(json.dumps(tallies))
    tallies["undated"] += told.undated
    tallies["objected"] += told.objected
    if not told.cases:
        return tallies
    tallies["cases"] += len(told.cases)
    tallies["by_file"] += sum(m.told for m in told.cases)
    instants = [m.at.isoformat() for m in told.cases]
    tallies["first"] = min([*instants, *([tallies["first"]] if tallies["first"] else [])])
    tallies["last"] = max([*instants, *([tallies["last"]] if tallies["last"] else [])])
    _count_version(tallies["draft"], draft, told.then[0], told.what)
    _count_version(tallies["live"], live, told.then[1], told.what)
    return tallies


def _count_version(told: dict[str, Any], version: Trial, then: Then, what: Sequence[Decision]) -> None:
    scores = then.scores
    at_bar = scores.at_bar.tolist()
    told["at_bar"] += sum(at_bar)
    for decision, over, total in zip(what, at_bar, scores.total.tolist(), strict=True):
        band = told["bands"][min(total // BAND, BANDS - 1)]
        band[0] += 1
        for place, label in enumerate(LABELS):
            came = getattr(decision, label)
            if came is not None:
                told[label][(0 if over else 2) + (0 if came else 1)] += 1
                band[1 + 2 * place] += came
                band[2 + 2 * place] += 1
        if decision.won and not over and len(told["missed"]) < LISTED:
            told["missed"].append(decision.lead_id)
        if decision.accepted is False and over and len(told["wrong"]) < LISTED:
            told["wrong"].append(decision.lead_id)
    for criterion in version.version.criteria.all():
        slot = criterion.slot
        assert slot is not None
        fired = np.flatnonzero(then.fired[slot])
        row = told["criteria"].setdefault(criterion.key, [0] * 10)
        lifted = then.decisive[slot][scores.at_bar[then.decisive[slot]]]
        for start, places in ((0, fired), (5, lifted)):
            for offset, n in enumerate(_outcomes([what[place] for place in places.tolist()])):
                row[start + offset] += n


def _outcomes(what: Sequence[Decision]) -> tuple[int, int, int, int, int]:
    """Return (leads, accepted, answered, won, ended)."""
    return (
        len(what), sum(d.accepted is True for d in what), sum(d.accepted is not None for d in what),
        sum(d.won is True for d in what), sum(d.won is not None for d in what),
    )  # fmt: skip


# --- What it says ---------------------------------------------------------------------------------


def result_of(tallies: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a back-test from its counts, as they are stored with the version."""
    told = {name: tallies[name] for name in ("cases", "by_file", "undated", "objected", "first", "last")}
    return told | {name: _figures(tallies[name]) for name in ("draft", "live")}


def _figures(counts: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {"at_bar": counts["at_bar"], "missed": counts["missed"], "wrong": counts["wrong"]}
    for label in LABELS:
        right, wrong, missed, rest = counts[label]
        everybody = Share(right + missed, right + wrong + missed + rest)
        precision, recall = Share(right, right + wrong), Share(right, right + missed)
        lift = precision.value / everybody.value if precision.value is not None and everybody.value else None
        figures[label] = {
            "precision": _share(precision), "recall": _share(recall), "base": _share(everybody), "lift": lift,
            "right": right, "false": wrong, "missed": missed, "few": min(precision.cases, everybody.cases) < FEWEST,
        }  # fmt: skip
    figures["bands"] = [
        {"from": n * BAND, "to": None if n == BANDS - 1 else n * BAND + BAND - 1, "leads": leads,
         "accepted": _share(Share(accepted, answered)), "won": _share(Share(won, ended))}
        for n, (leads, accepted, answered, won, ended) in enumerate(counts["bands"])
    ]  # fmt: skip
    figures["criteria"] = {
        key: {"fired": _told(row[:5]), "lifted": _told(row[5:])} for key, row in counts["criteria"].items()
    }
    return figures


def _told(row: Sequence[int]) -> dict[str, Any]:
    leads, accepted, answered, won, ended = row
    return {"leads": leads, "accepted": _share(Share(accepted, answered)), "won": _share(Share(won, ended))}


def share_of(hits: int, cases: int) -> dict[str, Any]:
    """Return a share with its interval as results hold it."""
    return _share(Share(hits, cases))


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"hits": share.hits, "cases": share.cases, "value": share.value, "low": low, "high": high}


def _result(run: BacktestRun) -> dict[str, Any]:
    lifts.forget_older(run)
    return result_of(run.tallies) | {"charges": lifts.charged(run)}


LOOK = Kind(BacktestRun, digest, _begin, _make_ready, _step, _result)
