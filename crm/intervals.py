"""How sure a share is: Wilson's interval, and from how many cases a share says something."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

FEWEST = 30  # cases; below that the page warns
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """`hits` of `cases`, with the interval that holds the true share in 95 of 100 such samples."""

    hits: int
    cases: int

    @property
    def value(self) -> float | None:
        return self.hits / self.cases if self.cases else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.cases)

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @property
    def is_small(self) -> bool:
        return self.cases < FEWEST


def wilson(hits: int, cases: int, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval of `hits` out of `cases`; (0, 1) without any."""
    if cases == 0:
        return 0.0, 1.0
    share, square = hits / cases, z * z
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = z / (1 + square / cases) * sqrt(share * (1 - share) / cases + square / (4 * cases * cases))
    return max(0.0, middle - half), min(1.0, middle + half)
