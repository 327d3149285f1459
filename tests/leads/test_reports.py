"""The reports on velocity, acceptance, sources, scores and effort: each figure equals the rows it opens."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import numpy as np
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import activities
from leads import lifecycle, milestones
from leads.lifecycle import advance
from leads.models import Lead, Milestones, StageChange, Standing
from leads.reports import score_quality, velocity
from leads.reports.survival import Stay
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, offered, qualified, reason

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)
KEYS = ("velocity", "acceptance", "sources", "score-quality", "effort")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def somebody(number: int) -> Any:
    return ada(email=f"person{number}@acme.example", last_name=f"Person {number}")


@pytest.fixture
def world(cast: Cast, clock: Any) -> None:
    """Leads at every depth and of every fate, from two sources, over three weeks."""
    numbers = iter(range(100))
    for source in ("webinar", "newsletter"):
        for make in (offered, accepted, qualified):
            make(cast, contact=somebody(next(numbers)), source=source)
            clock.shift(timedelta(hours=7))
        a_lead(somebody(next(numbers)), source=source)
        an_mql(cast, contact=somebody(next(numbers)), source=source)
        won = qualified(cast, contact=somebody(next(numbers)), source=source)
        clock.shift(timedelta(days=2))
        advance(won, "win", by=cast.sam, amount=Decimal("500"), date=NOW.date())
        for _again in range(2):
            lost = accepted(cast, contact=somebody(next(numbers)), source=source)
            activities.record(lost.contact, "call_out", by=cast.sam)
            clock.shift(timedelta(days=1))
            advance(lost, "lose", by=cast.sam, reason=reason("lose"))
            back = offered(cast, contact=somebody(next(numbers)), source=source)
            advance(back, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=NOW.date() + timedelta(days=90))


def answer(client: Client, user: Any, key: str, **asked: str) -> Any:
    client.force_login(user)
    found = client.get(reverse("report", args=[key]), asked)
    assert found.status_code == 200
    return found


def figures(client: Client, user: Any, key: str, table: str = "", **asked: str) -> dict[str, dict[str, str]]:
    """Return {key of the row: {column: value}} of one table of a report, from its CSV."""
    text = answer(client, user, key, format="csv", table=table, **asked).content.decode()
    return {row["key"]: row for row in csv.DictReader(io.StringIO(text))}


def test_every_number_equals_the_list_it_opens(client: Client, cast: Cast, world: None) -> None:
    for key in KEYS:
        sheet = answer(client, cast.lena, key).context["sheet"]
        cells = [
            cell
            for table in sheet.tables
            for row in [*table.rows, *([table.foot] if table.foot else [])]
            for column, cell in zip(table.columns, row.cells, strict=True)
            if cell.url and not column.names[0].startswith(("activities", "calls"))
        ]
        assert len(cells) > 5, key
        for cell in cells:
            rows = client.get(cell.url)
            assert rows.context["total"] == cell.values[0], cell.url
            assert len(re.findall(r'href="/leads/\d+/"', rows.content.decode())) == cell.values[0], cell.url


def test_the_foot_is_the_sum_of_the_lines(client: Client, cast: Cast, world: None) -> None:
    feet = 0
    for key in KEYS:
        for table in answer(client, cast.lena, key).context["sheet"].tables:
            if table.foot:
                feet += 1
                places = range(len(table.columns) - 1)
                sums = [sum(row.cells[place].values[0] for row in table.rows) for place in places]
                assert [cell.values[0] for cell in table.foot.cells[:-1]] == sums, key
    assert feet > 3


def test_what_was_handed_over_is_accepted_sent_back_disqualified_or_waiting(
    client: Client, cast: Cast, world: None
) -> None:
    for by in ("person", "team", "source"):
        for row in figures(client, cast.lena, "acceptance", by=by).values():
            parts = ("accepted", "sent_back", "disqualified", "waiting")
            assert int(row["offered"]) == sum(int(row[name]) for name in parts)
    assert {row["name"]: (row["offered"], row["accepted"], row["sent_back"], row["waiting"])
            for row in figures(client, cast.lena, "acceptance").values()} == {
        "Sam Okafor": ("16", "10", "4", "2"), "Together": ("16", "10", "4", "2"),
    }  # fmt: skip


def test_the_sources_reconcile_with_the_funnel(client: Client, cast: Cast, world: None) -> None:
    whole = figures(client, cast.mia, "sources")[""]
    shape = answer(client, cast.mia, "funnel").context["shape"]
    assert [int(whole[name]) for name in ("entered", "mql", "sal", "sql", "won")] == [
        shape.reached[place] for place in (0, 1, 3, 4, 5)
    ]
    lags = figures(client, cast.mia, "velocity", table="lags")
    assert [lags[step]["median_seconds"] for step in ("mql", "offered", "sal")] == [
        str(round(time.total_seconds())) for time in shape.times[1:4]
    ]


def test_effort_counts_what_sales_did_until_it_let_go(client: Client, cast: Cast, clock: Any, world: None) -> None:
    lost = Lead.objects.filter(stage="lost").first()
    assert lost is not None
    clock.shift(timedelta(hours=1))
    activities.record(lost.contact, "call_out", by=cast.sam)  # after it was lost
    activities.record(lost.contact, "call_out", by=cast.mia, at=NOW + timedelta(hours=1))  # not by sales
    activities.record(lost.contact, "page_view", at=NOW + timedelta(hours=1))
    whole = figures(client, cast.lena, "effort")[""]
    names = ("leads", "let_go", "activities", "activities_let_go", "calls_let_go")
    assert [whole[name] for name in names] == ["16", "8", "4", "4", "4"]
    assert whole["days"] == "0.5"  # four lost after a day each, four sent back at once
    fates = figures(client, cast.lena, "effort", table="fates")
    assert {key: row["leads"] for key, row in fates.items()} == {
        "nurture": "4", "lost": "4", "disqualified": "0", "won": "2", "open": "6", "": "16",
    }  # fmt: skip


def test_a_band_says_what_became_of_the_score_a_lead_had_when_it_became_mql(client: Client, cast: Cast) -> None:
    for number in range(10):
        lead = a_lead(somebody(number), owner=cast.mia)
        Standing.objects.filter(lead=lead).update(score=60 + 2 * number if number else 12, grade="A2")
        advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
        Standing.objects.filter(lead=lead).update(score=5)
        advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
        if number in (1, 2, 3):
            advance(lead, "accept", by=cast.sam)
            confirm(lead, cast.sam)
            advance(lead, "qualify_for_sales", by=cast.sam)
    told = figures(client, cast.lena, "score-quality")
    assert {key: (row["name"], row["mql"], row["sql"], row["open"]) for key, row in told.items()} == {
        "0": ("0–19", "1", "0", "1"), "60": ("60–79", "9", "3", "6"), "": ("Together", "10", "3", "7"),
    }  # fmt: skip
    assert (told["0"]["sql_share"], told["60"]["sql_share"][:5], told["60"]["sql_low"]) == ("", "0.333", "0.120584")
    page = unescape(answer(client, cast.lena, "score-quality").content.decode())
    told = "60–79 points became SQL in 33.3 % (of 9; the true share lies between 12.1 % and 64.6 %)."
    assert told in page.replace("\xa0", " ")


def test_no_share_is_told_of_fewer_than_five(client: Client, cast: Cast) -> None:
    for number in range(4):
        qualified(cast, contact=somebody(number))
    for key, name in (("sources", "sql_share"), ("acceptance", "share"), ("effort", "let_go_share")):
        assert figures(client, cast.lena, key)[""][name] == ""
        assert "fewer than 5" in answer(client, cast.lena, key).content.decode()
    assert figures(client, cast.lena, "velocity")["mql"]["median_seconds"] == ""
    qualified(cast, contact=somebody(4))
    assert figures(client, cast.lena, "sources")[""]["sql_share"] == "1.0"


def test_the_period_before_stands_beside(client: Client, cast: Cast, clock: Any) -> None:
    an_mql(cast, contact=somebody(1))
    clock.shift(timedelta(days=10))
    for number in (2, 3):
        an_mql(cast, contact=somebody(number))
    day = (NOW + timedelta(days=10)).date()
    asked = {"start": str(day - timedelta(days=4)), "end": str(day + timedelta(days=4)), "compare": "before"}
    row = figures(client, cast.mia, "sources", **asked)[""]
    assert (row["mql"], row["mql_before"]) == ("2", "1")
    cell = answer(client, cast.mia, "sources", **asked).context["sheet"].tables[0].foot.cells[1]
    assert client.get(cell.before.url).context["total"] == 1


def test_a_report_needs_the_same_queries_for_few_leads_and_for_many(client: Client, cast: Cast, world: None) -> None:
    def queries(key: str) -> int:
        client.get(reverse("report", args=[key]))
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("report", args=[key]))
        return len(asked)

    client.force_login(cast.lena)
    few = {key: queries(key) for key in (*KEYS, "funnel")}
    for number in range(40, 50):
        qualified(cast, contact=somebody(number))
    for key, number in few.items():
        assert queries(key) <= number <= 16, key


def test_a_rep_counts_only_what_they_may_read(client: Client, cast: Cast, world: None) -> None:
    for key in KEYS:
        nothing = answer(client, cast.rosa, key)
        assert nothing.context["sheet"].cases == 0, key
        assert "There is nothing to report" in nothing.content.decode()
        assert answer(client, cast.sam, key).context["sheet"].cases > 0, key


@pytest.mark.parametrize(
    "address",
    [
        "velocity/leads/came-x/", "velocity/leads/x-mql/", "velocity/leads/reached-lost/", "acceptance/leads/x/",
        "acceptance/leads/offered/?group=x", "sources/leads/lost/", "sources/leads/mql/?group=0x1",
        "score-quality/leads/x/", "score-quality/leads/mql/?group=x", "effort/leads/x/", "sources/?format=csv&table=x",
    ],
)  # fmt: skip
def test_what_no_figure_opens_is_not_found(client: Client, cast: Cast, address: str) -> None:
    client.force_login(cast.lena)
    assert client.get(f"/reports/{address}").status_code == 404


# --- How long --------------------------------------------------------------------------------------


def test_those_still_there_count_with_the_time_they_have_been_there() -> None:
    """The example of Kaplan and Meier: deaths at 0.8, 3.1, 5.4, 9.2 months, losses at 1.0, 2.7, 7.0, 12.1."""
    stay = Stay(np.array([0.8, 3.1, 5.4, 9.2]), np.array([1.0, 2.7, 7.0, 12.1]))
    assert [stay.quantile(share) for share in (0.2, 0.3, 0.4, 0.5, 0.7)] == [3.1, 4.25, 5.4, 9.2, 9.2]
    assert (stay.quantile(0.9), stay.longest, stay.cases) == (None, 12.1, 8)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=40))
def test_without_open_ones_the_median_is_the_usual_one(spans: list[int]) -> None:
    assert Stay(np.array(spans), np.array([])).quantile(0.5) == np.median(spans)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=25), st.lists(st.integers(1, 60), max_size=25))
def test_the_estimate_is_the_product_over_the_ends(over: list[int], still: list[int]) -> None:
    lasting, median = 1.0, None
    for at in sorted(set(over)):
        at_risk = sum(one >= at for one in [*over, *still])
        lasting *= 1 - over.count(at) / at_risk
        if lasting <= 0.5 - 1e-9 and median is None:
            median = at
        if abs(lasting - 0.5) <= 1e-9 and median is None:
            later = [one for one in over if one > at]
            median = (at + min(later)) / 2 if later else at
    assert Stay(np.array(over), np.array(still)).quantile(0.5) == median


def test_a_stay_ends_when_the_stage_is_left_and_open_ones_grow(cast: Cast, clock: Any) -> None:
    an_mql(cast, contact=somebody(1))
    lead = an_mql(cast, contact=somebody(2))
    clock.shift(timedelta(days=3))
    advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    advance(lead, "accept", by=cast.sam)
    clock.shift(timedelta(days=2))
    a_lead(somebody(3))
    stays, lags = velocity.stays(Lead.objects.all(), Milestones.objects.all(), NOW + timedelta(days=6))
    days = {stage: ((stay.over / 86400).tolist(), (stay.open / 86400).tolist()) for stage, stay in stays.items()}
    assert days["mql"] == ([3.0], [6.0])
    assert days["sal"] == ([], [3.0])
    assert days["lead"] == ([], [1.0])  # those that became MQL at once were no new leads for any time
    assert (lags["sal"].over.tolist(), lags["won"].cases) == ([3 * 86400.0], 0)


# --- Milestones ------------------------------------------------------------------------------------


def told() -> dict[str, Any]:
    return Milestones.objects.values("depth", "mql", "offered", "sal", "sql", "won", "rejected", "rejected_to").get()


def test_what_was_undone_is_no_milestone(cast: Cast, clock: Any) -> None:
    lead = offered(cast)
    before = told()
    clock.shift(timedelta(hours=1))
    advance(lead, "accept", by=cast.sam)
    assert told()["sal"] == int((NOW + timedelta(hours=1)).timestamp())
    advance(lead, "undo", by=cast.sam)
    assert told() == before
    assert before["depth"] == milestones.STEPS.index("offered")


def test_the_first_rejection_counts(cast: Cast, clock: Any) -> None:
    lead = offered(cast)
    advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=NOW.date() + timedelta(days=9))
    clock.shift(timedelta(days=1))
    advance(lead, "wake", by=cast.mia)
    advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
    assert (told()["rejected"], told()["rejected_to"]) == (int(NOW.timestamp()), "nurture")


def test_a_lead_marketing_lets_rest_was_not_rejected_by_sales(cast: Cast) -> None:
    lead = an_mql(cast)
    advance(lead, "nurture", by=cast.mia, wake_on=(NOW + timedelta(days=900)).date())
    assert (told()["rejected"], told()["depth"]) == (None, 1)


VERBS = (
    "qualify_for_marketing", "hand_off", "withdraw", "accept", "send_back", "nurture", "wake", "lose", "disqualify",
    "undo",
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 100)), max_size=14), start=st.integers(0, 9))
def test_milestones_equal_the_log_and_the_equation_holds_whatever_is_done(
    cast: Cast, walk: list[tuple[str, int]], start: int
) -> None:
    from crm.doctor import CHECKS
    from leads.reports import funnel

    lead = a_lead(somebody(1000 + Lead.objects.count()), source=("webinar", "newsletter")[start % 2])
    for verb, hours in walk:
        extra: dict[str, Any] = {"assignee": cast.sam} if verb == "hand_off" else {}
        if verb in {"qualify_for_marketing", "send_back", "lose", "disqualify"}:
            extra["reason"] = reason(verb)
        if verb in {"send_back", "nurture"}:
            extra["wake_on"] = (datetime.now(UTC) + timedelta(days=3 + hours)).date()
        for by in (cast.mia, cast.sam, cast.lena):
            try:
                advance(lead, verb, by=by, **extra)
                break
            except lifecycle.Refused:
                continue
    (asked,) = [one for one in CHECKS if one.name == "milestones"]
    assert list(asked.ask(True)) == []
    for leads in (Lead.objects.all(), Lead.objects.filter(source=lead.source)):
        counted = funnel.cohort(leads)
        balance, shape = counted.balance(), funnel.funnel(counted, Milestones.objects.filter(lead__in=leads))
        assert balance.difference == 0
        assert balance.entered == shape.reached[0] == leads.count()
        assert shape.reached == sorted(shape.reached, reverse=True)
        assert (
            sum(band.mql for band in score_quality.bands(leads)) == leads.filter(milestones__mql__isnull=False).count()
        )


def test_the_doctor_finds_milestones_that_are_not_what_the_log_says(cast: Cast) -> None:
    from crm.doctor import CHECKS

    lead = accepted(cast)
    other = a_lead(somebody(1))
    (asked,) = [one for one in CHECKS if one.name == "milestones"]
    assert list(asked.ask(False)) == []
    Milestones.objects.filter(lead=lead).update(sal=1)
    Milestones.objects.create(lead=other, depth=0, entered=0)
    assert len(list(asked.ask(False))) == 2
    milestones.keep([lead.pk, other.pk])
    assert list(asked.ask(True)) == []
    assert StageChange.objects.filter(lead=lead).count() == 3
