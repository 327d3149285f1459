"""The audit log: who changed the workspace. Entries commit to their payload; a job seals them into a chain."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.db import transaction

from crm.models import AuditEntry, AuditSeal, User


def commitment(payload: dict[str, Any], salt: str) -> str:
    """Return SHA-256 of salt and payload, so that an erased payload leaves the chain verifiable."""
    return hashlib.sha256(f"{salt}{json.dumps(payload, sort_keys=True, default=str)}".encode()).hexdigest()


def record(actor: User | None, action: str, subject: str, **payload: Any) -> AuditEntry:
    """Write one entry: `action` such as 'team.changed', `subject` such as 'team:3'. Ids in the payload, no names."""
    salt = secrets.token_hex(16)
    payload = json.loads(json.dumps(payload, default=str))
    return AuditEntry.objects.create(
        actor=actor, action=action, object=subject, payload=payload, salt=salt, commitment=commitment(payload, salt)
    )


def _digest(previous: str, entries: list[AuditEntry]) -> str:
    digest = hashlib.sha256(previous.encode())
    for entry in entries:
        digest.update(f"{entry.pk}|{entry.at.isoformat()}|{entry.action}|{entry.object}|{entry.commitment}".encode())
    return digest.hexdigest()


def seal() -> AuditSeal | None:
    """Add one link covering the entries since the last; None when there are none."""
    with transaction.atomic():
        last = AuditSeal.objects.order_by("-last_entry").first()
        entries = list(AuditEntry.objects.filter(pk__gt=last.last_entry if last else 0).order_by("pk"))
        if not entries:
            return None
        digest = _digest(last.digest if last else "", entries)
        return AuditSeal.objects.create(last_entry=entries[-1].pk, digest=digest)


def broken_links() -> list[int]:
    """Return the ids of seals that no longer match the entries they cover."""
    broken, previous, first = [], "", 0
    for link in AuditSeal.objects.order_by("last_entry"):
        entries = list(AuditEntry.objects.filter(pk__gt=first, pk__lte=link.last_entry).order_by("pk"))
        if _digest(previous, entries) != link.digest:
            broken.append(link.pk)
        previous, first = link.digest, link.last_entry
    return broken
