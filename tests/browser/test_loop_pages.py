"""The pages of the closed loop in a real browser, by axe: light and dark, wide and narrow. Part of `make soak`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from django.urls import reverse
from playwright.sync_api import Page, expect

from crm.workdays import local_date
from leads import feedback, lifecycle
from leads.models import Lead
from scoring import backtest
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast, accepted, ada, next_month, offered, reason
from tests.scoring.cards import a_draft, fact, in_force

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]


@pytest.fixture
def lead(cast: Cast) -> Lead:
    """An accepted lead that Sam has judged, beside others that make an alarm: Germany comes back, France stays."""
    kept = [accepted(cast, contact=ada(email=f"{n}@acme.example", country="FR")) for n in range(12)]
    for n in range(12, 22):
        sent = offered(cast, contact=ada(email=f"{n}@acme.example"))
        lifecycle.advance(sent, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    feedback.give(kept[0].handoffs.get(), "bad", by=cast.sam)
    version = a_draft(
        [fact("has_company", "is", True, points=50), fact("country", "is", "DE"), fact("country", "is", "FR")],
        bar_fit=40, bar_engagement=0,
    )  # fmt: skip
    in_force(version)
    backtest.ask(version, by=None)
    assert backtest.carry_on(60)
    return kept[0]


def test_no_page_of_the_loop_is_in_anybodys_way(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, lead: Lead
) -> None:
    sign_in(cast.sam)
    page.goto(f"{live_server.url}{reverse('lead', args=[lead.pk])}")
    page.get_by_role("button", name="Good", exact=True).click()
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    assert barriers_at_all_sizes(page, "main") == {}, "feedback"
    sign_in(cast.lena)
    report, rows = reverse("report", args=["reasons"]), reverse("report_rows", args=["reasons", "send_back"])
    for address, words in (
        (reverse("report", args=["criteria"]), "makes bad MQLs"),
        (f"{reverse('report_rows', args=['criteria', 'rejected'])}?criterion=c1", "Rejected MQLs lifted by"),
        (report, "most often because of"),
        (f"{report}?by=criterion", "their lines add up to more than the whole"),
        (rows, "10 moves between"),
        (f"{reverse('report', args=['week'])}?week={local_date()}", "Leads to talk about"),
    ):
        page.emulate_media(color_scheme="light")
        page.goto(live_server.url + address)
        expect(page.locator("main")).to_contain_text(words)
        assert barriers_at_all_sizes(page) == {}, address
