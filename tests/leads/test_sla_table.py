"""Due times against a table that was walked minute by minute, without the code under test (see sla_by_hand)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import absences
from crm.calendars import Calendar, Reckoning
from crm.models import Absence, Team
from tests.leads import sla_by_hand
from tests.leads.sla_by_hand import SCHEDULES, TABLE

with TABLE.open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))


def _team(row: dict[str, Any]) -> Team:
    hours = {str(day): [span.split("-") for span in spans] for day, spans in SCHEDULES[row["hours"]].items()}
    own = [part.split("=") for part in row["own_days"].split()]
    return Team(
        working_hours=hours, holiday_region=row["region"], half_eves=bool(int(row["half_eves"])),
        own_days=[{"day": day, "half": kind == "half", "name": "Own"} for day, kind in own],
    )  # fmt: skip


def _away(text: str, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    found = []
    for part in text.split():
        first, last = part.split("..")
        row = Absence(
            first_day=date.fromisoformat(first[:10]), last_day=date.fromisoformat(last[:10]),
            from_noon=first.endswith("n"), until_noon=last.endswith("n"),
        )  # fmt: skip
        found.append(absences.span_of(row, zone))
    return found


def _reckoned(row: dict[str, Any]) -> Reckoning:
    zone = ZoneInfo(row["zone"])
    start, away = (row["reassigned"], row["away_then"]) if row["reassigned"] else (row["start"], row["away"])
    calendar = Calendar(_team(row), zone, _away(away, zone))
    return calendar.reckon(datetime.fromisoformat(start), timedelta(minutes=int(row["promised_minutes"])))


def test_every_due_time_of_the_table_is_met_to_the_minute() -> None:
    assert len({row["about"] for row in ROWS}) == len(ROWS) >= 200
    found = {row["about"]: _reckoned(row).due for row in ROWS}
    told = {row["about"]: datetime.fromisoformat(row["due"]) for row in ROWS}
    assert {about: (found[about], told[about]) for about in told if found[about] != told[about]} == {}


def test_the_way_to_every_due_time_has_no_gap_and_counts_what_was_promised() -> None:
    for row in ROWS:
        reckoned = _reckoned(row)
        ends = [reckoned.start, *(stretch.end for stretch in reckoned.stretches)]
        assert [stretch.start for stretch in reckoned.stretches] == ends[:-1], row["about"]
        counted = sum((stretch.length for stretch in reckoned.stretches if stretch.counts), timedelta())
        assert (counted, ends[-1]) == (timedelta(minutes=int(row["promised_minutes"])), reckoned.due), row["about"]


def test_the_table_holds_every_kind_of_case() -> None:
    assert {row["region"] for row in ROWS} >= {f"DE-{state}" for state in sla_by_hand.STATES}
    kinds = {stretch.kind for row in ROWS for stretch in _reckoned(row).stretches}
    assert kinds >= {"work", "night", "break", "weekend", "day_off", "holiday", "closed", "half_day", "absence"}
    starts = {row["start"][:10] for row in ROWS}
    assert {"2024-02-29", "2028-02-29", "2026-03-28", "2026-10-24"} <= starts
    assert sum(bool(row["reassigned"]) for row in ROWS) >= 18


@pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.soak)])
def test_the_table_is_what_the_walk_says(every: int) -> None:
    written = {row["about"]: row["due"] for row in ROWS}
    walked = {one["about"]: sla_by_hand.due(one).isoformat(timespec="minutes") for one in sla_by_hand.cases()[::every]}
    assert {about: written[about] for about in walked} == walked


# --- What holds for any calendar ------------------------------------------------------------------

ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe")
instants = st.integers(0, 5 * 366 * 86_400).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
amounts = st.timedeltas(timedelta(0), timedelta(hours=90))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar that works at least a little every week."""
    row = {
        "hours": draw(st.sampled_from(sorted(SCHEDULES))), "region": draw(st.sampled_from(["", "DE", "DE-SN"])),
        "half_eves": draw(st.booleans()), "own_days": draw(st.sampled_from(["", "2026-07-13=closed 2026-07-14=half"])),
    }  # fmt: skip
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first = draw(st.dates(date(2024, 1, 1), date(2028, 12, 1)))
    away = _away(draw(st.sampled_from(["", f"{first}..{first + timedelta(days=9)}n"])), zone)
    return Calendar(_team(row), zone, away)


@given(calendars(), instants, amounts)
@settings(max_examples=30, deadline=None)
def test_the_time_until_due_is_what_was_promised(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    due = calendar.reckon(start, amount).due
    assert calendar.between(start, due) == amount
    assert calendar.reckon(start, calendar.between(start, due)).due == due


@given(calendars(), instants, amounts, amounts)
@settings(max_examples=30, deadline=None)
def test_later_or_longer_is_never_due_earlier(
    calendar: Calendar, start: datetime, amount: timedelta, more: timedelta
) -> None:
    due = calendar.reckon(start, amount).due
    assert start <= due <= calendar.reckon(start, amount + more).due
    assert due <= calendar.reckon(start + more, amount).due


@given(calendars(), instants, amounts, amounts)
@settings(max_examples=30, deadline=None)
def test_working_time_adds_up(calendar: Calendar, start: datetime, one: timedelta, other: timedelta) -> None:
    middle, end = start + one, start + one + other
    assert calendar.between(start, middle) + calendar.between(middle, end) == calendar.between(start, end)
    first = calendar.reckon(start, one)
    assert calendar.reckon(first.due, other).due == calendar.reckon(start, one + other).due


@given(calendars(), instants, st.timedeltas(timedelta(0), timedelta(days=400)))
@settings(max_examples=20, deadline=None)
def test_the_short_way_to_count_equals_the_long_one(calendar: Calendar, start: datetime, length: timedelta) -> None:
    way = calendar.way(start, start + length)
    assert calendar.between(start, start + length) == sum((one.length for one in way if one.counts), timedelta())
    assert sum((one.length for one in way), timedelta()) == length
