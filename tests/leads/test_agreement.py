"""The agreement between marketing and sales: what is promised, and the report that measures both sides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import outbox
from crm.models import AuditEntry, Workspace
from crm.workdays import forget_zone
from leads import agreements, sla
from leads.lifecycle import advance
from leads.models import Agreement, Handoff
from leads.reports import sla as report
from tests.cast import Cast, ada, next_month, offered, reason

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 7, 6, 8, tzinfo=UTC)  # 10 o'clock in Berlin, first of two weeks


@pytest.fixture
def at(cast: Cast, time_machine: Any) -> Iterator[Callable[[datetime], datetime]]:
    def go(moment: datetime) -> datetime:
        time_machine.move_to(moment, tick=False)
        return moment

    go(MONDAY)
    Workspace.objects.update(time_zone="Europe/Berlin")
    forget_zone()
    yield go


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def offer(cast: Cast, name: str) -> Any:
    return offered(cast, contact=ada(email=f"{name}@acme.example"))


@pytest.fixture
def fortnight(cast: Cast, at: Any) -> datetime:
    """First week: in time, sent back in time, late, late because of Baton, withdrawn. Second: overdue, waiting."""
    quick, back, late, taken = (offer(cast, name) for name in ("quick", "back", "late", "taken"))
    at(MONDAY + HOUR)
    advance(quick, "accept", by=cast.sam)
    advance(back, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    advance(taken, "withdraw", by=cast.mia)
    outbox.deliver()
    Handoff.objects.filter(told_at=None).update(told_at=MONDAY)
    slow = offer(cast, "slow")
    at(MONDAY + 26 * HOUR)  # the notice of the last one leaves nine working hours late
    outbox.deliver()
    sla.look()
    advance(late, "accept", by=cast.lena)
    advance(slow, "accept", by=cast.sam)
    at(MONDAY + timedelta(days=7))
    offer(cast, "overdue")
    at(MONDAY + timedelta(days=8, hours=3))
    offer(cast, "waiting")
    return at(MONDAY + timedelta(days=8, hours=4))


def weeks(cast: Cast, now: datetime, team: Any = None) -> list[report.Week]:
    start, end = date(2026, 7, 6), date(2026, 7, 19)
    return report.weeks(report.handoffs(cast.lena, start, end, team), start, end, team, now)


def test_sales_side_is_counted_in_the_week_of_the_offer(cast: Cast, fortnight: datetime) -> None:
    second, first = weeks(cast, fortnight)
    assert (first.start, second.start) == (date(2026, 7, 6), date(2026, 7, 13))
    assert first.numbers == {
        "offered": 4, "answered": 4, "in-time": 2, "late": 2, "overdue": 0, "waiting": 0, "accepted": 3,
    }  # fmt: skip
    assert (first.by_system, first.in_time_share, first.accepted_share) == (1, 0.5, 0.75)
    assert first.median == 5.5 * HOUR  # 1, 1, 10 and 11 hours of working time
    assert (second.numbers["overdue"], second.numbers["waiting"], second.in_time_share) == (1, 1, 0.0)
    assert report.total([first, second]).numbers["offered"] == 6


def test_a_handoff_keeps_how_long_its_answer_took_and_older_ones_are_counted_anew(
    cast: Cast, fortnight: datetime
) -> None:
    first = weeks(cast, fortnight)[1]
    answered = Handoff.objects.filter(outcome="accepted")
    assert set(answered.values_list("took", flat=True)) <= {int(hours * 3600) for hours in (1, 10, 11)}
    Handoff.objects.update(took=None)
    assert sorted(weeks(cast, fortnight)[1].times) == sorted(first.times)


def test_an_answer_that_was_undone_took_no_time(cast: Cast, at: Any) -> None:
    at(MONDAY)
    lead = offer(cast, "undone")
    at(MONDAY + HOUR)
    advance(lead, "accept", by=cast.sam)
    assert Handoff.objects.get(lead=lead).took == 3600
    advance(lead, "undo", by=cast.sam)
    assert Handoff.objects.get(lead=lead).took is None


def test_marketing_is_measured_against_what_was_promised_in_that_week(cast: Cast, at: Any, fortnight: datetime) -> None:
    at(MONDAY)
    assert agreements.keep({cast.north.pk: (5, 60)}, by=cast.ava) == 1
    now = at(fortnight)
    assert agreements.keep({cast.north.pk: (2, 60), cast.south.pk: (4, None)}, by=cast.ava) == 2
    assert agreements.keep({cast.north.pk: (2, 60)}, by=cast.ava) == 0
    second, first = weeks(cast, now)
    assert (first.promised, first.missing, first.promised_share) == (5, 1, 0.6)
    assert (second.promised, second.missing) == (6, 4)
    assert weeks(cast, now, cast.north)[0].promised == 2
    assert Agreement.objects.filter(team=cast.north).count() == 2


def test_the_numbers_of_the_page_equal_the_lists_behind_them(cast: Cast, fortnight: datetime) -> None:
    lena = browser(cast.lena)
    page = lena.get("/reports/sla/?start=2026-07-06&end=2026-07-19").content.decode()
    links = re.findall(r'href="(/reports/sla/leads/[^"]+)">(\d+)<', page)
    assert len(links) == 24
    for address, number in links:
        listed = lena.get(address.replace("&amp;", "&")).context
        assert (listed["total"], len(listed["page"].rows)) == (int(number), int(number)), address


def test_a_rep_sees_their_own_share_and_an_unknown_number_is_none(cast: Cast, fortnight: datetime) -> None:
    page = browser(cast.rosa).get("/reports/sla/?start=2026-07-06&end=2026-07-19")
    assert page.context["whole"].numbers["offered"] == 0
    assert browser(cast.lena).get("/reports/sla/leads/nonsense/").status_code == 404
    csv = browser(cast.lena).get("/reports/sla/?start=2026-07-06&end=2026-07-19&format=csv").content.decode()
    assert csv.splitlines()[2].startswith("2026-07-06,4,4,2,2,0,0,3,1,")


def test_the_report_asks_the_same_number_of_questions_for_more_rows(cast: Cast, fortnight: datetime) -> None:
    lena, counts = browser(cast.lena), []
    lena.get("/reports/sla/")
    for number in range(2):
        offer(cast, f"more{number}")
        with CaptureQueriesContext(connection) as asked:
            lena.get("/reports/sla/")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_an_admin_promises_and_a_stale_page_is_refused(cast: Cast, at: Any) -> None:
    ava, url = Client(), reverse("settings_agreement")
    ava.post("/accounts/login/", {"login": cast.ava.email, "password": "baton-demo"})
    was = ava.get(url).context["form"]["was"].value()
    given = {f"mqls_{cast.north.pk}": "20", f"percent_{cast.north.pk}": "70"}
    assert ava.post(url, given | {"was": was}).status_code == 302
    row = Agreement.objects.get()
    assert (row.team, row.since, row.mqls_per_week, row.acceptance_percent) == (cast.north, date(2026, 7, 6), 20, 70)
    assert AuditEntry.objects.filter(action="agreement.changed").count() == 1
    assert ava.post(url, given | {"was": was, f"mqls_{cast.north.pk}": "1"}).status_code == 422
    assert ava.post(url, {f"percent_{cast.north.pk}": "101", "was": str(agreements.now())}).status_code == 422
    assert browser(cast.lena).get(url).status_code == 403
    assert agreements.now()[cast.north.pk] == (20, 70)
