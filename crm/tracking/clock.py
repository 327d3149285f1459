"""When something happened, by a clock we cannot trust (R10): corrected by what it showed when it sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

#: Up to here the difference of the clocks is the way of the message and its repeats, not a wrong clock.
LATENCY = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def parse(value: Any) -> datetime | None:
    """Return an ISO 8601 text as an aware instant (UTC where it names no zone), None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def happened(timestamp: Any, *, sent_at: Any, received: datetime) -> tuple[datetime, str]:
    """Return the instant of a message, and what it claimed where that could not be believed as it stands.

    `received` is our clock. A clock that is off by more than five minutes when it sends is taken to have been off when
    it wrote; what lies in the future or before 2000 counts as now.
    """
    if timestamp is None:
        return received, ""
    claim = str(timestamp)[:40]
    claimed = parse(timestamp)
    if claimed is None:
        return received, claim
    sent = parse(sent_at)
    at = claimed
    if sent is not None and abs(received - sent) > LATENCY:
        try:
            at = claimed + (received - sent)
        except OverflowError:
            return received, claim
    if at < EARLIEST:
        return received, claim
    if at > received:
        return received, claim if at - received > LATENCY else ""
    return at, claim if at != claimed else ""
