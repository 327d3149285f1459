"""Facts that must leave the house: written with the fact, claimed, sent, retried, dead-lettered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm import audit
from crm.models import OutboxMessage, User

HOLD = timedelta(seconds=10)
LEASE = timedelta(seconds=60)
RETRIES = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600))
RESERVED_DOMAINS = ("example.com", "example.org", "example.net", ".example", ".test", ".invalid")
WEBHOOK = "webhook"
State = OutboxMessage.State


def put(
    channel: str, topic: str, payload: dict[str, Any], *, subject: str = "", hold: timedelta = timedelta(), **more: Any
) -> OutboxMessage:
    """Queue one message in the caller's transaction; it leaves `hold` after now at the earliest."""
    now = timezone.now()
    return OutboxMessage.objects.create(
        channel=channel, topic=topic, payload=payload, subject=subject, created_at=now, next_try_at=now + hold, **more
    )


def cancel(subject: str) -> tuple[int, int]:
    """Take back the pending messages about `subject`; return (cancelled, already gone)."""
    about = OutboxMessage.objects.filter(subject=subject)
    cancelled = about.filter(state=State.PENDING, lease_until=None).update(state=State.CANCELLED)
    return cancelled, about.exclude(state=State.CANCELLED).count()


def due(now: datetime) -> QuerySet[OutboxMessage]:
    """Return the messages that may leave now and that nobody is just sending."""
    pending = OutboxMessage.objects.filter(state=State.PENDING, next_try_at__lte=now)
    return pending.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def claim(limit: int, now: datetime, among: Q) -> list[OutboxMessage]:
    """Lease up to `limit` due messages of those `among` asks for to this process for a minute and return them."""
    free = due(now).filter(among).order_by("next_try_at", "id")
    with transaction.atomic():
        rows = (
            free.select_for_update(skip_locked=True) if connection.features.has_select_for_update_skip_locked else free
        )
        ids = list(rows.values_list("pk", flat=True)[:limit])
        OutboxMessage.objects.filter(pk__in=ids).update(lease_until=now + LEASE)
    return list(OutboxMessage.objects.filter(pk__in=ids).order_by("next_try_at", "id"))


def deliver(limit: int = 50) -> int:
    """Send what is due; return how many messages were tried. Webhooks have their own way, crm.webhooks.sending."""
    claimed = claim(limit, timezone.now(), ~Q(channel=WEBHOOK))
    for message in claimed:
        _try(message)
    return len(claimed)


def _try(message: OutboxMessage) -> None:
    try:
        DELIVERERS[message.channel](message)
    except Exception as error:  # a receiver may fail in any way; the row keeps the reason
        retry_or_bury(message, f"{type(error).__name__}")
    else:
        OutboxMessage.objects.filter(pk=message.pk).update(
            state=State.SENT, sent_at=timezone.now(), lease_until=None, attempts=message.attempts + 1
        )


def retry_or_bury(message: OutboxMessage, reason: str, *, wait: timedelta = timedelta()) -> None:
    """Put a message off to its next try, after `wait` at the earliest; the eighth failure is the last."""
    again = message.attempts < len(RETRIES)
    pause = max(RETRIES[message.attempts], wait) if again else wait
    OutboxMessage.objects.filter(pk=message.pk, state=State.PENDING).update(
        attempts=message.attempts + 1,
        lease_until=None,
        dead_reason=reason,
        **({"next_try_at": timezone.now() + pause} if again else {"state": State.FAILED}),
    )


def retry(ids: Sequence[int], *, by: User) -> int:
    """Put failed messages back to the start of their schedule; return how many there were."""
    with transaction.atomic():
        failed = OutboxMessage.objects.filter(pk__in=ids, state=State.FAILED)
        found = list(failed.values_list("pk", flat=True))
        failed.update(state=State.PENDING, attempts=0, next_try_at=timezone.now(), lease_until=None)
        for pk in found:
            audit.record(by, "delivery.retried", f"outbox:{pk}")
    return len(found)


def discard(pk: int, *, by: User) -> bool:
    """Give a failed message up for good; False when it is no longer failed."""
    with transaction.atomic():
        gone = OutboxMessage.objects.filter(pk=pk, state=State.FAILED).update(state=State.CANCELLED)
        if gone:
            audit.record(by, "delivery.discarded", f"outbox:{pk}")
    return bool(gone)


def is_reserved(address: str) -> bool:
    """Whether the address lies in a domain that no mail ever reaches (demo people)."""
    return parseaddr(address)[1].rpartition("@")[2].lower().endswith(RESERVED_DOMAINS)


def deliver_mail(message: OutboxMessage) -> None:
    """Send one e-mail; demo addresses are counted as sent without leaving."""
    payload = message.payload
    recipients = [address for address in payload["to"] if not is_reserved(address)]
    if not recipients:
        return
    mail = EmailMultiAlternatives(
        subject=payload["subject"],
        body=payload["body"],
        from_email=payload.get("from") or settings.DEFAULT_FROM_EMAIL,
        to=recipients,
        headers={"Message-ID": f"<{message.key}@baton>"} | _unsubscribing(payload.get("unsubscribe", "")),
        connection=get_connection(settings.EMAIL_DELIVERY_BACKEND, timeout=settings.EMAIL_TIMEOUT),
    )
    if html := payload.get("html"):
        mail.attach_alternative(html, "text/html")
    mail.track_opens = mail.track_clicks = False  # type: ignore[attr-defined]  # no pixel, no rewritten links (P27)
    mail.send()


def _unsubscribing(link: str) -> dict[str, str]:
    """Return the headers by which a mail program unsubscribes with one click (RFC 8058); none for staff mail."""
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if link else {}


DELIVERERS: dict[str, Callable[[OutboxMessage], None]] = {"mail": deliver_mail}


class OutboxEmailBackend(BaseEmailBackend):
    """Django's mail goes into the outbox, so that no request waits for a mail server."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            html = next((body for body, kind in getattr(mail, "alternatives", []) if kind == "text/html"), "")
            payload = {
                "to": mail.recipients(),
                "subject": mail.subject,
                "body": mail.body,
                "html": html,
                "from": mail.from_email,
            }
            put("mail", "mail", payload)
        return len(email_messages)
