"""What to work on next: one order, told with its reason, the same however the leads come in."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Contact
from crm.research import FIELD
from leads import steps, work_next
from leads.models import Handoff, Lead
from leads.today import work_list
from tests.cast import Cast, accepted, ada, offered
from tests.leads.test_lead_page import signed_in

pytestmark = pytest.mark.django_db


def person(name: str) -> Contact:
    return ada(email=f"{name}@acme.example", phone="", last_name=name.title())


@pytest.fixture
def morning(cast: Cast) -> list[Lead]:
    """One lead for each place of the order, in the order."""
    plain, rich = accepted(cast, contact=person("plain")), accepted(cast, contact=person("rich"))
    research = accepted(cast, contact=person("research"))
    waits, due = offered(cast, contact=person("waits")), accepted(cast, contact=person("due"))
    older, late = accepted(cast, contact=person("older")), offered(cast, contact=person("late"))
    Lead.objects.filter(pk=rich.pk).update(amount=90_000)
    Contact.objects.filter(pk=research.contact_id).update(custom={FIELD: "heat pumps"})
    today = timezone.localdate()
    steps.add(due, {"what": "Call", "due_on": today}, by=None)
    steps.add(older, {"what": "Mail", "due_on": today - timedelta(days=3)}, by=None)
    Handoff.objects.filter(lead=late).update(due_at=timezone.now() - timedelta(days=1))
    return [late, older, due, waits, research, rich, plain]


def test_the_order_and_its_reasons(cast: Cast, morning: list[Lead]) -> None:
    part = work_list(cast.sam, "mine")
    assert [row.card.lead.pk for row in part.rows] == [lead.pk for lead in morning]
    assert [row.because for row in part.rows] == [
        "", "Mail, 3 d late", "Call, today", "", "Researches “heat pumps” elsewhere just now", "€90,000 at stake",
        "Highest score",
    ]  # fmt: skip
    page = signed_in(cast.sam).get("/work/").content.decode()
    assert page.index("Late") < page.index("Mail, 3 d late") < page.index("heat pumps")
    assert page.count(">Accept<") == 2


def test_a_hot_lead_that_rises_stands_before_what_is_worth_more(cast: Cast, morning: list[Lead]) -> None:
    cards = {row.card.lead.pk: row.card for row in work_list(cast.sam, "mine").rows}
    hot = cards[morning[-1].pk]
    hot.grade, hot.change = "A2", 12
    order = [card.lead.pk for _urgency, card in work_next.ranked(cards.values())]
    assert order.index(hot.lead.pk) == 5
    assert work_next.urgency(hot).because == "A2, +12 in 7 days"
    hot.grade = "C1"
    assert work_next.urgency(hot).place == work_next.Place.REST


def test_the_order_does_not_depend_on_how_the_leads_come(cast: Cast, morning: list[Lead]) -> None:
    accepted(cast, contact=person("same"))
    cards = [row.card for row in work_list(cast.sam, "mine").rows]
    known = [card.lead.pk for card in cards]
    for seed in range(20):
        Random(seed).shuffle(cards)
        assert [card.lead.pk for _urgency, card in work_next.ranked(cards)] == known


@pytest.mark.parametrize(
    ("who", "number"), [("mia", 7), ("max", 7), ("sam", 7), ("jana", 0), ("rosa", 0), ("lena", 7), ("ava", 7)]
)
def test_everybody_sees_their_own_share(cast: Cast, morning: list[Lead], who: str, number: int) -> None:
    scope = "?scope=all" if who in {"mia", "max", "lena", "ava"} else "?scope=mine"
    answer = signed_in(getattr(cast, who)).get(f"/work/{scope}")
    assert (answer.status_code, answer.context["part"].number) == (200, number)


def test_the_list_asks_as_often_for_eight_leads_as_for_seven(cast: Cast, morning: list[Lead]) -> None:
    client, counts = signed_in(cast.sam), []
    client.get("/work/")
    for name in ("one", "two"):
        with CaptureQueriesContext(connection) as asked:
            client.get("/work/")
        counts.append(len(asked))
        accepted(cast, contact=person(name))
    assert counts[0] == counts[1]
