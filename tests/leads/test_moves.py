"""Moves through the pages: one result by form, drop and menu; refusals leave the row; no script is needed."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from crm.models import OutboxMessage, User
from leads import lifecycle
from leads.models import Lead, StageChange
from leads.stages import Lane, Verb
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, next_month, offered, qualified, reason
from tests.leads.test_boards import MARKETING_BOARD, SALES_BOARD, signed_in

pytestmark = pytest.mark.django_db


def row(lead: Lead) -> tuple[str, int, int]:
    """Return (stage, version, log rows) as the database has them."""
    return *Lead.objects.values_list("stage", "version").get(pk=lead.pk), StageChange.objects.filter(lead=lead).count()


def on_board(user: User, board: str = SALES_BOARD, query: str = "") -> Client:
    """Return a client that speaks as htmx does while `user` looks at a board."""
    client = signed_in(user)
    client.defaults |= {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{board}{query}"}
    return client


def address(lead: Lead, verb: str) -> str:
    return f"/leads/{lead.pk}/moves/{verb}/"


def drop(client: Client, lead: Lead, lane: str, board: str = SALES_BOARD, **more: object) -> HttpResponse:
    values = {"lead": lead.pk, "version": lead.version} | more
    return client.post(f"{board}columns/{lane}/drops/", values)


def events(answer: HttpResponse) -> dict:
    """Return what the answer tells the page: {event: detail}."""
    told = {}
    for header in ("HX-Trigger", "HX-Trigger-After-Settle"):
        told |= json.loads(answer.headers.get(header, "{}"))
    return told


# --- The same, three ways -------------------------------------------------------------------------


def test_form_drop_and_menu_have_the_same_result(cast: Cast) -> None:
    outcomes = []
    for number, way in enumerate(("form", "drop", "menu")):
        lead = offered(cast, contact=ada(email=f"{way}@acme.example", phone=""))
        if way == "form":
            answer = signed_in(cast.sam).post(address(lead, "accept"), {"version": 2})
            assert (answer.status_code, answer.url) == (302, f"/leads/{lead.pk}/")
        elif way == "drop":
            answer = drop(on_board(cast.sam), lead, "accepted")
        else:
            answer = on_board(cast.sam).post(address(lead, "accept"), {"version": 2})
        if way != "form":
            assert answer.status_code == 200
            assert events(answer)["announce"]["value"].startswith("Ada Brömmel moved to Accepted (SAL), place ")
            assert events(answer)["announce"]["value"].endswith(f" of {number + 1}")
        lead = Lead.objects.get(pk=lead.pk)
        outcomes.append((*row(lead), lead.owner, lead.standing.lane, lead.last_change.verb))
    assert outcomes == [("sal", 3, 3, cast.sam, Lane.ACCEPTED, "accept")] * 3


def test_the_answer_draws_only_the_card_and_the_two_heads(cast: Cast) -> None:
    lead = offered(cast)
    page = drop(on_board(cast.sam), lead, "accepted").content.decode()
    assert re.findall(r'id="card-(\d+)"', page) == [str(lead.pk)]
    assert re.findall(r'<header class="column-head" id="head-(\w+)" hx-swap-oob', page) == ["offered", "accepted"]
    assert "Undo" in page and "<section" not in page


def test_the_place_is_counted_by_the_order_of_the_lane(cast: Cast) -> None:
    lane = [accepted(cast, contact=ada(email=f"{n}@acme.example", phone="")) for n in range(3)]
    for number, lead in enumerate(lane):
        lead.standing.__class__.objects.filter(pk=lead.pk).update(rank=10 * number)
    lead = offered(cast)
    lead.standing.__class__.objects.filter(pk=lead.pk).update(rank=15)
    answer = drop(on_board(cast.sam), lead, "accepted")
    assert events(answer)["announce"]["value"] == "Ada Brömmel moved to Accepted (SAL), place 2 of 4"


def test_a_card_that_leaves_the_board_stays_greyed(cast: Cast) -> None:
    lead = a_lead()
    client = on_board(cast.mia, MARKETING_BOARD, "?only=unassigned")
    answer = client.post(
        address(lead, "qualify_for_marketing"), {"version": 0, "reason": reason("qualify_for_marketing").pk}
    )
    assert "is-moved" not in answer.content.decode()
    client = on_board(cast.mia, MARKETING_BOARD, "?q=nobody")
    answer = client.post(address(lead, "undo") + "?version=1")
    assert "is-moved" in answer.content.decode()
    assert "Outside this filter. Stays here until you reload." in answer.content.decode()
    assert events(answer)["card-settled"] == {"lead": lead.pk, "lane": "", "refused": False}


def test_from_another_page_the_page_is_loaded_anew_with_a_toast(cast: Cast) -> None:
    lead = offered(cast)
    client = on_board(cast.sam, "/")
    assert client.post(address(lead, "accept"), {"version": 2}).headers["HX-Refresh"] == "true"
    page = signed_in(cast.sam)
    page.cookies = client.cookies
    told = page.get(SALES_BOARD).content.decode()
    assert "Ada Brömmel moved to Accepted (SAL)" in told
    assert f"/leads/{lead.pk}/moves/undo/?version=3" in told


# --- Refusals -------------------------------------------------------------------------------------


def test_a_refused_drop_puts_the_card_back_with_the_guards_sentence(cast: Cast) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam, "budget", "need")
    answer = drop(on_board(cast.sam), lead, "qualified")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert 'data-lane="accepted"' in page
    assert '<p class="card-note late">Waits for 1 more confirmed topic out of: Authority, Timing.</p>' in page
    assert events(answer)["announce"]["value"] == "Waits for 1 more confirmed topic out of: Authority, Timing."
    assert events(answer)["card-settled"] == {"lead": lead.pk, "lane": "accepted", "refused": True}
    assert row(lead) == ("sal", 3, 3)


def test_a_refusal_without_script_is_a_page_of_its_own(cast: Cast) -> None:
    lead = accepted(cast)
    answer = signed_in(cast.sam).post(address(lead, "qualify_for_sales"), {"version": 3})
    assert answer.status_code == 409
    assert "Waits for 3 more confirmed topics" in answer.content.decode()
    assert row(lead) == ("sal", 3, 3)


def test_the_slower_one_hears_who_was_faster_and_the_card_goes_where_it_is(cast: Cast) -> None:
    lead = offered(cast)
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "accept", by=cast.sam)
    answer = drop(on_board(cast.jana, query="?scope=team"), lead, "accepted", version=2)
    assert answer.status_code == 409
    assert re.search(r"Sam Okafor was \d s faster\.", answer.content.decode())
    assert events(answer)["card-settled"]["lane"] == "accepted"
    assert row(lead) == ("sal", 3, 3)


def test_a_move_by_the_wrong_person_is_refused_before_anything_is_asked(cast: Cast) -> None:
    lead = accepted(cast)
    answer = on_board(cast.mia, MARKETING_BOARD).get(address(lead, "lose"))
    assert answer.status_code == 409
    assert "Only the sales person in charge or a sales lead can do this." in answer.content.decode()


def test_what_one_may_not_see_is_not_found(cast: Cast) -> None:
    lead = accepted(cast)
    rosa = on_board(cast.rosa)
    for answer in (
        rosa.get(f"/leads/{lead.pk}/moves/"),
        rosa.get(address(lead, "lose")),
        rosa.post(address(lead, "lose"), {"reason": reason("lose").pk}),
        drop(rosa, lead, "qualified"),
    ):
        assert answer.status_code == 404
    assert row(lead) == ("sal", 3, 3)


@pytest.mark.parametrize("verb", ["demote", "enter_as", "absorb", "fly", "stage"])
def test_verbs_no_person_has_are_not_found(cast: Cast, verb: str) -> None:
    lead = an_mql(cast)
    assert signed_in(cast.ava).post(address(lead, verb)).status_code == 404
    assert row(lead) == ("mql", 1, 1)


@pytest.mark.parametrize(
    ("lane", "lead_id"), [("accepted", "x"), ("accepted", "9" * 30), ("accepted", ""), ("gone", "")]
)
def test_a_drop_that_makes_no_sense_is_not_found(cast: Cast, lane: str, lead_id: str) -> None:
    lead = offered(cast)
    values = {"lead": lead_id or (lead.pk if lane == "gone" else ""), "version": 2}
    assert on_board(cast.lena).post(f"{SALES_BOARD}columns/{lane}/drops/", values).status_code == 404
    assert row(lead) == ("mql", 2, 2)


# --- Asking in place ------------------------------------------------------------------------------


def test_a_drop_on_lost_asks_for_the_reason(cast: Cast) -> None:
    lead = qualified(cast)
    answer = drop(on_board(cast.sam), lead, "lost")
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (200, "#dialog")
    assert "Why was Ada Brömmel lost?" in page and "Chose a competitor" in page
    assert f'action="{address(lead, "lose")}"' in page and "Keep in Qualified<" in page
    assert row(lead) == ("sql", 4, 4)


def test_no_reason_no_move(cast: Cast) -> None:
    lead = qualified(cast)
    for client in (signed_in(cast.sam), on_board(cast.sam)):
        answer = client.post(address(lead, "lose"), {"version": 4, "note": "why?"})
        assert answer.status_code == 422
        assert "Choose a reason." in answer.content.decode()
    assert row(lead) == ("sql", 4, 4)


def test_a_reason_of_another_move_is_not_taken(cast: Cast) -> None:
    lead = qualified(cast)
    answer = signed_in(cast.sam).post(address(lead, "lose"), {"reason": reason("send_back").pk})
    assert (answer.status_code, row(lead)) == (422, ("sql", 4, 4))


def test_won_asks_amount_and_date_and_takes_the_readers_number(cast: Cast) -> None:
    lead = qualified(cast)
    User.objects.filter(pk=cast.sam.pk).update(language="de")
    client = on_board(cast.sam)
    day = timezone.localdate()
    for wrong in (
        {"amount": "", "date": day},
        {"amount": "-1", "date": day},
        {"amount": "5", "date": day + timedelta(days=2)},
    ):
        assert client.post(address(lead, "win"), {"version": 4} | wrong).status_code == 422
    client.post(address(lead, "win"), {"version": 4, "amount": "48.000,50", "date": day})
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.stage, str(lead.amount), lead.closed_on) == ("won", "48000.50", day)


def test_handing_over_names_a_person_or_a_queue(cast: Cast) -> None:
    first, second = an_mql(cast), an_mql(cast, contact=ada(email="b@acme.example", phone=""))
    client = on_board(cast.mia, MARKETING_BOARD)
    asked = drop(client, first, "offered", MARKETING_BOARD).content.decode()
    assert "Sam Okafor, North" in asked and "Mia Kowalczyk" not in asked
    client.post(address(first, "hand_off"), {"version": 1, "taker": f"person-{cast.sam.pk}", "note": "Call her"})
    client.post(address(second, "hand_off"), {"version": 1, "taker": f"team-{cast.north.pk}"})
    first, second = Lead.objects.get(pk=first.pk), Lead.objects.get(pk=second.pk)
    assert (first.owner, first.open_handoff.packet["note"]) == (cast.sam, "Call her")
    assert (second.owner, second.team, second.open_handoff.team) == (None, cast.north, cast.north)
    answer = client.post(
        address(an_mql(cast, contact=ada(email="c@acme.example")), "hand_off"), {"taker": f"person-{cast.mia.pk}"}
    )
    assert answer.status_code == 422


def test_send_back_asks_reason_and_a_day_to_come(cast: Cast) -> None:
    lead = accepted(cast)
    client = on_board(cast.sam)
    values = {"version": 3, "reason": reason("send_back").pk}
    assert client.post(address(lead, "send_back"), values | {"wake_on": timezone.localdate()}).status_code == 422
    answer = client.post(address(lead, "send_back"), values | {"wake_on": next_month()})
    assert "No longer on this board." in answer.content.decode()
    assert Lead.objects.get(pk=lead.pk).standing.lane == Lane.BACK


# --- The menu -------------------------------------------------------------------------------------


def test_the_menu_shows_closed_moves_with_their_sentence(cast: Cast) -> None:
    lead = accepted(cast)
    menu = on_board(cast.sam).get(f"/leads/{lead.pk}/moves/").content.decode()
    assert re.search(r'aria-disabled="true"[^>]*>.*?Qualify</span><small>Waits for 3 more confirmed topics', menu, re.S)
    assert f'hx-get="{address(lead, "lose")}"' in menu
    assert "<html" not in menu


def test_without_script_a_lead_walks_to_won(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    mia, sam = signed_in(cast.mia), signed_in(cast.sam)

    def press(client: Client, verb: str, **values: object) -> None:
        page = client.get(f"/leads/{lead.pk}/moves/").content.decode()
        assert address(lead, verb) in page
        version = Lead.objects.get(pk=lead.pk).version
        asked = client.get(address(lead, verb)).content.decode()
        assert f'name="version" value="{version}"' in asked
        answer = client.post(address(lead, verb), {"version": version} | values)
        assert answer.status_code == 302, answer.content.decode()

    press(mia, "qualify_for_marketing", reason=reason("qualify_for_marketing").pk)
    press(mia, "hand_off", taker=f"person-{cast.sam.pk}")
    press(sam, "accept")
    confirm(lead, cast.sam)
    press(sam, "qualify_for_sales")
    press(sam, "win", amount="48000", date=timezone.localdate())
    press(sam, "undo")
    press(sam, "win", amount="4800", date=timezone.localdate())
    verbs = list(StageChange.objects.filter(lead=lead).order_by("seq").values_list("verb", flat=True))
    assert verbs == [
        Verb.QUALIFY_FOR_MARKETING, Verb.HAND_OFF, Verb.ACCEPT, Verb.QUALIFY_FOR_SALES, Verb.WIN, Verb.UNDO, Verb.WIN,
    ]  # fmt: skip


def test_after_the_move_one_goes_where_one_came_from_but_never_away(cast: Cast) -> None:
    lead = offered(cast)
    sam = signed_in(cast.sam)
    assert sam.post(address(lead, "accept"), {"version": 2, "next": SALES_BOARD}).url == SALES_BOARD
    assert sam.post(address(lead, "undo"), {"next": "//evil.example/"}).url == f"/leads/{lead.pk}/"


# --- Undo -----------------------------------------------------------------------------------------


def test_the_toast_says_until_when_nothing_is_sent_and_undo_takes_it_back(cast: Cast) -> None:
    lead = an_mql(cast)
    client = on_board(cast.mia, MARKETING_BOARD)
    page = client.post(address(lead, "hand_off"), {"version": 1, "taker": f"person-{cast.sam.pk}"}).content.decode()
    assert re.search(r"Nothing is sent before \d\d:\d\d:\d\d", page)
    undo = re.search(r'hx-post="(/leads/\d+/moves/undo/\?version=\d+)"', page)[1]
    answer = client.post(undo)
    assert events(answer)["announce"]["value"].startswith("Undone: Ada Brömmel is back in MQL to hand over")
    assert row(lead) == ("mql", 3, 3)
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {"cancelled"}


def test_the_undo_of_an_old_toast_does_not_undo_a_newer_move(cast: Cast) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam)
    lifecycle.advance(lead, "qualify_for_sales", by=cast.sam)
    answer = on_board(cast.sam).post(address(lead, "undo") + "?version=3")
    assert answer.status_code == 409
    assert row(lead) == ("sql", 4, 4)
