"""The page of one score in a real browser: no barrier, the whole width, a past day without a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from crm.workdays import date_of, today
from leads.models import Lead
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast
from tests.scoring.test_as_of import lived

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead(cast: Cast) -> Lead:
    """A lead of 40 days under three versions of the scorecard."""
    return lived(cast, people=1, days=40, seed=11)[0]


def addresses(lead: Lead) -> dict[str, str]:
    url = reverse("lead_score", args=[lead.pk])
    return {
        "now": url,
        "under another version": f"{url}?as_of={date_of(today() - 24).isoformat()}",
        "under the same": f"{url}?as_of={date_of(today() - 3).isoformat()}",
        "refused": f"{url}?as_of=2199-01-01",
    }


@pytest.fixture
def mia(page: Page, sign_in: Callable[[Any], None], cast: Cast) -> Page:
    sign_in(cast.mia)
    page.emulate_media(reduced_motion="reduce")
    return page


def test_axe_finds_nothing_and_nothing_scrolls_sideways(mia: Page, lead: Lead, live_server: Any) -> None:
    for name, address in addresses(lead).items():
        mia.goto(live_server.url + address)
        assert barriers_at_all_sizes(mia) == {}, name


def test_the_page_uses_its_width(mia: Page, lead: Lead, live_server: Any) -> None:
    mia.set_viewport_size({"width": 1440, "height": 900})
    mia.goto(live_server.url + addresses(lead)["now"])
    ledger, side = mia.locator("#score").bounding_box(), mia.locator(".score-side").bounding_box()
    assert ledger
    assert side
    assert ledger["x"] + ledger["width"] < side["x"]
    assert side["x"] + side["width"] - ledger["x"] > 1250
    mia.set_viewport_size({"width": 900, "height": 900})
    ledger, side = mia.locator("#score").bounding_box(), mia.locator(".score-side").bounding_box()
    assert ledger
    assert side
    assert side["y"] >= ledger["y"] + ledger["height"]


def test_a_past_day_is_asked_for_without_javascript(
    browser: Browser, context: Any, mia: Page, lead: Lead, live_server: Any
) -> None:
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(live_server.url + addresses(lead)["now"])
    field = page.get_by_role("textbox", name="At the end of")
    field.fill(date_of(today() - 24).isoformat())
    page.get_by_role("button", name="Show the score").click()
    expect(page.get_by_role("heading", name="The score at the end of")).to_be_visible()
    expect(page.get_by_text("With today’s rules, then")).to_be_visible()
    expect(field).to_have_value(date_of(today() - 24).isoformat())
    page.get_by_role("link", name="The score now").click()
    expect(page.get_by_role("heading", name="Why this score")).to_be_visible()
    plain.close()
