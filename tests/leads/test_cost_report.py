"""What an SQL cost: each line opens its leads and its spend, and the lines are the ledger to the cent."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from html import unescape
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import activities, backlog
from crm.models import Activity
from leads import campaigns, spending
from leads.lifecycle import advance
from leads.models import Campaign, Lead, Source, Touch
from leads.reports import arrays, attribution, cost, cost_facts
from leads.reports.cost_facts import NONE, Booked, Came, Campaigns, months
from leads.reports.period import Scope, year_before
from tests.cast import Cast, a_lead, accepted, ada, an_mql, qualified

LETTERS = "".join(chr(code) for code in range(0x4E00, 0x9FA5))
NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)
YEAR = {"start": "2026-01-01", "end": "2026-12-31"}
LEDGER = Scope(date(2026, 1, 1), date(2026, 12, 31))
KNOWN = Campaigns({pk: SimpleNamespace(pk=pk, key=f"k{pk}", channel="ads" if pk % 2 else "fair") for pk in (1, 2, 3)})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _on_a_wednesday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def somebody(number: int, *visits: str, ago: int = 1) -> Any:
    """Return a person who came by links that carry the campaigns `visits`, oldest first."""
    contact = ada(email=f"person{number}@acme.example", last_name=f"Person {number}")
    for place, campaign in enumerate(visits):
        activities.record(
            contact, "page_view", at=NOW - timedelta(hours=24 * ago - place),
            properties={"path": "/", "utm": {"source": "x", "campaign": campaign}},
        )  # fmt: skip
    return contact


def book(amount: str, campaign: Campaign | None = None, **values: Any) -> Any:
    told = {"amount": Decimal(amount), "starts_on": date(2026, 6, 1), "ends_on": date(2026, 6, 30)}
    return spending.book(told | {"campaign_id": campaign.pk if campaign else None} | values, by=None)


@pytest.fixture
def fair(db: None) -> Campaign:
    return campaigns.create({"name": "Fair", "channel": "fair"}, by=None, key="fair")


@pytest.fixture
def world(cast: Cast, fair: Campaign) -> None:
    """Fair: two leads, one of them SQL. Ads: one MQL. An unknown campaign: one SAL. No campaign: one SQL."""
    ads = campaigns.create({"name": "Ads", "channel": "ads"}, by=None, key="ads")
    qualified(cast, contact=somebody(1, "FAIR", "ads"))
    a_lead(somebody(2, " Fair"))
    an_mql(cast, contact=somebody(3, "ads"))
    accepted(cast, contact=somebody(4, "spring"))
    qualified(cast, contact=somebody(5), source="newsletter")
    book("1000.01", fair)
    book("300.00", ads, side="sales")
    book("100.01", side="sales", kind="staff")
    book("55.55")
    book("730.00", ads, starts_on=date(2025, 12, 1), ends_on=date(2026, 1, 31))


def answer(client: Client, cast: Cast, **asked: str) -> Any:
    client.force_login(cast.mia)
    return client.get(reverse("report", args=["cost"]), YEAR | asked)


def table(client: Client, cast: Cast, **asked: str) -> dict[str, list[Any]]:
    """Return {name: [marketing, sales, entered, mql, sal, sql, won]} of the lines."""
    words = answer(client, cast, **asked).context["words"]
    return {
        shown.label: [str(shown.line.marketing), str(shown.line.sales), *map(float, shown.line.counts)]
        for shown in words.lines
    }


@pytest.mark.django_db
def test_what_each_campaign_cost_and_brought(client: Client, cast: Cast, world: None) -> None:
    assert table(client, cast) == {
        "Fair": ["1000.01", "50.01", 2, 1, 1, 1, 0],
        "Ads": ["364.87", "300.00", 1, 1, 0, 0, 0],
        "Unknown campaign “spring”": ["0.00", "0.00", 1, 1, 1, 0, 0],
        "Spend without a campaign": ["55.55", "0.00", 0, 0, 0, 0, 0],
        "No campaign": ["0.00", "50.00", 1, 1, 1, 1, 0],
    }
    words = answer(client, cast).context["words"]
    assert (words.total.cost, words.report.basis, words.report.difference) == (Decimal("910.22"), "sql", 0)
    assert ([shown.label for shown in words.priced], words.compares) == (["Fair"], False)


@pytest.mark.django_db
def test_by_channel_source_and_month_it_is_the_same_money_and_the_same_leads(
    client: Client, cast: Cast, world: None
) -> None:
    channel, source, by_month = (table(client, cast, by=by) for by in ("channel", "source", "month"))
    assert channel["Street or trade fair"][:3] == ["1000.01", "50.01", 2]
    assert channel["Unknown campaigns"][2] == 1
    assert source[str(Source.objects.get(key="newsletter"))][1] in {"50.00", "50.01"}
    assert source["Spend no lead came of"][:2] == ["55.55", "0.00"]
    assert (by_month["Jan 2026"][:3], by_month["Jun 2026"][:3]) == (["364.87", "0.00", 0], ["1055.56", "400.01", 5])
    for lines in (table(client, cast), channel, source, by_month):
        sums = [sum(Decimal(str(cell)) for cell in column) for column in zip(*lines.values(), strict=True)]
        assert sums == [Decimal("1420.43"), Decimal("400.01"), 5, 4, 3, 2, 0]


@pytest.mark.django_db
def test_one_side_alone(client: Client, cast: Cast, world: None) -> None:
    assert answer(client, cast, side="sales").context["words"].total.cost == Decimal("200.01")
    assert answer(client, cast, side="marketing").context["words"].total.cost == Decimal("710.22")


@pytest.mark.django_db
def test_the_last_touch_and_all_touches_give_a_lead_to_others(client: Client, cast: Cast, world: None) -> None:
    assert [table(client, cast, rule="last")[name][5] for name in ("Fair", "Ads")] == [0, 1]
    assert [table(client, cast, rule="linear")[name][5] for name in ("Fair", "Ads")] == [0.5, 0.5]


@pytest.mark.django_db
def test_a_touch_after_the_sql_has_no_part_in_it(cast: Cast, fair: Campaign) -> None:
    contact = somebody(1, "fair", "fair", "ads")
    lead = qualified(cast, contact=contact)
    activities.record(contact, "page_view", at=NOW + timedelta(hours=1), properties={"utm": {"campaign": "late"}})
    shares = attribution.shares(Lead.objects.all(), "linear")
    assert shares == {lead.pk: {"fair": Fraction(2, 3), "ads": Fraction(1, 3)}}


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=60),
    st.booleans(),
)
def test_rows_that_count_alike_are_added_up_the_same_however_many_there_could_be(
    rows: list[tuple[int, int, int]], weighed: bool
) -> None:
    first, second, each = (np.array(column) for column in zip(*rows, strict=True))
    expected: Counter[tuple[int, int]] = Counter()
    for one, other, times in rows:
        expected[one, other] += times if weighed else 1
    for dense in (arrays.DENSE, 0):
        with patch.object(arrays, "DENSE", dense):
            told, times = cost_facts._alike(first, second, each=each if weighed else None)
        assert dict(zip(map(tuple, told), times, strict=True)) == expected


@pytest.mark.django_db
def test_only_words_and_numbers_name_a_campaign(cast: Cast) -> None:
    contact = somebody(1, "fair")
    for told in (["fair"], {"name": "fair"}, None, "", True, "[EN] Fair", 2026, '"2026', "  null"):
        activities.record(contact, "page_view", properties={"utm": {"campaign": told}})
    lead = a_lead(contact)
    names = ("fair", "[en] fair", "2026", '"2026', "null")
    assert attribution.shares(Lead.objects.all(), "linear") == {lead.pk: dict.fromkeys(names, Fraction(1, 5))}


@pytest.mark.django_db
def test_however_long_the_name_of_a_campaign_its_activity_is_stored(cast: Cast) -> None:
    """PostgreSQL takes at most 2,704 bytes in a row of an index, compressed; and nothing compresses this."""
    for name in (
        "".join(random.Random(7).choices(LETTERS, k=9_000)),
        "\N{BOXING GLOVE}" * 700,
        "x" * 513,
        " " * 700 + "y",
    ):
        contact = somebody(len(name), "fair")
        kept = activities.record(contact, "page_view", properties={"utm": {"campaign": name}})
        lead = a_lead(contact)
        assert Activity.objects.get(pk=kept.id).properties["utm"]["campaign"] == name
        shares = attribution.shares(Lead.objects.filter(pk=lead.pk), "linear")
        key = attribution.key_of(Touch.objects.get(lead=lead, place="last").campaign)
        assert shares == {lead.pk: {"fair": Fraction(1, 2), key: Fraction(1, 2)}}


@pytest.mark.django_db
def test_where_there_is_no_sql_yet_it_says_so(client: Client, cast: Cast, fair: Campaign) -> None:
    a_lead(somebody(1, "fair"))
    book("10.00", side="sales")
    page = answer(client, cast)
    assert page.context["words"].report.basis == "entered"
    assert "no SQL yet" in page.content.decode() and "No SQL yet" in page.content.decode()


@pytest.mark.django_db
def test_an_undone_sql_costs_nothing(client: Client, cast: Cast, fair: Campaign) -> None:
    lead = qualified(cast, contact=somebody(1, "fair"))
    book("10.00", fair)
    assert table(client, cast)["Fair"] == ["10.00", "0.00", 1, 1, 1, 1, 0]
    advance(lead, "undo", by=cast.sam)
    assert table(client, cast)["Fair"] == ["10.00", "0.00", 1, 1, 1, 0, 0]


@pytest.mark.django_db
def test_the_year_before_stands_beside_it(client: Client, cast: Cast, fair: Campaign) -> None:
    qualified(cast, contact=somebody(1, "fair"))
    earlier = qualified(cast, contact=somebody(2, "fair"))
    Lead.objects.filter(pk=earlier.pk).update(entered_at=NOW - timedelta(days=365))
    book("90.00", fair)
    book("100.00", fair, starts_on=date(2025, 6, 1), ends_on=date(2025, 6, 1))
    page = answer(client, cast)
    assert [shown.written_change for shown in (*page.context["words"].lines, page.context["words"].total)] == (
        ["−10 %"] * 2
    )
    assert "less than a year ago" in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["campaign", "channel", "source", "month"])
@pytest.mark.parametrize("rule", ["first", "linear"])
def test_every_number_equals_what_it_opens(client: Client, cast: Cast, world: None, by: str, rule: str) -> None:
    page = answer(client, cast, by=by, rule=rule)
    text, shown = page.content.decode(), [*page.context["words"].lines, page.context["words"].total]
    counts = re.findall(r'href="(/reports/cost/leads/[^"]+)">([^<]+)</a>', text)
    money = re.findall(r'href="(/reports/cost/spend/[^"]+)">([^<]+)</a>', text)
    assert len(counts) == sum(1 for line in shown for number in line.line.counts if number)
    assert len(money) == sum(1 for line in shown for side in ("marketing", "sales") if line.line.cents(side))
    for address, number in counts:
        rows = client.get(unescape(address))
        told = re.search(r"parts here add up to ([\d.,]+)\.", rows.content.decode())
        assert float(told[1] if told else rows.context["total"]) == float(number), address
        assert len(re.findall(r'href="/leads/\d+/"', rows.content.decode())) == rows.context["total"]
    for address, number in money:
        rows = client.get(unescape(address))
        assert rows.context["total"] == Decimal(number.replace(",", ""))
        assert sum(here for _row, _inside, here in rows.context["lines"]) == rows.context["total"]


@pytest.mark.django_db
def test_the_file_holds_the_same_figures_and_no_formula(client: Client, cast: Cast, fair: Campaign) -> None:
    Campaign.objects.filter(pk=fair.pk).update(name="=1+1")
    qualified(cast, contact=somebody(1, "fair"))
    book("1234.50", fair)
    lines = answer(client, cast, format="csv").content.decode().splitlines()
    assert lines[1].split(",") == [
        f"c{fair.pk}", "'=1+1", "Street or trade fair", "EUR", "1234.50", "0.00", "1", "1", "1", "1", "0",
        "1234.50", "1234.50", "1234.50", "1234.50", "",
    ]  # fmt: skip


@pytest.mark.django_db
def test_everybody_reads_the_same_costs_and_opens_only_their_own_leads(
    client: Client, cast: Cast, fair: Campaign
) -> None:
    """A rep reads costs (RO); the figures count all leads, the rows behind them are those the rep may read."""
    book("1000.00", fair)
    mine = qualified(cast, contact=somebody(1, "fair"))
    advance(an_mql(cast, contact=somebody(2, "fair")), "hand_off", by=cast.mia, assignee=cast.rosa)
    doors = [reverse("report", args=["cost"]), reverse("report_rows", args=["cost", "mql"]), reverse("cost_spend")]
    figures, lists = [], []
    for who in (cast.sam, cast.rosa, cast.lena, cast.mia, cast.ava):
        client.force_login(who)
        words = client.get(doors[0], YEAR).context["words"].report.total
        figures.append((list(words.counts), words.money()))
        page = client.get(doors[1], YEAR)
        told = "The figure counts all 2 leads" in page.content.decode()
        lists.append((len(page.context["leads"]), told))
        assert client.get(doors[2], YEAR | {"of": "marketing"}).status_code == 200
        assert [client.get(doors[2], {"of": of, "group": "x"}).status_code for of in ("sales", "x")] == [404, 404]
    assert figures == [([2, 2, 1, 1, 0], Decimal("1000.00"))] * 5
    assert lists == [(1, True), (1, True), (2, False), (2, False), (2, False)]
    client.force_login(cast.sam)
    assert [lead.pk for lead in client.get(doors[1], YEAR).context["leads"]] == [mine.pk]
    assert "/reports/cost/" in client.get(reverse("report", args=["funnel"])).content.decode()
    client.logout()
    assert {client.get(door).status_code for door in doors} == {302}


@pytest.mark.django_db
def test_rows_in_another_currency_are_left_out_and_named(client: Client, cast: Cast, fair: Campaign) -> None:
    from crm.models import Workspace

    book("10.00", fair)
    Workspace.objects.update(currency="USD")
    page = answer(client, cast)
    assert (page.context["foreign"], page.context["words"].report.ledger) == (1, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("rule", ["first", "linear"])
def test_the_report_needs_the_same_queries_for_one_lead_and_for_many(
    client: Client, cast: Cast, fair: Campaign, django_assert_max_num_queries: Any, rule: str
) -> None:
    for number in range(8):
        qualified(cast, contact=somebody(number, "fair", f"unknown-{number}"))
        book("10.00", fair)
    client.force_login(cast.mia)
    backlog.told({"alive_at": None})
    with django_assert_max_num_queries(24):
        assert client.get(reverse("report", args=["cost"]), YEAR | {"rule": rule}).status_code == 200


# --- For any split, attribution and grouping --------------------------------------------------------

CAMPAIGN = st.sampled_from(["c1", "c2", "c3", "u:spring", "u:", NONE])
DAY = st.dates(date(2025, 6, 1), date(2027, 6, 1))


@st.composite
def parts(draw: Any) -> list[Came]:
    """Return leads, each in parts that add up to 1."""
    found = []
    for lead in range(draw(st.integers(0, 8))):
        weights = draw(st.dictionaries(CAMPAIGN, st.integers(1, 5), min_size=1, max_size=3))
        depth, source = draw(st.integers(0, 4)), draw(st.sampled_from(["1", "2", NONE]))
        month = f"2026-{draw(st.integers(1, 12)):02}"
        total = sum(weights.values())
        found += [Came(lead, depth, Fraction(n, total), key, source, month) for key, n in weights.items()]
    return found


@st.composite
def rows(draw: Any) -> list[Booked]:
    found = []
    for pk in range(draw(st.integers(0, 6))):
        first, whole = draw(DAY), draw(st.integers(0, 10**7))
        last = first + timedelta(draw(st.integers(0, 400)))
        row = Booked(pk, draw(st.sampled_from(["", "c1", "c2"])), draw(st.sampled_from(["marketing", "sales"])), 0,
                     first, last, whole)  # fmt: skip
        found.append(Booked(pk, row.campaign, row.side, row.inside(LEDGER.start, LEDGER.end), first, last, whole))
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(parts(), rows())
def test_the_lines_are_the_ledger_and_the_cohort_for_any_split(came: list[Came], spent: list[Booked]) -> None:
    leads = {one.lead: one.depth for one in came}
    reports = {by: cost.report(came, spent, by, LEDGER, KNOWN) for by in ("campaign", "channel", "source", "month")}
    for by, report in reports.items():
        assert report.difference == 0
        for row in spent:
            assert sum(line.spent[row.side].get(row.pk, 0) for line in report.lines) == row.cents
        for step in range(5):
            assert report.total.counts[step] == sum(1 for depth in leads.values() if depth >= step)
            for line in report.lines:
                group = cost.grouping(by, KNOWN)
                assert sum(cost.members(came, group, line.key, step).values()) == line.counts[step]
    by_channel: dict[str, int] = {}
    for line in reports["campaign"].lines:
        key = cost.channel_of(line.key, KNOWN)
        by_channel[key] = by_channel.get(key, 0) + line.cents()
    assert {key: cents for key, cents in by_channel.items() if cents} == {
        line.key: line.cents() for line in reports["channel"].lines if line.cents()
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(DAY, st.integers(0, 800))
def test_months_hold_each_day_of_the_period_once(start: date, length: int) -> None:
    spans = months(Scope(start, start + timedelta(length)))
    days = [first + timedelta(n) for _key, first, last in spans for n in range((last - first).days + 1)]
    assert days == [start + timedelta(n) for n in range(length + 1)]
    assert [key for key, _first, _last in spans] == sorted({f"{day:%Y-%m}" for day in days})


def test_the_year_before_a_leap_day_is_the_28th() -> None:
    before = year_before(Scope(date(2028, 2, 29), date(2028, 3, 1)))
    assert (before.start, before.end) == (date(2027, 2, 28), date(2027, 3, 1))


@pytest.mark.django_db
@pytest.mark.parametrize("rule", ["first", "last", "linear"])
@pytest.mark.parametrize("by", ["campaign", "channel", "source", "month"])
def test_what_the_database_adds_up_is_what_the_leads_add_up_to(
    cast: Cast, world: None, fair: Campaign, rule: str, by: cost.By
) -> None:
    known = cost_facts.campaigns()
    rows, _foreign = cost_facts.booked(LEDGER, ("marketing", "sales"), "EUR")
    one_by_one = list(cost_facts.came(LEDGER, rule, known))
    summed = cost_facts.summed(LEDGER, rule, known, by)
    told, expected = (cost.report(parts, rows, by, LEDGER, known) for parts in (summed, one_by_one))
    assert {line.key: line for line in told.lines} == {line.key: line for line in expected.lines}
    assert (told.total, told.ledger, told.basis) == (expected.total, expected.ledger, expected.basis)
    assert len(summed) <= len(one_by_one)
