"""News is queued with the fact, a message per endpoint that wants it. The rows hold ids and facts, nobody's name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from crm import outbox
from crm.models import Disclosure, OutboxMessage, User, WebhookEndpoint
from crm.webhooks import events

State = OutboxMessage.State


def subscribers(event: str) -> list[WebhookEndpoint]:
    """Return the endpoints that are to be told of `event`."""
    return [one for one in WebhookEndpoint.objects.filter(active=True) if event in one.events]


def tell(
    event: str, data: dict[str, Any], *, to: Iterable[WebhookEndpoint] | None = None, subject: str = "",
    contact_id: int | None = None, at: datetime | None = None, hold: timedelta = timedelta(),
) -> int:  # fmt: skip
    """Queue `event` in the caller's transaction for its subscribers, or for `to`; return for how many.

    `data` holds ids and facts; what names the person of `contact_id` is added when it is sent, where it is wanted.
    """
    endpoints = subscribers(event) if to is None else list(to)
    for endpoint in endpoints:
        message = outbox.put(
            outbox.WEBHOOK, event, {"timestamp": instant(at or timezone.now()), "data": data}, subject=subject,
            hold=hold, endpoint=endpoint, contact_id=contact_id,
        )  # fmt: skip
        assert message.pk
    return len(endpoints)


def instant(at: datetime) -> str:
    """Return a moment as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def told_of(subject: str) -> list[WebhookEndpoint]:
    """Return the endpoints that may have been told of `subject`: tried at least once, or not taken back in time."""
    about = OutboxMessage.objects.filter(channel=outbox.WEBHOOK, subject=subject)
    ids = about.exclude(state=State.CANCELLED, attempts=0).values("endpoint")
    return list(WebhookEndpoint.objects.filter(pk__in=ids, active=True))


def tell_of_erasure(contact_id: int) -> int:
    """Tell everybody who ever got something about this person, and who asked for it, that the person is erased."""
    pending = OutboxMessage.objects.filter(channel=outbox.WEBHOOK, contact=contact_id, state=State.PENDING)
    pending.filter(lease_until=None).update(state=State.CANCELLED, dead_reason="erased")
    told = set(Disclosure.objects.filter(contact=contact_id).values_list("endpoint", flat=True))
    active = WebhookEndpoint.objects.filter(active=True)
    to = [one for one in active if one.pk in told or events.ERASED in one.events]
    return tell(events.ERASED, {"contact_id": contact_id}, to=to, subject=f"contact:{contact_id}")


def test(endpoint: WebhookEndpoint, *, by: User) -> None:
    """Queue a message that says nothing, to see whether it arrives."""
    tell(events.TEST, {"by_id": by.pk}, to=[endpoint], subject=f"webhook:{endpoint.pk}")


def send_again(message: OutboxMessage) -> bool:
    """Queue a message that was sent or has failed once more, under the same id; False for any other."""
    again = OutboxMessage.objects.filter(pk=message.pk, state__in=[State.SENT, State.FAILED])
    return bool(
        again.update(state=State.PENDING, attempts=0, next_try_at=timezone.now(), lease_until=None, dead_reason="")
    )


def call_off(endpoint: WebhookEndpoint, reason: str) -> int:
    """Take back what waits for an endpoint that is told nothing any more; return how many messages."""
    waiting = OutboxMessage.objects.filter(endpoint=endpoint, state=State.PENDING)
    return waiting.update(state=State.CANCELLED, lease_until=None, dead_reason=reason)
