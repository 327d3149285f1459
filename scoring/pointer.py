"""The one row that says by which version and as of which day everything is scored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from crm.workdays import today
from scoring.models import ActiveScoring, ContactSignals, PublishRun, ScorecardVersion


@dataclass(frozen=True)
class Pointer:
    version_id: int
    day: int
    catalogue: int


def read(*, share: bool = False) -> Pointer | None:
    """Return the pointer, None before anything was published. With `share` it cannot move until the commit."""
    lock = " FOR SHARE" if share and connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT version_id, as_of_day, catalogue FROM scoring_activescoring WHERE id = 1{lock}")
        row = cursor.fetchone()
    return Pointer(*row) if row else None


def read_for_drain() -> tuple[Pointer | None, bool]:
    """Return the pointer and whether contacts wait to be looked at anew. PostgreSQL holds it until the commit."""
    lock = " FOR SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version_id, as_of_day, catalogue, EXISTS (SELECT 1 FROM scoring_pendingcontact)"
            f" FROM scoring_activescoring WHERE id = 1{lock}"
        )
        row = cursor.fetchone()
    return (Pointer(*row[:3]), row[3]) if row else (None, False)


def hold() -> ActiveScoring | None:
    """Lock the pointer for changing it: waits for every drain that is under way."""
    return ActiveScoring.objects.select_for_update().filter(pk=1).first()


def renew_catalogue() -> None:
    """Tell every process that there are new questions, in the caller's transaction."""
    ActiveScoring.objects.filter(pk=1).update(catalogue=secrets.randbits(62))


def turn(
    version: ScorecardVersion | None = None, *, cause: str, run: PublishRun | None = None, **details: object
) -> PublishRun | None:
    """Point at `version` (default: the one in force) and at today, and begin the pass that brings all scores there.

    `run` is the pass that goes on with it, a new one when not given; others that score are overtaken. None when
    nothing was ever published.
    """
    with transaction.atomic():
        active = hold()
        if active is None and version is None:
            return None
        day = today()
        if active is None:
            assert version is not None
            active = ActiveScoring.objects.create(version=version, as_of_day=day, catalogue=secrets.randbits(62))
        else:
            day = max(day, active.as_of_day)
            version = version or active.version
            ActiveScoring.objects.filter(pk=1).update(version=version, as_of_day=day)
        scoring = PublishRun.objects.filter(phase__in=[PublishRun.Phase.SCORE, PublishRun.Phase.MOVE])
        scoring.update(phase=PublishRun.Phase.SUPERSEDED, finished_at=timezone.now())
        details = {"version": version, "day": day, "total": ContactSignals.objects.count()} | details
        if run is None:
            return PublishRun.objects.create(cause=cause, **details)
        since = {"phase_since": timezone.now()}
        PublishRun.objects.filter(pk=run.pk).update(phase=PublishRun.Phase.SCORE, cursor=0, done=0, **since, **details)
        return run


def turn_day() -> PublishRun | None:
    """Begin the night pass when a local midnight has gone by since the last."""
    current = read()
    if current is None or current.day >= today():
        return None
    with transaction.atomic():
        active = hold()
        if active is None or active.as_of_day >= today():
            return None
        return turn(cause=PublishRun.Cause.TIME)
