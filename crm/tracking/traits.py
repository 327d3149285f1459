"""What traits say about a person or a company, in the fields we keep. What has no field of ours is not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from crm.contacts import validated_company, validated_contact

#: our field: the names a trait for it may have, the first that says something counts
PERSON: dict[str, tuple[str, ...]] = {
    "first_name": ("firstName", "first_name", "firstname"),
    "last_name": ("lastName", "last_name", "lastname"),
    "email": ("email",),
    "phone": ("phone", "phoneNumber"),
    "job_title": ("title", "jobTitle", "job_title", "position"),
    "street": ("address.street",),
    "postcode": ("address.postalCode", "address.postcode", "address.zip"),
    "city": ("address.city", "city"),
    "region": ("address.state", "address.region", "state"),
    "country": ("address.countryCode", "address.country", "countryCode", "country"),
    "language": ("language",),
    "linkedin": ("linkedin", "linkedinUrl"),
}
ORGANISATION: dict[str, tuple[str, ...]] = {
    "name": ("name", "company"),
    "domain": ("domain",),
    "website": ("website", "url"),
    "industry": ("industry",),
    "employees": ("employees", "employee_count", "employeeCount"),
    "phone": ("phone",),
    "street": ("address.street",),
    "postcode": ("address.postalCode", "address.postcode", "address.zip"),
    "city": ("address.city", "city"),
    "region": ("address.state", "state"),
    "country": ("address.countryCode", "address.country", "countryCode", "country"),
}
Validate = Callable[[Mapping[str, Any]], dict[str, Any]]


def person(traits: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return (contact fields, what could not be kept and why) of the traits of a person."""
    found = _picked(traits, PERSON)
    full = _text(traits.get("name"))
    if full and not (found.get("first_name") or found.get("last_name")):
        first, _blank, last = full.rpartition(" ")
        found |= {"first_name": first, "last_name": last}
    if "language" not in found and isinstance(traits.get("locale"), str):
        found["language"] = traits["locale"][:2].lower()
    return _kept(found, validated_contact)


def company(traits: Mapping[str, Any]) -> tuple[str, dict[str, Any], list[str]]:
    """Return (its id there, company fields, what could not be kept) of the `company` trait, a text or an object."""
    told = traits.get("company")
    if isinstance(told, Mapping):
        fields, dropped = organisation(told)
        return _text(told.get("id"))[:200], fields, dropped
    fields, dropped = organisation({"name": told})
    return "", fields, dropped


def organisation(traits: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return (company fields, what could not be kept) of the traits of a group."""
    found = _picked(traits, ORGANISATION)
    if "employees" in found:
        digits = found["employees"]
        if digits.isdigit() and int(digits) <= 10_000_000:
            found["employees"] = int(digits)
        else:
            del found["employees"]
    return _kept(found, validated_company)


def _picked(traits: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    found = {}
    for field, places in names.items():
        value = next((text for place in places if (text := _text(_at(traits, place)))), "")
        if value:
            found[field] = value
    return found


def _at(traits: Mapping[str, Any], place: str) -> Any:
    value: Any = traits
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return " ".join(str(value).split())


def _kept(found: dict[str, Any], validated: Validate) -> tuple[dict[str, Any], list[str]]:
    try:
        return validated(found), []
    except ValidationError as error:
        wrong = error.message_dict
        kept = {name: value for name, value in found.items() if name not in wrong}
        return validated(kept), [f"{name}: {' '.join(texts)}" for name, texts in wrong.items()]
