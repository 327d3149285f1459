"""The pages about people in a real browser: no barrier, no sideways scroll, and the work of a day by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm import activities, consents, contacts
from crm.models import Activity, LegalBasis
from leads import steps
from leads.models import Finding, Lead
from tests.browser.barriers import barriers, barriers_at_all_sizes
from tests.cast import Cast, a_lead, accepted, ada, confirm

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "Süddeutsche Kältetechnik- und Anlagenbaugesellschaft mbH & Co. Kommanditgesellschaft"


@pytest.fixture
def lead(cast: Cast) -> Lead:
    """A lead of Sam's with something in every part of its page."""
    lead = accepted(cast)
    contacts.update_company(
        lead.contact.company, {"name": LONG, "website": "https://acme.example"}, by=None, source="t"
    )
    ada(first_name="A.", email="a.broemmel@private.example")
    activities.record(lead.contact, "white_paper", properties={"title": "Cold chains without blind spots"})
    activities.record(lead.contact, "question", properties={"text": "W" * 90})
    activities.record(lead.contact, "call_out", by=cast.sam, properties={"text": "Opens in May", "minutes": 12})
    confirm(lead, cast.sam, "budget")
    consents.note(lead.contact, "confirmed", purpose="newsletter", channel="email", source="form 3")
    consents.note(lead.contact, "objected", purpose="offer", channel="phone", source="call")
    LegalBasis.objects.create(contact=lead.contact, basis="consent", since=timezone.localdate(), source="form 3")
    lead.standing.score, lead.standing.grade = 118, "A1"
    lead.standing.save(update_fields=["score", "grade"])
    steps.add(lead, {"what": "Send the offer", "due_on": timezone.localdate()}, by=cast.sam)
    return lead


@pytest.fixture
def sam(page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast) -> Page:
    sign_in(cast.sam)
    page.emulate_media(reduced_motion="reduce")
    return page


def addresses(lead: Lead) -> dict[str, str]:
    return {
        "lead": f"{reverse('lead', args=[lead.pk])}?from=sales:accepted",
        "contacts": reverse("contacts"),
        "search": f"{reverse('contacts')}?q=broe",
        "contact": reverse("contact", args=[lead.contact_id]),
        "contact_edit": reverse("contact_edit", args=[lead.contact_id]),
        "consent": reverse("contact_consent", args=[lead.contact_id]),
        "companies": reverse("companies"),
        "company": reverse("company", args=[lead.contact.company_id]),
        "add": reverse("add_lead"),
        "edit": reverse("lead_edit", args=[lead.pk]),
    }


def test_axe_finds_nothing_and_nothing_scrolls_sideways(sam: Page, lead: Lead, live_server: Any) -> None:
    reports: list[str] = []
    sam.on("console", lambda message: reports.append(message.text) if message.type == "error" else None)
    for name, address in addresses(lead).items():
        sam.goto(live_server.url + address)
        assert barriers_at_all_sizes(sam) == {}, name
    assert reports == []


def test_what_matters_stands_above_the_fold(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.set_viewport_size({"width": 1280, "height": 720})
    sam.goto(live_server.url + addresses(lead)["lead"])
    for text in ("Ada Brömmel", "Sam Okafor holds the baton", "Send the offer", "Legal basis", "Accepted (SAL)"):
        box = sam.get_by_text(text, exact=text != "Send the offer").first.bounding_box()
        assert box and box["y"] + box["height"] < 720, text
    assert (sam.get_by_label("Fit A, engagement 1").first.bounding_box() or {})["y"] < 720


def test_a_call_is_logged_by_keyboard_alone(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    sam.keyboard.press("n")
    expect(sam.get_by_label("In one line")).to_be_focused()
    sam.keyboard.type("Wants the offer by Friday")
    sam.keyboard.press("Enter")
    expect(sam.get_by_text("Wants the offer by Friday")).to_be_visible()
    assert Activity.objects.get(properties__text="Wants the offer by Friday").kind_id == "call_out"


def test_a_mail_link_makes_its_line_ready(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    link = sam.get_by_role("link", name="Write")
    assert link.get_attribute("href") == "mailto:ada@acme.example"
    link.evaluate("element => { element.addEventListener('click', event => event.preventDefault()); element.click(); }")
    expect(sam.get_by_label("What", exact=True)).to_have_value("email_out")
    expect(sam.get_by_label("In one line")).to_be_focused()


def test_the_next_step_is_edited_in_place_and_escape_leaves_it(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    step = sam.locator("#next-step summary")
    step.click()
    field = sam.locator("#next_next_step")
    field.fill("Something else")
    sam.keyboard.press("Escape")
    expect(step).to_be_focused()
    expect(field).to_be_hidden()
    step.click()
    expect(field).to_have_value("Send the offer")
    field.fill("Visit the hall")
    field.press("Enter")
    expect(step).to_contain_text("Visit the hall")
    expect(sam.get_by_text("Next step saved.").first).to_be_visible()
    lead.refresh_from_db()
    assert lead.next_step == "Visit the hall"


def test_a_finding_is_recorded_where_its_topic_stands(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    topic = sam.locator(".dims > li").filter(has=sam.get_by_role("heading", name="Timing"))
    topic.locator("summary").click()
    topic.get_by_label("Status").select_option("confirmed")
    topic.get_by_label("Evidence").fill("Cooling by May")
    topic.get_by_role("button", name="Record").click()
    expect(sam.get_by_text("2 of 4 confirmed, 3 needed")).to_be_visible()
    assert Finding.objects.filter(lead=lead, dimension="timing", status="confirmed").exists()


def test_a_refused_move_says_why_in_place(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    expect(sam.locator("#stagebar")).to_contain_text("Waits for 2 more confirmed topics")
    sam.locator("#stagebar").get_by_role("link", name="Send back…").click()
    expect(sam.locator("#dialog")).to_be_visible()
    sam.keyboard.press("Escape")
    expect(sam.locator("#dialog")).to_be_hidden()


def test_the_timeline_is_filtered_without_leaving_the_page(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + addresses(lead)["lead"])
    sam.get_by_role("link", name="Calls 1").click()
    expect(sam.locator("#timeline li")).to_have_count(1)
    expect(sam.get_by_role("link", name="Calls 1")).to_have_attribute("aria-current", "true")


def test_j_and_k_walk_the_list(sam: Page, cast: Cast, live_server: Any) -> None:
    leads = [a_lead(ada(first_name=n, email=f"{n}@acme.example", phone=""), owner=cast.sam) for n in ("Ann", "Bea")]
    sam.goto(f"{live_server.url}{reverse('lead', args=[leads[0].pk])}?from=contacts")
    expect(sam.get_by_text("1 of 2")).to_be_visible()
    sam.keyboard.press("j")
    expect(sam.get_by_role("heading", name="Bea Brömmel")).to_be_visible()
    sam.wait_for_load_state()  # the scripts that hear a key come after what can be seen
    sam.keyboard.press("k")
    expect(sam.get_by_role("heading", name="Ann Brömmel")).to_be_visible()


def test_contacts_are_found_while_typing(sam: Page, lead: Lead, cast: Cast, live_server: Any) -> None:
    a_lead(
        ada(first_name="Grace", last_name="Hopper", email="g@navy.example", phone="", company_id=None), owner=cast.sam
    )
    sam.goto(live_server.url + reverse("contacts"))
    expect(sam.locator("tbody tr")).to_have_count(2)
    sam.keyboard.press("/")
    sam.keyboard.type("broem")
    expect(sam.locator("tbody tr")).to_have_count(1)
    expect(sam.locator("tbody mark").first).to_have_text("Bröm")
    expect(sam).to_have_url(f"{live_server.url}{reverse('contacts')}?q=broem")


def test_somebody_known_is_hinted_at_while_typing(sam: Page, lead: Lead, live_server: Any) -> None:
    sam.goto(live_server.url + reverse("add_lead"))
    sam.get_by_label("E-mail").press_sequentially("ada@acme.example")
    expect(sam.get_by_text("Perhaps the same person")).to_be_visible()
    assert barriers(sam) == []
    sam.get_by_label("Company").press_sequentially("südd")
    expect(sam.locator("#company-names option")).to_have_attribute("value", LONG)


def test_a_conflict_is_settled_without_barriers(sam: Page, lead: Lead, cast: Cast, live_server: Any) -> None:
    sam.goto(live_server.url + reverse("contact_edit", args=[lead.contact_id]))
    contacts.update_contact(lead.contact, {"job_title": "Theirs"}, by=cast.lena, source="form")
    sam.get_by_label("Job title").fill("Mine")
    sam.get_by_role("button", name="Save").click()
    expect(sam.get_by_text("Lena Brandt saved this while you were editing.")).to_be_visible()
    assert barriers(sam) == []
    sam.get_by_label("Mine").check()
    sam.get_by_role("button", name="Save what I chose").click()
    expect(sam.get_by_text("Mine").first).to_be_visible()
    lead.contact.refresh_from_db()
    assert lead.contact.job_title == "Mine"
