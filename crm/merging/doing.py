"""Merging: the chosen values stay, every row of the other goes to the one that is kept, and the log remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import audit, consents, signals
from crm.contacts import Stale, derive_contact, update_contact
from crm.deletion import gate_open
from crm.merging import alike, consent, fields, refusing
from crm.merging.refusing import Refused
from crm.merging.rules import BEFORE, FORETOLD, RULES, Merging, plain
from crm.models import Contact, ContactMerge, User
from crm.tracking import identities

SOURCE = "merge"


def merge(
    kept: Contact, merged: Contact, *, by: User | None, choices: Mapping[str, str] | None = None, sure: bool = False,
    versions: tuple[int, int] | None = None, note: str = "",
) -> ContactMerge:  # fmt: skip
    """Make `merged` part of `kept` and return the log entry; raises Refused, and nothing has been written then.

    `choices` is {field: 'kept' | 'merged'} as fields.lines names them, its defaults for the rest. `versions` are those
    of (kept, merged) that the person saw. `sure` says that they looked at what speaks against it.
    """
    refusing.check_rights(by, kept, merged)
    if kept.pk == merged.pk:
        raise Refused([_("This is one and the same contact.")])
    seen = versions or (kept.version, merged.version)
    with as_refusal(), transaction.atomic():
        _hold_both(kept, merged, seen)
        doubts = refusing.doubts(kept, merged)
        if doubts and not sure:
            raise Refused(doubts, asks=True)
        try:
            values = fields.chosen(kept, merged, choices or {})
        except ValueError as error:
            raise Refused([str(error)]) from error
        with gate_open(SOURCE):
            entry = _write(kept, merged, values, by=by, note=note)
    return entry


@contextmanager
def as_refusal() -> Iterator[None]:
    """Say of what the database refuses, because somebody was at work on the same people, that they should try again."""
    try:
        yield
    except Stale as error:
        raise Refused([str(error)], stale=True) from error
    except (IntegrityError, OperationalError) as error:
        raise Refused([_("Somebody is just working on one of the two. Try again.")], stale=True) from error


def hold(contact_id: int) -> Contact:
    """Return a contact, held until the transaction ends; tracking and other merges wait so long."""
    identities.lock(alone=True)
    return Contact.objects.select_for_update().get(pk=contact_id)


def _hold_both(kept: Contact, merged: Contact, seen: tuple[int, int]) -> None:
    """Hold both, in one order, so that nobody else merges or edits them; Stale when one is another by now."""
    identities.lock(alone=True)
    wanted = {kept.pk: seen[0], merged.pk: seen[1]}
    rows = {row.pk: row for row in Contact.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    for person in (kept, merged):
        if person.pk not in rows:
            raise Refused([_("One of the two is no longer here.")], stale=True)
        if rows[person.pk].version != wanted[person.pk]:
            raise Stale(rows[person.pk])
        person.refresh_from_db()


def _write(kept: Contact, merged: Contact, values: dict[str, object], *, by: User | None, note: str) -> ContactMerge:
    at = timezone.now()
    merging = Merging(kept, merged, by, at)
    is_suppressed = consents.is_suppressed(kept) or consents.is_suppressed(merged)
    wanted = consent.narrowed(kept, merged, becoming(kept, values))
    reasons = alike.reasons(kept, merged)
    for wait in BEFORE:
        wait([kept.pk, merged.pk])
    moved = {key: rule.merge(merging) for key, rule in reversed(list(RULES.items()))}
    person = plain(merged)
    gone = Contact.objects.filter(pk=merged.pk)
    gone._raw_delete(gone.db)  # a relation that no rule has emptied makes the database refuse
    changed = _change(kept, values, by)
    entry = ContactMerge.objects.create(
        kept=kept, kept_number=kept.pk, merged_number=merged.pk, at=at, by=by, note=note, reasons=reasons,
        kept_values={
            "contact": person, "rows": merging.shelf,
            "fields": {name: {"old": old, "new": new} for name, (old, new) in changed.items()},
        },
    )  # fmt: skip
    events = consent.write(kept, wanted, by=by, at=at, evidence={"merge": entry.pk})
    suppressed = consent.suppress(kept, entry.pk) if is_suppressed else None
    entry.moved = moved | {"consent": {"events": events, "suppressed": suppressed}}
    entry.save(update_fields=["moved"])
    audit.record(by, "contact.merged", f"contact:{kept.pk}", merge=entry.pk, merged=merged.pk, fields=sorted(changed))
    signals.contact_merged.send(sender=Contact, kept_id=kept.pk, merged_id=merged.pk)
    return entry


def _change(kept: Contact, values: dict[str, object], by: User | None) -> dict[str, tuple[object, object]]:
    """Write what differs; the version goes up in any case, because the person is another by now."""
    changed = update_contact(kept, values, by=by, source=SOURCE, version=kept.version)
    if not changed:
        Contact.objects.filter(pk=kept.pk).update(version=F("version") + 1, updated_at=timezone.now())
        kept.version += 1
    return changed


def becoming(kept: Contact, values: Mapping[str, object]) -> Contact:
    """Return the kept contact as it would be with `values`; not stored."""
    future = copy(kept)
    for name, value in values.items():
        setattr(future, name, value)
    derive_contact(future)
    return future


def foretell(kept: Contact, merged: Contact) -> list[str]:
    """Return what a merge with the defaults would bring beside the fields, as sentences."""
    found = [sentence for tell in FORETOLD for sentence in tell(kept, merged)]
    narrowed = consent.narrowed(kept, merged, becoming(kept, fields.chosen(kept, merged, {})))
    if narrowed:
        found.append(_("Consent: what one of the two refused stays refused; a yes holds for its own address only."))
    if consents.is_suppressed(kept) or consents.is_suppressed(merged):
        found.append(_("One of the two asked never to be contacted; that holds for all addresses that stay."))
    return found


def forget_values(contact_id: int) -> None:
    """Erase what the log holds of those who were merged into a contact; the numbers stay. The gate is open."""
    entries = ContactMerge.objects.filter(kept=contact_id)
    entries.exclude(kept_values={}).update(kept_values={}, erased_at=timezone.now(), note="")
