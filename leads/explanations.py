"""The reasons on a card come from one provider that scoring registers: leads never imports scoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Reason:
    """One criterion that moved the score, in words, with its booked points."""

    label: str
    points: int


@dataclass(frozen=True)
class Hint:
    """A sales signal in words; `on` is the day of the newest activity behind it, None for what somebody is."""

    label: str
    on: date | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a lead stands where it stands: strongest reasons first; `change` is the difference in seven days.

    `hints` are for whoever works an accepted lead; no stage and no score follows from them. `trouble` is a sentence
    where part of this cannot be told, '' else.
    """

    score: int
    grade: str
    reasons: tuple[Reason, ...] = ()
    change: int | None = None
    curve: tuple[tuple[int, int], ...] = ()
    missing: int | None = None
    hints: tuple[Hint, ...] = ()
    trouble: str = ""


Provider = Callable[[Sequence[int]], dict[int, Explanation]]
_provider: Provider | None = None


def provide(provider: Provider) -> None:
    """Register the one provider: lead ids → explanations, in one keyed read."""
    global _provider
    _provider = provider


@contextmanager
def standing_in(provider: Provider) -> Iterator[None]:
    """Let another provider explain inside the block: the demo world tells what scores were at the time."""
    global _provider
    usual, _provider = _provider, provider
    try:
        yield
    finally:
        _provider = usual


def explain(lead_ids: Sequence[int]) -> dict[int, Explanation]:
    """Return the explanations of those leads that have a score; none while nobody provides them."""
    return _provider(lead_ids) if _provider and lead_ids else {}
