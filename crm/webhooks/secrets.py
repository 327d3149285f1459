"""The secrets that sign: made from SECRET_KEY and a nonce, so that no copy of the database holds them.

A change makes a new one, and both sign for a week, so that a receiver can be switched over without losing anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from crm import audit
from crm.models import User, WebhookEndpoint

OVERLAP = timedelta(days=7)


class Unreadable(Exception):
    """SECRET_KEY is another one than when the secret was made: what it signs, the receiver would refuse."""


def secret_of(nonce: str) -> str:
    """Return the secret of a nonce as receivers are given it, such as 'whsec_…'."""
    made = hmac.new(settings.SECRET_KEY.encode(), f"webhook:{nonce}".encode(), hashlib.sha256).digest()
    return f"whsec_{base64.b64encode(made).decode()}"


def print_of(nonce: str) -> str:
    """Return what tells, without the secret, whether it is still the same."""
    return hashlib.sha256(secret_of(nonce).encode()).hexdigest()[:16]


def is_readable(endpoint: WebhookEndpoint) -> bool:
    return hmac.compare_digest(print_of(endpoint.nonce), endpoint.secret_print)


def issue(endpoint: WebhookEndpoint) -> str:
    """Give an endpoint a new secret, not yet stored, and return it: it is shown this once."""
    endpoint.nonce = secrets.token_urlsafe(24)
    endpoint.secret_print = print_of(endpoint.nonce)
    return secret_of(endpoint.nonce)


def rotate(endpoint: WebhookEndpoint, *, by: User) -> str:
    """Store and return a new secret; the one before signs along for a week, if it can still be read."""
    old = endpoint.nonce if is_readable(endpoint) else ""
    made = issue(endpoint)
    endpoint.old_nonce, endpoint.old_until = old, timezone.now() + OVERLAP if old else None
    with transaction.atomic():
        endpoint.save(update_fields=["nonce", "secret_print", "old_nonce", "old_until"])
        audit.record(by, "webhook.secret_changed", f"webhook:{endpoint.pk}")
    return made


def end_overlap(endpoint: WebhookEndpoint, *, by: User) -> None:
    """Let only the newest secret sign from now on."""
    endpoint.old_nonce, endpoint.old_until = "", None
    with transaction.atomic():
        endpoint.save(update_fields=["old_nonce", "old_until"])
        audit.record(by, "webhook.old_secret_ended", f"webhook:{endpoint.pk}")


def signed(endpoint: WebhookEndpoint, key: str, body: str, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks for `body`; Unreadable when the secret is."""
    if not is_readable(endpoint):
        raise Unreadable
    nonces = [endpoint.nonce, endpoint.old_nonce] if endpoint.overlaps else [endpoint.nonce]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret_of(nonce)).sign(key, at, body) for nonce in nonces),
    }


def as_text(payload: dict[str, object]) -> str:
    """Return the body as it is signed and sent."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
