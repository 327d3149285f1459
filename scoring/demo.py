"""The scores of the demo world: what each lead scored on the days its story tells of, and how the curve went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from crm import demo
from crm.activities import slices
from crm.demo import World
from crm.workdays import date_of, local_day, workspace_zone
from leads import demo as leads_demo
from leads.explanations import Explanation, Reason
from leads.models import NO_RANK, Lead, Standing
from scoring import bringing_up, health, pointer, reference
from scoring.facts import Profile, profiles
from scoring.models import ScorecardVersion, ScoreHistory
from scoring.storing import WORTH_TELLING

CURVE_DAYS = 120
Cause = ScoreHistory.Cause


@lru_cache(maxsize=4)
def _version(version_id: int, catalogue: int) -> ScorecardVersion:
    return reference.whole(version_id)


def in_force() -> ScorecardVersion | None:
    """Return the version everything is scored by, with its criteria."""
    current = pointer.read()
    return _version(current.version_id, current.catalogue) if current else None


@leads_demo.reckoned_by
def explain(lead: Lead, happened: list[reference.Happening], day: int) -> Explanation | None:
    """Return what `lead` scored at the end of `day` by the criteria of today, with the strongest reasons."""
    version = in_force()
    if version is None:
        return None
    profile = profiles([lead.contact_id])[lead.contact_id]
    reckoning = reference.reckon(version, profile, happened, day, lead.counts_from)
    booked = [booking for booking in reckoning.bookings() if booking.points and booking.criterion.is_summed]
    strongest = sorted(booked, key=lambda booking: (-booking.points, booking.criterion.position))
    reasons = tuple(Reason(booking.criterion.label, booking.points) for booking in strongest)
    return Explanation(reckoning.verdict.total, reckoning.verdict.grade, reasons)


@demo.chapter
def score(world: World) -> None:
    """Score everybody now, and tell how the scores came about."""
    bringing_up.to_date()
    told_only = Standing.objects.filter(lead__is_demo=True, lead__scored=None)
    told_only.update(score=None, grade="", rank=NO_RANK)  # earlier episodes showed a score while their story was told
    version = in_force()
    if version is None or world.is_large:
        return
    health.refresh_when_old()  # so that the report on bad criteria has something to say on the first morning
    today = local_day(world.now)
    scored = Lead.objects.filter(is_demo=True, scored__isnull=False).order_by("pk")
    for leads in slices(scored, demo.SLICE):
        _tell_curves(list(leads), version, today)


def _tell_curves(leads: list[Lead], version: ScorecardVersion, today: int) -> None:
    contact_ids = [lead.contact_id for lead in leads]
    known: Mapping[int, Profile] = profiles(contact_ids)
    happened = reference.happenings(contact_ids, today)
    rows = [
        row
        for lead in leads
        for row in _curve(lead, known[lead.contact_id], happened.get(lead.contact_id, []), version, today)
    ]
    ScoreHistory.objects.filter(lead__in=leads).delete()
    ScoreHistory.objects.bulk_create(rows, batch_size=500)


def _curve(
    lead: Lead, profile: Profile, happened: list[Any], version: ScorecardVersion, today: int
) -> Iterator[ScoreHistory]:
    """Yield a row for each day on which the score changed by what the person did, or by five points with time."""
    asked = {criterion.activity_kind_id for criterion in version.criteria.all()}
    done_on = {day for _id, kind, day, _properties in happened if kind in asked}
    first = max(local_day(lead.entered_at), today - CURVE_DAYS)
    before: int | None = None
    grade = ""
    for day in sorted({first, today, *(on for on in done_on if on > first), *range(today - 28, today, 7)}):
        if day < first:
            continue
        verdict = reference.reckon(version, profile, happened, day, lead.counts_from).verdict
        change = abs(verdict.total - (before or 0))
        if before is None or verdict.grade != grade or change >= (1 if day in done_on else WORTH_TELLING):
            cause = Cause.ACTIVITY if day in done_on else Cause.TIME
            yield ScoreHistory(
                lead=lead, version=version, day=day, at=_evening(day), cause=cause, before=before,
                after=verdict.total, grade=verdict.grade,
            )  # fmt: skip
            before, grade = verdict.total, verdict.grade


def _evening(day: int) -> datetime:
    noon = datetime.combine(date_of(day), time(12), workspace_zone())
    return min(noon.astimezone(UTC), datetime.now(UTC) - timedelta(seconds=1))
