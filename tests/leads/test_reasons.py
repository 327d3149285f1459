"""Why leads came back, were lost or disqualified: counted from the log, first and repeat MQLs apart."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import activities
from leads import campaigns, entries, feedback
from leads.lifecycle import advance
from leads.models import Lead, Reason
from leads.reports import reasons
from leads.reports.period import Scope
from leads.reports.reason_moves import FEEDBACK, Told, by_period, told
from leads.stages import Verb
from tests.cast import Cast, a_lead, accepted, ada, next_month, offered, reason

pytestmark = pytest.mark.django_db


def somebody(number: int, campaign: str = "") -> Any:
    contact = ada(email=f"person{number}@acme.example", last_name=f"Person {number}")
    if campaign:
        activities.record(
            contact, "page_view", at=timezone.now() - timedelta(days=1),
            properties={"path": "/", "utm": {"source": "x", "campaign": campaign}},
        )  # fmt: skip
    return contact


def other(kind: str) -> Reason:
    return Reason.objects.filter(kind=kind)[1]


def sent_back(cast: Cast, lead: Lead, why: Reason | None = None) -> Lead:
    advance(lead, "send_back", by=cast.sam, reason=why or reason("send_back"), wake_on=next_month())
    return lead


def again(cast: Cast, lead: Lead) -> Lead:
    """Wake a lead that was sent back, make it an MQL once more and offer it to Sam."""
    advance(lead, "wake", by=cast.mia)
    advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
    advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    return lead


def scope(**values: Any) -> Scope:
    today = timezone.localdate()
    return Scope(today - timedelta(days=7), today, **values)


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("report", args=["reasons"]), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def world(cast: Cast) -> None:
    """Six sent back (one of them twice), one lost, one disqualified before it was an MQL, one accepted."""
    campaigns.create({"name": "Spring fair", "channel": "fair"}, by=None, key="spring")
    for n in range(4):
        sent_back(cast, offered(cast, contact=somebody(n, "Spring")))
    sent_back(cast, offered(cast, contact=somebody(4, "unknown-key"), source="newsletter"), other("send_back"))
    sent_back(cast, again(cast, sent_back(cast, offered(cast, contact=somebody(5)))))
    advance(accepted(cast, contact=somebody(6)), "lose", by=cast.sam, reason=reason("lose"))
    advance(a_lead(somebody(7)), "disqualify", by=cast.mia, reason=reason("disqualify"))
    accepted(cast, contact=somebody(8))


def of_kind(found: list[reasons.Table], verb: str) -> dict[str, tuple[int, dict[str, int]]]:
    table = next(table for table in found if table.verb == verb)
    return {line.label: (line.total, dict(line.reasons)) for line in table.lines}


def test_reasons_are_counted_by_source(cast: Cast, world: None) -> None:
    found = reasons.tables(told(scope(), cast.lena), "source")
    first, second = str(reason("send_back").pk), str(other("send_back").pk)
    assert [table.verb for table in found] == [Verb.SEND_BACK, Verb.LOSE, Verb.DISQUALIFY]
    assert of_kind(found, Verb.SEND_BACK) == {"Webinar": (6, {first: 6}), "Newsletter sign-up": (1, {second: 1})}
    assert of_kind(found, Verb.LOSE) == {"Webinar": (1, {str(reason("lose").pk): 1})}


def test_reasons_are_counted_by_campaign_of_the_first_touch_whatever_its_case(cast: Cast, world: None) -> None:
    found = of_kind(reasons.tables(told(scope(), cast.lena), "campaign"), Verb.SEND_BACK)
    assert {label: total for label, (total, _why) in found.items()} == {"Spring fair": 4, "unknown-key": 1, "None": 2}


def test_reasons_are_counted_by_the_grade_at_the_move(cast: Cast, world: None) -> None:
    moves = [
        Told(n, n, Verb.SEND_BACK, timezone.now(), "1", grade, "first")
        for n, grade in enumerate(["A1", "A1", "D4", ""])
    ]
    found = of_kind(reasons.tables(moves, "grade"), Verb.SEND_BACK)
    assert {label: total for label, (total, _why) in found.items()} == {"A1": 2, "D4": 1, "None": 1}


def test_the_second_mql_of_a_lead_is_counted_apart(cast: Cast, world: None) -> None:
    found = reasons.steps(told(scope(), cast.lena))
    assert found["first"] == {
        Verb.QUALIFY_FOR_MARKETING: 8, Verb.HAND_OFF: 8, Verb.ACCEPT: 2, Verb.SEND_BACK: 6, Verb.LOSE: 1,
    }  # fmt: skip
    assert found["repeat"] == {Verb.QUALIFY_FOR_MARKETING: 1, Verb.HAND_OFF: 1, Verb.SEND_BACK: 1}
    assert found["before"] == {Verb.DISQUALIFY: 1}
    only = told(scope(), cast.lena, "repeat")
    assert {move.verb for move in only} == set(found["repeat"])


def test_a_round_without_an_mql_makes_no_repeat(cast: Cast) -> None:
    lead = a_lead(somebody(1), owner=cast.mia)
    advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    sent_back(cast, again(cast, lead))
    assert lead.round == 2
    assert set(reasons.steps(told(scope(), cast.lena))) == {"first", "repeat"}
    assert not reasons.steps(told(scope(), cast.lena))["repeat"]


def test_what_was_undone_is_not_counted(cast: Cast) -> None:
    lead = sent_back(cast, offered(cast))
    assert len(told(scope(), cast.lena)) == 3
    advance(lead, "undo", by=cast.sam)
    assert {move.verb for move in told(scope(), cast.lena)} == {Verb.QUALIFY_FOR_MARKETING, Verb.HAND_OFF}
    assert reasons.tables(told(scope(), cast.lena), "source") == []


def test_what_is_added_up_is_what_the_moves_add_up_to(cast: Cast, world: None) -> None:
    undone = sent_back(cast, offered(cast, contact=somebody(20)))
    advance(undone, "undo", by=cast.sam)
    for n, verdict in enumerate(("good", "bad", "bad")):
        feedback.give(sent_back(cast, offered(cast, contact=somebody(21 + n))).handoffs.get(), verdict, by=cast.lena)
    known = a_lead(somebody(30), imported=True)
    for stage, days in (("mql", 3), ("sal", 2)):
        entries.enter_as_many([(known, stage, timezone.now() - timedelta(days=days))])
        known = Lead.objects.get(pk=known.pk)
    for user, mql, by in product(
        (cast.lena, cast.rosa), ("", "before", "first", "repeat"), ("source", "campaign", "grade", "criterion")
    ):
        one_by_one, added_up = told(scope(), user, mql), reasons.added_up(scope(), user, mql, by)
        assert reasons.tables(added_up, by) == reasons.tables(one_by_one, by), (mql, by)
        assert reasons.steps(added_up) == reasons.steps(one_by_one), (mql, by)
        assert len(added_up) <= len(one_by_one)


def test_periods_side_by_side_count_what_each_tells_alone(cast: Cast, world: None, time_machine: Any) -> None:
    undone = sent_back(cast, offered(cast, contact=somebody(20)))
    advance(undone, "undo", by=cast.sam)
    known = a_lead(somebody(30), imported=True)
    entries.enter_as_many([(known, "mql", timezone.now() - timedelta(days=3))])
    time_machine.move_to(timezone.now() + timedelta(days=8))
    sent_back(cast, again(cast, Lead.objects.filter(stage="nurture").latest("pk")))
    today = timezone.localdate()
    weeks = [Scope(today - timedelta(days=7 * n + 6), today - timedelta(days=7 * n)) for n in (2, 1, 0)]
    for user in (cast.lena, cast.rosa):
        alone = [Counter((move.verb, move.mql) for move in told(week, user) if move.verb != FEEDBACK) for week in weeks]
        assert by_period(weeks, user) == alone
        assert all(alone[1:]) == (user == cast.lena)


def test_period_source_and_team_cut_what_is_counted(cast: Cast, world: None) -> None:
    today = timezone.localdate()
    assert told(Scope(today - timedelta(days=9), today - timedelta(days=1)), cast.lena) == []
    only = told(scope(source=Lead.objects.get(source__key="newsletter").source), cast.lena)
    assert {move.verb for move in only} == {Verb.QUALIFY_FOR_MARKETING, Verb.HAND_OFF, Verb.SEND_BACK}
    sams = told(scope(team=cast.north), cast.lena)
    assert {move.verb for move in sams} >= {Verb.HAND_OFF, Verb.ACCEPT, Verb.SEND_BACK, Verb.LOSE}
    assert Verb.DISQUALIFY not in {move.verb for move in sams}


def test_rare_groups_and_reasons_are_put_together_and_still_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "LINES", 2)
    monkeypatch.setattr(reasons, "COLUMNS", 1)
    moves = [
        Told(n, n, Verb.SEND_BACK, timezone.now(), why, grade, "first")
        for n, (why, grade) in enumerate([("1", "A1"), ("1", "A1"), ("2", "B1"), ("2", "B1"), ("3", "C1"), ("4", "D1")])
    ]
    found = reasons.grouped(moves, "grade")
    assert [keys for _move, keys in found] == [["A1"], ["A1"], ["B1"], ["B1"], ["+"], ["+"]]
    assert reasons.columns(moves, Verb.SEND_BACK) == {"1": "1", "2": "+", "3": "+", "4": "+"}
    assert sorted(reasons.behind(moves, Verb.SEND_BACK, "grade", "+", "+")) == [4, 5]
    assert reasons.grouped(moves[:5], "grade")[4][1] == ["C1"]  # one alone is not hidden


def test_no_share_is_shown_of_so_few_that_it_tells_of_single_people() -> None:
    line = reasons.Line("x", "X")
    line.reasons["1"], line.mqls["first"] = 4, 4
    assert line.share("1") is None
    line.mqls["repeat"] = 1
    assert line.share("1") == 0.8


def test_every_number_opens_as_many_moves(cast: Cast, client: Client, world: None) -> None:
    client.force_login(cast.mia)
    for by in ("source", "campaign", "grade", "criterion"):
        text = page(client, by=by)
        links = re.findall(r'<a href="([^"]*/reports/reasons/leads/[^"]*)">(\d+)</a>', text)
        assert len(links) > 6
        for address, number in links:
            rows = client.get(address.replace("&amp;", "&")).content.decode()
            assert len(re.findall(r'<th [^>]*scope="row">', rows)) == int(number), address
    assert client.get(reverse("report_rows", args=["reasons", "won"])).status_code == 404


def test_the_rows_say_who_sent_it_back_and_why_and_go_on(
    cast: Cast, client: Client, world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.views.report_reasons.PAGE", 3)
    client.force_login(cast.mia)
    address = reverse("report_rows", args=["reasons", "send_back"])
    names: list[str] = []
    query = "?by=source"
    while query:
        text = client.get(address + query).content.decode()
        assert "Sam Okafor" in text
        names += re.findall(r'<th [^>]*scope="row"><a href="[^"]*">([^<]*)</a>', text)
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', text)
        query = more[1].replace("&amp;", "&") if more else ""
    assert len(names) == 7


def test_a_rep_counts_their_own_leads_only(cast: Cast, client: Client, world: None) -> None:
    seen = {move.lead for move in told(scope(), cast.sam)}
    assert seen == set(Lead.objects.visible_to(cast.sam).values_list("pk", flat=True)) & seen
    assert len(seen) < len({move.lead for move in told(scope(), cast.lena)})


def test_the_page_its_csv_and_its_empty_state(cast: Cast, client: Client, world: None) -> None:
    client.force_login(cast.mia)
    text = page(client)
    assert f"Sales sent <b>7</b> MQLs back, most often because of “{reason('send_back')}”." in text
    assert "86 %" in text
    lines = list(csv.DictReader(io.StringIO(page(client, format="csv"))))
    assert {(line["what"], line["name"], line["number"]) for line in lines} >= {
        ("send_back", "Webinar", "6"), ("send_back", "Newsletter sign-up", "1"), ("lose", "Webinar", "1"),
    }  # fmt: skip
    assert "Nothing was sent back, lost or disqualified" in page(client, start="2020-01-01", end="2020-02-01")
    assert page(client, by="nonsense", mql="nonsense", start="x")


def test_more_moves_ask_no_more_questions_of_the_database(cast: Cast, client: Client, world: None) -> None:
    client.force_login(cast.mia)
    for by in ("source", "campaign", "criterion"):
        page(client, by=by)
        with CaptureQueriesContext(connection) as few:
            page(client, by=by)
        sent_back(cast, offered(cast, contact=somebody(100 + len(by), "Spring")))
        with CaptureQueriesContext(connection) as many:
            page(client, by=by)
        assert len(many) <= len(few)
