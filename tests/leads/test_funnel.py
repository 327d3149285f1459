"""The funnel reads nothing but the log, and every number opens the rows behind it."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import backlog
from leads.lifecycle import advance
from leads.models import Lead, Milestones
from leads.reports import funnel
from tests.cast import Cast, a_lead, accepted, ada, an_mql, offered, qualified, reason

pytestmark = pytest.mark.django_db


def somebody(number: int):  # type: ignore[no-untyped-def]
    return ada(email=f"person{number}@acme.example", last_name=f"Person {number}")


@pytest.fixture
def leads(cast: Cast) -> None:
    """One lead at each depth, one lost from SAL."""
    a_lead(somebody(1))
    an_mql(cast, contact=somebody(2))
    offered(cast, contact=somebody(3))
    accepted(cast, contact=somebody(4))
    qualified(cast, contact=somebody(5))
    won = qualified(cast, contact=somebody(6), source="newsletter")
    advance(won, "win", by=cast.sam, amount=Decimal("500"), date=timezone.localdate())
    lost = accepted(cast, contact=somebody(7))
    advance(lost, "lose", by=cast.sam, reason=reason("lose"))


def shape_of_all() -> funnel.Funnel:
    return funnel.funnel(funnel.cohort(Lead.objects.all()), Milestones.objects.all())


def test_each_step_counts_the_leads_that_came_at_least_so_far(leads: None) -> None:
    shape = shape_of_all()
    assert shape.reached == [7, 6, 5, 4, 2, 1]
    assert {line.source.key: line.reached for line in shape.lines if line.source} == {
        "webinar": [6, 5, 4, 3, 1, 0], "newsletter": [1, 1, 1, 1, 1, 1],
    }  # fmt: skip


def test_every_lead_is_somewhere(leads: None) -> None:
    assert funnel.cohort(Lead.objects.all()).balance() == funnel.Balance(7, 5, 1, 1, 0, 0)


def test_a_wrong_won_that_was_undone_is_not_in_the_report_of_the_day(cast: Cast) -> None:
    lead = qualified(cast)
    advance(lead, "win", by=cast.sam, amount=Decimal("48000"), date=timezone.localdate())
    assert (
        funnel.on_day(timezone.localdate(), cast.lena).moved["won"],
        funnel.on_day(timezone.localdate(), cast.lena).amount,
    ) == (1, Decimal("48000"))
    advance(lead, "undo", by=cast.sam)
    day = funnel.on_day(timezone.localdate(), cast.lena)
    assert (day.moved["won"], day.amount, day.moved["sql"], day.entered) == (0, Decimal(0), 1, 1)
    assert shape_of_all().reached[-1] == 0


def test_every_number_equals_the_list_it_opens(client: Client, cast: Cast, leads: None) -> None:
    client.force_login(cast.lena)
    page = client.get(reverse("report", args=["funnel"])).content.decode()
    shape = shape_of_all()
    for step, number in zip(funnel.DEPTH, shape.reached, strict=True):
        rows = client.get(reverse("report_rows", args=["funnel", step]))
        assert rows.context["total"] == number
        assert len(re.findall(r'href="/leads/\d+/"', rows.content.decode())) == number
        assert f"/reports/funnel/leads/{step}/" in page


def test_a_rep_counts_only_what_they_may_read(client: Client, cast: Cast, leads: None) -> None:
    client.force_login(cast.rosa)
    assert client.get(reverse("report", args=["funnel"])).context["balance"].entered == 0


def test_the_period_is_part_of_the_address(client: Client, cast: Cast, leads: None) -> None:
    client.force_login(cast.mia)
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = client.get(reverse("report", args=["funnel"]), {"start": tomorrow, "end": tomorrow + timedelta(days=3)})
    assert page.context["balance"].entered == 0
    assert "No lead entered in this period" in page.content.decode()


def test_the_report_needs_the_same_queries_for_one_lead_and_for_many(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    client.force_login(cast.mia)
    for number in range(12):
        qualified(cast, contact=somebody(number))
    backlog.told({"alive_at": None})  # the frame remembers it for five seconds
    with django_assert_max_num_queries(14):
        client.get(reverse("report", args=["funnel"]))


def test_a_report_there_is_none_of_is_not_found(client: Client, cast: Cast) -> None:
    client.force_login(cast.mia)
    assert [client.get(f"/reports/{name}").status_code for name in ("x/", "x/leads/mql/", "funnel/leads/x/")] == [
        404
    ] * 3


def test_the_reports_stand_beside_each_other(client: Client, cast: Cast) -> None:
    client.force_login(cast.mia)
    page = client.get(reverse("report", args=["funnel"])).content.decode()
    tabs = re.search(r'<nav class="tabs".*?</nav>', page)
    assert tabs and '<a href="/reports/funnel/" aria-current="page">' in tabs[0]
