"""An empty installation in a real browser, with and without JavaScript: one page, then a first lead of one's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from crm.models import User
from leads.models import Lead

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_an_empty_installation_leads_to_a_first_own_lead(live_server, browser: Browser, scripted: bool) -> None:  # type: ignore[no-untyped-def]
    room = browser.new_context(java_script_enabled=scripted)
    room.set_default_timeout(60_000)
    page = room.new_page()
    page.goto(live_server.url)
    expect(page).to_have_title("Begin · Baton")
    page.get_by_label("Name of your company or team").fill("Acme GmbH")
    page.get_by_label("Your name").fill("Ines Vogt")
    page.get_by_label("Your e-mail").fill("ines@acme.example")
    page.get_by_label("Password").fill("blue-lamp-river")
    page.get_by_role("button", name="Make my workspace").click()
    expect(page).to_have_title("Today · Baton")
    page.get_by_role("link", name="Add a first lead by hand").click()
    page.get_by_label("First name").fill("Erika")
    page.get_by_label("Last name").fill("Muster")
    page.get_by_label("E-mail").first.fill("erika@muster.example")
    page.get_by_role("button", name="Add the lead").click()
    expect(page).to_have_title("Erika Muster · Baton")
    page.goto(f"{live_server.url}/boards/marketing/")
    expect(page.get_by_role("link", name="Erika Muster", exact=True)).to_be_visible()
    lead = Lead.objects.get()
    assert (lead.stage, lead.owner, lead.contact.email) == ("lead", User.objects.get(), "erika@muster.example")
    room.close()
