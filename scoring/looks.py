"""Looks at all leads with a version, as rows that go on chunk by chunk: asked for once, claimed, carried on by anyone.

A chunk writes how far it came and what it counted in one statement, so a killed run neither loses nor counts anything
twice. What a look asks of each chunk, its kind says (scoring/backtest.py, scoring/previews.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.models import User
from crm.wake import wake
from scoring import pointer
from scoring.models import Look, ScorecardVersion

CLAIM = timedelta(seconds=30)
Run = TypeVar("Run", bound=Look)
State = Look.State
log = logging.getLogger("baton.scoring")


class StartOver(Exception):
    """What has been counted so far no longer fits together: count from the first lead again."""


@dataclass(frozen=True)
class Step:
    """What one chunk came to: the last one that is done, how many were read, everything counted so far."""

    cursor: int
    read: int
    tallies: dict[str, Any]


@dataclass(frozen=True)
class Kind(Generic[Run]):
    """A kind of look. `digest` tells what of a version it depends on; `step` returns None behind the last lead.

    `begin` returns how many there are to look at and the empty tallies; `make_ready` what every step needs.
    """

    model: type[Run]
    digest: Callable[[ScorecardVersion], str]
    begin: Callable[[], tuple[int, dict[str, Any]]]
    make_ready: Callable[[Run], Any]
    step: Callable[[Run, Any], Step | None]
    result: Callable[[Run], dict[str, Any]]

    def under_way(self, version: ScorecardVersion) -> Run | None:
        """Return the look at `version` that is running."""
        return self._running(version).select_related("asked_by").first()

    def ask(self, version: ScorecardVersion, *, by: User | None) -> Run:
        """Begin a look at what `version` says now, or return the one that is at it already."""
        version = ScorecardVersion.objects.get(pk=version.pk)  # as it stands, not as somebody holds it
        said, current = self.digest(version), pointer.read()
        running = self._running(version)
        running.exclude(digest=said).update(state=State.OVERTAKEN, finished_at=timezone.now())
        total, tallies = self.begin()
        try:
            with transaction.atomic():
                run = self.model._default_manager.create(
                    version=version, published_id=current.version_id if current else None, digest=said, asked_by=by,
                    total=total, tallies=tallies,
                )  # fmt: skip
        except IntegrityError:
            return running.get()
        wake("jobs")
        return run

    def carry_on(self, seconds: float) -> bool:
        """Work on the looks under way for at most about `seconds`; True when none is left."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run = self._claimed()
            if run is None:
                break
            try:
                self._work(run, until)
            except StartOver:
                self._start_over(run)
            except OperationalError as error:
                if "locked" not in str(error).lower() and "deadlock" not in str(error).lower():
                    raise
                time.sleep(0.05)
            except Exception as error:
                log.exception("%s %s failed", self.model._meta.model_name, run.pk)
                self._end(run, State.FAILED, error=f"{type(error).__name__}: {error}"[:300])
        return not self._rows().filter(state=State.RUNNING).exists()

    def _rows(self) -> QuerySet[Run]:
        return self.model._default_manager.all()

    def _running(self, version: ScorecardVersion) -> QuerySet[Run]:
        return self._rows().filter(version=version, state=State.RUNNING)

    def _here(self, run: Run) -> QuerySet[Run]:
        """Return the row while nobody else has come further."""
        return self._rows().filter(pk=run.pk, state=State.RUNNING, cursor=run.cursor)

    def _claimed(self) -> Run | None:
        """Take the oldest run that no worker has in hand; a killed worker's claim runs out."""
        now = timezone.now()
        free = self._rows().filter(Q(claimed_until=None) | Q(claimed_until__lt=now), state=State.RUNNING)
        for run in free.order_by("id"):
            if free.filter(pk=run.pk).update(claimed_until=now + CLAIM):
                return run
        return None

    def _work(self, run: Run, until: float) -> None:
        ready = self.make_ready(run)
        while True:
            if self.digest(ScorecardVersion.objects.get(pk=run.version_id)) != run.digest:
                return self._end(run, State.OVERTAKEN)
            step = self.step(run, ready)
            if step is None:
                return self._end(run, State.DONE, result=self.result(run))
            going_on = time.monotonic() < until
            said = {"cursor": step.cursor, "done": run.done + step.read, "tallies": step.tallies}
            if not self._here(run).update(**said, claimed_until=timezone.now() + CLAIM if going_on else None):
                return None  # somebody else came further
            if not going_on:
                return None
            run.cursor, run.done, run.tallies = step.cursor, run.done + step.read, step.tallies

    def _start_over(self, run: Run) -> None:
        total, tallies = self.begin()
        current = pointer.read()
        self._here(run).update(
            cursor=0, done=0, total=total, tallies=tallies, claimed_until=None,
            published_id=current.version_id if current else None,
        )  # fmt: skip

    def _end(self, run: Run, state: str, **values: Any) -> None:
        self._here(run).update(state=state, finished_at=timezone.now(), claimed_until=None, **values)
