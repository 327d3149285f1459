"""How the tests of tracking talk: a key, a client that sends as an SDK does, and what came of it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from crm.models import Activity, TrackingReceipt, WriteKey
from crm.tracking import keys


def a_key(name: str = "Web site", **fields: Any) -> tuple[str, WriteKey]:
    """Return a new write key and its row."""
    row = WriteKey(name=name, **fields)
    return keys.create(row, by=None), row


def send(key: str, type: str, body: Any, *, zipped: bool = False, **headers: str) -> HttpResponse:
    """Post `body` to /v1/<type> as an SDK does: with Basic sign-in, compressed or not."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}", **headers}
    if zipped:
        raw, sent["content-encoding"] = gzip.compress(raw), "gzip"
    return Client().post(f"/v1/{type}", raw, content_type="application/json", headers=sent)  # type: ignore[return-value]


def batch(key: str, *messages: dict[str, Any], **more: Any) -> TrackingReceipt:
    """Send a batch that is taken, and return its receipt."""
    answer = send(key, "batch", {"batch": list(messages), **more})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    return TrackingReceipt.objects.latest("id")


def track(event: str = "White Paper Downloaded", **fields: Any) -> dict[str, Any]:
    """Return a track message of Ada's."""
    return {"type": "track", "event": event, "userId": "ada", "properties": {}} | fields


def identify(**fields: Any) -> dict[str, Any]:
    """Return the message that says who Ada is."""
    return {
        "type": "identify",
        "userId": "ada",
        "traits": {"email": "ada@acme.example", "name": "Ada Brömmel"},
    } | fields


def stored() -> list[tuple[str, str | None]]:
    """Return (kind, e-mail of the contact) of every activity, oldest first."""
    return list(Activity.objects.order_by("id").values_list("kind_id", "contact__email"))
