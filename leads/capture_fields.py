"""What a form may ask: each field knows its place on the contact, its keyboard and its autocomplete token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext_lazy as _

from crm.text import search_key

CUSTOM = "custom:"
MOST_REQUIRED = 3


@dataclass(frozen=True)
class Known:
    """One field of the catalogue. `purpose` is proposed when it is added; `column` is the contact's, '' for none."""

    name: str
    label: str | Promise
    purpose: str | Promise
    column: str
    longest: int
    kind: str = "text"
    autocomplete: str = "off"
    inputmode: str = ""


KNOWN: dict[str, Known] = {
    field.name: field
    for field in (
        Known("email", _("E-mail"), _("To answer you and to confirm your request."), "email", 254, "email", "email"),
        Known("first_name", _("First name"), _("To address you by name."), "first_name", 120,
              autocomplete="given-name"),
        Known("last_name", _("Last name"), _("To address you by name."), "last_name", 120, autocomplete="family-name"),
        Known("company", _("Company"), _("To prepare an answer that fits your company."), "company_id", 200,
              autocomplete="organization"),
        Known("job_title", _("Job title"), _("To answer at the right depth."), "job_title", 200,
              autocomplete="organization-title"),
        Known("phone", _("Phone"), _("To call you back if you ask us to."), "phone", 60, "tel", "tel", "tel"),
        Known("street", _("Street and number"), _("To send you something by post."), "street", 200,
              autocomplete="street-address"),
        Known("postcode", _("Postcode"), _("To find who is responsible for your area."), "postcode", 20,
              autocomplete="postal-code"),
        Known("city", _("City"), _("To find who is responsible for your area."), "city", 120,
              autocomplete="address-level2"),
        Known("message", _("Your message"), _("To answer your question."), "", 2000, "textarea"),
    )
}  # fmt: skip


def custom_name(label: str) -> str:
    """Return the name of an own field made from its label, such as 'custom:fleet_size'; '' without letters."""
    stem = slugify(search_key(label)).replace("-", "_")[:40]
    return f"{CUSTOM}{stem}" if stem else ""


def known(name: str) -> Known:
    """Return what the catalogue says about `name`; an own field is a line of text. KeyError for any other."""
    if name.startswith(CUSTOM):
        return Known(name, name.removeprefix(CUSTOM).replace("_", " "), "", "", 200)
    return KNOWN[name]


def words(name: str) -> str:
    """Return what a field that was sent is called, as well as is known: 'first_name' → "First name"."""
    try:
        return capfirst(str(known(name).label))
    except KeyError:
        return name


def label(field: dict[str, Any], language: str) -> str:
    """Return the words above a form's field, its own or the catalogue's; call it in that language."""
    return str(field.get("label", {}).get(language) or known(field["name"]).label)


def purpose(field: dict[str, Any], language: str) -> str:
    """Return why a form asks for the field ("Zweck"), in that language."""
    return str(field.get("purpose", {}).get(language) or known(field["name"]).purpose)
