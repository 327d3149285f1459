"""The engine: the scores of many leads at once, with numpy over packed signals. It reads and writes no table.

Everything that is summed is an integer (float64 holds the weighted sums exactly: 730 days · 65,535 · 2^20 < 2^53),
so the order of the rows, the size of the chunks and the database cannot change a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.compiler import Compiled, Group, Line
from scoring.decay import BITS, HALF, MOST_BOOKED
from scoring.grading import MOST
from scoring.packing import lengths_of, matrix, packed_points


@dataclass(frozen=True)
class Batch:
    """What the engine reads of n leads.

    counts_from: int32[n], first day that counts. bits: uint8[n, b], the fit bitmap. owner, matcher, day, count:
    one entry per signal, sorted by owner, then matcher, then day falling.
    """

    counts_from: np.ndarray
    bits: np.ndarray
    owner: np.ndarray
    matcher: np.ndarray
    day: np.ndarray
    count: np.ndarray

    def __len__(self) -> int:
        return len(self.counts_from)


def batch(counts_from: list[int], bits: list[bytes], data: list[bytes]) -> Batch:
    """Return a batch of leads from their stored rows. Raises Torn."""
    sizes = (np.fromiter(map(len, column), np.int64, len(column)) for column in (data, bits))
    lengths = lengths_of(*sizes)
    return batch_of(np.array(counts_from, np.int64), matrix(bits, "u1", 1), lengths, b"".join(data))


def batch_of(counts_from: np.ndarray, bits: np.ndarray, lengths: np.ndarray, data: bytes) -> Batch:
    """Return a batch whose signals lie end to end in `data`, `lengths` entries per lead."""
    signals = np.frombuffer(data, "<u2").reshape(-1, 3)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    return Batch(counts_from, bits, owner, signals[:, 0], signals[:, 1].astype(np.int32), signals[:, 2])


@dataclass(frozen=True)
class Scores:
    """The scores of n leads: points int16[n, width], fit and engagement int16[n], grade S2[n], at_bar bool[n]."""

    points: np.ndarray
    fit: np.ndarray
    engagement: np.ndarray
    grade: np.ndarray
    at_bar: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.fit + self.engagement

    def blobs(self) -> list[bytes]:
        """Return the points as they are stored."""
        return packed_points(self.points)

    def only(self, chosen: np.ndarray) -> Scores:
        """Return the scores of the chosen leads (a mask or indices)."""
        return Scores(
            self.points[chosen], self.fit[chosen], self.engagement[chosen], self.grade[chosen], self.at_bar[chosen]
        )


def score(version: Compiled, day: int, leads: Batch) -> Scores:
    """Return the scores of `leads` by `version` as of `day`."""
    points = np.zeros((len(leads), version.width), np.int16)
    raised = np.zeros(len(leads), bool)
    reach = _InReach(leads, day)
    for line in version.lines:
        if line.matcher is None:
            points[:, line.slot] = _fit_points(line, leads.bits)
            continue
        booked, matched = _activity_points(line, reach, len(leads))
        points[:, line.slot] = booked
        if line.raises_hand:
            raised |= matched
    return _judge(version, points, raised)


class _InReach:
    """The signals that may count as of a day, by matcher."""

    def __init__(self, leads: Batch, day: int) -> None:
        age = day - leads.day
        valid = (age >= 0) & (leads.day >= leads.counts_from[leads.owner])
        kept: slice | np.ndarray = slice(None) if valid.all() else valid
        self.owner: np.ndarray = leads.owner[kept]
        self.matcher: np.ndarray = leads.matcher[kept]
        self.age: np.ndarray = age[kept]
        self.count: np.ndarray = leads.count[kept]
        self._by_matcher: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def of(self, matcher: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (owner, age, count) of one matcher's signals, newest first per owner."""
        if matcher not in self._by_matcher:
            chosen = np.flatnonzero(self.matcher == matcher)
            self._by_matcher[matcher] = (self.owner[chosen], self.age[chosen], self.count[chosen].astype(np.int64))
        return self._by_matcher[matcher]


def _fit_points(line: Line, bits: np.ndarray) -> np.ndarray:
    assert line.bit is not None
    place = line.bit >> 3
    if place >= bits.shape[1]:
        return np.zeros(len(bits), np.int16)
    return ((bits[:, place] >> (line.bit & 7)) & 1).astype(np.int16) * np.int16(line.points)


def _activity_points(line: Line, reach: _InReach, leads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (points int16[leads], whether anything matched bool[leads]) of one criterion."""
    assert line.matcher is not None
    assert line.weights is not None
    owner, age, count = reach.of(line.matcher)
    inside = age < line.window
    if not inside.all():
        owner, age, count = owner[inside], age[inside], count[inside]
    if not len(owner):
        return np.zeros(leads, np.int16), np.zeros(leads, bool)
    matched = np.zeros(leads, bool)
    matched[owner] = True
    if line.max_count is not None:
        count = _newest(owner, count, line.max_count)
    weighted = np.bincount(owner, weights=line.weights[age] * count, minlength=leads).astype(np.int64)
    points = (weighted * abs(line.points) + HALF) >> BITS
    points = np.minimum(points, MOST_BOOKED if line.cap is None else min(line.cap, MOST_BOOKED))
    return (points if line.points >= 0 else -points).astype(np.int16), matched


def _newest(owner: np.ndarray, count: np.ndarray, most: int) -> np.ndarray:
    """Return how many of each entry are among the `most` newest of their owner."""
    running = np.cumsum(count)
    first = np.r_[True, owner[1:] != owner[:-1]]
    before_owner = np.maximum.accumulate(np.where(first, running - count, 0))
    newer = running - count - before_owner
    return np.clip(most - newer, 0, count)


def _dimension(groups: tuple[Group, ...], points: np.ndarray) -> np.ndarray:
    total = np.zeros(len(points), np.int64)
    for group in groups:
        total += np.clip(points[:, list(group.slots)].sum(axis=1, dtype=np.int64), group.minimum, group.maximum)
    return np.clip(total, 0, MOST).astype(np.int16)


def _judge(version: Compiled, points: np.ndarray, raised: np.ndarray) -> Scores:
    bars = version.bars
    fit, engagement = _dimension(version.fit, points), _dimension(version.engagement, points)
    grade = np.empty((len(points), 2), np.uint8)
    grade[:, 0] = ord("A") + sum((fit < least).astype(np.uint8) for least in bars.letters)
    grade[:, 1] = ord("1") + sum((engagement < least).astype(np.uint8) for least in bars.digits)
    enough = (fit >= bars.fit) & (engagement >= bars.engagement)
    by_total = (fit + engagement >= bars.total) & (fit >= bars.total_fit)
    return Scores(points, fit, engagement, grade.view("S2").reshape(-1), raised | enough | by_total)
