"""Days and working hours: the local day an instant falls on, and time that only runs while a team works."""

from __future__ import annotations

import time
import zoneinfo
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from crm.calendars import Calendar
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


# --- Working time ---------------------------------------------------------------------------------


def zone_of(team: Team | None) -> zoneinfo.ZoneInfo:
    """Return the zone in which a team's hours are meant: its own, else the workspace's."""
    return zoneinfo.ZoneInfo(team.time_zone) if team and team.time_zone else workspace_zone()


def calendar_of(team: Team) -> Calendar:
    """Return when a team works, whoever of it is away."""
    return Calendar(team, zone_of(team))


def add_working_time(team: Team, start: datetime, amount: timedelta) -> datetime:
    """Return the instant when `amount` of the team's working time has passed since `start`.

    A team without working hours works around the clock, but for holidays and days of its own.
    """
    return calendar_of(team).reckon(start, amount).due


def working_time_between(team: Team, start: datetime, end: datetime) -> timedelta:
    """Return how much of the team's working time lies between two instants; the inverse of `add_working_time`."""
    return calendar_of(team).between(start, end)
