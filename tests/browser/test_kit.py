"""The design in a real browser: no barrier in either scheme, and the small modules do what they promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kit(page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast) -> Page:
    sign_in(cast.ava)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{live_server.url}/kit/")
    return page


def test_axe_finds_nothing_on_the_kit_and_nothing_scrolls_sideways(kit: Page) -> None:
    assert barriers_at_all_sizes(kit) == {}


def test_small_targets_are_at_least_24_pixels(kit: Page) -> None:
    small = kit.evaluate(
        """() => [...document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden])")]
            .filter((element) => element.checkVisibility() && getComputedStyle(element).display !== "inline")
            .map((element) => [element.closest(".check, .brand") || element, element])
            .filter(([box]) => { const size = box.getBoundingClientRect();
                                 return size.height && (size.height < 23.5 || size.width < 23.5); })
            .map(([, element]) => element.outerHTML.slice(0, 90))"""
    )
    assert [found for found in small if 'class="skip"' not in found] == []


def test_menu_opens_moves_and_gives_the_focus_back(kit: Page) -> None:
    opener = kit.get_by_role("button", name="Open the menu")
    opener.press("Enter")
    items = kit.locator("#kit-menu").get_by_role("menuitem")
    expect(items.nth(0)).to_be_focused()
    kit.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    kit.keyboard.press("n")
    expect(items.nth(1)).to_be_focused()
    kit.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_a_closed_choice_keeps_the_menu_and_its_reason(kit: Page) -> None:
    kit.get_by_role("button", name="Open the menu").click()
    kit.locator("#kit-menu [aria-disabled=true]").first.click(force=True)
    expect(kit.locator("#kit-menu")).to_be_visible()
    expect(kit.get_by_text("The score is above the leave bar of 95.").last).to_be_visible()


def test_dialog_closes_with_escape_and_returns_the_focus(kit: Page) -> None:
    opener = kit.get_by_role("button", name="Open the dialog")
    opener.click()
    expect(kit.get_by_role("dialog", name="Send back to marketing")).to_be_visible()
    kit.keyboard.press("Escape")
    expect(kit.locator("#kit-dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_question_mark_lists_the_keys_of_this_page_but_not_while_typing(kit: Page) -> None:
    kit.keyboard.press("/")
    expect(kit.get_by_role("searchbox")).to_be_focused()
    kit.keyboard.press("?")
    expect(kit.locator("#keys")).to_be_hidden()
    kit.get_by_role("searchbox").blur()
    kit.keyboard.press("?")
    expect(kit.locator("#keys")).to_contain_text("Find on this board")


def test_single_keys_rest_when_switched_off(page: Page, live_server: Any, sign_in: Any, cast: Cast) -> None:
    cast.ava.shortcuts = False
    cast.ava.save()
    sign_in(cast.ava)
    page.goto(f"{live_server.url}/kit/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()


def test_theme_switch_changes_the_scheme_at_once_and_stays(kit: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    kit.locator("details.account summary").click()
    with kit.expect_response("**/preferences/theme/"):
        kit.get_by_role("button", name="Dark").click()
    assert kit.evaluate(paper) == "rgb(23, 22, 20)"
    kit.reload()
    assert kit.evaluate(paper) == "rgb(23, 22, 20)"


def test_a_toast_from_the_server_is_announced_and_z_undoes_it(kit: Page) -> None:
    toast = kit.evaluate("document.getElementById('toast-failed').innerHTML")
    with_undo = toast.replace(
        "</p>", '</p><form action="/undo/" hx-post="/undo/"><button data-undo>Undo</button></form>', 1
    )
    answer = f'<ol id="toasts" hx-swap-oob="beforeend">{with_undo}</ol>'
    kit.route("**/moved/", lambda route: route.fulfill(body=answer))
    kit.route("**/undo/", lambda route: route.fulfill(body=""))
    kit.evaluate("htmx.ajax('GET', '/moved/', {swap: 'none'})")
    expect(kit.locator("#announcements")).to_contain_text("Nothing was changed")
    with kit.expect_request("**/undo/"):
        kit.keyboard.press("z")
    expect(kit.locator("#toasts [data-toast]")).to_have_count(0)


def test_a_failed_request_is_said_in_words(kit: Page) -> None:
    kit.route("**/broken/", lambda route: route.fulfill(status=500))
    kit.evaluate("void htmx.ajax('GET', '/broken/', {swap: 'none'}).catch(() => {})")
    expect(kit.locator("#toasts")).to_contain_text("That did not work")


def test_what_is_done_without_a_network_is_sent_once_it_is_back(kit: Page, context: Any) -> None:
    sent: list[str] = []
    kit.route("**/save/", lambda route: (sent.append("x"), route.fulfill(body=""))[1])
    kit.evaluate(
        """() => { const button = document.querySelector("#buttons .button");
            button.setAttribute("hx-post", "/save/"); button.setAttribute("hx-swap", "none"); htmx.process(button); }"""
    )
    context.set_offline(True)
    expect(kit.locator("#offline")).to_be_visible()
    kit.locator("#buttons .button").first.click()
    expect(kit.locator("#buttons .button").first).to_have_attribute("aria-busy", "true")
    with kit.expect_request("**/save/"):
        context.set_offline(False)
    expect(kit.locator("#offline")).to_be_hidden()
    assert len(sent) <= 1


def test_without_javascript_every_part_is_there(browser: Any, live_server: Any, client: Any, cast: Cast) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/accounts/login/?next=/kit/")
    page.locator("input[type=email]").fill("ava@example.com")
    page.get_by_label("Password").fill("baton-demo")
    page.get_by_role("button", name="Sign in").click()
    page.locator("details.account summary").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
