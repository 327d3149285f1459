"""Contacts and companies are written here and nowhere else: normalised, checked, every change kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import bulk, signals
from crm.email_address import email_key, is_shared, valid_email
from crm.job_titles import function, seniority
from crm.models import Company, Contact, PossibleDuplicate, ProfileChange, User
from crm.phone import phone_key
from crm.text import clean, fold, search_key

CONTACT_FIELDS = (
    "first_name", "last_name", "email", "phone", "job_title", "company_id", "street", "postcode", "city", "region",
    "country", "language", "linkedin", "custom",
)  # fmt: skip
COMPANY_FIELDS = (
    "name", "domain", "website", "industry", "employees", "street", "postcode", "city", "region", "country", "phone",
    "custom",
)  # fmt: skip
SAFE_SCHEMES = ("http://", "https://", "mailto:", "tel:")


class Stale(Exception):
    """Somebody changed the row meanwhile; nothing was written."""

    def __init__(self, current: Contact | Company) -> None:
        self.current = current
        super().__init__(_("Changed by somebody else meanwhile."))


def safe_url(address: str) -> str:
    """Return `address` when its scheme is http, https, mailto or tel, with https added to a bare host; '' otherwise."""
    address = "".join(address.split())
    if not address:
        return ""
    if address.lower().startswith(SAFE_SCHEMES):
        return address
    head = address.split("/")[0]
    return f"https://{address}" if ":" not in head and "." in head else ""


def derive_contact(contact: Contact) -> tuple[str, ...]:
    """Fill the columns that follow from what is typed, and return their names."""
    contact.name_key = search_key(f"{contact.last_name} {contact.first_name}".strip() or contact.email)
    contact.email_key = email_key(contact.email)
    contact.phone_key = phone_key(contact.phone, contact.country)
    contact.job_title_key = fold(contact.job_title)
    contact.seniority = seniority(contact.job_title)
    contact.function = function(contact.job_title)
    return ("name_key", "email_key", "phone_key", "job_title_key", "seniority", "function")


def _derive_company(company: Company) -> tuple[str, ...]:
    company.name_key = search_key(company.name)
    return ("name_key",)


def _clean(model: type[Contact | Company], values: Mapping[str, Any]) -> dict[str, Any]:
    allowed = CONTACT_FIELDS if model is Contact else COMPANY_FIELDS
    errors: dict[str, str] = {}
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if name not in allowed:
            raise KeyError(f"{model.__name__} has no field {name} to write")
        try:
            cleaned[name] = _clean_value(model, name, value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise ValidationError({name: [text] for name, text in errors.items()})
    return cleaned


def _clean_value(model: type[Contact | Company], name: str, value: Any) -> Any:
    if isinstance(value, str):
        value = clean(value)
        longest = model._meta.get_field(name).max_length  # type: ignore[union-attr]
        if longest and len(value) > longest:
            raise ValueError(_("At most %(count)d characters.") % {"count": longest})
    if name == "email" and value:
        return valid_email(value)
    if name == "country" and value:
        if len(value) != 2 or not value.isalpha():
            raise ValueError(_("Write the country as two letters, such as DE."))
        return value.upper()
    if name in {"website", "linkedin"} and value and not safe_url(value):
        raise ValueError(_("Only web addresses beginning with http or https can be kept."))
    return value


def create_contact(values: Mapping[str, Any], *, by: User | None, source: str, is_demo: bool = False) -> Contact:
    """Store a new contact; ValidationError by field when a value cannot be kept."""
    contact = Contact(**_clean(Contact, values), is_demo=is_demo)
    derive_contact(contact)
    with transaction.atomic():
        contact.save()
        signals.profile_changed.send(sender=Contact, contact_ids=[contact.pk])
    return contact


def create_company(values: Mapping[str, Any], *, by: User | None, source: str, is_demo: bool = False) -> Company:
    """Store a new company; ValidationError by field when a value cannot be kept."""
    company = Company(**_clean(Company, values), is_demo=is_demo)
    _derive_company(company)
    company.save()
    return company


def build_contacts(rows: Iterable[Mapping[str, Any]], *, is_demo: bool = False) -> list[Contact]:
    """Return unsaved contacts of already validated `rows` by attribute name, derived columns filled; for bulk paths."""
    built = [bulk.build(Contact, {**row, "is_demo": is_demo}) for row in rows]
    for contact in built:
        derive_contact(contact)
    return built


def build_companies(rows: Iterable[Mapping[str, Any]], *, is_demo: bool = False) -> list[Company]:
    """Return unsaved companies of already validated `rows`, derived columns filled; for bulk paths."""
    built = [Company(**row, is_demo=is_demo) for row in rows]
    for company in built:
        _derive_company(company)
    return built


def validated_contact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they would be stored; ValidationError by field."""
    return _clean(Contact, values)


def validated_company(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they would be stored; ValidationError by field."""
    return _clean(Company, values)


def _update(
    row: Contact | Company, values: Mapping[str, Any], by: User | None, source: str, version: int | None
) -> dict[str, tuple[Any, Any]]:
    model = type(row)
    cleaned = _clean(model, values)
    with transaction.atomic():
        seen = row.version if version is None else version
        row.refresh_from_db()
        if row.version != seen:
            raise Stale(row)
        changed = {name: (getattr(row, name), new) for name, new in cleaned.items() if getattr(row, name) != new}
        if not changed:
            return {}
        if not model.objects.filter(pk=row.pk, version=seen).update(version=F("version") + 1):  # type: ignore[attr-defined]
            raise Stale(model.objects.get(pk=row.pk))  # type: ignore[attr-defined]
        row.version += 1
        for name, (_old, new) in changed.items():
            setattr(row, name, new)
        derived = derive_contact(row) if isinstance(row, Contact) else _derive_company(row)
        row.save(update_fields=[name.removesuffix("_id") for name in changed] + [*derived, "updated_at"])
        owner = {"contact": row} if isinstance(row, Contact) else {"company": row}
        now = timezone.now()
        ProfileChange.objects.bulk_create(
            ProfileChange(**owner, field=name, old=old, new=new, at=now, by=by, source=source)
            for name, (old, new) in changed.items()
        )
        signals.profile_changed.send(sender=model, contact_ids=_touched(row))
    return changed


def change_many(changes: Iterable[tuple[Contact, Mapping[str, Any]]], *, by: User | None, source: str) -> None:
    """Write validated values that differ, of many contacts in the caller's transaction; Stale when one has changed."""
    kept: list[ProfileChange] = []
    now = timezone.now()
    written: dict[tuple[str, ...], dict[int, Contact]] = {}
    for contact, values in changes:
        if any(contact.pk in group for group in written.values()):
            _write_contacts(written, now)
            written = {}
        old = {name: getattr(contact, name) for name in values}
        for name, new in values.items():
            setattr(contact, name, new)
        names = tuple(dict.fromkeys((*values, *derive_contact(contact))))
        written.setdefault(names, {})[contact.pk] = contact
        kept += [
            ProfileChange(contact=contact, field=name, old=old[name], new=new, at=now, by=by, source=source)
            for name, new in values.items()
        ]
    _write_contacts(written, now)
    if kept:
        bulk.insert(kept)
        signals.profile_changed.send(sender=Contact, contact_ids=list({c.contact_id for c in kept}))


def _write_contacts(groups: Mapping[tuple[str, ...], Mapping[int, Contact]], now: datetime) -> None:
    """Write the named fields of each group in one go; Stale names the first contact somebody else has changed."""
    for names, group in groups.items():
        rows = [
            (*(getattr(contact, name) for name in names), now, contact.pk, contact.version)
            for contact in group.values()
        ]
        if bulk.update_versions(Contact, (*names, "updated_at"), rows) != len(rows):
            raise Stale(_first_changed(group))
        for contact in group.values():
            contact.version += 1


def _first_changed(group: Mapping[int, Contact]) -> Contact:
    """Return the first contact of `group` that was not written as it was: a written one is one version further."""
    for contact in Contact.objects.filter(pk__in=group):
        if contact.version != group[contact.pk].version + 1:
            return contact
    return Contact.objects.get(pk=next(iter(group)))


def _touched(row: Contact | Company) -> list[int]:
    if isinstance(row, Contact):
        return [row.pk]
    return list(Contact.objects.filter(company=row).values_list("pk", flat=True))


def update_contact(
    contact: Contact, values: Mapping[str, Any], *, by: User | None, source: str, version: int | None = None
) -> dict[str, tuple[Any, Any]]:
    """Write what differs and return {field: (old, new)}.

    `version` is the one the form was shown with. Raises ValidationError by field, and Stale when the
    contact has another version by now.
    """
    return _update(contact, values, by, source, version)


def update_company(
    company: Company, values: Mapping[str, Any], *, by: User | None, source: str, version: int | None = None
) -> dict[str, tuple[Any, Any]]:
    """Write what differs and return {field: (old, new)}; see update_contact."""
    return _update(company, values, by, source, version)


def lookalikes(contact: Contact | None, values: Mapping[str, str]) -> QuerySet[Contact]:
    """Return up to five contacts that may be the same person: same e-mail, phone, or name.

    Shared mailboxes (info@…) and masked numbers say nothing about a person.
    """
    address, number = email_key(values.get("email", "")), phone_key(values.get("phone", ""), values.get("country", ""))
    name = search_key(f"{values.get('last_name', '')} {values.get('first_name', '')}")
    same = Q()
    # The indexes leave out empty keys, and a database uses them only where the question leaves them out as well.
    if address and not is_shared(address):
        same |= Q(email_key=address) & ~Q(email_key="")
    if number:
        same |= Q(phone_key=number) & ~Q(phone_key="")
    if name and " " in name:
        same |= Q(name_key=name)
    if not same:
        return Contact.objects.none()
    found = Contact.objects.filter(same)
    if contact:
        found = found.exclude(pk=contact.pk)
        said = PossibleDuplicate.objects.exclude(dismissed_at=None)  # that they are different people
        found = found.exclude(pk__in=said.filter(low=contact).values("high"))
        found = found.exclude(pk__in=said.filter(high=contact).values("low"))
    return found.with_company()[:5]
