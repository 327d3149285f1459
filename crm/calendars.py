"""A team's calendar: every instant either counts as working time, or it does not for a reason one can name.

Working time is what the clock on the wall shows: an instant counts when the local time of the team's zone lies in the
hours of that weekday. So an hour that is skipped in March never counts, and one that is lived twice in October counts
twice. Days begin at local midnight, a half day ends at noon.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import holidays

if TYPE_CHECKING:
    from crm.models import Team

WORK, NIGHT, BREAK, WEEKEND, DAY_OFF = "work", "night", "break", "weekend", "day_off"
HOLIDAY, CLOSED, HALF_DAY, ABSENCE = "holiday", "closed", "half_day", "absence"
NOON, DAY = 12 * 60, 24 * 60  # minutes of the wall clock
ZERO = timedelta()
EVES = ((12, 24), (12, 31))
#: After so many days without enough working time the rest counts plainly: nothing waits for ever.
HORIZON = 732
Part = tuple[int, int, str, str]


class Stretch(NamedTuple):
    """A stretch of time (UTC) that counts (`kind` is "work") or does not; `name` tells which holiday or which day."""

    start: datetime
    end: datetime
    kind: str
    name: str = ""

    @property
    def counts(self) -> bool:
        return self.kind == WORK

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@lru_cache(maxsize=256)
def public_holidays(region: str, year: int, language: str = "en") -> dict[date, str]:
    """Return the public holidays of `region` ('DE', 'DE-BY', '' = none) in `year` with their names in `language`."""
    if not region:
        return {}
    country, _, state = region.partition("-")
    tongue = {"de": "de", "en": "en_US"}.get(language)
    spoken = tongue if tongue in _languages(country) else None
    return dict(holidays.country_holidays(country, subdiv=state or None, years=year, language=spoken))


@lru_cache(maxsize=32)
def _languages(country: str) -> tuple[str, ...]:
    return tuple(getattr(holidays.country_holidays(country), "supported_languages", ()))


def minutes(text: str) -> int:
    """Return "13:30" as minutes after midnight; "24:00" is the end of the day."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest or 0)


@dataclass(frozen=True)
class Reckoning:
    """When an amount of working time has passed, and every stretch of time on the way there."""

    start: datetime
    due: datetime
    stretches: tuple[Stretch, ...]


class Rules(NamedTuple):
    """What a day of a team depends on, in a form that can be remembered by."""

    zone: zoneinfo.ZoneInfo
    hours: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]  # weekday (0 = Monday) → minutes from, to
    region: str
    half_eves: bool
    own_days: tuple[tuple[str, bool, str], ...]  # ISO date, half day, name


def rules_of(team: Team, zone: zoneinfo.ZoneInfo) -> Rules:
    """Return what a team's settings say about its days."""
    hours = tuple(
        (int(day), tuple((minutes(begins), minutes(ends)) for begins, ends in spans))
        for day, spans in sorted(team.working_hours.items())
        if spans
    )
    own = tuple((one["day"], bool(one["half"]), str(one["name"])) for one in team.own_days)
    return Rules(zone, hours, team.holiday_region, team.half_eves, own)


# --- One day --------------------------------------------------------------------------------------


def parts(rules: Rules, day: date) -> list[Part]:
    """Return the day's wall clock in parts without a gap: (from, to) in minutes, kind, name."""
    spans = dict(rules.hours).get(day.weekday(), ()) if rules.hours else ((0, DAY),)
    if not spans:
        return [(0, DAY, WEEKEND if day.weekday() > 4 else DAY_OFF, "")]
    half, name = next(((half, name) for own, half, name in rules.own_days if own == day.isoformat()), (None, ""))
    if half is False:
        return [(0, DAY, CLOSED, name)]
    holiday = public_holidays(rules.region, day.year).get(day)
    if holiday is not None:
        return [(0, DAY, HOLIDAY, holiday)]
    worked = list(_around(spans))
    if half or (rules.half_eves and (day.month, day.day) in EVES):
        return _cut_at_noon(worked, name)
    return worked


def _around(spans: Iterable[tuple[int, int]]) -> Iterator[Part]:
    """Yield working hours and what lies before, between and after them."""
    reached, gap = 0, NIGHT
    for begins, ends in spans:
        if begins > reached:
            yield (reached, begins, gap, "")
        yield (begins, ends, WORK, "")
        reached, gap = ends, BREAK
    if reached < DAY:
        yield (reached, DAY, NIGHT, "")


def _cut_at_noon(worked: list[Part], name: str) -> list[Part]:
    """Return the parts with what would be worked after noon taken out."""
    found: list[Part] = []
    for start, end, kind, told in worked:
        if kind == NIGHT or end <= NOON:
            found.append((start, end, kind, told))
            continue
        if start < NOON:
            found.append((start, NOON, kind, told))
        found.append((max(start, NOON), end, HALF_DAY, name))
    return found


def _offset(instant: datetime, zone: zoneinfo.ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or ZERO


def _segments(day: date, zone: zoneinfo.ZoneInfo) -> list[tuple[datetime, datetime, timedelta]]:
    """Return the local day as (from, to, offset from UTC): two of them when the clocks change."""
    first = datetime.combine(day, clock_time(), zone).astimezone(UTC)
    last = datetime.combine(day + timedelta(days=1), clock_time(), zone).astimezone(UTC)
    before, after = _offset(first, zone), _offset(last - timedelta(seconds=1), zone)
    if before == after:
        return [(first, last, before)]
    low, high = first, last
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return [(first, high, before), (high, last, after)]


@lru_cache(maxsize=8192)
def _day(rules: Rules, day: date) -> tuple[Stretch, ...]:
    """Return the local day in stretches, in UTC."""
    midnight, found = datetime.combine(day, clock_time(), UTC), []
    for begins, ends, offset in _segments(day, rules.zone):
        for start, end, kind, name in parts(rules, day):
            opened = max(begins, midnight + timedelta(minutes=start) - offset)
            closed = min(ends, midnight + timedelta(minutes=end) - offset)
            if opened < closed:
                found.append(Stretch(opened, closed, kind, name))
    return tuple(found)


@lru_cache(maxsize=8192)
def _counted(rules: Rules, day: date) -> timedelta:
    """Return how much of the local day counts."""
    return sum((one.length for one in _day(rules, day) if one.counts), ZERO)


# --- Many days ------------------------------------------------------------------------------------


class Calendar:
    """When one team works; `away` are the times (UTC, in order) at which the person concerned is absent."""

    def __init__(
        self, team: Team, zone: zoneinfo.ZoneInfo, away: Iterable[tuple[datetime, datetime]] = (), who: str = ""
    ) -> None:
        self.rules, self.away, self.who = rules_of(team, zone), list(away), who

    def stretches(self, start: datetime) -> Iterator[Stretch]:
        """Yield all time from `start` (aware) on, in order and without a gap; stretches alike are one."""
        held: Stretch | None = None
        for found in self._from(start.astimezone(UTC)):
            if held and (held.kind, held.name) == (found.kind, found.name):
                held = held._replace(end=found.end)
                continue
            if held:
                yield held
            held = found
        if held:
            yield held

    def _from(self, start: datetime) -> Iterator[Stretch]:
        first = start.astimezone(self.rules.zone).date()
        reached = start
        for offset in range(HORIZON):
            for found in _day(self.rules, first + timedelta(days=offset)):
                if found.end > start:
                    reached = found.end
                    yield from self._less_absence(found._replace(start=max(found.start, start)))
        yield Stretch(reached, reached + timedelta(days=36_525), WORK)

    def _less_absence(self, found: Stretch) -> Iterator[Stretch]:
        for begins, ends in self.away:
            if ends <= found.start or begins >= found.end:
                continue
            if begins > found.start:
                yield found._replace(end=begins)
            yield Stretch(max(begins, found.start), min(ends, found.end), ABSENCE, self.who)
            if ends >= found.end:
                return
            found = found._replace(start=ends)
        yield found

    def reckon(self, start: datetime, amount: timedelta) -> Reckoning:
        """Return the first instant by which `amount` of working time has passed since `start`, and the way there."""
        left, way = amount, []
        for found in self.stretches(start):
            if left <= ZERO:
                break
            if found.counts and found.length >= left:
                found = found._replace(end=found.start + left)
            way.append(found)
            left -= found.length if found.counts else ZERO
        return Reckoning(start, way[-1].end if way else start, tuple(way))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies between two instants, nothing when `end` is not after `start`."""
        if self.away or end - start < timedelta(days=4) or end - start > timedelta(days=HORIZON - 2):
            return sum((found.length for found in self.way(start, end) if found.counts), ZERO)
        first, last = start.astimezone(self.rules.zone).date(), end.astimezone(self.rules.zone).date()
        whole = (_counted(self.rules, first + timedelta(days=n)) for n in range((last - first).days))
        early = sum(
            (min(one.end, start) - one.start for one in _day(self.rules, first) if _is_worked(one, start)), ZERO
        )
        late = sum((min(one.end, end) - one.start for one in _day(self.rules, last) if _is_worked(one, end)), ZERO)
        return sum(whole, ZERO) - early + late

    def way(self, start: datetime, end: datetime) -> list[Stretch]:
        """Return every stretch of time between two instants."""
        found = []
        for one in self.stretches(start):
            if one.start >= end:
                break
            found.append(one._replace(end=min(one.end, end)))
        return found


def _is_worked(one: Stretch, until: datetime) -> bool:
    return one.counts and one.start < until
