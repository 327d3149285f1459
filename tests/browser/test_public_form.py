"""The public form in a real browser: no barrier, nothing kept in the browser, no other host, and no script needed."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect

from leads.models import CaptureForm, Submission
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import assemble
from tests.leads.sent_forms import a_form

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def form(transactional_db: None) -> CaptureForm:
    assemble()
    return a_form("white_paper", consents=["newsletter:email", "profiling:"])


def check(page: Page) -> None:
    assert barriers_at_all_sizes(page) == {}


def test_a_visit_leaves_nothing_behind_and_meets_no_barrier(page: Page, live_server: Any, form: CaptureForm) -> None:
    hosts, heard = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_server.url}/f/{form.slug}/?lang=de")
    check(page)
    page.get_by_role("button", name="Whitepaper anfordern").click()
    expect(page.locator(".summary")).to_be_focused()
    check(page)
    page.get_by_label("E\u2011Mail", exact=True).fill("ada@acme.example")
    page.get_by_label("Vorname").fill("Ada")
    page.get_by_role("button", name="Whitepaper anfordern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bitte bestätigen Sie Ihre E\u2011Mail")
    check(page)
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert hosts == {live_server.url.split("/")[2]}
    assert [line for line in heard if "400" not in line] == []


def test_it_works_without_javascript_on_a_phone(browser: Browser, live_server: Any, form: CaptureForm) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640}, locale="en")
    page = context.new_page()
    page.goto(f"{live_server.url}/f/{form.slug}/")
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button", name="Send me the white paper").click()
    expect(page.locator("#id_email_error")).to_contain_text("Enter your e-mail address")
    assert page.get_by_label("First name").input_value() == "Ada"
    page.get_by_label("E-mail", exact=True).fill("ada@acme.example")
    page.get_by_label("Yes, send me the newsletter by e-mail.").check()
    page.get_by_role("button", name="Send me the white paper").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please confirm your e-mail")
    assert len(Submission.objects.get().text_ids) == 1
    context.close()
