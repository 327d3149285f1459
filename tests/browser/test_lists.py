"""A list in a real browser: rows picked in a range, confirmed, done; nothing in the way at any size, light or dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from crm import contacts
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
