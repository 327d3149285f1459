"""The weekly review: one week beside the four before, and the leads worth a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leads import feedback
from leads.lifecycle import advance
from leads.models import Lead, Standing
from scoring import review
from tests.cast import Cast, accepted, ada, an_mql, next_month, offered, reason

pytestmark = pytest.mark.django_db
WEDNESDAY = datetime(2026, 7, 8, 10, tzinfo=UTC)
MONDAY = date(2026, 7, 6)


@pytest.fixture(autouse=True)
def travel() -> Iterator[Any]:
    with time_machine.travel(WEDNESDAY, tick=False) as traveller:
        yield traveller


def somebody(n: int) -> Any:
    return ada(email=f"{n}@acme.example", last_name=f"Person {n}")


def send_back(cast: Cast, lead: Lead) -> Lead:
    advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    return lead


def again(cast: Cast, lead: Lead) -> Lead:
    advance(lead, "wake", by=cast.mia)
    advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
    advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    return lead


def of(cast: Cast, start: date = MONDAY) -> review.Review:
    return review.review(start, cast.lena, timezone.now())


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("report", args=["week"]), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_week_stands_beside_the_weeks_before(cast: Cast, travel: Any) -> None:
    travel.move_to(WEDNESDAY - timedelta(days=7), tick=False)
    for n in range(3):
        an_mql(cast, contact=somebody(n))
    travel.move_to(WEDNESDAY - timedelta(days=35), tick=False)
    an_mql(cast, contact=somebody(3))  # five weeks ago: beyond the four
    travel.move_to(WEDNESDAY, tick=False)
    send_back(cast, again(cast, send_back(cast, offered(cast, contact=somebody(4)))))
    accepted(cast, contact=somebody(5))
    found = {line.label: (line.now, line.before, line.mean) for line in of(cast).lines}
    assert found == {
        "First MQLs": (2, 3, 0.75), "Repeat MQLs": (1, 0, 0.0), "Handed over": (3, 0, 0.0), "Accepted": (1, 0, 0.0),
        "Sent back": (2, 0, 0.0), "Lost": (0, 0, 0.0), "Disqualified": (0, 0, 0.0),
    }  # fmt: skip
    assert [(label, number) for _key, label, number in of(cast).reasons] == [(str(reason("send_back")), 2)]
    assert of(cast).sla.numbers["offered"] == 3


def test_a_week_ends_on_sunday_at_midnight_of_the_workspace(cast: Cast, travel: Any) -> None:
    travel.move_to(datetime(2026, 7, 5, 21, 59, tzinfo=UTC), tick=False)  # 23:59 in Berlin
    an_mql(cast, contact=somebody(1))
    travel.move_to(datetime(2026, 7, 5, 22, 0, tzinfo=UTC), tick=False)
    an_mql(cast, contact=somebody(2))
    travel.move_to(WEDNESDAY, tick=False)
    assert [of(cast).lines[0].now, of(cast).lines[0].before] == [1, 1]


def test_who_is_to_talk_about_and_why(cast: Cast) -> None:
    best, twice, plain = (offered(cast, contact=somebody(n)) for n in range(3))
    Standing.objects.filter(lead=best).update(grade="A3", score=90)
    send_back(cast, best)
    send_back(cast, again(cast, send_back(cast, twice)))
    send_back(cast, plain)
    bad = accepted(cast, contact=somebody(3))
    feedback.give(bad.handoffs.get(), "bad", by=cast.sam)
    good = accepted(cast, contact=somebody(4))
    feedback.give(good.handoffs.get(), "good", by=cast.sam)
    late = offered(cast, contact=somebody(5))
    late.handoffs.update(due_at=timezone.now() - timedelta(hours=1))
    feedback.give(twice.handoffs.first(), "good", by=cast.sam)  # type: ignore[arg-type]
    found = {talk.lead.pk: talk.whys for talk in of(cast).talks}
    assert found == {
        best.pk: ["Graded A3 and sent back."],
        twice.pk: ["Sent back as a repeat MQL.", "Sent back, though sales found it good."],
        bad.pk: ["Accepted, though sales found it bad."],
        late.pk: ["Overdue and still without an answer."],
    }
    assert of(cast).talks[0].lead == twice  # the most reasons first


def test_the_page_of_a_week(cast: Cast, client: Client) -> None:
    send_back(cast, offered(cast, contact=somebody(1)))
    lead = accepted(cast, contact=somebody(2))
    feedback.give(lead.handoffs.get(), "bad", by=cast.sam)
    client.force_login(cast.sam)
    text = page(client, week="2026-07-09")
    assert "Week 28, 6 July 2026 to 12 July 2026" in text
    assert "Week after" not in text  # it has not begun yet
    client.force_login(cast.lena)
    text = page(client, week="2026-07-09")
    for words in (
        "<b>2</b> new MQLs", "sales sent <b>1</b> back.", str(reason("send_back")), "Bad", "Person 2",
        "Nobody has looked at history with this version yet", 'href="?week=2026-06-29"',
    ):  # fmt: skip
        assert words in text
    links = re.findall(r'<a href="([^"]*/reports/reasons/leads/[^"]*)">(\d+)</a>', text)
    assert len(links) == 6
    for address, number in links:
        rows = client.get(address.replace("&amp;", "&")).content.decode()
        assert len(re.findall(r'<th [^>]*scope="row">', rows)) == int(number), address


def test_without_a_week_it_is_the_last_one_that_is_over(cast: Cast, client: Client) -> None:
    client.force_login(cast.mia)
    for query in ({}, {"week": "nonsense"}, {"week": ""}):
        assert "29 June 2026 to 5 July 2026" in page(client, **query)
    assert "6 July 2026 to 12 July 2026" in page(client, week="2099-01-01")
    assert "Week 1, 3 January 2000" in page(client, week="0001-01-01")
    assert "None stands out this week." in page(client)


def test_a_rep_reviews_their_own_leads(cast: Cast, client: Client) -> None:
    accepted(cast, contact=somebody(1))
    an_mql(cast, contact=somebody(2))
    client.force_login(cast.sam)
    text = page(client, week="2026-07-08")
    assert "Of the leads you may see" in text
    assert "<b>1</b> new MQL;" in text


def test_more_leads_ask_no_more_questions_of_the_database(cast: Cast, client: Client) -> None:
    client.force_login(cast.lena)
    send_back(cast, offered(cast, contact=somebody(1)))
    late = offered(cast, contact=somebody(50))
    late.handoffs.update(due_at=timezone.now() - timedelta(hours=1))
    page(client, week="2026-07-08")
    with CaptureQueriesContext(connection) as few:
        page(client, week="2026-07-08")
    for n in range(2, 6):
        send_back(cast, again(cast, send_back(cast, offered(cast, contact=somebody(n)))))
        offered(cast, contact=somebody(50 + n)).handoffs.update(due_at=timezone.now() - timedelta(hours=1))
    with CaptureQueriesContext(connection) as many:
        page(client, week="2026-07-08")
    assert len(many) <= len(few)
