"""Parting two who were merged: each gets back what was theirs. What came since stays, see docs/duplicates.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import audit, signals
from crm.contacts import update_contact
from crm.deletion import gate_open
from crm.merging import consent, fields, refusing
from crm.merging.doing import as_refusal, hold
from crm.merging.refusing import Refused
from crm.merging.rules import BEFORE, CONTRADICTIONS, RULES, Merging, built
from crm.models import Company, Contact, ContactMerge, User


def part(entry: ContactMerge, *, by: User | None) -> Contact:
    """Undo a merge and return the contact that is here again; raises Refused, and nothing has been written then."""
    refusing.check_rights(by, ContactMerge.objects.select_related("kept").get(pk=entry.pk).kept)
    with as_refusal(), transaction.atomic():
        entry = ContactMerge.objects.select_for_update().get(pk=entry.pk)
        if reasons := refusing.why_together(entry):
            raise Refused(reasons)
        kept = hold(entry.kept_id)
        with gate_open("unmerge"):
            return _write(entry, kept, by)


def _write(entry: ContactMerge, kept: Contact, by: User | None) -> Contact:
    for wait in BEFORE:
        wait([kept.pk])
    merged = _revived(entry.kept_values["contact"])
    merging = Merging(kept, merged, by, timezone.now(), entry.kept_values["rows"], entry)
    consent.take_back(entry.pk, entry.moved.get("consent", {}))
    for key, rule in RULES.items():
        if key in entry.moved:
            rule.part(merging, entry.moved[key])
    consent.pass_on(kept, merged, entry.at)
    _give_back(entry, kept, by)
    entry.undone_at, entry.undone_by, entry.kept_values = timezone.now(), by, {}
    entry.save(update_fields=["undone_at", "undone_by", "kept_values"])
    audit.record(by, "contact.unmerged", f"contact:{kept.pk}", merge=entry.pk, merged=merged.pk)
    signals.contact_unmerged.send(sender=Contact, kept_id=kept.pk, merged_id=merged.pk)
    return merged


def _revived(values: dict[str, Any]) -> Contact:
    """Store the merged contact as it was, under its own number; a company that is gone since stays out."""
    if values["company_id"] and not Company.objects.filter(pk=values["company_id"]).exists():
        values = values | {"company_id": None}
    row: Contact = built(Contact, values)
    Contact.objects.bulk_create([row])
    known_since = built(Contact, values).created_at
    Contact.objects.filter(pk=row.pk).update(created_at=known_since, version=F("version") + 1)
    row.refresh_from_db()
    return row


def _give_back(entry: ContactMerge, kept: Contact, by: User | None) -> None:
    values: dict[str, Any] = {
        name: _own(kept, change) if name == "custom" else change["old"]
        for name, change in entry.kept_values["fields"].items()
    }
    if "company_id" in values and not Company.objects.filter(pk=values["company_id"]).exists():
        values["company_id"] = None
    if not update_contact(kept, values, by=by, source="unmerge", version=kept.version):
        Contact.objects.filter(pk=kept.pk).update(version=F("version") + 1, updated_at=timezone.now())


def _own(kept: Contact, change: dict[str, Any]) -> dict[str, Any]:
    """Return the own fields with those that the merge changed put back."""
    custom = dict(kept.custom)
    for name in _changed(change):
        if name in change["old"]:
            custom[name] = change["old"][name]
        else:
            custom.pop(name, None)
    return custom


def _changed(change: dict[str, Any]) -> list[str]:
    old, new = change["old"], change["new"]
    names = {**old, **new}.keys() - fields.RECKONED
    return [name for name in sorted(names) if (name in old, old.get(name)) != (name in new, new.get(name))]


def _fields_changed_since(entry: ContactMerge) -> Iterator[str]:
    """A field that the merge filled and somebody changed since: which value would be right?"""
    kept = Contact.objects.get(pk=entry.kept_id)
    for name, change in entry.kept_values["fields"].items():
        if name == "custom":
            names = [n for n in _changed(change) if kept.custom.get(n) != change["new"].get(n)]
        else:
            names = [str(fields.label(name))] if getattr(kept, name) != change["new"] else []
        for label in names:
            yield _("“%(field)s” came from the merge and was changed since.") % {"field": label}


CONTRADICTIONS.append(_fields_changed_since)
