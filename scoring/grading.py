"""From points to a verdict: groups, dimensions, grade, and whether the lead is at the bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scoring.models import CriterionGroup, ScorecardVersion

MOST = 100  # of each dimension


@dataclass(frozen=True)
class Bars:
    """The thresholds of a version, as plain numbers."""

    letters: tuple[int, int, int]
    digits: tuple[int, int, int]
    fit: int
    engagement: int
    total: int
    total_fit: int
    leave: int

    @classmethod
    def of(cls, version: ScorecardVersion) -> Bars:
        """Return the thresholds of `version`."""
        return cls(
            version.letters, version.digits, version.bar_fit, version.bar_engagement, version.bar_total,
            version.bar_total_fit, version.leave_total,
        )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    fit: int
    engagement: int
    grade: str
    at_bar: bool

    @property
    def total(self) -> int:
        return self.fit + self.engagement


def clamp(value: int, least: int, most: int) -> int:
    return max(least, min(most, value))


def dimension_of(groups: Iterable[tuple[CriterionGroup, int]], dimension: str) -> int:
    """Return the points of one dimension: the clamped groups, summed and clamped to 0…100."""
    inside = (clamp(points, group.minimum, group.maximum) for group, points in groups if group.dimension == dimension)
    return clamp(sum(inside), 0, MOST)


def grade(bars: Bars, fit: int, engagement: int) -> str:
    """Return the letter by fit and the digit by engagement, A1 best."""
    return "ABCD"[sum(fit < least for least in bars.letters)] + "1234"[sum(engagement < least for least in bars.digits)]


def is_at_bar(bars: Bars, fit: int, engagement: int, *, raised_hand: bool = False) -> bool:
    """Whether these points make an MQL, or the person asked for it."""
    enough = fit >= bars.fit and engagement >= bars.engagement
    return raised_hand or enough or (fit + engagement >= bars.total and fit >= bars.total_fit)


def verdict(bars: Bars, fit: int, engagement: int, *, raised_hand: bool) -> Verdict:
    """Return everything that follows from the two dimensions."""
    at_bar = is_at_bar(bars, fit, engagement, raised_hand=raised_hand)
    return Verdict(fit, engagement, grade(bars, fit, engagement), at_bar)


def missing_to_bar(bars: Bars, fit: int, engagement: int) -> int:
    """Return the fewest points that, wherever they come from, bring the lead to the bar; 0 when it is there."""
    by_both = max(0, bars.fit - fit) + max(0, bars.engagement - engagement)
    by_total = max(bars.total - fit - engagement, max(0, bars.total_fit - fit))
    return max(0, min(by_both, by_total))
