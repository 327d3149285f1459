"""The gate through which guarded rows may be deleted: erasure, demo removal, test flush."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from crm.models import (
    Activity,
    ConsentEvent,
    Contact,
    ContactKey,
    ContactMerge,
    DeletionGate,
    LegalBasis,
    ProfileChange,
)

Remover = Callable[[Sequence[int]], None]
_removers: list[Remover] = []


@contextmanager
def gate_open(reason: str) -> Iterator[None]:
    """Let DELETEs of guarded rows pass inside this block's transaction, and only there."""
    with transaction.atomic():
        row = DeletionGate.objects.create(reason=reason)
        yield
        DeletionGate.objects.filter(pk=row.pk).delete()


def before_removal(remove_of: Remover) -> Remover:
    """Register what deletes an app's rows about contacts (ids); called from right to left with the gate open."""
    _removers.append(remove_of)
    return remove_of


def remove_contacts(contact_ids: Sequence[int]) -> None:
    """Delete these contacts with everything that hangs on them; the caller has opened the gate."""
    for remove_of in reversed(_removers):
        remove_of(contact_ids)
    for model in (Activity, ProfileChange, ConsentEvent, LegalBasis, ContactKey):
        rows = model._default_manager.filter(contact__in=contact_ids)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    merges = ContactMerge.objects.filter(kept__in=contact_ids)
    merges._raw_delete(merges.db)
    Contact.objects.filter(pk__in=contact_ids).delete()
