"""How much one sender may send: a bucket that refills, in the memory of each web process.

Counting in the database would cost as much as storing the messages; a limit per process is enough against a flood.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from math import ceil

MOST_SENDERS = 10_000
_lock = threading.Lock()
_levels: dict[Hashable, tuple[float, float]] = {}


def wait(sender: Hashable, count: int, *, per_second: float, burst: float) -> int:
    """Take `count` messages of `sender` out of its bucket; return 0, or in how many seconds it may try again."""
    now = time.monotonic()
    with _lock:
        if len(_levels) > MOST_SENDERS:
            _levels.clear()
        level, then = _levels.get(sender, (burst, now))
        level = min(burst, level + (now - then) * per_second)
        if level < min(count, burst):
            _levels[sender] = level, now
            return max(1, ceil((min(count, burst) - level) / per_second))
        _levels[sender] = level - count, now
        return 0


def forget() -> None:
    """Let everybody begin with a full bucket."""
    with _lock:
        _levels.clear()
