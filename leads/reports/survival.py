"""How long something lasts when some of it is not over yet: the estimate of Kaplan and Meier.

E. L. Kaplan, P. Meier, Nonparametric Estimation from Incomplete Observations, J. Am. Stat. Assoc. 53 (1958) 457–481.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

EVEN = 1e-9  # shares closer than this count as equal


@dataclass(frozen=True)
class Stay:
    """How long a stage is stayed in, in seconds: those that are `over`, and how long the `open` ones have lasted."""

    over: np.ndarray
    open: np.ndarray

    @property
    def cases(self) -> int:
        return len(self.over) + len(self.open)

    @property
    def longest(self) -> float:
        """Return the longest that anything has lasted so far; 0 without cases."""
        return float(max([*self.over.max(initial=0, keepdims=True), *self.open.max(initial=0, keepdims=True)]))

    def quantile(self, share: float) -> float | None:
        """Return after how many seconds `share` of all stays are over; None when too many are still open to tell.

        Where the curve lies level at exactly that share the middle of the level is taken, so that without open ones
        the median is the usual one.
        """
        times, lasting = self._curve
        below = np.flatnonzero(lasting <= 1 - share + EVEN)
        if not len(below):
            return None
        at = int(below[0])
        level = abs(lasting[at] - (1 - share)) < EVEN and at + 1 < len(times)
        return float(times[at] + times[at + 1]) / 2 if level else float(times[at])

    @cached_property
    def _curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the times at which any stay was over, in order, and the share that lasted longer."""
        times, ended = np.unique(self.over, return_counts=True)
        begun = np.cumsum(ended) - ended + np.searchsorted(np.sort(self.open), times, "left")
        return times, np.cumprod(1 - ended / (self.cases - begun))
