"""The pages of webhooks in a real browser, looked at with axe: light and dark, wide and narrow. Part of `make soak`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.models import Disclosure, OutboxMessage, WebhookAttempt
from crm.webhooks import queueing
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast, ada
from tests.crm.test_settings_pages import sign_in as signed_in
from tests.crm.test_webhook_pages import made

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]


def test_no_page_of_webhooks_is_in_anybodys_way(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast
) -> None:
    row, now = made(signed_in(cast.ava)), timezone.now()
    queueing.test(row, by=cast.ava)
    message = OutboxMessage.objects.get(channel="webhook")
    OutboxMessage.objects.update(state="failed", attempts=8, dead_reason="refused 500")
    WebhookAttempt.objects.create(message=message, outcome="refused", status=500, milliseconds=12, answer="<b>no</b>")
    Disclosure.objects.create(contact=ada(), endpoint=row, first_at=now, last_at=now)
    sign_in(cast.ava)
    for name, args in (
        ("settings_webhooks", []), ("settings_webhook_new", []), ("settings_webhook", [row.pk]),
        ("settings_webhook_edit", [row.pk]), ("settings_webhook_delivery", [message.pk]), ("settings_recipients", []),
    ):  # fmt: skip
        page.emulate_media(color_scheme="light")
        page.goto(f"{live_server.url}{reverse(name, args=args)}")
        expect(page.locator("h1")).to_be_visible()
        assert barriers_at_all_sizes(page) == {}, name
