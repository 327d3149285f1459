"""Jobs of scoring: each fetches and calls the domain."""

from __future__ import annotations

from celery import shared_task

from scoring import drain as draining
from scoring import failures, health, pointer, publishing


@shared_task
def drain() -> int:
    """Score what has been recorded; then carry on with a pass over all leads that is under way."""
    failures.queue_due()
    done = draining.drain(seconds=40)
    publishing.carry_on(seconds=10)
    return done


@shared_task
def night_pass() -> None:
    """Let the scores age when a midnight has gone by."""
    if pointer.turn_day() is not None:
        health.refresh_when_old()
    publishing.carry_on(seconds=45)


@shared_task
def carry_on() -> bool:
    """Go on with the pass under way; True when none is left."""
    return publishing.carry_on(seconds=45)
