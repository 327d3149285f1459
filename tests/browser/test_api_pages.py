"""Making a token, and the page of the API, in a real browser under the strict content policy."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from crm import api_tokens
from tests.browser.barriers import barriers_at_all_sizes
from tests.browser.test_signin import reports  # noqa: F401
from tests.cast import assemble

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_is_made_shown_once_and_opens_the_page_of_the_api(
    page: Page,
    live_server: Any,
    reports: list[str],  # noqa: F811
    context: Any,
    client: Any,
    settings: Any,
) -> None:
    cast = assemble()
    client.post("/accounts/login/", {"login": cast.mia.email, "password": "baton-demo"})
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page.goto(f"{live_server.url}/accounts/tokens/")
    page.get_by_label("What it is for").fill("Web shop")
    page.get_by_label("Read leads, their log").check()
    page.get_by_role("button", name="Make token").click()
    text = page.locator("#new-token").input_value()
    token = api_tokens.known(text)
    assert token is not None and (token.user, token.scopes) == (cast.mia, ["leads:read"])
    assert barriers_at_all_sizes(page) == {}
    page.goto(f"{live_server.url}/accounts/tokens/")
    assert text not in page.content()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/api/docs/")
    expect(page.get_by_text("List contacts")).to_be_visible()
    page.locator("#operations-leads-leads_list").get_by_role("button").first.click()
    expect(page.get_by_text("Lane of the boards.")).to_be_visible()
    assert reports == []
