"""Every report in a real browser, by axe: light and dark, wide and narrow. Part of `make soak`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("playwright")
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm import activities
from leads import campaigns, feedback, lifecycle, spending
from leads.models import Lead
from leads.reports import registry
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast, a_lead, accepted, ada, next_month, offered, qualified, reason

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]
BEHIND = {
    "funnel": "mql", "velocity": "came-lead", "acceptance": "offered", "sources": "entered", "score-quality": "mql",
    "effort": "all", "cost": "entered", "sla": "offered", "reasons": "send_back",
}  # fmt: skip


def somebody(number: int) -> Any:
    """Return a person who came by the campaign of the fair."""
    contact = ada(email=f"{number}@acme.example", last_name=f"Person {number}")
    activities.record(
        contact, "page_view", at=timezone.now() - timedelta(days=1),
        properties={"path": "/", "utm": {"source": "x", "campaign": "fair"}},
    )  # fmt: skip
    return contact


@pytest.fixture
def leads(cast: Cast) -> list[Lead]:
    """Leads at each step of the funnel, enough of them for shares and medians, and what the fair cost."""
    fair = campaigns.create({"name": "Fair", "channel": "fair"}, by=None, key="fair")
    today = timezone.localdate()
    told = {"amount": Decimal(9_000), "starts_on": today - timedelta(days=20), "ends_on": today}
    spending.book(told | {"campaign_id": fair.pk}, by=None)
    a_lead(somebody(0))
    back = [offered(cast, contact=somebody(n)) for n in range(1, 8)]
    for lead in back:
        lifecycle.advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    feedback.give(back[0].handoffs.get(), "bad", by=cast.lena)
    kept = [accepted(cast, contact=somebody(n), source="newsletter") for n in range(8, 14)]
    activities.record(kept[0].contact, "call_out", at=timezone.now(), by=cast.sam)
    won = qualified(cast, contact=somebody(14))
    lifecycle.advance(won, "win", by=cast.sam, amount=Decimal(48_000), date=today)
    return [*back, *kept, won]


def test_no_report_is_in_anybodys_way(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, leads: list[Lead]
) -> None:
    sign_in(cast.lena)
    for report in registry.of(cast.lena):
        address = reverse("report", args=[report.key])
        _look(page, live_server.url + address)
        expect(page.locator(".tabs [aria-current=page]")).to_have_text(re.compile(re.escape(str(report.label))))


def test_no_list_behind_a_figure_is_in_anybodys_way(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, leads: list[Lead]
) -> None:
    sign_in(cast.lena)
    for report, step in BEHIND.items():
        _look(page, live_server.url + reverse("report_rows", args=[report, step]))
        expect(page.locator("main")).to_contain_text("Ada Person")


def test_a_comparison_is_in_nobodys_way(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, leads: list[Lead]
) -> None:
    sign_in(cast.lena)
    for report in ("velocity", "acceptance", "sources", "score-quality", "effort"):
        _look(page, f"{live_server.url}{reverse('report', args=[report])}?compare=before")


def _look(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="light")
    answer = page.goto(address)
    assert answer is not None and answer.status == 200, address
    assert barriers_at_all_sizes(page) == {}, address
