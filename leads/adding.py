"""A lead added by hand: one person, one channel, perhaps somebody we know already; sent twice, stored once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import consents, contacts
from crm.company_names import company_named
from crm.email_address import email_key
from crm.models import Contact, ContactKey, LegalBasis, User
from crm.phone import phone_key
from crm.text import search_key
from leads import capture
from leads.models import Lead, Source

SYSTEM = "baton form"


@dataclass(frozen=True)
class Lookalike:
    """Somebody known who may be the same person, and why we think so; `lead` is their open one."""

    contact: Contact
    reasons: tuple[str, ...]
    lead: Lead | None = None


def lookalikes(values: Mapping[str, str], *, contact: Contact | None = None, user: User) -> tuple[list[Lookalike], int]:
    """Return (who among the visible may be the same person, how many more exist outside of what `user` may see)."""
    found = list(contacts.lookalikes(contact, values))
    visible = set(Contact.objects.visible_to(user).filter(pk__in=[c.pk for c in found]).values_list("pk", flat=True))
    seen = [candidate for candidate in found if candidate.pk in visible]
    leads = {lead.contact_id: lead for lead in Lead.objects.visible_to(user).open().filter(contact__in=seen)}
    alike = [Lookalike(candidate, reasons(candidate, values), leads.get(candidate.pk)) for candidate in seen]
    return alike, len(found) - len(seen)


def reasons(candidate: Contact, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the two have in common, in words."""
    address, number = email_key(values.get("email", "")), phone_key(values.get("phone", ""), values.get("country", ""))
    name = search_key(f"{values.get('last_name', '')} {values.get('first_name', '')}")
    common = [
        (bool(address) and candidate.email_key == address, _("same e-mail address")),
        (bool(number) and candidate.phone_key == number, _("same phone number")),
        (bool(name) and candidate.name_key == name, _("same name")),
    ]
    return tuple(reason for holds, reason in common if holds)


def is_suppressed(values: Mapping[str, str]) -> bool:
    """Whether the person once asked never to be written to or called under this address or number."""
    asked = Contact(
        email_key=email_key(values.get("email", "")),
        phone_key=phone_key(values.get("phone", ""), values.get("country", "")),
    )
    return consents.is_suppressed(asked)


def add(values: Mapping[str, Any], *, by: User, token: str, company: str = "", basis: str = "", **lead: Any) -> Lead:
    """Store a new contact with its first lead, owned by who adds it.

    `token` is the form's render token: a second call with the same one returns the lead of the first.
    Raises ValidationError by field.
    """
    if is_suppressed(values):
        raise ValidationError(_("This person has asked not to be contacted. Their data cannot be entered again."))
    try:
        with transaction.atomic():
            found = company_named(company, by=by)
            contact = contacts.create_contact(
                dict(values) | {"company_id": found.pk if found else None}, by=by, source="form"
            )
            ContactKey.objects.create(contact=contact, system=SYSTEM, key=token)
            if basis:
                LegalBasis.objects.create(contact=contact, basis=basis, since=timezone.localdate(), source="form")
            return capture.open_lead(contact, by=by, owner=by, **lead)
    except IntegrityError:
        again = added_before(token)
        if again is None:
            raise
        return again


def added_before(token: str) -> Lead | None:
    """Return the lead that this rendering of the form has stored already."""
    return Lead.objects.filter(contact__keys__system=SYSTEM, contact__keys__key=token).order_by("-episode").first()


def add_for(contact: Contact, *, by: User, source: Source | None, **lead: Any) -> Lead:
    """Begin the next episode of somebody we know; raises capture.AlreadyOpen."""
    return capture.open_lead(contact, by=by, owner=by, source=source, **lead)
