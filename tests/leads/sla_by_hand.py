"""Computes the golden table of due times, sla_cases.csv, without the code under test.

How: it starts at the minute of the offer and walks on, minute by minute in UTC. For each minute it writes down the
local time from the rules of daylight saving as the law has them (the European Union: from the last Sunday of March,
1:00 UTC, to the last Sunday of October, 1:00 UTC; the United States: from the second Sunday of March to the first of
November, 2:00 local time; India: none), looks whether the wall clock shows a working hour of that weekday, whether the
date stands in a list of public holidays typed in here from the holiday laws of the states (Easter Sundays typed in
too), whether it is a day of the team's own, a half day after 12:00, or within an absence, and counts. The minute in
which the count reaches what was promised ends at the due time. No `holidays`, no `zoneinfo`, nothing of Baton is
imported, and there is no arithmetic on spans.

    python -m tests.leads.sla_by_hand    writes the table anew
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("sla_cases.csv")
COLUMNS = (
    "about", "zone", "region", "hours", "half_eves", "own_days", "away", "start", "promised_minutes", "reassigned",
    "away_then", "due",
)  # fmt: skip
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

# --- What the law says ----------------------------------------------------------------------------

EASTER = {2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2027: (3, 28), 2028: (4, 16)}
REPENTANCE = {2024: (11, 20), 2025: (11, 19), 2026: (11, 18), 2027: (11, 17), 2028: (11, 22)}
#: state → its own holidays beside the nine of all states; "corpus" is Easter + 60, "repentance" as typed in above.
STATES: dict[str, tuple[Any, ...]] = {
    "BW": ((1, 6), "corpus", (11, 1)), "BY": ((1, 6), "corpus", (11, 1)), "BE": ((3, 8),),
    "BB": ("easter sunday", "whit sunday", (10, 31)), "HB": ((10, 31),), "HH": ((10, 31),), "HE": ("corpus",),
    "MV": ((3, 8), (10, 31)), "NI": ((10, 31),), "NW": ("corpus", (11, 1)), "RP": ("corpus", (11, 1)),
    "SL": ("corpus", (8, 15), (11, 1)), "SN": ((10, 31), "repentance"), "ST": ((1, 6), (10, 31)), "SH": ((10, 31),),
    "TH": ((9, 20), (10, 31)),
}  # fmt: skip
ONCE = {("BE", date(2025, 5, 8))}  # eighty years after the end of the war


@lru_cache(maxsize=200)
def holidays_of(region: str, year: int) -> frozenset[date]:
    if not region:
        return frozenset()
    easter = date(year, *EASTER[year])
    found = {date(year, *day) for day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))}
    found |= {easter + DAY * away for away in (-2, 1, 39, 50)}  # Good Friday, Easter Monday, Ascension, Whit Monday
    state = region.removeprefix("DE").removeprefix("-")
    moving = {"corpus": 60, "easter sunday": 0, "whit sunday": 49}
    for one in STATES.get(state, ()):
        if one == "repentance":
            found.add(date(year, *REPENTANCE[year]))
        else:
            found.add(easter + DAY * moving[one] if one in moving else date(year, *one))
    return frozenset(found | {day for where, day in ONCE if where == state and day.year == year})


@lru_cache(maxsize=50)
def _sunday(year: int, month: int, which: int) -> datetime:
    """Return midnight (UTC) of the which-th Sunday of a month, -1 for the last."""
    days = [date(year, month, 1) + DAY * n for n in range(31)]
    sundays = [day for day in days if day.month == month and day.weekday() == 6]
    found = sundays[which]
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def local(zone: str, instant: datetime) -> datetime:
    """Return what the clock on the wall shows, as a naive datetime."""
    year, hour = instant.year, timedelta(hours=1)
    if zone == "Asia/Kolkata":
        offset = timedelta(hours=5, minutes=30)
    elif zone == "America/New_York":
        begins, ends = _sunday(year, 3, 1) + 7 * hour, _sunday(year, 11, 0) + 6 * hour
        offset = -4 * hour if begins <= instant < ends else -5 * hour
    else:
        summer = _sunday(year, 3, -1) + hour <= instant < _sunday(year, 10, -1) + hour
        offset = ((1 if zone == "Europe/Berlin" else 0) + (1 if summer else 0)) * hour
    return (instant + offset).replace(tzinfo=None)


# --- Walking --------------------------------------------------------------------------------------

SCHEDULES: dict[str, dict[int, list[str]]] = {
    "office": {day: ["09:00-18:00"] for day in range(5)},
    "lunch": {**{day: ["08:30-12:00", "13:00-17:15"] for day in range(4)}, 4: ["08:00-14:00"]},
    "shop": {day: ["10:00-20:00"] for day in range(6)},
    "parttime": {1: ["09:00-13:00"], 3: ["09:00-13:00"]},
    "nights": {day: ["00:00-06:00", "22:00-24:00"] for day in range(7)},
    "odd": {day: ["00:30-02:30", "14:00-16:00"] for day in range(7)},
    "always": {},
}


def is_working(wall: datetime, case: dict[str, Any]) -> bool:
    """Tell whether the minute that begins at `wall` counts."""
    schedule, day = SCHEDULES[case["hours"]], wall.date()
    shown = wall.strftime("%H:%M")
    if schedule:
        spans = [span.split("-") for span in schedule.get(day.weekday(), [])]
        if not any(begins <= shown < ends for begins, ends in spans):
            return False
    if day in holidays_of(case["region"], day.year):
        return False
    own = dict(part.split("=") for part in case["own_days"].split() if part).get(day.isoformat())
    if own == "closed":
        return False
    half = own == "half" or (case["half_eves"] and (day.month, day.day) in {(12, 24), (12, 31)})
    return not (half and wall.hour >= 12)


def is_away(wall: datetime, absences: str) -> bool:
    """Tell whether somebody with these absences ("2026-07-06..2026-07-10n", n: noon) is away at `wall`."""
    for one in absences.split():
        first, last = one.split("..")
        begins = f"{first[:10]} {'12:00' if first.endswith('n') else '00:00'}"
        ends = f"{last[:10]} {'12:00' if last.endswith('n') else '24:00'}"
        if begins <= wall.strftime("%Y-%m-%d %H:%M") < ends:
            return True
    return False


def due(case: dict[str, Any]) -> datetime:
    """Walk from the offer, or from the last re-assignment, until the promised minutes have counted."""
    start, absences = case["start"], case["away"]
    if case["reassigned"]:
        start, absences = case["reassigned"], case["away_then"]
    instant, counted = datetime.fromisoformat(start), 0
    while counted < case["promised_minutes"]:
        wall = local(case["zone"], instant)
        counted += is_working(wall, case) and not is_away(wall, absences)
        instant += MINUTE
    return instant


# --- The cases ------------------------------------------------------------------------------------


def case(about: str, start: str, promised: float = 8, **more: Any) -> dict[str, Any]:
    usual = {
        "zone": "Europe/Berlin", "region": "DE", "hours": "office", "half_eves": False, "own_days": "", "away": "",
        "reassigned": "", "away_then": "",
    }  # fmt: skip
    return {**usual, "about": about, "start": f"{start}+00:00", "promised_minutes": round(promised * 60), **more}


def _each_state() -> Iterator[dict[str, Any]]:
    """Over every day that is a holiday in one state and not in another, in every state, in two years."""
    for state in STATES:
        for day in ("2026-01-05", "2026-06-03", "2027-03-05", "2025-10-30"):
            yield case(f"{state}: over {day}", f"{day}T14:30", 9, region=f"DE-{state}")
    for state in ("SN", "BY", "BE"):
        yield case(f"{state}: day of repentance", "2026-11-17T15:00", 8, region=f"DE-{state}")
    for state in ("SL", "BY", "RP"):
        yield case(f"{state}: Assumption Day, a Friday", "2025-08-14T15:00", 8, region=f"DE-{state}")
    for state in ("TH", "SN"):
        yield case(f"{state}: Children's Day, a Monday", "2027-09-17T14:00", 8, region=f"DE-{state}")
    for state in ("BE", "BB"):
        yield case(f"{state}: 8 May 2025", "2025-05-07T14:00", 6, region=f"DE-{state}")
        yield case(
            f"{state}: Easter Sunday around the clock", "2028-04-15T20:00", 12, region=f"DE-{state}", hours="always"
        )


def _feasts() -> Iterator[dict[str, Any]]:
    for year in EASTER:
        for day, name in (
            (f"{year}-12-23", "Christmas"),
            (f"{year}-04-30", "Labour Day"),
            (f"{year}-10-02", "Unity Day"),
        ):
            yield case(f"{name} {year}", f"{day}T15:10", 8)
        good_friday = date(year, *EASTER[year]) - 2 * DAY
        yield case(f"Easter {year}", f"{(good_friday - DAY).isoformat()}T13:00", 8)
        ascension = date(year, *EASTER[year]) + 39 * DAY
        yield case(f"Ascension {year}", f"{(ascension - DAY).isoformat()}T15:30", 4, hours="lunch")
        yield case(f"Whitsun {year}", f"{(ascension + 8 * DAY).isoformat()}T16:30", 8, hours="shop")
    for year in (2024, 2025, 2026, 2027):
        for eves in (True, False):
            yield case(f"24 December {year}, half: {eves}", f"{year}-12-24T08:00", 6, half_eves=eves)
            yield case(f"31 December {year}, half: {eves}", f"{year}-12-31T09:30", 6, half_eves=eves, region="DE-BW")
            yield case(f"between the years {year}, half: {eves}", f"{year}-12-22T16:00", 40, half_eves=eves)


def _nights_of_change() -> Iterator[dict[str, Any]]:
    for day in ("2026-03-28", "2026-10-24", "2025-03-29", "2025-10-25", "2024-03-30", "2024-10-26", "2028-03-25"):
        for hours in ("always", "nights", "odd"):
            yield case(f"clocks change after {day}, {hours}", f"{day}T20:15", 7, hours=hours)
            yield case(f"clocks change after {day}, {hours}, within", f"{day}T23:45", 2.5, hours=hours)
        yield case(f"clocks change over the weekend of {day}", f"{day}T12:00", 8)
        yield case(
            f"offered in the hour of change after {day}", f"{date.fromisoformat(day) + DAY}T00:40", 1.5, hours="odd"
        )
    for day in ("2026-03-07", "2026-10-31", "2027-03-13"):
        for hours in ("always", "nights", "odd", "office"):
            yield case(f"New York, {day}, {hours}", f"{day}T22:20", 7, zone="America/New_York", region="", hours=hours)
    for start in ("2026-03-28T22:00", "2026-10-24T22:00", "2026-10-25T00:30"):
        yield case(f"London {start}", start, 5, zone="Europe/London", region="", hours="nights")
        yield case(f"India {start}", start, 5, zone="Asia/Kolkata", region="", hours="office")


def _leap_days() -> Iterator[dict[str, Any]]:
    for year in (2024, 2028):
        for hours in ("office", "always", "lunch", "shop"):
            yield case(f"into 29 February {year}, {hours}", f"{year}-02-28T15:00", 8, hours=hours)
            yield case(f"out of 29 February {year}, {hours}", f"{year}-02-29T15:00", 8, hours=hours)
    yield case("no 29 February 2026", "2026-02-27T15:00", 8)


def _own_days_and_absences() -> Iterator[dict[str, Any]]:
    own = "2026-07-13=closed 2026-07-14=half"
    for start in ("2026-07-10T13:00", "2026-07-13T08:00", "2026-07-14T07:30", "2026-07-14T11:00"):
        yield case(f"days of one's own from {start}", start, 8, own_days=own)
        yield case(f"days of one's own from {start}, with lunch", start, 5, own_days=own, hours="lunch")
    absences = (
        "2026-07-06..2026-07-10", "2026-07-06n..2026-07-10n", "2026-07-07..2026-07-07n", "2026-07-07n..2026-07-07",
        "2026-07-06..2026-07-06 2026-07-08..2026-07-08", "2026-06-29..2026-07-24",
        "2026-07-06n..2026-07-06 2026-07-07..2026-07-07n",
    )  # fmt: skip
    for away in absences:
        for start in ("2026-07-06T06:30", "2026-07-07T12:20", "2026-07-03T15:45"):
            yield case(f"away {away}, offered {start}", start, 8, away=away, region="DE-BY")
    yield case("away over the change of clocks", "2026-10-23T14:00", 8, away="2026-10-24..2026-10-26n")
    yield case("away over Christmas, half eves", "2026-12-22T13:00", 8, away="2026-12-23n..2026-12-30", half_eves=True)


def _reassigned() -> Iterator[dict[str, Any]]:
    for start, again in (
        ("2026-07-06T07:00", "2026-07-06T13:05"), ("2026-07-03T15:00", "2026-07-06T09:15"),
        ("2026-12-23T12:00", "2026-12-28T20:00"), ("2026-03-27T15:00", "2026-03-29T00:30"),
        ("2024-02-28T15:00", "2024-02-29T16:30"), ("2026-10-23T15:00", "2026-10-25T00:10"),
    ):  # fmt: skip
        for away, then in (("", ""), ("2026-07-06..2026-07-17", ""), ("", f"{again[:10]}..{again[:10]}n")):
            yield case(
                f"re-assigned {again}, away {away or '–'} / {then or '–'}", start, 8, away=away, away_then=then,
                reassigned=f"{again}+00:00", region="DE-HE",
            )  # fmt: skip


def _by_chance() -> Iterator[dict[str, Any]]:
    """Offers at any minute of five years, in any state and schedule, the same ones each time."""
    dice = random.Random(20261122)
    for number in range(60):
        start = datetime(2024, 1, 1, tzinfo=UTC) + MINUTE * dice.randrange(1_760 * 24 * 60)
        yield case(
            f"by chance {number}", start.strftime("%Y-%m-%dT%H:%M"), dice.choice([0.5, 1, 2, 4, 8, 16, 24]),
            hours=dice.choice(sorted(SCHEDULES)), region=f"DE-{dice.choice(sorted(STATES))}",
            half_eves=dice.random() < 0.5,
        )  # fmt: skip


def cases() -> list[dict[str, Any]]:
    """Return every case without its answer."""
    parts = (_each_state, _feasts, _nights_of_change, _leap_days, _own_days_and_absences, _reassigned, _by_chance)
    return [one for part in parts for one in part()]


def main() -> None:
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in cases():
            writer.writerow({**one, "half_eves": int(one["half_eves"]), "due": due(one).isoformat(timespec="minutes")})


if __name__ == "__main__":
    main()
