"""Consent as a state: computed from its events, never stored."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm import audit, bulk, signals
from crm.email_address import email_key
from crm.models import ConsentEvent, Contact, Suppression, User

ENDED = (ConsentEvent.Kind.WITHDRAWN, ConsentEvent.Kind.EXPIRED)


def note(
    contact: Contact, kind: str, *, purpose: str, channel: str = "", source: str, by: User | None = None,
    at: datetime | None = None, evidence: dict[str, Any] | None = None,
) -> ConsentEvent:  # fmt: skip
    """Append one consent event and announce it."""
    with transaction.atomic():
        event = ConsentEvent.objects.create(
            contact=contact, kind=kind, purpose=purpose, channel=channel, at=at or timezone.now(), source=source, by=by,
            evidence=evidence or {},
        )  # fmt: skip
        signals.consent_changed.send(sender=ConsentEvent, contact_ids=[contact.pk])
    return event


def note_many(events: Iterable[ConsentEvent]) -> None:
    """Append many consent events in the caller's transaction and announce them."""
    stored = bulk.insert(list(events))
    if stored:
        signals.consent_changed.send(sender=ConsentEvent, contact_ids=[event.contact_id for event in stored])


def state(contact: Contact) -> dict[tuple[str, str], ConsentEvent]:
    """Return the newest event that decides, per (purpose, channel)."""
    deciding = contact.consent_events.exclude(kind__in=[ConsentEvent.Kind.USED, ConsentEvent.Kind.REQUESTED])
    return {(event.purpose, event.channel): event for event in deciding.order_by("at", "id")}


def has_objected(contact: Contact, purpose: str) -> bool:
    """Whether the person forbade `purpose` on every channel and has not allowed it again since."""
    event = state(contact).get((purpose, ""))
    return bool(event and event.kind == ConsentEvent.Kind.OBJECTED)


def objected_channels(contact: Contact, purpose: str) -> set[str]:
    """Return the channels on which the person objected to `purpose` ('' stands for all)."""
    return {
        channel
        for (asked, channel), event in state(contact).items()
        if asked == purpose and event.kind == ConsentEvent.Kind.OBJECTED
    }


def refusers(contact_ids: Iterable[int], purpose: str) -> set[int]:
    """Return those of `contact_ids` whose newest word on `purpose`, on any channel, is a no."""
    wanted = list(contact_ids)
    if not wanted:
        return set()
    events = ConsentEvent.objects.filter(contact_id__in=wanted, purpose=purpose).exclude(
        kind__in=[ConsentEvent.Kind.USED, ConsentEvent.Kind.REQUESTED]
    )
    newest = dict(events.order_by("at", "id").values_list("contact_id", "kind"))
    return {contact for contact, kind in newest.items() if kind in {*ENDED, ConsentEvent.Kind.OBJECTED}}


def profiling_objectors(contact_ids: Iterable[int], until: datetime | None = None) -> set[int]:
    """Return those of `contact_ids` whose newest word on profiling is an objection (no score for them).

    With `until` only words up to that moment count.
    """
    newest: dict[int, str] = {}
    events = ConsentEvent.objects.filter(contact_id__in=list(contact_ids), purpose="profiling").exclude(
        kind__in=[ConsentEvent.Kind.USED, ConsentEvent.Kind.REQUESTED]
    )
    if until is not None:
        events = events.filter(at__lte=until)
    for contact_id, kind in events.order_by("at", "id").values_list("contact_id", "kind"):
        newest[contact_id] = kind
    return {contact_id for contact_id, kind in newest.items() if kind == ConsentEvent.Kind.OBJECTED}


def objections_of(contact_ids: Iterable[int]) -> dict[int, set[tuple[str, str]]]:
    """Return, per contact, the (purpose, channel) pairs whose newest deciding word is an objection."""
    newest: dict[tuple[int, str, str], str] = {}
    events = ConsentEvent.objects.filter(contact_id__in=list(contact_ids)).exclude(
        kind__in=[ConsentEvent.Kind.USED, ConsentEvent.Kind.REQUESTED]
    )
    rows = events.order_by("at", "id").values_list("contact_id", "purpose", "channel", "kind")
    for contact_id, purpose, channel, kind in rows:
        newest[contact_id, purpose, channel] = kind
    found: dict[int, set[tuple[str, str]]] = {}
    for (contact_id, purpose, channel), kind in newest.items():
        if kind == ConsentEvent.Kind.OBJECTED:
            found.setdefault(contact_id, set()).add((purpose, channel))
    return found


def fingerprint(value: str) -> str:
    """Return the HMAC-SHA256 under which a normalised address or number is suppressed."""
    return hmac.new(settings.SECRET_KEY.encode(), value.encode(), hashlib.sha256).hexdigest()


def is_suppressed(contact: Contact) -> bool:
    """Whether the person's e-mail address or phone number is on the suppression list."""
    wanted = Q()
    if contact.email_key:
        wanted |= Q(kind="email", hmac=fingerprint(contact.email_key))
    if contact.phone_key:
        wanted |= Q(kind="phone", hmac=fingerprint(contact.phone_key))
    return bool(wanted) and Suppression.objects.filter(wanted, lifted_at=None).exists()


def suppressed_prints(prints: Iterable[str]) -> set[str]:
    """Return those fingerprints that are on the suppression list."""
    return set(Suppression.objects.filter(hmac__in=list(prints), lifted_at=None).values_list("hmac", flat=True))


def suppress(email: str, reason: str, *, at: datetime | None = None) -> None:
    """Put an e-mail address on the suppression list, once; what was said before it was lifted changes nothing."""
    row, is_new = Suppression.objects.get_or_create(
        hmac=fingerprint(email_key(email)), kind="email", defaults={"key_id": "1", "reason": reason}
    )
    if not is_new and row.lifted_at is None and row.reason.startswith("merge:"):
        Suppression.objects.filter(pk=row.pk).update(reason=reason)  # outlives the merge
    if not is_new and row.lifted_at and row.lifted_at < (at or timezone.now()):
        Suppression.objects.filter(pk=row.pk).update(lifted_at=None, reason=reason, at=timezone.now())


def lift_suppression(email: str, *, cause: str) -> bool:
    """Take an address off the suppression list because the person wished it anew; False when it was not on it.

    `cause` names the proof in the audit log, such as 'submission:7'.
    """
    with transaction.atomic():
        here = Suppression.objects.filter(hmac=fingerprint(email_key(email)), kind="email", lifted_at=None)
        row = here.first()
        if row is None or not here.update(lifted_at=timezone.now()):
            return False
        audit.record(None, "suppression.lifted", f"suppression:{row.pk}", reason=row.reason, cause=cause)
    return True
