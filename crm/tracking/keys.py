"""Write keys: made once, shown once, known by their hash; taken back, and marked when they stood in an address."""

from __future__ import annotations

import hashlib
import secrets

from django.db import transaction
from django.utils import timezone

from crm import audit
from crm.models import User, WriteKey


def digest(key: str) -> str:
    """Return the hash under which a write key is stored. It is random, so it needs no salt."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def create(row: WriteKey, *, by: User | None) -> str:
    """Store a new key with the name, system and sites of `row`, and return the key itself: nobody can read it again."""
    key = f"wk_{secrets.token_urlsafe(32)}"
    row.hash, row.hint = digest(key), key[-4:]
    with transaction.atomic():
        row.save()
        audit.record(by, "write_key.created", f"write_key:{row.pk}")
    return key


def find(key: str) -> WriteKey | None:
    """Return the row of a key that may be used, None for one that is wrong or was taken back."""
    if not key or len(key) > 200:
        return None
    return WriteKey.objects.filter(hash=digest(key), revoked_at=None).first()


def revoke(row: WriteKey, *, by: User) -> None:
    """Take a key back for good."""
    with transaction.atomic():
        if WriteKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record(by, "write_key.revoked", f"write_key:{row.pk}")


def mark_exposed(key: str) -> None:
    """Note that a key stood in an address, where logs and browsers keep it (I30)."""
    WriteKey.objects.filter(hash=digest(key), exposed_at=None).update(exposed_at=timezone.now())


def known_sites() -> set[str]:
    """Return every origin whose pages may send with some key."""
    rows = WriteKey.objects.filter(revoked_at=None).exclude(origins="").values_list("origins", flat=True)
    return {site for origins in rows for site in origins.split()}
