"""A company by the name somebody typed."""

from __future__ import annotations

from crm import contacts
from crm.models import Company, User
from crm.text import search_key


def company_named(name: str, *, by: User | None, keep: Company | None = None) -> Company | None:
    """Return the company of this name, umlauts either way; a new one when there is none, None for ''.

    `keep` is the present one: of several companies with one name it stays.
    """
    key = search_key(name)
    if not key:
        return None
    if keep and keep.name_key == key:
        return keep
    known = Company.objects.filter(name_key=key).order_by("pk").first()
    return known or contacts.create_company({"name": name}, by=by, source="form")
