"""The boards and Today in a real browser: drag, menu and keys end alike; phone, both themes, no policy report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from leads import lifecycle
from leads.models import Lead, StageChange, Standing
from tests.browser.barriers import WIDE, barriers_at_all_sizes, barriers_in_both_schemes
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, next_month, offered, qualified, reason

pytestmark = pytest.mark.django_db(transaction=True)
MARKETING, SALES = "/boards/marketing/", "/boards/sales/"
#: Types on in the search box at the first event of a kind, as a person does who never waits for an answer.
TYPE_ON = """([kind]) => document.body.addEventListener(kind, () => {
  const type = () => {
    const box = document.getElementById("q");
    box.setRangeText("emmel", box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", {bubbles: true}));
  };
  if (kind === "htmx:afterSwap") queueMicrotask(type);
  else type();
}, {once: true})"""


@pytest.fixture
def open_page(page: Page, live_server: Any, sign_in: Callable[[Any], None]) -> Iterator[Callable[..., Page]]:
    """Open an address as somebody; afterwards the console must be clean and the policy must have reported nothing."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    page.on("request", lambda request: troubles.append(request.url) if "csp-reports" in request.url else None)

    def open_(user: Any, address: str, **how: Any) -> Page:
        sign_in(user)
        if how:
            page.emulate_media(**how)
        page.goto(f"{live_server.url}{address}")
        return page

    yield open_
    answers = re.compile("status of (409|422)")  # a refusal and a form to correct are answers, not troubles
    assert [trouble for trouble in troubles if not answers.search(trouble)] == []


def card(page: Page, lead: Lead) -> Any:
    return page.locator(f"#card-{lead.pk}")


def in_column(page: Page, lane: str, lead: Lead) -> Any:
    return page.locator(f"#column-{lane} #card-{lead.pk}")


def row(lead: Lead) -> tuple[str, str]:
    """Return (stage, last verb) as the database has them."""
    found = Lead.objects.get(pk=lead.pk)
    return found.stage, found.last_change.verb


def drag(page: Page, lead: Lead, lane: str) -> None:
    card(page, lead).hover()
    page.mouse.down()
    box = page.locator(f"#column-{lane}").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=8)
    page.mouse.up()


def by_menu(page: Page, lead: Lead, label: str) -> None:
    card(page, lead).locator(".move").click()
    page.get_by_role("menuitem", name=label, exact=True).click()


# --- Three ways, one result -----------------------------------------------------------------------


@pytest.mark.parametrize("way", ["drag", "menu", "keys"])
def test_drag_menu_and_keys_end_alike(cast: Cast, open_page: Callable[..., Page], way: str) -> None:
    lead, other = offered(cast), accepted(cast, contact=ada(email="b@acme.example", phone="", last_name="Berg"))
    Standing.objects.filter(pk=other.pk).update(rank=50)
    page = open_page(cast.sam, SALES)
    if way == "drag":
        drag(page, lead, "accepted")
    elif way == "menu":
        by_menu(page, lead, "Accept")
    else:
        page.keyboard.press("j")
        page.keyboard.press("]")
    expect(in_column(page, "accepted", lead)).to_be_visible()
    expect(page.locator("#announcements")).to_have_text("Ada Brömmel moved to Accepted (SAL), place 2 of 2")
    expect(page.locator("#head-offered .count")).to_have_text("0")
    expect(page.locator("#head-accepted .count")).to_have_text("2")
    assert page.locator("#column-accepted .card").evaluate_all("all => all.map(card => card.id)") == [
        f"card-{other.pk}", f"card-{lead.pk}",
    ]  # fmt: skip
    assert row(lead) == ("sal", "accept")
    page.keyboard.press("z")
    expect(in_column(page, "offered", lead)).to_be_visible()
    assert row(lead) == ("mql", "undo")


@pytest.mark.parametrize("way", ["drag", "keys"])
def test_a_refused_card_goes_back_with_the_reason_on_it(cast: Cast, open_page: Callable[..., Page], way: str) -> None:
    lead = accepted(cast)
    page = open_page(cast.sam, SALES)
    if way == "drag":
        drag(page, lead, "qualified")
    else:
        card(page, lead).locator("a").first.focus()
        page.keyboard.press("]")
    note = in_column(page, "accepted", lead).locator(".card-note")
    expect(note).to_contain_text("Waits for 3 more confirmed topics")
    expect(page.locator("#announcements")).to_contain_text("Waits for 3 more confirmed topics")
    assert row(lead) == ("sal", "accept")
    if way == "keys":
        assert page.evaluate("document.activeElement.closest('.card')?.id") == f"card-{lead.pk}"


def test_a_drop_on_lost_asks_and_escape_leaves_the_card(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead = qualified(cast)
    page = open_page(cast.sam, SALES)
    drag(page, lead, "lost")
    dialog = page.get_by_role("dialog", name="Why was Ada Brömmel lost?")
    expect(dialog).to_be_visible()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(in_column(page, "qualified", lead)).to_be_visible()
    assert row(lead) == ("sql", "qualify_for_sales")
    by_menu(page, lead, "Lost…")
    dialog.get_by_label("No budget").check()
    dialog.get_by_role("button", name="Mark as lost").click()
    expect(card(page, lead)).to_have_count(0)
    expect(page.locator("#head-lost .count")).to_have_text("1")
    assert row(lead) == ("lost", "lose")


def test_a_wrong_amount_is_said_in_the_dialog(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead = qualified(cast)
    page = open_page(cast.sam, SALES)
    by_menu(page, lead, "Won…")
    page.get_by_label("Amount in EUR").fill("a lot")
    page.get_by_role("button", name="Mark as won").click()
    expect(page.locator("#dialog [aria-invalid=true]")).to_be_focused()
    page.get_by_label("Amount in EUR").fill("48,000")
    page.get_by_role("button", name="Mark as won").click()
    expect(page.locator("#dialog")).to_be_hidden()
    assert row(lead) == ("won", "win")


def test_after_a_move_the_focus_sits_on_the_next_card(cast: Cast, open_page: Callable[..., Page]) -> None:
    leads = [offered(cast, contact=ada(email=f"{n}@acme.example", phone="", last_name=n)) for n in "abc"]
    for place, lead in enumerate(leads):
        Standing.objects.filter(pk=lead.pk).update(rank=90 - place)
    page = open_page(cast.sam, SALES)
    page.keyboard.press("j")
    page.keyboard.press("]")
    expect(in_column(page, "accepted", leads[0])).to_be_visible()
    expect(card(page, leads[1]).locator(".card-name a")).to_be_focused()


def test_a_closed_move_stays_readable_and_does_nothing(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead = accepted(cast)
    page = open_page(cast.sam, SALES)
    card(page, lead).locator(".move").click()
    item = page.get_by_role("menuitem", name=re.compile("^Qualify"))
    expect(item).to_have_attribute("aria-disabled", "true")
    item.click(force=True)
    assert row(lead) == ("sal", "accept")


# --- Others ---------------------------------------------------------------------------------------


def test_what_others_do_arrives_without_a_jump(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead, scored = offered(cast), a_lead(ada(email="scored@acme.example", phone="", last_name="Wert"))
    Standing.objects.filter(pk=scored.pk).update(score=70, grade="B3")
    page = open_page(cast.mia, MARKETING)
    place, size = card(page, lead).bounding_box(), card(page, scored).bounding_box()
    lifecycle.advance(lead, "accept", by=cast.sam)
    Standing.objects.filter(pk=scored.pk).update(score=84, grade="B2")
    new = a_lead(ada(email="new@acme.example", phone="", last_name="Neu"))
    expect(card(page, lead)).to_have_class(re.compile("is-moved"), timeout=60_000)
    expect(card(page, lead)).to_contain_text("Moved to Accepted (SAL) by Sam Okafor.")
    assert (card(page, lead).bounding_box()["x"], card(page, lead).bounding_box()["y"]) == (place["x"], place["y"])
    expect(card(page, scored).locator(".card-score b")).to_have_text("84", timeout=60_000)
    expect(card(page, scored).locator(".grade")).to_have_attribute("title", "Fit B, engagement 2")
    assert card(page, scored).bounding_box() == size
    chip = page.locator("#news")
    expect(chip).to_have_text("1 new")
    expect(card(page, new)).to_have_count(0)
    chip.click()
    expect(card(page, new)).to_be_visible()
    expect(card(page, lead)).to_have_count(0)


def test_the_slower_one_learns_who_was_faster(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead = offered(cast)
    page = open_page(cast.jana, f"{SALES}?scope=team")
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "accept", by=cast.sam)
    card(page, lead).get_by_role("button", name="Accept").click()
    expect(in_column(page, "accepted", lead)).to_contain_text("Sam Okafor was")
    assert StageChange.objects.filter(lead=lead, verb="accept").count() == 1


def test_the_search_narrows_as_one_types_and_keeps_the_focus(cast: Cast, open_page: Callable[..., Page]) -> None:
    wanted = a_lead()
    other = a_lead(ada(email="z@acme.example", phone="", first_name="Zoe", last_name="Zander"))
    page = open_page(cast.mia, MARKETING)
    page.keyboard.press("/")
    page.keyboard.type("broem")
    expect(card(page, other)).to_have_count(0)
    expect(card(page, wanted)).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("mel")
    expect(page).to_have_url(re.compile("q=broemmel"))


@pytest.mark.parametrize("when", ["while the answer is under way", "before the new box listens"])
def test_what_is_typed_until_the_answer_stands_is_asked_for_too(
    cast: Cast, open_page: Callable[..., Page], when: str
) -> None:
    wanted = a_lead()
    other = a_lead(ada(email="z@acme.example", phone="", first_name="Zoe", last_name="Brock"))
    page = open_page(cast.mia, MARKETING)
    page.evaluate(TYPE_ON, ["htmx:beforeSwap" if when == "while the answer is under way" else "htmx:afterSwap"])
    page.keyboard.press("/")
    page.keyboard.type("bro")
    expect(page).to_have_url(re.compile("q=broemmel$"))
    expect(page.get_by_role("searchbox")).to_have_value("broemmel")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(card(page, other)).to_have_count(0)
    expect(card(page, wanted)).to_be_visible()


# --- Phone, themes, rules -------------------------------------------------------------------------


def everything(cast: Cast) -> None:
    """Put something into every lane, over the limit and late."""

    def person(name: str) -> Any:
        return ada(email=f"{name}@acme.example", phone="", last_name=f"{name.title()} von Hohenfels-Wittgenstein")

    a_lead(person("new"))
    an_mql(cast, contact=person("mql"))
    offered(cast, contact=person("offered"))
    accepted(cast, contact=person("accepted"))
    qualified(cast, contact=person("qualified"))
    back = offered(cast, contact=person("back"))
    lifecycle.advance(back, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    rest = a_lead(person("rest"))
    lifecycle.advance(rest, "nurture", by=cast.mia, wake_on=next_month())
    confirm(Lead.objects.get(stage="sal"), cast.sam, "budget")


@pytest.mark.parametrize(("who", "board"), [("mia", MARKETING), ("sam", f"{SALES}?open=won")])
def test_axe_finds_nothing_on_a_board_its_menu_and_its_dialog(
    cast: Cast, open_page: Callable[..., Page], who: str, board: str
) -> None:
    everything(cast)
    page = open_page(getattr(cast, who), board)
    assert barriers_at_all_sizes(page) == {}
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.locator("#board .move").first.click()
    page.wait_for_selector("#menu:popover-open")
    assert barriers_in_both_schemes(page, "#menu") == {}
    page.locator("#menu [role=menuitem]:not([aria-disabled])").first.click()
    page.wait_for_selector("dialog[open], [data-toast]")
    assert barriers_in_both_schemes(page, "dialog[open], [data-toast]") == {}


def test_axe_finds_nothing_on_today(cast: Cast, open_page: Callable[..., Page]) -> None:
    everything(cast)
    for who in ("sam", "mia", "ava", "lena"):
        assert barriers_at_all_sizes(open_page(getattr(cast, who), "/")) == {}, who


def test_a_phone_shows_one_column_and_moves_by_a_sheet(cast: Cast, open_page: Callable[..., Page], page: Page) -> None:
    everything(cast)
    page.set_viewport_size({"width": 320, "height": 700})
    open_page(cast.sam, SALES)
    expect(page.locator("#board .column:visible")).to_have_count(1)
    page.get_by_role("navigation", name="Columns").get_by_role("link", name="Accepted").click()
    expect(page.locator("#column-accepted")).to_be_visible()
    expect(page.locator("#column-offered")).to_be_hidden()
    page.locator("#column-accepted .move").first.click()
    page.wait_for_selector("#menu:popover-open")
    sheet = page.locator("#menu").bounding_box()
    assert (sheet["x"], sheet["width"], round(sheet["y"] + sheet["height"])) == (0, 320, 700)


def test_targets_are_large_enough(cast: Cast, open_page: Callable[..., Page]) -> None:
    everything(cast)
    page = open_page(cast.sam, SALES)
    small = page.evaluate(
        """() => [...document.querySelectorAll("#board-page :is(a, button, input:not([type=hidden]))")]
            .filter(e => e.checkVisibility() && !e.closest(".card-name, p"))
            .map(e => [e.className || e.textContent.trim(), e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
    )
    assert small == []


def test_a_board_stays_light(cast: Cast, open_page: Callable[..., Page]) -> None:
    for number in range(60):
        a_lead(ada(email=f"p{number}@acme.example", phone="", last_name=f"P{number}"))
    everything(cast)
    page = open_page(cast.mia, MARKETING)
    assert page.evaluate("document.querySelectorAll('*').length") < 3_000
    for _time in range(3):
        shown = page.locator("#column-new .card").count()
        page.locator("#column-new a.more").click()
        expect(page.locator("#column-new .card")).not_to_have_count(shown)
    assert page.locator("#column-new .card").evaluate_all("all => new Set(all.map(c => c.id)).size === all.length")


def test_a_move_shows_before_the_server_has_heard_of_it(cast: Cast, open_page: Callable[..., Page]) -> None:
    lead = offered(cast)
    page = open_page(cast.sam, SALES)
    card(page, lead).locator(".card-name a").focus()
    assert page.evaluate(
        """() => { document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "]", bubbles: true, cancelable: true }));
            return document.querySelector("#column-accepted .card") !== null; }"""
    )
    expect(in_column(page, "accepted", lead)).not_to_have_attribute("aria-busy", "true")
