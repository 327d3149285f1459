"""A lead's whole life in a real browser, with and without JavaScript: Mia hands over, Sam accepts, qualifies, wins."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from crm import doctor
from leads.models import Finding, Lead
from leads.reports import funnel
from tests.cast import Cast, ada, an_mql, assemble

pytestmark = pytest.mark.django_db(transaction=True)

STORY = [
    ("qualify_for_marketing", "mql", "Mia Kowalczyk"),
    ("hand_off", "mql", "Mia Kowalczyk"),
    ("accept", "sal", "Sam Okafor"),
    ("qualify_for_sales", "sql", "Sam Okafor"),
    ("win", "won", "Sam Okafor"),
    ("undo", "sql", "Sam Okafor"),
]


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return assemble()


@pytest.fixture
def room(browser: Browser, scripted: bool) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=scripted, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    yield context
    context.close()


def sign_in(page: Page, address: str, email: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{address}/accounts/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill("baton-demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title("Today · Baton")


def choose(page: Page, card: Locator, move: str, scripted: bool) -> Locator:
    """Open the card's menu (a page without JavaScript), choose `move`, and return where its form is, if it asks."""
    card.get_by_role("link", name="Move ").click()
    name = re.compile(f"^{move}…?$")
    if scripted:
        page.get_by_role("menuitem", name=name).click()
        return page.locator("dialog[open]")
    moves = page.locator(".move-list")
    moves.get_by_role("link", name=name).or_(moves.get_by_role("button", name=name)).click()
    return page.locator("main")


def card_of(page: Page, lead: Lead) -> Locator:
    return page.locator(f"#card-{lead.pk}")


def reaches(lead: Lead, stage: str) -> None:
    """Wait until the row stands in `stage`; the page was only told afterwards."""
    for _ in range(100):
        if Lead.objects.values_list("stage", flat=True).get(pk=lead.pk) == stage:
            return
        time.sleep(0.1)
    assert Lead.objects.values_list("stage", flat=True).get(pk=lead.pk) == stage


def confirm(page: Page, lead: Lead, topic: str) -> None:
    before = Finding.objects.filter(lead=lead).count()
    part = page.locator("#checklist li", has=page.get_by_role("heading", name=topic))
    part.locator("summary").click()
    part.locator("select[name$=status]").select_option("confirmed")
    part.locator("textarea").fill(f"{topic}: said so on the phone.")
    part.get_by_role("button", name="Record", exact=True).click()
    expect(part.locator(".state")).to_have_text("Confirmed")
    assert Finding.objects.filter(lead=lead).count() == before + 1


def test_mia_hands_over_and_sam_wins(live_server, room: BrowserContext, people: Cast, scripted: bool) -> None:  # type: ignore[no-untyped-def]
    lead, page = an_mql(people, contact=ada()), room.new_page()

    sign_in(page, live_server.url, "mia@example.com")
    page.goto(f"{live_server.url}/boards/marketing/")
    form = choose(page, card_of(page, lead), "Hand over", scripted)
    form.locator("select[name=taker]").select_option(f"person-{people.sam.pk}")
    form.locator("textarea[name=note]").fill("Asks about retrofit, call before Friday.")
    form.get_by_role("button", name="Hand over").click()
    if not scripted:
        expect(page.locator("h1")).to_have_text("Ada Brömmel")
        page.goto(f"{live_server.url}/boards/marketing/")
    expect(page.locator("section.column", has_text="Offered to sales").locator(f"#card-{lead.pk}")).to_be_visible()

    sign_in(page, live_server.url, "sam@example.com")
    page.goto(f"{live_server.url}/boards/sales/")
    choose(page, card_of(page, lead), "Accept", scripted)
    reaches(lead, "sal")

    page.goto(f"{live_server.url}/leads/{lead.pk}/")
    for topic in ("Budget", "Authority", "Need"):
        confirm(page, lead, topic)
    page.goto(f"{live_server.url}/boards/sales/")
    choose(page, card_of(page, lead), "Qualify", scripted)
    reaches(lead, "sql")

    page.goto(f"{live_server.url}/boards/sales/")
    form = choose(page, card_of(page, lead), "Won", scripted)
    form.locator("input[name=amount]").fill("48000")
    form.locator("input[name=date]").fill(f"{timezone.localdate():%Y-%m-%d}")
    form.get_by_role("button", name="Mark as won").click()
    reaches(lead, "won")
    assert Lead.objects.get(pk=lead.pk).amount == Decimal("48000")

    page.goto(f"{live_server.url}/leads/{lead.pk}/moves/")
    page.get_by_role("button", name="Undo").click()
    reaches(lead, "sql")
    told = [(c.verb, c.to_stage, c.by.name) for c in lead.changes.select_related("by").order_by("seq") if c.by]
    assert told == STORY
    page.goto(f"{live_server.url}/reports/funnel/")
    expect(page.locator("h1")).to_have_text("Funnel")
    day = funnel.on_day(timezone.localdate(), people.sam)
    assert (day.moved["won"], day.amount) == (0, Decimal(0))
    assert [sentence for _check, sentences in doctor.examine(full=True) for sentence in sentences] == []
