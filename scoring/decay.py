"""Ageing: what an activity still weighs after some days, in integers that are the same on every machine."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

import numpy as np

from scoring.models import HORIZON

BITS = 20
FULL = 1 << BITS  # the weight of an activity of today
HALF = FULL >> 1
_FORTY_DIGITS = Context(prec=40, rounding=ROUND_HALF_UP)


@lru_cache(maxsize=65536)
def weight(half_life: int | None, age: int) -> int:
    """Return round_half_up(2^20 · 2^(−age/half_life)); 2^20 without a half-life. `age` in days, ≥ 0."""
    if half_life is None:
        return FULL
    exponent = _FORTY_DIGITS.divide(Decimal(-age), Decimal(half_life))
    exact = _FORTY_DIGITS.multiply(Decimal(FULL), _FORTY_DIGITS.power(Decimal(2), exponent))
    return int(exact.to_integral_value(rounding=ROUND_HALF_UP))


def weights(half_life: int | None, window: int) -> bytes:
    """Return the weights of ages 0 … window−1 as uint32 little endian, to be stored with the version."""
    return np.array([weight(half_life, age) for age in range(min(window, HORIZON))], "<u4").tobytes()


def booked(points: int, weighted: int, cap: int | None) -> int:
    """Return the points of one criterion: |points| · Σ n·weight, rounded half up, capped, with the sign of `points`.

    At most 32,767 whatever the cap, so that they fit their two bytes.
    """
    amount = min((abs(points) * weighted + HALF) >> BITS, MOST_BOOKED if cap is None else min(cap, MOST_BOOKED))
    return amount if points >= 0 else -amount


MOST_BOOKED = 32_767
