"""When a lead crosses the bar by itself, because points fade and windows end: a pure function of its signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring import engine, pointer
from scoring.compiler import Compiled, compiled
from scoring.models import HORIZON, ContactSignals
from scoring.packing import entries

AHEAD = 365  # days looked ahead


@dataclass(frozen=True)
class Crossing:
    """`falls`: below the bar in `days` days, when nothing happens; otherwise over it. `day` is that day."""

    falls: bool
    days: int
    day: int


@dataclass(frozen=True)
class Outlook:
    """What the next year brings without news: at the bar now; the next crossing; the day below the leave bar."""

    at_bar: bool
    next: Crossing | None
    leaves_in: int | None


def ahead(version: Compiled, day: int, counts_from: int, fit_bits: bytes, data: bytes, days: int = AHEAD) -> Outlook:
    """Return what becomes of one lead's score from `day` on if nothing further happens."""
    totals, at_bar = course(version, day, counts_from, fit_bits, data, days)
    turns = np.flatnonzero(at_bar != at_bar[0])
    turn = int(turns[0]) if len(turns) else None
    low = np.flatnonzero(~at_bar & (totals < version.bars.leave))
    return Outlook(
        bool(at_bar[0]), None if turn is None else Crossing(bool(at_bar[0]), turn, day + turn),
        int(low[0]) if len(low) and at_bar[0] else None,
    )  # fmt: skip


def course(
    version: Compiled, day: int, counts_from: int, fit_bits: bytes, data: bytes, days: int = AHEAD
) -> tuple[np.ndarray, np.ndarray]:
    """Return (total, at the bar) of one lead for `day` and each of the `days` after it: int16[days+1], bool[days+1].

    One pass scores the lead once per day: as many leads, each a day older than the one before.
    """
    signals = entries(data).astype(np.int64)
    older = np.arange(days + 1)
    bits = np.frombuffer(fit_bits or b"\0", np.uint8)
    n = len(signals)
    leads = engine.Batch(
        counts_from - older, np.tile(bits, (days + 1, 1)), np.repeat(older, n), np.tile(signals[:, 0], days + 1),
        (signals[:, 1][None, :] - older[:, None]).reshape(-1), np.tile(signals[:, 2], days + 1),
    )  # fmt: skip
    scores = engine.score(version, day, _within_reach(leads, day))
    return scores.total, scores.at_bar


def _within_reach(leads: engine.Batch, day: int) -> engine.Batch:
    """Return the batch without signals no window reaches any more."""
    kept = day - leads.day < HORIZON
    return engine.Batch(
        leads.counts_from, leads.bits, leads.owner[kept], leads.matcher[kept], leads.day[kept], leads.count[kept]
    )


def of_lead(lead_id: int) -> Outlook | None:
    """Return the outlook of a lead by the version in force, None where there is no score. Raises Torn."""
    current = pointer.read()
    row = ContactSignals.objects.filter(lead_id=lead_id, objected=False).first() if current else None
    if current is None or row is None:
        return None
    version = compiled(current.version_id, current.catalogue)
    return ahead(version, current.day, row.counts_from, bytes(row.fit_bits), bytes(row.data))
