"""Today: each number is the length of its list, and each role sees its own work."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import User
from leads import lifecycle
from leads.models import Handoff, Lead, Standing
from leads.today import today
from tests.cast import Cast, a_lead, accepted, ada, an_mql, assemble, next_month, offered, qualified, reason
from tests.leads.test_boards import cards_on, see, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(shared_rows: None) -> Cast:
    """Two leads of each kind, one of them late, silent, waking or without an owner. All tests share them."""
    cast = assemble()

    def person(name: str) -> object:
        return ada(email=f"{name}@acme.example", phone="", last_name=name.title())

    for number in range(2):
        a_lead(person(f"new{number}"))
        an_mql(cast, contact=person(f"mql{number}"))
        offered(cast, contact=person(f"offered{number}"))
        accepted(cast, contact=person(f"accepted{number}"))
        qualified(cast, contact=person(f"qualified{number}"))
        back = offered(cast, contact=person(f"back{number}"))
        lifecycle.advance(back, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
        resting = a_lead(person(f"rest{number}"))
        soon = timezone.localdate() + timedelta(days=3 if number else 90)
        lifecycle.advance(resting, "nurture", by=cast.mia, wake_on=soon)
    queued = an_mql(cast, contact=person("queued"))
    lifecycle.advance(queued, "hand_off", by=cast.mia, team=cast.north)
    late = Handoff.objects.open().order_by("pk").first()
    Handoff.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=5))
    old = Standing.objects.filter(lane="accepted").first()
    Standing.objects.filter(pk=old.pk).update(lane_since=timezone.now() - timedelta(days=20))
    Lead.objects.filter(stage="sql").update(next_step="Call", next_step_on=timezone.localdate())
    return cast


@pytest.mark.parametrize("name", ["mia", "sam", "jana", "lena", "ava"])
def test_each_number_is_the_length_of_the_list_it_opens(world: Cast, name: str) -> None:
    user: User = getattr(world, name)
    for tile in today(user).tiles:
        assert len(cards_on(see(user, tile.url))) == tile.number, tile.label
    page = see(user, "/")
    shown = re.findall(r'<a href="([^"]+)"><b[^>]*>([\d,]+)</b>', page)
    assert [(html.unescape(url), int(number)) for url, number in shown] == [
        (tile.url, tile.number) for tile in today(user).tiles
    ]


def numbers(user: User) -> dict[str, int]:
    return {tile.label: tile.number for tile in today(user).tiles}


def test_a_rep_sees_what_is_new_due_and_silent(world: Cast) -> None:
    assert numbers(world.sam) == {
        "overdue handoff": 1, "new handoffs": 2, "next steps due": 2, "without next step": 2, "silent too long": 1,
    }  # fmt: skip


def test_a_marketer_sees_what_to_hand_over_and_what_came_back(world: Cast) -> None:
    assert numbers(world.mia) == {
        "MQLs to hand over": 2, "back from sales": 2, "wakes within 7 days": 1, "overdue handoff": 1,
    }  # fmt: skip


def test_a_sales_lead_sees_what_nobody_owns(world: Cast) -> None:
    assert numbers(world.lena)["without an owner"] == 1
    page = see(world.lena, "/")
    assert "Re-assign…" in page
    assert "Team North" in page


def test_new_handoffs_stand_by_time_left_and_can_be_answered_here(world: Cast) -> None:
    page = see(world.sam, "/")
    first = Handoff.objects.open().order_by("due_at").first().lead
    assert re.search(r"<h3><a[^>]*>([^<]+)</a>", page)[1] == first.contact.name
    client = signed_in(world.sam)
    answer = client.post(f"/leads/{first.pk}/moves/accept/", {"version": first.version, "next": "/"})
    assert answer.url == "/"
    assert "Undo" in client.get("/").content.decode()


def test_the_admin_reads_how_it_runs_in_words(world: Cast) -> None:
    page = see(world.ava, "/")
    assert "Background worker" in page and "never seen" in page
