"""One event of a provider in our words, or the reason why it is not kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from anymail.signals import EventType, RejectReason

from crm.email_address import email_key
from crm.mail_events import machines
from crm.tracking.refusals import Refused

DELIVERED, OPENED, CLICKED = "email_delivered", "email_opened", "email_clicked"
BOUNCED, COMPLAINED, UNSUBSCRIBED = "email_bounced", "email_complained", "unsubscribed"
KINDS = {
    EventType.DELIVERED: DELIVERED,
    EventType.OPENED: OPENED,
    EventType.CLICKED: CLICKED,
    EventType.BOUNCED: BOUNCED,
    EventType.REJECTED: BOUNCED,
    EventType.COMPLAINED: COMPLAINED,
    EventType.UNSUBSCRIBED: UNSUBSCRIBED,
}
#: why a provider no longer sends to somebody, where that is the person's own earlier word
BECAUSE = {RejectReason.SPAM: COMPLAINED, RejectReason.UNSUBSCRIBED: UNSUBSCRIBED}
DEAD = {RejectReason.INVALID, RejectReason.BOUNCED}
SOFT = ("soft", "transient", "temporary")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MailEvent:
    """What happened with one mail to one address. `machine` says by what a program gave itself away, '' for nothing."""

    id: str
    kind: str
    address: str
    at: datetime
    mail: str = ""
    url: str = ""
    link: str = ""
    machine: str = ""
    is_hard: bool = False

    def properties(self) -> dict[str, Any]:
        """Return what the activity keeps: no query string, no network, no user agent."""
        told = {"mail": self.mail, "url": self.url, "link": self.link}
        kept: dict[str, Any] = {name: value for name, value in told.items() if value}
        return kept | ({"hard": self.is_hard} if self.kind == BOUNCED else {})


def read(event: Any, *, received: datetime) -> MailEvent:
    """Return an AnymailTrackingEvent as we keep it; Refused when it says nothing about a person."""
    kind = KINDS.get(event.event_type)
    if kind is None:
        raise Refused("not_kept", str(event.event_type))
    address = email_key(str(event.recipient or ""))
    if not address:
        raise Refused("no_recipient")
    if event.event_type == EventType.REJECTED:
        kind = BECAUSE.get(event.reject_reason, kind)
    told: Mapping[str, Any] = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    url = str(event.click_url or "")
    return MailEvent(
        id=_id(event, address),
        kind=kind,
        address=address,
        at=_at(event.timestamp, received),
        mail=_plain(told.get("sg_message_id") or event.message_id)[:100],
        url=_without_query(url) if kind == CLICKED else "",
        link=hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:12] if kind == CLICKED and url else "",
        machine=machines.gives_itself_away(_plain(event.user_agent), told) if kind in {OPENED, CLICKED} else "",
        is_hard=kind == BOUNCED and event.reject_reason in DEAD and not _says_soft(told),
    )


def _id(event: Any, address: str) -> str:
    """Return the number of an event: the same for the same event, however often it is sent."""
    at = event.timestamp.isoformat() if event.timestamp else ""
    told = (event.event_id, event.message_id, event.event_type, address, at, event.click_url)
    return hashlib.sha256("|".join(str(part or "") for part in told).encode("utf-8", "replace")).hexdigest()[:40]


def _at(said: datetime | None, received: datetime) -> datetime:
    return said if said and EARLIEST < said < received else received


def _plain(text: Any) -> str:
    return "".join(c for c in str(text or "") if c.isprintable() and not "\ud800" <= c <= "\udfff")


def _without_query(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return _plain(f"{parts.scheme}://{host}{parts.path}")[:500] if parts.scheme in {"http", "https"} else ""


def _says_soft(told: Mapping[str, Any]) -> bool:
    """Whether the provider calls a bounce passing, in whichever field it says so."""
    words = (told.get(name) for name in ("event", "Type", "type", "bounce_type", "bounceType", "bounce_category"))
    return told.get("hard_bounce") is False or any(soft in str(word).lower() for word in words for soft in SOFT)
