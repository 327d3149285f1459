"""A figure: what was measured, in ratio to something measured in the same run, and whether it reaches its goal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ratio` is to what `goal` names; `ok` None means there is no goal."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None


def seconds(work: Callable[[], Any]) -> float:
    """Run `work` once and return the wall seconds it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_seconds(work: Callable[[], Any], runs: int = 3) -> float:
    """Return the median wall seconds of `runs` runs."""
    return median(seconds(work) for _ in range(runs))


def p95(samples: list[float]) -> float:
    """Return the 95th percentile of at least two samples."""
    return quantiles(samples, n=20)[-1]
