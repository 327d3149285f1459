"""How the criteria in force are doing: how often each fires, what MQLs it causes, and what sales did with those."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from scoring import backtest, pointer
from scoring.models import BacktestRun, Criterion, ScorecardVersion

FRESH = timedelta(days=7)


@dataclass(frozen=True)
class Health:
    """One criterion: leads it books points for now, and decided leads it booked for and brought over the bar then.

    `caused` is its share of all decided leads at the bar, as {hits, cases, value, low, high}; None before a
    back-test of the version in force.
    """

    criterion: Criterion
    fires: int
    decides: int
    fired: dict[str, Any] | None = None
    lifted: dict[str, Any] | None = None
    caused: dict[str, Any] | None = None

    @property
    def never(self) -> bool:
        return not self.fires and not (self.fired and self.fired["leads"])


def in_force() -> ScorecardVersion | None:
    """Return the version in force."""
    current = pointer.read()
    return ScorecardVersion.objects.get(pk=current.version_id) if current else None


def reckoned() -> BacktestRun | None:
    """Return the newest finished back-test of the version in force."""
    version = in_force()
    return backtest.latest(version) if version else None


def of(version: ScorecardVersion, effects: list[Any]) -> tuple[list[Health], BacktestRun | None]:
    """Return the health of the criteria of `version`, most MQLs first; `effects` as its preview tells them."""
    run = backtest.latest(version)
    figures: dict[str, Any] = run.result["draft"] if run else {"criteria": {}, "at_bar": 0}
    rows = []
    for effect in effects:
        told = figures["criteria"].get(effect.criterion.key)
        caused = backtest.share_of(told["lifted"]["leads"], figures["at_bar"]) if told else None
        rows.append(
            Health(
                effect.criterion, effect.fires, effect.decides, told and told["fired"], told and told["lifted"], caused
            )
        )
    return sorted(rows, key=lambda row: (-(row.lifted or {"leads": 0})["leads"], -row.fires)), run


def refresh_when_old() -> BacktestRun | None:
    """Look back with the version in force when nobody has for a week."""
    version = in_force()
    if version is None:
        return None
    newest = BacktestRun.objects.filter(version=version).first()
    if newest is not None and (newest.is_running or newest.started_at > timezone.now() - FRESH):
        return None
    return backtest.ask(version, by=None)
