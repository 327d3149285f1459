"""If a draft went live now: the pass of a publish over all leads, without the write.

Who becomes MQL, who stops, how the scores lie before and after, and what each criterion does. The numbers are those a
publish would bring about at this moment (the guards are asked too); the MQLs per week are an estimate from a sample.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crm.workdays import today
from leads.models import Standing
from leads.stages import Lane
from scoring import chunks, effects, engine, flow, movers, pointer, trial
from scoring.chunks import Stored
from scoring.flow import Crossed, Flow
from scoring.models import ContactSignals, Criterion
from scoring.movers import Shift
from scoring.trial import Trial

CLASS = 10  # points per class of the distribution, 0…200
AROUND_THE_BAR = 20


@dataclass
class Effect:
    """What one criterion does: leads it books points for, and those on the other side of the bar without it."""

    criterion: Criterion
    before: int = 0
    fires: int = 0
    decides: int = 0
    points_before: int | None = None

    @property
    def is_changed(self) -> bool:
        return self.points_before != self.criterion.points or self.before != self.fires


@dataclass
class Preview:
    """The answer: counts over all leads, the first names by score, classes of 10 points before and after."""

    leads: int = 0
    scored: int = 0
    changed: int = 0
    rises: int = 0
    falls: int = 0
    offered_stay: int = 0
    made_by_people: int = 0
    refused: int = 0
    torn: int = 0
    seconds: float = 0
    before: list[int] = field(default_factory=lambda: [0] * (200 // CLASS))
    after: list[int] = field(default_factory=lambda: [0] * (200 // CLASS))
    grades: dict[str, int] = field(default_factory=dict)
    names: list[Shift] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    crossed: Crossed = field(default_factory=Crossed)
    flow: Flow | None = None

    @property
    def never_fire(self) -> int:
        return sum(not effect.fires for effect in self.effects)


@dataclass(frozen=True)
class Simulation:
    """A draft against the version in force on `day`, both ready to score with."""

    draft: Trial
    live: Trial | None
    day: int

    @classmethod
    def of(cls, version_id: int) -> Simulation:
        """Return the simulation of a version of any state, as of the day a publish would score by."""
        return cls(trial.of(version_id), in_force(), publish_day())

    def begin(self) -> Preview:
        """Return a preview in which nobody is counted yet."""
        was = {c.key: c.points for c in self.live.version.criteria.all()} if self.live else {}
        criteria = self.draft.version.criteria.all()
        return Preview(effects=[Effect(c, points_before=was.get(c.key)) for c in criteria], crossed=Crossed(every()))

    def add(self, told: Preview, after: int, most: int | None = None) -> chunks.Chunk:
        """Count the next leads, `most` at once, behind the contact `after`, and return them."""
        start = time.perf_counter()
        chunk = chunks.read(after, self.draft.compiled.width, most)
        if len(chunk.stored):
            self._count(told, chunk.stored)
        told.torn += len(chunk.torn)
        told.seconds += time.perf_counter() - start
        return chunk

    def _count(self, told: Preview, stored: Stored) -> None:
        draft, day = self.draft, self.day
        batch = trial.answered(draft, stored.contact, stored.signals, day)
        scores = engine.score(draft.compiled, day, batch)
        _count(told, stored, scores)
        moving = movers.moves(draft, stored, scores)
        told.offered_stay += moving.offered
        told.made_by_people += moving.by_people
        told.refused += moving.refused
        told.rises += len(moving.rising)
        told.falls += len(moving.falling)
        told.names = movers.strongest([*told.names, *movers.first(draft, stored, scores, moving)])
        hands = effects.raised(draft.compiled, day, batch)
        decisive = effects.decisive(draft.compiled, scores, hands)
        fired = effects.fired(draft.compiled, scores, day, batch, hands)
        _weigh(told.effects, self.live, stored, day, fired, decisive)
        flow.count(told.crossed, draft, self.live, stored, batch, day)


def ended(told: Preview) -> Preview:
    """Return the preview once everybody is counted."""
    told.names = movers.named(told.names)
    told.flow = flow.of(told.crossed)
    return told


def preview(version_id: int) -> Preview:
    """Return what publishing a version of any state would change now; reads every lead, writes nothing."""
    simulation = Simulation.of(version_id)
    told, after, is_last = simulation.begin(), 0, False
    while not is_last:
        chunk = simulation.add(told, after)
        after, is_last = chunk.last, chunk.is_last
    return ended(told)


def count() -> int:
    """Return how many leads a preview looks at."""
    return ContactSignals.objects.filter(lead_id__isnull=False, objected=False).count()


def every() -> int:
    """Return of how many leads one is in the sample of the flow."""
    return max(1, count() // flow.SAMPLE)


def around_the_bar(version_id: int, most: int = AROUND_THE_BAR) -> list[Shift]:
    """Return real open leads nearest to the bar under `version_id`, changed ones first."""
    draft, live = trial.of(version_id), in_force()
    bar = (live or draft).compiled.bars.total
    open_lanes = Standing.objects.filter(lane__in=[Lane.NEW, Lane.MQL])
    above = open_lanes.filter(rank__gte=bar).order_by("rank", "lead")
    below = open_lanes.filter(rank__lt=bar, rank__gte=0).order_by("-rank", "-lead")
    near = [*above.values_list("lead", flat=True)[: most // 2], *below.values_list("lead", flat=True)[:most]][:most]
    stored = chunks.few(near)
    batch = trial.answered(draft, stored.contact, stored.signals, publish_day())
    scores = engine.score(draft.compiled, publish_day(), batch)
    shifts = movers.first(draft, stored, scores, movers.moves(draft, stored, scores), everybody=True)
    return sorted(shifts, key=lambda shift: (not shift.move, not shift.changed, -shift.after, shift.lead_id))


def in_force() -> Trial | None:
    """Return the version in force made ready, None when there is none."""
    current = pointer.read()
    return trial.of(current.version_id) if current else None


def publish_day() -> int:
    """Return the day a publish would score by."""
    current = pointer.read()
    return max(today(), current.day) if current else today()


def _count(told: Preview, stored: Stored, scores: engine.Scores) -> None:
    has, classes = stored.seq >= 0, len(told.before)
    before = (stored.fit + stored.engagement)[has]
    told.leads += len(stored)
    told.scored += int(has.sum())
    told.changed += int(((scores.total != stored.fit + stored.engagement) | (scores.grade != stored.grade)).sum())
    for counts, totals in ((told.before, before), (told.after, scores.total)):
        for place, n in enumerate(np.bincount(np.minimum(totals // CLASS, classes - 1), minlength=classes).tolist()):
            counts[place] += n
    for grade, n in zip(*np.unique(scores.grade, return_counts=True), strict=True):
        told.grades[grade.decode()] = told.grades.get(grade.decode(), 0) + int(n)


# --- Per criterion --------------------------------------------------------------------------------


def _weigh(
    told: Sequence[Effect], live: Trial | None, stored: Stored, day: int, fired: Mapping[int, np.ndarray],
    decisive: Mapping[int, np.ndarray],
) -> None:  # fmt: skip
    before = (stored.points != 0).sum(axis=0)
    slots = _slots_in_force(live)
    noted = _noted_in_force(live, stored, day)
    for effect in told:
        slot, key = effect.criterion.slot, effect.criterion.key
        assert slot is not None
        effect.fires += int(fired[slot].sum())
        effect.decides += len(decisive[slot])
        kept = slots.get(key)
        if key in noted:
            effect.before += int(noted[key].sum())
        elif kept is not None and kept < len(before):
            effect.before += int(before[kept])


def _noted_in_force(live: Trial | None, stored: Stored, day: int) -> dict[str, np.ndarray]:
    """Return {key: whom it says yes to} of the criteria in force whose stored points do not tell."""
    if live is None:
        return {}
    known = effects.noted(live.compiled, day, stored.signals) | effects.raised(live.compiled, day, stored.signals)
    return {live.criterion(slot).key: yes for slot, yes in known.items()}


def _slots_in_force(live: Trial | None) -> dict[str, int]:
    if live is None:
        return {}
    rows = Criterion.objects.filter(version=live.version.pk, slot__isnull=False).values_list("key", "slot")
    return {key: slot for key, slot in rows if slot is not None}
