"""What one message says when it leaves: facts of then, the person of now, and nothing where we may not."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from crm import consents
from crm.models import Contact, LegalBasis, OutboxMessage, WebhookEndpoint
from crm.webhooks import secrets
from crm.webhooks.posting import Request

PERSON = ("first_name", "last_name", "email", "phone", "job_title", "language")


class NotToBeSent(Exception):
    """The message is called off; the reason is a short word."""


def request(message: OutboxMessage) -> Request:
    """Return what is to be sent now; NotToBeSent with a reason."""
    endpoint = message.endpoint
    assert endpoint is not None
    if not endpoint.active:
        raise NotToBeSent("switched_off")
    if not secrets.is_readable(endpoint):
        raise NotToBeSent("secret_lost")
    data = dict(message.payload["data"])
    contact = message.contact
    if endpoint.is_marketing and contact is not None and not may_be_marketed(contact):
        raise NotToBeSent("no_basis")
    if endpoint.tells_person and contact is not None:
        data["contact"] = person(contact)
    body = {"id": message.key, "type": message.topic, "timestamp": message.payload["timestamp"], "data": data}
    text = secrets.as_text(body)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Baton-Webhooks/1"}
    signed = secrets.signed(endpoint, message.key, text, timezone.now())
    return Request(endpoint.url, headers | signed, text.encode())


def person(contact: Contact) -> dict[str, Any]:
    """Return what an endpoint gets that is told who somebody is; empty texts when the person is erased."""
    known: dict[str, Any] = {name: getattr(contact, name) for name in PERSON}
    return {"id": contact.pk} | known | {"company": contact.company.name if contact.company else ""}


def may_be_marketed(contact: Contact) -> bool:
    """Whether marketing may use the person: a basis that is known, no objection, not suppressed (privacy.md P08)."""
    newest = contact.legal_bases.order_by("-since", "-id").first()
    if newest is None or newest.basis == LegalBasis.Basis.UNKNOWN:
        return False
    return not consents.refusers([contact.pk], "offer") and not consents.is_suppressed(contact)


def endpoint_of(message: OutboxMessage) -> WebhookEndpoint:
    assert message.endpoint is not None
    return message.endpoint
