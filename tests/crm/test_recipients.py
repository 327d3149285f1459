"""The register of recipients: the mail server and the mail providers belong into it as webhooks do (P32)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm import activities, doctor, mail_recipients
from crm.models import AuditEntry, MailRecipient
from tests.cast import Cast, ada
from tests.crm.test_settings_pages import post_form, sign_in

pytestmark = pytest.mark.django_db
SERVER = "server:smtp.mailer.example"
FILLED = {"recipient": "Mailer GmbH", "purpose": "Sending our mails", "country": "DE", "contract_on": "2026-04-01"}


@pytest.fixture
def ava(cast: Cast) -> Client:
    return sign_in(cast.ava)


@pytest.fixture
def by_smtp(settings: Any) -> None:
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "smtp.mailer.example"


def complaints() -> list[str]:
    return [text for check in doctor.CHECKS if check.name == "mail_recipients" for text in check.ask(True)]


def address(key: str) -> str:
    return reverse("settings_mail_recipient", args=[key])


def test_the_server_in_use_is_missed_until_its_line_is_written(ava: Client, by_smtp: None) -> None:
    assert complaints() == ["smtp.mailer.example is not in the register yet: Settings → Recipients."]
    assert "not in the register yet" in ava.get(reverse("settings_recipients")).content.decode()
    assert post_form(ava, address(SERVER), **FILLED).status_code == 302
    row = MailRecipient.objects.get()
    assert (row.key, row.recipient, row.country, row.contract_on) == (SERVER, "Mailer GmbH", "DE", date(2026, 4, 1))
    page = ava.get(reverse("settings_recipients")).content.decode()
    assert "Mailer GmbH" in page
    assert "not in the register yet" not in page
    assert complaints() == []
    assert AuditEntry.objects.filter(action="mail_recipient.added", actor__email="ava@example.com").exists()


@pytest.mark.parametrize("missing", ["recipient", "purpose", "country", "contract_on"])
def test_half_a_line_is_none(ava: Client, by_smtp: None, missing: str) -> None:
    answer = post_form(ava, address(SERVER), **FILLED | {missing: ""})
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {missing})
    assert not MailRecipient.objects.exists()


def test_a_line_changed_meanwhile_is_not_overwritten(ava: Client, by_smtp: None) -> None:
    post_form(ava, address(SERVER), **FILLED)
    stale = ava.get(address(SERVER)).context["form"]["was"].value()
    MailRecipient.objects.update(recipient="Post AG")
    answer = ava.post(address(SERVER), FILLED | {"was": stale, "recipient": "Brief KG"})
    assert answer.status_code == 422
    assert MailRecipient.objects.get().recipient == "Post AG"


def test_the_line_stays_when_another_server_sends(ava: Client, by_smtp: None, settings: Any) -> None:
    post_form(ava, address(SERVER), **FILLED)
    settings.EMAIL_HOST = "smtp.other.example"
    now = [(line.name, line.in_use, line.row is not None) for line in mail_recipients.lines()]
    assert now == [("smtp.other.example", True, False), ("smtp.mailer.example", False, True)]
    assert "no longer used" in ava.get(reverse("settings_recipients")).content.decode()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", ""])
def test_a_server_on_this_machine_is_nobody_else(db: None, settings: Any, host: str) -> None:
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = host
    assert mail_recipients.in_use() == []


def test_a_provider_that_tells_of_mails_belongs_into_the_register(cast: Cast, settings: Any) -> None:
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "k" * 20, "WEBHOOK_SECRET": "baton:a-long-password"}
    assert [line.name for line in mail_recipients.lines()] == ["Mailgun"]
    activities.record(ada(), "email_opened", feed="mail:postmark", message_id="1")
    lines = mail_recipients.lines()
    assert [(line.key, line.name) for line in lines] == [("events:mailgun", "Mailgun"), ("events:postmark", "Postmark")]
    assert len(complaints()) == 2


def test_there_is_no_line_for_what_nobody_uses(ava: Client, by_smtp: None) -> None:
    assert ava.get(address("server:elsewhere.example")).status_code == 404
    assert ava.post(address("events:mailgun"), FILLED).status_code == 404
    assert not MailRecipient.objects.exists()


def test_the_register_is_kept_by_admins_alone(cast: Cast, by_smtp: None) -> None:
    for who in (cast.mia, cast.sam, cast.lena):
        client = sign_in(who)
        assert client.get(address(SERVER)).status_code == 403
        assert client.post(address(SERVER), FILLED).status_code == 403
    assert Client().post(address(SERVER), FILLED).status_code == 302
    assert not MailRecipient.objects.exists()
