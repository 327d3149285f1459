"""The token rendered into a public form: who cannot have a cookie is recognised by it, and sent twice stays once."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.http import HttpRequest

from crm.timeline import cut
from leads.models import CaptureForm

SALT = "leads.public_form"
LONGEST = 24 * 3600
UTM = ("source", "medium", "campaign", "term", "content")


@dataclass(frozen=True)
class Rendering:
    """One showing of a form: its number, when it was shown, and where the person came from."""

    nonce: str
    at: datetime
    context: dict[str, Any] = field(default_factory=dict)


def issue(form: CaptureForm, context: dict[str, Any]) -> str:
    """Return a new signed token for one showing of `form`."""
    told = {"n": uuid.uuid4().hex, "f": form.pk, "t": int(time.time() * 1000), "c": context}
    return signing.dumps(told, salt=SALT, compress=True)


def read(form: CaptureForm, token: str) -> Rendering:
    """Return the showing `token` stands for; ValueError when it is not one of this form, or a day old."""
    try:
        told = signing.loads(token, salt=SALT, max_age=LONGEST)
    except signing.BadSignature as error:
        raise ValueError("not a token of this form") from error
    if told.get("f") != form.pk:
        raise ValueError("a token of another form")
    return Rendering(told["n"], datetime.fromtimestamp(told["t"] / 1000, UTC), told["c"])


def _harmless(text: str) -> str:
    return cut("".join(c for c in text if c.isprintable()))


def context_of(request: HttpRequest) -> dict[str, Any]:
    """Return utm, referrer and landing page of the visit, each cut at 512 characters with a mark (I02).

    An embedded form is told by its host page; its own address is the landing page otherwise.
    """
    utm = {name: _harmless(request.GET[f"utm_{name}"]) for name in UTM if request.GET.get(f"utm_{name}")}
    embedded = "embed" in request.GET
    referrer = request.GET.get("ref", "") if embedded else request.headers.get("Referer", "")
    landing = request.GET.get("page", "") if embedded else request.build_absolute_uri()
    told = {"utm": utm, "referrer": _harmless(referrer), "landing_page": _harmless(landing)}
    return {name: value for name, value in told.items() if value}
