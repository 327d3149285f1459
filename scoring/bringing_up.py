"""Bringing every score up to date now, in this process: what waits, then a whole pass."""

from __future__ import annotations

import time

from scoring import drain, publishing
from scoring.models import PublishRun


def to_date(*, rebuild: bool = False) -> PublishRun | None:
    """Drain, score everything by the version in force as of today, and return the pass; None without a version.

    With `rebuild` all signals are counted anew from the raw activities first. Waits for a pass that is under way.
    """
    _empty_queues()
    run = publishing.rescore(rebuild=rebuild)
    if run is None:
        return None
    while not publishing.carry_on(seconds=60):
        time.sleep(0.2)
    _empty_queues()
    run.refresh_from_db()
    return run


def _empty_queues() -> None:
    while drain.drain(seconds=60):
        pass
