"""What became of each message, for the event debugger: kept a week, and without what it says about a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.models import TrackingReceipt, WriteKey

ACCEPTED, DUPLICATE, REFUSED, QUARANTINED = "accepted", "duplicate", "refused", "quarantined"
KEPT_FOR = timedelta(days=7)
MOST_LINES = 200
MOST_KEPT = 20
ADDRESS = re.compile(r"[^\s@\"]{1,64}@([^\s@\"]{1,255})")
SECRET_NAMES = ("password", "passwort", "token", "secret", "key", "authorization", "cookie", "session", "iban", "card")
PERSONAL = ("traits", "userId", "previousId", "anonymousId", "ip", "userAgent")


@dataclass
class Line:
    """One message: what became of it, its type and name, and of a refused one its shape."""

    type: str
    name: str
    id: str
    outcome: str = ""
    reason: str = ""
    detail: str = ""
    kept: Any = field(default=None)

    @classmethod
    def of(cls, body: Any) -> Line:
        """Return the line of a message as it came; anything may be wrong with it."""
        told = body if isinstance(body, dict) else {}
        name = told.get("event") or told.get("name")
        return cls(_short(told.get("type")), _short(name), _short(told.get("messageId")))

    def stored(self) -> dict[str, Any]:
        """Return the line as the receipt keeps it: only what is there."""
        told = {
            "outcome": self.outcome, "type": self.type, "name": self.name, "id": self.id, "reason": self.reason,
            "detail": masked_text(self.detail)[:300], "kept": self.kept,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}


def _short(value: Any) -> str:
    text = masked_text(str(value)) if isinstance(value, (str, int, float)) else ""
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")[:100]


def masked_text(text: str) -> str:
    """Return `text` with the people of e-mail addresses hidden."""
    return ADDRESS.sub(r"…@\1", text)


def masked(value: Any, *, personal: bool = False, depth: int = 0) -> Any:
    """Return the shape of a refused message: its fields and harmless values; people, secrets, long texts hidden."""
    if isinstance(value, dict):
        if depth > 4:
            return "{…}"
        return {
            _short(name): _masked_field(_short(name), inner, personal, depth)
            for name, inner in list(value.items())[:MOST_KEPT]
        }
    if isinstance(value, list):
        return [masked(inner, personal=personal, depth=depth + 1) for inner in value[:3]] if depth < 5 else "[…]"
    if isinstance(value, str):
        return f"({len(value)})" if personal or len(value) > 200 else _short(value)
    if isinstance(value, float) and value != value:
        return "NaN"
    return None if personal else value if isinstance(value, (bool, float, type(None))) else _short(value)


def _masked_field(name: str, value: Any, personal: bool, depth: int) -> Any:
    if any(word in name.lower() for word in SECRET_NAMES):
        return "…"
    return masked(value, personal=personal or name in PERSONAL, depth=depth + 1)


def write(
    key: WriteKey | None, lines: Sequence[Line], *, sender: str, at: datetime, provider: str = ""
) -> TrackingReceipt:
    """Store the receipt of one request: its counts, and its lines, those that were not accepted first to be kept.

    It came with a write key or from a mail `provider`.
    """
    counts = Counter(line.outcome for line in lines)
    kept = list(lines)
    if len(kept) > MOST_LINES:
        kept = sorted(kept, key=lambda line: (line.outcome != REFUSED, line.outcome == ACCEPTED))[:MOST_LINES]
    return TrackingReceipt.objects.create(
        at=at, write_key=key, provider=provider, sender=_short(sender)[:80], accepted=counts[ACCEPTED],
        duplicates=counts[DUPLICATE], refused=counts[REFUSED], quarantined=counts[QUARANTINED],
        messages=[line.stored() for line in kept],
    )  # fmt: skip


def forget_old() -> int:
    """Delete the receipts of more than a week ago; return how many."""
    return TrackingReceipt.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()[0]
