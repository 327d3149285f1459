"""Long jobs: each domain registers how it carries on with its own; a sweep does so, and a wake-up sooner."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Carries on for at most about so many seconds; what it does is written down before it returns.
CarryOn = Callable[[float], object]
JOBS: list[CarryOn] = []


def job(carry_on: CarryOn) -> CarryOn:
    """Register a kind of long job."""
    JOBS.append(carry_on)
    return carry_on


def run(seconds: float) -> None:
    """Carry on with every kind of job, for about `seconds` in all."""
    until = time.monotonic() + seconds
    for place, carry_on in enumerate(JOBS):
        carry_on(max(1.0, (until - time.monotonic()) / (len(JOBS) - place)))
