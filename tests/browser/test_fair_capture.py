"""At a fair the network goes and comes: each person is stored once, on a small screen, with and without the script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from leads.models import Submission
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def fill(page: Page, first_name: str) -> None:
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("E-mail", exact=False).first.fill(f"{first_name.lower()}@kern.example")


def names() -> list[str]:
    return [row.contact.first_name for row in Submission.objects.order_by("id") if row.contact]


def test_people_are_stored_once_though_the_network_goes_and_comes(
    page: Page, context: BrowserContext, browser: Browser, live_server: Any, cast: Cast, sign_in: Callable[[Any], None]
) -> None:
    sign_in(cast.sam)
    page.goto(f"{live_server.url}/capture/")
    page.wait_for_load_state()
    assert barriers_at_all_sizes(page) == {}
    page.get_by_label("Event").fill("Chillventa")
    page.get_by_label("Place").fill("Hall 4")
    captured = page.locator("[data-captured] li")
    fill(page, "Eva")
    page.get_by_role("button", name="Store, next person").click()
    expect(captured.first).to_contain_text("Eva stored")
    expect(page.get_by_label("First name")).to_be_focused()

    context.set_offline(True)
    began = timezone.now()
    for name in ("Tom", "Ida"):
        fill(page, name)
        page.get_by_role("button", name="Store, next person").click()
    expect(captured).to_have_count(3)
    expect(captured.filter(has_text="waits for the network")).to_have_count(2)
    assert names() == ["Eva"]

    context.set_offline(False)
    expect(captured.filter(has_text="stored")).to_have_count(3)
    assert names() == ["Eva", "Tom", "Ida"]
    assert {row.context.get("event") for row in Submission.objects.all()} == {None}
    assert all(row.submitted_at >= began for row in Submission.objects.order_by("id")[1:])

    fill(page, "Bad")
    page.get_by_label("E-mail", exact=False).first.fill("bad@kern")
    page.keyboard.press("Enter")
    expect(captured.first).to_contain_text("not stored")
    captured.first.get_by_role("button", name="Correct").click()
    expect(page.get_by_label("First name")).to_have_value("Bad")
    page.get_by_label("E-mail", exact=False).first.fill("bad@kern.example")
    page.keyboard.press("Enter")
    expect(captured.first).to_contain_text("Bad stored")
    assert names() == ["Eva", "Tom", "Ida", "Bad"]

    context.clear_cookies()
    fill(page, "Una")
    page.keyboard.press("Enter")
    expect(captured.first).to_contain_text("sign in again")
    sign_in(cast.sam)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(captured.first).to_contain_text("Una stored")
    assert names()[-1] == "Una"

    bare = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    bare.add_cookies(context.cookies())  # type: ignore[arg-type]
    plain = bare.new_page()
    plain.goto(f"{live_server.url}/capture/?where=street&event=Walk&place=Kiel")
    plain.get_by_label("First name").fill("Zoe")
    plain.get_by_label("E-mail", exact=False).first.fill("zoe@kern.example")
    plain.get_by_role("button", name="Store, next person").click()
    plain.wait_for_load_state()
    assert plain.locator("[name=place]").input_value() == "Kiel"
    bare.close()
    assert names()[-1] == "Zoe"
