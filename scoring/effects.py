"""What one criterion does: whom it books points, whom it brings over the bar, whom it keeps below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scoring import engine
from scoring.compiler import Compiled, Group, Line
from scoring.grading import MOST, Bars

NEVER = 30_000  # a threshold no lead reaches


def raised(version: Compiled, day: int, leads: engine.Batch) -> dict[int, np.ndarray]:
    """Return {slot of a hand-raise criterion: who raised that hand, bool[n]}."""
    bars = replace(version.bars, fit=NEVER, total=NEVER)
    hands = [line for line in version.lines if line.raises_hand]
    return {
        hand.slot: engine.score(replace(version, lines=(hand,), fit=(), engagement=(), bars=bars), day, leads).at_bar
        for hand in hands
    }


def noted(version: Compiled, day: int, leads: engine.Batch) -> dict[int, np.ndarray]:
    """Return {slot of a criterion that may give no points: whom it says yes to, bool[n]}."""
    silent = [line for line in version.lines if line.points == 0 or line.cap == 0]
    if not silent:
        return {}
    aloud = replace(version, lines=tuple(replace(line, points=1, cap=None) for line in silent), fit=(), engagement=())
    points = engine.score(aloud, day, leads).points
    return {line.slot: points[:, line.slot] != 0 for line in silent}


def fired(
    version: Compiled, scores: engine.Scores, day: int, leads: engine.Batch, hands: Mapping[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """Return {slot: whom the criterion says yes to, bool[n]}: who has points of it, or raised that hand."""
    known = noted(version, day, leads) | dict(hands)
    return {line.slot: known.get(line.slot, scores.points[:, line.slot] != 0) for line in version.lines}


def decisive(version: Compiled, scores: engine.Scores, hands: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Return {slot: the places of the leads that would stand on the other side of the bar without this criterion}."""
    any_hand = np.zeros(len(scores.fit), bool)
    for hand in hands.values():
        any_hand |= hand
    found = {}
    sums = {"fit": _Sums(version.fit, scores.points), "engagement": _Sums(version.engagement, scores.points)}
    for line in version.lines:
        places = np.flatnonzero(_may_change_sides(line, scores, hands))
        if not len(places):
            found[line.slot] = places
            continue
        others = np.zeros(len(places), bool)
        for slot, hand in hands.items():
            if slot != line.slot:
                others |= hand[places]
        fit = sums["fit"].without(line.slot, places)
        engagement = sums["engagement"].without(line.slot, places)
        found[line.slot] = places[(others | _over(version.bars, fit, engagement)) != scores.at_bar[places]]
    return found


def _may_change_sides(line: Line, scores: engine.Scores, hands: Mapping[int, np.ndarray]) -> np.ndarray:
    """Without points that lift, only those above can change sides; without points that press down, those below."""
    fired = scores.points[:, line.slot] != 0
    if line.slot in hands:
        return fired | hands[line.slot]
    return fired & (scores.at_bar if line.points > 0 else ~scores.at_bar)


def _over(bars: Bars, fit: np.ndarray, engagement: np.ndarray) -> np.ndarray:
    both = (fit >= bars.fit) & (engagement >= bars.engagement)
    return both | ((fit + engagement >= bars.total) & (fit >= bars.total_fit))


class _Sums:
    """The sums of one dimension's groups, from which one criterion can be taken away."""

    def __init__(self, groups: tuple[Group, ...], points: np.ndarray) -> None:
        self.points = points
        self.groups = groups
        self.raw = [points[:, list(group.slots)].sum(axis=1, dtype=np.int64) for group in groups]
        clipped = [np.clip(raw, g.minimum, g.maximum) for g, raw in zip(groups, self.raw, strict=True)]
        self.whole = np.sum(clipped, axis=0) if clipped else np.zeros(len(points), np.int64)

    def without(self, slot: int, places: np.ndarray) -> np.ndarray:
        """Return the dimension of the leads at `places` without the points in `slot`."""
        whole = self.whole[places]
        for group, raw in zip(self.groups, self.raw, strict=True):
            if slot in group.slots:
                had = raw[places]
                left = had - self.points[places, slot]
                low, high = group.minimum, group.maximum
                whole = whole - np.clip(had, low, high) + np.clip(left, low, high)
        return np.clip(whole, 0, MOST)
