"""The settings of webhooks: made with its line in the register, its secret shown once, its log and "Send again"."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import AuditEntry, Disclosure, OutboxMessage, WebhookAttempt, WebhookEndpoint
from crm.webhooks import queueing, secrets
from tests.cast import Cast, a_lead, ada
from tests.crm.test_settings_pages import sign_in

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Mail tool", "url": "https://hooks.mailer.example/in?key=s3cret",
    "events": ["lead.send_back", "lead.nurture"],
    "recipient": "Mailer GmbH", "purpose": "Nurturing mails", "country": "DE", "contract_on": "2026-04-01",
}  # fmt: skip


@pytest.fixture
def ava(cast: Cast) -> Client:
    return sign_in(cast.ava)


def filled(client: Client, address: str, values: dict[str, Any]) -> Any:
    """Post what the page's form holds, with `values` over it."""
    form = client.get(address).context["form"]
    held = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in held.items() if value not in (None, False)} | values
    return client.post(address, {name: value for name, value in data.items() if value is not False})


def made(ava: Client, **values: Any) -> WebhookEndpoint:
    answer = filled(ava, reverse("settings_webhook_new"), NEW | values)
    assert answer.status_code == 200, answer.context["form"].errors
    return WebhookEndpoint.objects.get(name=(NEW | values)["name"])


def test_a_webhook_is_made_and_its_secret_shown_once(ava: Client) -> None:
    answer = filled(ava, reverse("settings_webhook_new"), NEW)
    row = WebhookEndpoint.objects.get()
    assert secrets.secret_of(row.nonce) in answer.content.decode()
    assert (row.active, row.events, row.created_by.email) == (True, NEW["events"], "ava@example.com")
    for name in ("settings_webhook", "settings_webhook_edit"):
        assert secrets.secret_of(row.nonce) not in ava.get(reverse(name, args=[row.pk])).content.decode()
    entry = AuditEntry.objects.get(action="webhook.added")
    assert "s3cret" not in str(entry.payload)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"recipient": ""}, "recipient"), ({"purpose": ""}, "purpose"), ({"country": ""}, "country"),
        ({"contract_on": ""}, "contract_on"), ({"events": []}, "events"), ({"events": ["lead.undo"]}, "events"),
        ({"url": "http://127.0.0.1/"}, "url"), ({"url": "https://user:pw@mailer.example/"}, "url"),
        ({"url": "https://[::1]/"}, "url"), ({"url": "https://mailer.example:22/"}, "url"),
    ],
)  # fmt: skip
def test_without_its_line_in_the_register_or_a_usable_address_nothing_is_made(
    ava: Client, wrong: dict[str, Any], field: str
) -> None:
    answer = filled(ava, reverse("settings_webhook_new"), NEW | wrong)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not WebhookEndpoint.objects.exists()


def test_our_own_system_needs_no_contract(ava: Client) -> None:
    assert made(ava, is_ours="on", contract_on="").is_ours


def test_switched_off_nothing_waits_for_it_and_on_again_it_starts_afresh(ava: Client, cast: Cast) -> None:
    row = made(ava)
    queueing.test(row, by=cast.ava)
    WebhookEndpoint.objects.update(retired_at=timezone.now(), retired_because="gone")
    url = reverse("settings_webhook_edit", args=[row.pk])
    assert filled(ava, url, {"active": False}).status_code == 302
    message = OutboxMessage.objects.get(channel="webhook")
    assert (message.state, message.dead_reason) == ("cancelled", "switched_off")
    page = ava.get(reverse("settings_webhook", args=[row.pk])).content.decode()
    assert "The webhook was switched off." in page
    assert "gone for good (410)" in page
    assert filled(ava, url, {"active": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.active, row.retired_at, row.retired_because) == (True, None, "")


def test_a_page_that_is_out_of_date_is_refused(ava: Client) -> None:
    row = made(ava)
    url = reverse("settings_webhook_edit", args=[row.pk])
    stale = ava.get(url).context["form"]["was"].value()
    WebhookEndpoint.objects.update(purpose="Something else")
    answer = filled(ava, url, {"was": stale, "purpose": "Mine"})
    assert answer.status_code == 422
    assert WebhookEndpoint.objects.get().purpose == "Something else"


def test_the_log_shows_each_try_and_sends_again_under_the_same_id(ava: Client, cast: Cast) -> None:
    row = made(ava)
    ava.post(reverse("settings_webhook_test", args=[row.pk]))
    message = OutboxMessage.objects.get(channel="webhook")
    OutboxMessage.objects.update(state="failed", attempts=8, dead_reason="refused 500")
    WebhookAttempt.objects.create(message=message, outcome="refused", status=500, milliseconds=12, answer="<b>no</b>")
    listed = ava.get(reverse("settings_webhook", args=[row.pk])).content.decode()
    assert "webhook.test" in listed and "Refused 500" in listed
    page = ava.get(reverse("settings_webhook_delivery", args=[message.pk])).content.decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in page and message.key in page
    ava.post(reverse("settings_webhook_again", args=[message.pk]))
    again = OutboxMessage.objects.get(channel="webhook")
    assert (again.key, again.state, again.attempts) == (message.key, "pending", 0)
    ava.post(reverse("settings_webhook_again", args=[message.pk]))
    assert AuditEntry.objects.filter(action="webhook.sent_again").count() == 1


def test_a_new_secret_is_shown_once_and_the_older_one_can_be_ended(ava: Client) -> None:
    row = made(ava)
    before = row.nonce
    answer = ava.post(reverse("settings_webhook_rotate", args=[row.pk]))
    row.refresh_from_db()
    assert secrets.secret_of(row.nonce) in answer.content.decode()
    assert (row.old_nonce, row.overlaps) == (before, True)
    ava.post(reverse("settings_webhook_end_overlap", args=[row.pk]))
    row.refresh_from_db()
    assert not row.overlaps


def test_only_admins_touch_webhooks(ava: Client, cast: Cast) -> None:
    row = made(ava)
    queueing.test(row, by=cast.ava)
    message = OutboxMessage.objects.get(channel="webhook")
    for one in (cast.mia, cast.sam, cast.lena):
        client = Client()
        client.force_login(one, backend="allauth.account.auth_backends.AuthenticationBackend")
        for name, pk in (
            ("settings_webhook_edit", row.pk), ("settings_webhook_test", row.pk), ("settings_webhook_rotate", row.pk),
            ("settings_webhook_end_overlap", row.pk), ("settings_webhook_again", message.pk),
        ):  # fmt: skip
            assert client.post(reverse(name, args=[pk])).status_code == 403
        assert client.get(reverse("settings_webhook_delivery", args=[message.pk])).status_code == 403
    assert WebhookEndpoint.objects.get().nonce == row.nonce


def test_the_register_keeps_a_recipient_that_is_off(ava: Client, cast: Cast) -> None:
    row = made(ava, tells_person="on")
    now = timezone.now()
    Disclosure.objects.create(contact=a_lead().contact, endpoint=row, first_at=now, last_at=now)
    WebhookEndpoint.objects.update(active=False)
    page = ava.get(reverse("settings_recipients")).content.decode()
    assert "Mailer GmbH" in page and "Nurturing mails" in page and "name and channels, stage, score" in page


def test_lists_cost_the_same_few_queries_for_few_and_many_rows(
    ava: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    row = made(ava)
    now = timezone.now()
    for size in (1, 12):
        for number in range(size):
            queueing.test(row, by=cast.ava)
            contact = ada(email=f"a{size}-{number}@b.example")
            Disclosure.objects.create(contact=contact, endpoint=row, first_at=now, last_at=now)
            WebhookAttempt.objects.create(
                message=OutboxMessage.objects.latest("pk"), outcome="taken", status=200, milliseconds=3
            )
        for name, args in (("settings_webhook", [row.pk]), ("settings_recipients", []), ("settings_webhooks", [])):
            with django_assert_max_num_queries(12):
                assert ava.get(reverse(name, args=args)).status_code == 200
