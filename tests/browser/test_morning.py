"""A rep's whole morning, by the keyboard alone, and without JavaScript: handoff, call, BANT, SQL, next step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from crm import activities, doctor
from crm.models import Activity
from leads import lifecycle, nurture, steps
from leads.models import Finding, Lead, NurtureContent, NurtureTopic
from tests.browser.barriers import barriers_at_all_sizes
from tests.browser.test_whole_life import people, reaches, sign_in  # noqa: F401
from tests.cast import Cast, a_lead, accepted, ada, next_month, offered

pytestmark = pytest.mark.django_db(transaction=True)
TOPICS = ("need", "budget", "timing")  # as the talk brings them, not as they stand on the page


def press_on(page: Page, what: str, wanted: str, *, most: int = 150) -> None:
    """Press Tab until the focus stands on what `wanted` names (its text or its name), and say so if it never does."""
    for _ in range(most):
        if page.evaluate(
            """([what, wanted]) => { const e = document.activeElement;
            return what === 'name' ? e.name === wanted
              : e && e.matches('a, button, summary')
              && e.innerText.replace(/\\s+/g, ' ').trim().startsWith(wanted); }""",
            [what, wanted],
        ):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"No Tab reaches {wanted!r} on {page.url}")


def test_by_the_keyboard_alone(live_server, browser: Browser, people: Cast) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    lead, day = offered(people, contact=ada()), timezone.localdate() + timedelta(days=3)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(60_000)
    page = context.new_page()
    sign_in(page, live_server.url, "sam@example.com")

    press_on(page, "text", "Accept")  # the new handoff stands on Today
    page.keyboard.press("Enter")
    reaches(lead, "sal")

    page.goto(f"{live_server.url}/leads/{lead.pk}/")
    press_on(page, "text", "Discovery call")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Call with Ada Brömmel")
    press_on(page, "text", "Start the clock")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop the clock")).to_be_focused()
    page.keyboard.press("Enter")
    for topic in TOPICS:
        page.locator("h1").focus()
        press_on(page, "name", f"{topic}-status")
        page.keyboard.type("Confirmed")
        press_on(page, "name", f"{topic}-evidence")
        page.keyboard.type(f"{topic}: said so on the phone.")
    press_on(page, "name", "next_step")
    page.keyboard.type("Send the offer")
    press_on(page, "name", "next_step_on")
    page.keyboard.type(f"{day:%m%d%Y}")
    press_on(page, "text", "Record the call")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Call recorded.").first).to_be_visible()

    press_on(page, "text", "Qualify", most=400)
    page.keyboard.press("Enter")
    reaches(lead, "sql")
    _all_of_it_is_there(lead, day)
    context.close()


def test_without_javascript(live_server, browser: Browser, people: Cast) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    lead, day = offered(people, contact=ada()), timezone.localdate() + timedelta(days=3)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    sign_in(page, live_server.url, "sam@example.com")
    page.get_by_role("button", name="Accept").first.click()
    reaches(lead, "sal")
    page.goto(f"{live_server.url}/leads/{lead.pk}/")
    page.get_by_role("link", name="Discovery call").click()
    expect(page.get_by_text("Start the clock")).to_be_hidden()
    page.locator("input[name=minutes]").fill("1")
    for topic in TOPICS:
        page.locator(f"select[name={topic}-status]").select_option("confirmed")
        page.locator(f"textarea[name={topic}-evidence]").fill(f"{topic}: said so on the phone.")
    page.get_by_role("button", name="Record the call").click()
    expect(page.get_by_text("Call recorded.").first).to_be_visible()
    page.locator("#next-step summary").click()
    page.locator("#next_next_step").fill("Send the offer")
    page.locator("#next_next_step_on").fill(day.isoformat())
    page.locator("#next-step").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Next step saved.").first).to_be_visible()
    page.get_by_role("button", name="Qualify").first.click()
    reaches(lead, "sql")
    _all_of_it_is_there(lead, day)
    context.close()


def test_axe_finds_nothing_on_the_pages_of_a_working_day(page: Page, live_server, people: Cast) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    lead, asleep = accepted(people, contact=ada()), a_lead(ada(email="b@acme.example", phone=""))
    steps.add(lead, {"what": "Call", "due_on": timezone.localdate()}, by=people.sam)
    steps.finish(steps.add(lead, {"what": "Mail"}, by=people.sam), by=people.sam)
    topic = NurtureTopic.objects.create(name="Heat", words="heat")
    NurtureContent.objects.create(
        title="Heat for beginners", topic=topic, phase="awareness", address="https://x.example/"
    )
    activities.record(asleep.contact, "white_paper", properties={"title": "Heat"})
    asleep.refresh_from_db()
    lifecycle.advance(asleep, "nurture", by=people.mia, wake_on=next_month())
    nurture.group()
    days = {
        "sam": ("/", "/work/", f"/leads/{lead.pk}/", f"/leads/{lead.pk}/call/"),
        "mia": ("/nurture/", f"/nurture/groups/{topic.pk}/awareness/", "/nurture/contents/new/"),
    }
    for who, addresses in days.items():
        sign_in(page, live_server.url, f"{who}@example.com")
        for address in addresses:
            page.goto(live_server.url + address)
            assert barriers_at_all_sizes(page) == {}, address


def _all_of_it_is_there(lead: Lead, day: object) -> None:
    lead.refresh_from_db()
    assert (lead.next_step, lead.next_step_on) == ("Send the offer", day)
    call = Activity.objects.get(contact=lead.contact, kind="call_out")
    assert call.properties == {"outcome": "reached", "minutes": 1}
    assert list(Finding.objects.filter(lead=lead).values_list("status", flat=True)) == ["confirmed"] * 3
    assert [sentence for _check, sentences in doctor.examine(full=True) for sentence in sentences] == []
