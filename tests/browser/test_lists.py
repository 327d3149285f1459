"""A list in a real browser: rows picked in a range, confirmed, done; nothing in the way at any size, light or dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from crm import contacts
from leads import lifecycle
from leads.models import Lead
from tests.browser.barriers import barriers, barriers_at_all_sizes
from tests.cast import Cast, a_lead, reason

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_picked_in_a_range_confirmed_and_done(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    for n in range(5):
        a_lead(contacts.create_contact({"first_name": "P", "last_name": f"No {n}"}, by=None, source="test"))
    sign_in(cast.mia)
    page.goto(f"{live_server.url}/leads/?sort=name")
    boxes, bar = page.locator("input[data-pick]"), page.locator(".pick-bar")
    boxes.nth(1).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(bar.locator("b")).to_have_text("3 picked")
    assert barriers_at_all_sizes(page) == {}
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("What to do with them").select_option("disqualify")
    bar.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/lists/leads/selected/")
    page.get_by_label(str(reason("disqualify"))).check()
    assert barriers(page) == []
    page.get_by_role("button", name="Disqualify: 3 rows").click()
    page.wait_for_url("**/lists/jobs/*/")
    expect(page.locator(".results li")).to_have_count(3)
    assert barriers(page) == []
    assert Lead.objects.filter(stage="disqualified").count() == 3
    page.goto(f"{live_server.url}/boards/marketing/")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#board-picked b")).to_have_text("1 picked")


def test_back_brings_a_list_as_it_was_left(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast
) -> None:
    """C7: rows loaded by "Show more", rows picked on both pages, and the place; a new visit begins anew."""
    for n in range(70):
        a_lead(contacts.create_contact({"first_name": "P", "last_name": f"No {n:02}"}, by=None, source="test"))
    sign_in(cast.mia)
    address = f"{live_server.url}/leads/?sort=name"
    page.goto(address)
    boxes, count = page.locator("input[data-pick]"), page.locator(".pick-bar b")
    boxes.nth(1).click()
    page.get_by_role("link", name="Show more").click()
    expect(boxes).to_have_count(70)
    boxes.nth(64).click()
    expect(count).to_have_text("2 picked")
    place = page.evaluate("[scrollY, document.querySelector('.list-region').scrollTop]")
    assert max(place) > 500

    page.get_by_role("link", name="P No 64").click()
    page.wait_for_url("**/leads/*/**")
    page.go_back()
    expect(boxes).to_have_count(70)
    expect(count).to_have_text("2 picked")
    assert [boxes.nth(n).is_checked() for n in (0, 1, 63, 64)] == [False, True, False, True]
    page.wait_for_function(
        "place => scrollY === place[0] && document.querySelector('.list-region').scrollTop === place[1]", arg=place
    )

    page.get_by_label("What to do with them").select_option("disqualify")
    page.locator(".pick-bar").get_by_role("button", name="Go on").click()
    page.get_by_label(str(reason("disqualify"))).check()
    expect(page.get_by_role("button", name="Disqualify: 2 rows")).to_be_visible()
    page.goto(address)
    expect(boxes).to_have_count(50)
    expect(count).to_have_text("0 picked")


def test_back_brings_the_picked_cards_of_a_board(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast
) -> None:
    leads = [a_lead(contacts.create_contact({"last_name": f"No {n}"}, by=None, source="test")) for n in range(3)]
    sign_in(cast.mia)
    page.goto(f"{live_server.url}/boards/marketing/")
    count = page.locator("#board-picked b")
    page.wait_for_load_state()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(count).to_have_text("2 picked")
    picked = {lead.pk for lead in leads if page.locator(f"#card-{lead.pk}.is-picked").count()}
    gone = min(picked)
    page.locator(f"#card-{max(picked)}").get_by_role("link").first.click()
    page.wait_for_url(f"**/leads/{max(picked)}/**")
    lifecycle.advance(Lead.objects.get(pk=gone), "disqualify", by=cast.mia, reason=reason("disqualify"))
    page.go_back()
    expect(count).to_have_text("1 picked")
    assert [lead.pk for lead in leads if page.locator(f"#card-{lead.pk}.is-picked").count()] == [max(picked)]
    page.goto(f"{live_server.url}/glossary/")
    page.goto(f"{live_server.url}/boards/marketing/")  # a new visit
    expect(page.locator("#board-picked")).to_be_hidden()
