"""Double opt-in: nothing by looking, everything by the button, proved for good, withdrawn as easily."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm import consent_texts, consents, outbox
from crm.models import Activity, AuditEntry, ConsentEvent, ConsentText, Contact, LegalBasis, OutboxMessage
from leads import confirming, gated_files, submissions, withdrawing
from leads.demo_forms import PAPER
from leads.models import CaptureForm, GatedFile, Lead, Submission
from tests.cast import Cast, ada
from tests.leads.sent_forms import TOO_FAST, a_form, link, only, press, send

pytestmark = pytest.mark.django_db
State = Submission.State


def newsletter(language: str = "en") -> ConsentText:
    found = ConsentText.objects.filter(purpose="newsletter", channel="email", language=language)
    return found.order_by("-version")[0]


def a_paper() -> CaptureForm:
    form = a_form("white_paper")
    gated_files.keep(form, "Cold chains.pdf", gated_files.TYPES[".pdf"], PAPER)
    return form


@pytest.fixture(autouse=True)
def _mail_leaves(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail reaches the test's mailbox although its people live in reserved domains."""
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(outbox, "RESERVED_DOMAINS", ())


# --- Confirming ---------------------------------------------------------------------------------------


def test_a_sign_up_waits_and_then_counts_from_the_day_it_was_sent(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("newsletter_signup"))
    assert (Contact.objects.count(), Lead.objects.count(), Activity.objects.count()) == (0, 0, 0)
    sent = timezone.now() - timedelta(days=2)
    Submission.objects.update(submitted_at=sent)
    assert press(link(mailoutbox)).status_code == 303
    assert (Lead.objects.get().entered_at, Activity.objects.get().occurred_at) == (sent, sent)
    events = list(ConsentEvent.objects.values_list("purpose", "channel", "kind"))
    assert events == [("newsletter", "email", "requested"), ("newsletter", "email", "confirmed")]
    assert only().state == State.DONE


def test_the_proof_names_everything(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("newsletter_signup"), **{"user-agent": "Firefox"})
    path = link(mailoutbox)
    press(path)
    proof = ConsentEvent.objects.get(kind="confirmed").evidence
    text = newsletter()
    assert set(proof) == {
        "form", "form_version", "text", "text_version", "text_sha256", "language", "ip", "user_agent", "submitted_at",
        "mail_sent_at", "mail_id", "confirmed_at", "confirmed_ip", "token_sha256",
    }  # fmt: skip
    assert (proof["text"], proof["text_sha256"]) == (text.body, consent_texts.sha256(text.body))
    assert (proof["ip"], proof["confirmed_ip"], proof["user_agent"]) == ("127.0.0.1", "127.0.0.1", "Firefox")
    assert path.split("/")[2] not in str(proof)
    assert (only().ip, only().user_agent) == (None, "")


def test_an_old_proof_keeps_its_words_when_the_text_changes(cast: Cast, mailoutbox: Any) -> None:
    old = newsletter().body
    send(a_form("newsletter_signup"))
    press(link(mailoutbox))
    new = consent_texts.publish(purpose="newsletter", channel="email", language="en", body="Other words.", by=cast.mia)
    assert new.version == 2
    page = Client()
    page.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    proof = page.get(f"/contacts/{Contact.objects.get().pk}/consent/").content.decode()
    assert old in proof
    assert consent_texts.sha256(old) in proof
    assert "Other words." not in proof


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_link_changes_nothing(cast: Cast, mailoutbox: Any, method: str) -> None:
    send(a_paper())
    path = link(mailoutbox)
    before = list(Submission.objects.values())
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer["Referrer-Policy"], answer.cookies) == (200, "no-referrer", {})
    assert list(Submission.objects.values()) == before
    assert not Contact.objects.exists()


def test_a_second_press_says_already_confirmed(cast: Cast, mailoutbox: Any) -> None:
    send(a_paper())
    path = link(mailoutbox)
    press(path)
    press(path)
    assert "Already confirmed" in Client().get(path).content.decode()
    assert (Lead.objects.count(), Activity.objects.count()) == (1, 1)


def test_a_link_of_eight_days_confirms_nothing(cast: Cast, mailoutbox: Any, time_machine: Any) -> None:
    send(a_paper())
    path = link(mailoutbox)
    request = only().pk
    time_machine.move_to(timezone.now())
    time_machine.shift(timedelta(days=8))
    assert "too old" in Client().get(path).content.decode()
    Client().post(path, {"act": "confirm", "request": [request]})
    assert only().state == State.PENDING
    assert not Contact.objects.exists()


def test_a_changed_link_is_no_link(cast: Cast, mailoutbox: Any) -> None:
    send(a_paper())
    path = link(mailoutbox)
    changed = path[:-2] + ("0" if path[-2] != "0" else "1") + "/"
    assert (Client().get(changed).status_code, Client().post(changed).status_code) == (404, 404)


def test_the_token_stands_in_no_table(cast: Cast, mailoutbox: Any) -> None:
    send(a_paper())
    token = link(mailoutbox).split("/")[2]
    rows = [*Submission.objects.values_list(), *OutboxMessage.objects.values_list()]
    assert token not in str(rows)
    assert only().token_hash != token


def test_nobody_confirms_what_belongs_to_another_address(cast: Cast, mailoutbox: Any) -> None:
    form = a_paper()
    send(form)
    path = link(mailoutbox)
    send(form, {"email": "grace@navy.example"})
    other = Submission.objects.latest("pk")
    Client().post(path, {"act": "confirm", "request": [other.pk, "x", "9" * 30]})
    other.refresh_from_db()
    assert other.state == State.PENDING


def test_confirming_twice_at_the_same_time_is_one_lead(cast: Cast) -> None:
    send(a_paper())
    submission = only()
    assert [confirming.confirm(submission, [submission.pk], ip="") for _time in range(2)] == [1, 0]


# --- The mail -------------------------------------------------------------------------------------------


def test_one_address_gets_one_mail_a_day_and_its_link_shows_the_rest(cast: Cast, mailoutbox: Any) -> None:
    for number in range(4):
        send(a_form("white_paper", slug=f"paper-{number}"))
    path = link(mailoutbox)
    assert len(mailoutbox) == 1
    press(path)
    assert Submission.objects.filter(state=State.DONE).count() == 4
    assert (Contact.objects.count(), Lead.objects.count(), Activity.objects.count()) == (1, 1, 4)
    send(a_form("case_study"))
    assert len(mailoutbox) == 1
    assert "One more thing to confirm" in Client().get(path).content.decode()


def test_twenty_sendings_for_a_victim_are_one_mail(cast: Cast, mailoutbox: Any) -> None:
    for number in range(20):
        send(a_form("white_paper", slug=f"paper-{number}"))
    link(mailoutbox)
    assert len(mailoutbox) == 1
    assert Submission.objects.filter(state=State.QUARANTINED).exists()


def test_a_day_later_there_may_be_another_mail(cast: Cast, mailoutbox: Any, time_machine: Any) -> None:
    send(a_form("white_paper"))
    link(mailoutbox)
    time_machine.move_to(timezone.now())
    time_machine.shift(timedelta(hours=25))
    send(a_form("case_study"))
    link(mailoutbox)
    assert len(mailoutbox) == 2


def test_the_mail_holds_no_word_of_the_sender_and_one_recipient(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("white_paper"), {"first_name": "Max\r\nBcc: all@ex.de", "last_name": "{{7*7}}"})
    path = link(mailoutbox)
    (mail,) = mailoutbox
    assert mail.recipients() == ["ada@acme.example"]
    assert (mail.subject, mail.alternatives) == ("Please confirm: Cold chains", [])
    assert not re.search(r"Max|Bcc|7\*7|49", mail.body.replace(path, ""))
    assert "valid for 7 days" in mail.body


def test_the_mail_names_the_configured_site_whatever_the_host_says(cast: Cast, mailoutbox: Any, settings: Any) -> None:
    settings.SITE_URL = "https://crm.example.com"
    send(a_form("white_paper"), **{"x-forwarded-host": "evil.example"})
    link(mailoutbox)
    assert "https://crm.example.com/consent/" in mailoutbox[0].body
    assert "evil" not in mailoutbox[0].body


def test_the_mail_speaks_the_language_of_the_form(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("newsletter_signup"), query="?lang=de")
    path = link(mailoutbox)
    assert mailoutbox[0].subject == "Bitte bestätigen: Kühlketten"
    assert 'lang="de"' in Client().get(path).content.decode()


def test_what_expired_before_the_mail_left_is_not_mailed(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("white_paper"))
    submissions.forget_overdue(timezone.now() + timedelta(days=15))
    OutboxMessage.objects.update(next_try_at=timezone.now())
    outbox.deliver()
    assert mailoutbox == []
    assert OutboxMessage.objects.get().state == "sent"


def test_no_mail_leaves_a_quarantine(cast: Cast) -> None:
    send(a_form("white_paper"), seconds=TOO_FAST)
    assert not OutboxMessage.objects.exists()
    submissions.release(only(), by=cast.mia)
    assert OutboxMessage.objects.count() == 1


# --- Basis and consent ------------------------------------------------------------------------------------


def test_a_download_alone_is_no_basis_for_offers(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("white_paper"))
    press(link(mailoutbox))
    assert [(row.purpose, row.basis) for row in LegalBasis.objects.all()] == [("offer", "unknown")]


def test_a_demo_request_leaves_its_consent_pending_until_confirmed(cast: Cast, mailoutbox: Any) -> None:
    send(a_form(), {"consents": [newsletter().pk]})
    contact = Lead.objects.get().contact
    assert [event.kind for event in contact.consent_events.all()] == ["requested"]
    press(link(mailoutbox))
    assert [event.kind for event in contact.consent_events.all()] == ["requested", "confirmed"]
    assert {(row.purpose, row.basis) for row in contact.legal_bases.all()} == {
        ("offer", "request"), ("newsletter", "consent"),
    }  # fmt: skip


# --- Withdrawing --------------------------------------------------------------------------------------------


def test_withdrawing_holds_at_once_on_the_page_of_the_link(cast: Cast, mailoutbox: Any, time_machine: Any) -> None:
    send(a_form("newsletter_signup"))
    path = link(mailoutbox)
    press(path)
    time_machine.move_to(timezone.now())
    time_machine.shift(timedelta(days=400))
    assert "Withdraw" in Client().get(path).content.decode()
    answer = Client().post(path, {"act": "withdraw", "key": "newsletter:email"})
    assert answer["Location"].endswith("?done=withdrawn")
    contact = Contact.objects.get()
    assert withdrawing.given(contact) == []
    assert contact.consent_events.last().kind == "withdrawn"
    assert withdrawing.withdraw(contact, ["newsletter:email"], ip="") == 0


def test_every_mail_can_carry_a_link_that_withdraws_with_one_click(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("newsletter_signup"))
    press(link(mailoutbox))
    contact = Contact.objects.get()
    path = f"/consent/{withdrawing.withdrawal_token(contact)}/"
    assert Client().get(path).status_code == 200
    assert len(withdrawing.given(contact)) == 1
    assert Client().post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert withdrawing.given(contact) == []


@pytest.mark.parametrize("reason", ["erased", "complaint"])
def test_a_fresh_yes_of_the_person_lifts_the_suppression(cast: Cast, mailoutbox: Any, reason: str) -> None:
    consents.suppress("ada@acme.example", reason)
    send(a_form(), {"consents": [newsletter().pk]})
    assert (only().state, Contact.objects.count()) == (State.PENDING, 0)
    path = link(mailoutbox)
    Client().get(path)
    assert consents.is_suppressed(Contact(email_key="ada@acme.example"))
    assert press(path).status_code == 303
    contact = Contact.objects.get()
    assert not consents.is_suppressed(contact)
    assert [kind for _p, _c, kind in withdrawing.given(contact)] == [ConsentEvent.objects.get(kind="confirmed")]
    entry = AuditEntry.objects.get(action="suppression.lifted")
    assert entry.payload == {"reason": reason, "cause": f"submission:{only().pk}"}


def test_the_mail_carries_the_headers_of_one_click_unsubscribing(cast: Cast, mailoutbox: Any) -> None:
    send(a_form("newsletter_signup"))
    path = link(mailoutbox)
    headers = mailoutbox[-1].extra_headers
    assert headers["List-Unsubscribe"].endswith(f"{path}>")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not mailoutbox[-1].track_opens
    assert Client().post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert (only().state, only().values) == (State.EXPIRED, {})
    assert press(path).status_code == 303
    assert not Contact.objects.exists()


def test_a_forged_withdrawal_link_is_none(cast: Cast) -> None:
    token = withdrawing.withdrawal_token(ada())
    assert Client().get(f"/consent/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/").status_code == 404


# --- The file -----------------------------------------------------------------------------------------------


def test_the_file_comes_after_the_confirmation_and_only_as_a_download(cast: Cast, mailoutbox: Any) -> None:
    form = a_paper()
    send(form)
    path = link(mailoutbox)
    unconfirmed = f"/f/{form.slug}/file/{gated_files.ticket(only())}/"
    assert Client().get(unconfirmed).status_code == 404
    press(path)
    page = Client().get(path).content.decode()
    address = re.search(r'href="(/f/white-paper/file/[^"]+)"', page)
    assert address
    answer = Client().get(address.group(1))
    assert answer.content == PAPER
    assert answer["Content-Disposition"] == 'attachment; filename="Cold chains.pdf"'
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "application/pdf")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert Client().get(address.group(1).replace("white-paper", "other")).status_code == 404
    assert Client().get(address.group(1)[:-2] + "x/").status_code == 404


def test_a_ticket_ends_after_seven_days(cast: Cast, mailoutbox: Any, time_machine: Any) -> None:
    send(a_paper())
    press(link(mailoutbox))
    address = f"/f/white-paper/file/{gated_files.ticket(only())}/"
    time_machine.move_to(timezone.now())
    time_machine.shift(timedelta(days=8))
    assert Client().get(address).status_code == 404
    assert GatedFile.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\x\\a\x00.pdf", "a.pdf"),
        ("=cmd.pdf", "cmd.pdf"),
        ("report\u202egnp.pdf", "reportgnp.pdf"),
        ("x" * 300 + ".pdf", "x" * 110 + ".pdf"),
        ("..", "file"),
        ("Käse und Öl.PDF", "Käse und Öl.pdf"),
    ],
)
def test_file_names_are_harmless(name: str, shown: str) -> None:
    assert gated_files.harmless_name(name) == shown
    assert "\n" not in gated_files.disposition(shown)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"MZ"), ("a.svg", b"<svg>"), ("a.html", b"<html>"), ("a", b"%PDF-"), ("a.xlsx", b"%PDF-1.4")],
)
def test_a_file_that_is_something_else_is_refused(name: str, content: bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    with pytest.raises(ValueError):
        gated_files.checked(SimpleUploadedFile(name, content))


def test_the_words_of_a_consent_are_never_changed(cast: Cast) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        ConsentText.objects.update(body="Other")
    text = newsletter()
    again = consent_texts.publish(purpose="newsletter", channel="email", language="en", body=text.body, by=cast.mia)
    assert again == text
