"""Double opt-in: one mail without advertising, confirmed by a button, proved for good, withdrawn on the same page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from crm import consent_texts, consents, outbox
from crm.models import ConsentEvent, ConsentText, Contact, OutboxMessage, Workspace
from leads.models import OPEN_STATES, CaptureForm, Submission

SALT = "leads.opt_in"
CHANNEL = "opt_in"
ONE_MAIL = timedelta(hours=24)
VALID = timedelta(days=7)
Kind = ConsentEvent.Kind
State = Submission.State


# --- The mail -------------------------------------------------------------------------------------


def token_of(submission: Submission) -> str:
    """Return the token of a submission's link: 256 bits that follow from our key, so that no table holds them."""
    return salted_hmac(SALT, f"{submission.pk}:{submission.key}", algorithm="sha256").hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def ask(submission: Submission) -> bool:
    """Queue the mail that asks for a confirmation; False when the address got one within 24 hours (P03).

    The link of that earlier mail shows this submission as well. Runs in the caller's transaction, in turn.
    """
    now = timezone.now()
    lately = Submission.objects.filter(address=submission.address, mail_asked_at__gt=now - ONE_MAIL)
    if lately.exists():
        return False
    submission.mail_asked_at, submission.token_until = now, now + VALID
    submission.token_hash = _hash(token_of(submission))
    submission.save(update_fields=["mail_asked_at", "token_until", "token_hash"])
    outbox.put(CHANNEL, "opt_in", {"submission": submission.pk}, subject=f"submission:{submission.pk}")
    return True


def deliver(message: OutboxMessage) -> None:
    """Write and send the mail of one submission; nothing is sent when it no longer waits."""
    submission = Submission.objects.filter(pk=message.payload["submission"], state__in=OPEN_STATES).first()
    if submission is None or not submission.known("email"):
        return
    with translation.override(submission.language):
        context = mail_context(submission)
        subject = _("Please confirm: %(what)s") % {"what": context["title"]}
        body = render_to_string("mail/opt_in.txt", context)
    payload = {"to": [submission.known("email")], "subject": " ".join(subject.split())[:200], "body": body}
    payload["unsubscribe"] = context["link"]
    outbox.deliver_mail(OutboxMessage(key=message.key, payload=payload))
    Submission.objects.filter(pk=submission.pk).update(mail_sent_at=timezone.now(), mail_id=message.key)


def mail_context(submission: Submission) -> dict[str, Any]:
    """Return what the mail says, in the language that is switched on: what was asked for, and the link."""
    form = submission.form
    workspace = Workspace.objects.first() or Workspace()
    return {
        "title": form.text("title", submission.language) or form.name,
        "texts": [text.body for text in ConsentText.objects.filter(pk__in=submission.text_ids)],
        "link": settings.SITE_URL + reverse("consent", args=[token_of(submission)]),
        "who": workspace.name,
        "line": workspace.public_line,
        "waits": form.waits_for_confirmation,
        "days": VALID.days,
    }


outbox.DELIVERERS[CHANNEL] = deliver


# --- The page behind the link ---------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One submission as the page shows it: what was asked for, and the words agreed to."""

    submission: Submission
    title: str
    texts: Sequence[ConsentText]

    @property
    def form(self) -> CaptureForm:
        return self.submission.form


def find(token: str) -> Submission | None:
    """Return the submission whose mail held `token`; None for any other word."""
    return Submission.objects.filter(token_hash=_hash(token)).select_related("form", "contact").first()


def _requests(rows: Iterable[Submission]) -> list[Request]:
    found = list(rows)
    texts = ConsentText.objects.in_bulk({pk for row in found for pk in row.text_ids})
    return [
        Request(row, row.form.text("title", row.language) or row.form.name,
                [texts[pk] for pk in row.text_ids if pk in texts])
        for row in found
    ]  # fmt: skip


def waiting(submission: Submission) -> list[Request]:
    """Return what waits for a confirmation under the address of `submission`, oldest first."""
    rows = Submission.objects.filter(address=submission.address, state__in=OPEN_STATES)
    return _requests(rows.select_related("form").order_by("pk"))


def ready(submission: Submission) -> list[Request]:
    """Return what has been confirmed under the address of `submission` within the last seven days, newest first."""
    rows = Submission.objects.filter(
        address=submission.address, state=State.DONE, confirmed_at__gt=timezone.now() - VALID
    )
    return _requests(rows.select_related("form", "form__file").order_by("-pk")[:20])


def is_over(submission: Submission) -> bool:
    """Whether the link is older than seven days: it still withdraws, but no longer confirms."""
    return submission.token_until is None or submission.token_until < timezone.now()


def note(
    submission: Submission, contact: Contact, kind: str, *, at: datetime, link: Submission | None = None,
    confirmed_ip: str = "",
) -> None:  # fmt: skip
    """Append one consent event per text of a submission, with everything that proves it (P01)."""
    link = link or submission
    proof: dict[str, Any] = {
        "form": submission.form.slug,
        "form_version": submission.form_version,
        "submitted_at": submission.submitted_at,
        "captured_by": submission.captured_by_id,
        "place": submission.context.get("place"),
        "ip": submission.ip,
        "user_agent": submission.user_agent,
        "mail_sent_at": link.mail_sent_at,
        "mail_id": link.mail_id,
        "token_sha256": link.token_hash,
        "confirmed_at": submission.confirmed_at if kind == Kind.CONFIRMED else None,
        "confirmed_ip": confirmed_ip,
    }
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in proof.items() if value
    }
    texts = ConsentText.objects.in_bulk(submission.text_ids)
    for text in (texts[pk] for pk in submission.text_ids if pk in texts):
        consents.note(
            contact, kind, purpose=text.purpose, channel=text.channel, source="form", at=at,
            evidence=consent_texts.evidence(text) | plain,
        )  # fmt: skip
