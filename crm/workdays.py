"""Days and working hours: the local day an instant falls on, and time that only runs while a team works."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache

import holidays
from django.conf import settings
from django.utils import timezone

from crm.models import Team, Workspace

EPOCH = date(1970, 1, 1).toordinal()
_remembered: tuple[float, zoneinfo.ZoneInfo] | None = None


def workspace_zone() -> zoneinfo.ZoneInfo:
    """Return the workspace's time zone, remembered for five seconds."""
    if _remembered is None or time.monotonic() - _remembered[0] > 5:
        return remember_zone(Workspace.objects.values_list("time_zone", flat=True).first())
    return _remembered[1]


def remember_zone(name: str | None) -> zoneinfo.ZoneInfo:
    """Remember for five seconds what somebody has just read of the workspace's row; None stands for no row."""
    global _remembered
    zone = zoneinfo.ZoneInfo(name or settings.TIME_ZONE)
    _remembered = (time.monotonic(), zone)
    return zone


def forget_zone() -> None:
    """Read the workspace's time zone anew at the next question."""
    global _remembered
    _remembered = None


def local_day(instant: datetime, zone: zoneinfo.ZoneInfo | None = None) -> int:
    """Return the days since 1970-01-01 of the local date of an aware `instant`."""
    return instant.astimezone(zone or workspace_zone()).date().toordinal() - EPOCH


def local_date(instant: datetime | None = None) -> date:
    """Return the workspace's calendar date at an aware `instant`, default now."""
    return (instant or timezone.now()).astimezone(workspace_zone()).date()


def today() -> int:
    """Return today in the workspace's zone, in days since 1970-01-01."""
    return local_day(timezone.now())


def date_of(day: int) -> date:
    """Return the calendar date of a day number."""
    return date.fromordinal(day + EPOCH)


def day_of(day: date) -> int:
    """Return the day number of a calendar date."""
    return day.toordinal() - EPOCH


@lru_cache(maxsize=64)
def public_holidays(region: str, year: int) -> frozenset[date]:
    """Return the public holidays of `region` ('DE', 'DE-BY', '' = none) in `year`."""
    if not region:
        return frozenset()
    country, _, state = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=state or None, years=year))


def working_spans(team: Team, start: datetime, zone: zoneinfo.ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the team's working spans that end after `start`, in UTC, in order, for two years at most."""
    first = start.astimezone(zone).date()
    for offset in range(732):
        day = first + timedelta(days=offset)
        if day in public_holidays(team.holiday_region, day.year):
            continue
        for begins, ends in team.working_hours.get(str(day.weekday()), []):
            opened = datetime.combine(day, clock_time.fromisoformat(begins), zone).astimezone(UTC)
            closed = datetime.combine(day, clock_time.fromisoformat(ends), zone).astimezone(UTC)
            if closed > start:
                yield max(opened, start.astimezone(UTC)), closed


def add_working_time(team: Team, start: datetime, amount: timedelta) -> datetime:
    """Return the instant when `amount` of the team's working time has passed since `start`.

    A team without working hours works around the clock.
    """
    left = amount
    for opened, closed in working_spans(team, start, workspace_zone()):
        if closed - opened >= left:
            return opened + left
        left -= closed - opened
    return start + left


def working_time_between(team: Team, start: datetime, end: datetime) -> timedelta:
    """Return how much of the team's working time lies between two instants."""
    total = timedelta()
    for opened, closed in working_spans(team, start, workspace_zone()):
        if opened >= end:
            break
        total += min(closed, end) - opened
    return total
