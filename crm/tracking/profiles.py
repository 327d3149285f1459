"""What identify and group messages do to contacts and companies: made once, blanks filled, nobody's words replaced.

A field that tracking wrote last is brought up to date by it; what a person, a form or a list wrote stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm import bulk, contacts, signals
from crm.models import Company, CompanyKey, Contact, ProfileChange
from crm.text import search_key

OWN = "tracking:"
NEVER_REPLACED = ("email", "company_id")


@dataclass
class Wish:
    """What a batch says about one contact: fields of theirs, of their company, and its key there."""

    fields: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    company_key: str = ""
    at: datetime | None = None

    def add(self, later: Wish) -> None:
        """Take in what a later message says."""
        self.fields |= later.fields
        if later.company_key and later.company_key != self.company_key:
            self.company, self.company_key = dict(later.company), later.company_key
        else:
            self.company = self.company | later.company
        self.at = self.at or later.at


def apply(wishes: Mapping[int, Wish], *, system: str, source: str) -> dict[int, int]:
    """Write `wishes` ({contact: wish}) in the caller's transaction; return {negative number: the new contact}."""
    _name_companies(wishes, system, source)
    new = [number for number in wishes if number < 0]
    stored = bulk.insert(contacts.build_contacts([wishes[number].fields for number in new]))
    if stored:
        signals.profile_changed.send(sender=Contact, contact_ids=[contact.pk for contact in stored])
    _fill({number: wish for number, wish in wishes.items() if number > 0 and wish.fields}, source)
    return {number: contact.pk for number, contact in zip(new, stored, strict=True)}


def _fill(wishes: Mapping[int, Wish], source: str) -> None:
    if not wishes:
        return
    rows = list(Contact.objects.select_for_update().filter(pk__in=list(wishes)).order_by("pk"))
    owned = _owned(rows, wishes)
    changes = []
    for contact in rows:
        told = wishes[contact.pk].fields
        new = {name: value for name, value in told.items() if _may_write(contact, name, value, owned)}
        if new:
            changes.append((contact, new))
    contacts.change_many(changes, by=None, source=source)


def _may_write(contact: Contact, name: str, value: Any, owned: set[tuple[int, str]]) -> bool:
    now = getattr(contact, name)
    if now == value:
        return False
    if name in {"first_name", "last_name"} and (contact.first_name or contact.last_name):
        return (contact.pk, name) in owned  # half a name is not completed with half of another
    return now in ("", None) or (contact.pk, name) in owned


def _owned(rows: list[Contact], wishes: Mapping[int, Wish]) -> set[tuple[int, str]]:
    """Return the (contact, field) pairs that tracking wrote last."""
    asked = {
        (contact.pk, name)
        for contact in rows
        for name, value in wishes[contact.pk].fields.items()
        if name not in NEVER_REPLACED and getattr(contact, name) not in ("", None, value)
    }
    if not asked:
        return set()
    newest = ProfileChange.objects.filter(
        contact_id__in={pk for pk, _name in asked}, field__in={name for _pk, name in asked}
    ).order_by("id")
    last = {(pk, name): source for pk, name, source in newest.values_list("contact_id", "field", "source")}
    return {pair for pair in asked if last.get(pair, "").startswith(OWN)}


# --- Companies ------------------------------------------------------------------------------------


def _name_companies(wishes: Mapping[int, Wish], system: str, source: str) -> None:
    """Find or make the company of each wish: by its key there, its domain, its name."""
    asked = [wish for wish in wishes.values() if wish.company or wish.company_key]
    if not asked:
        return
    find = _known_companies(asked, system)
    made: dict[str, Company] = {}
    found: list[int | Company | None] = []
    for wish in asked:
        name = search_key(wish.company.get("name", ""))
        known = find(wish)
        if known is None and name and name not in made:
            made[name] = contacts.build_companies([wish.company])[0]
        found.append(known or made.get(name))
    bulk.insert(list(made.values()))
    ids = [one.pk if isinstance(one, Company) else one for one in found]
    for wish, pk in zip(asked, ids, strict=True):
        if pk:
            wish.fields["company_id"] = pk
    _remember_keys(asked, system)
    _fill_companies(asked, {company.pk for company in made.values()}, source)


def _known_companies(wishes: list[Wish], system: str) -> Any:
    keys = {wish.company_key for wish in wishes} - {""}
    domains = {wish.company.get("domain", "") for wish in wishes} - {""}
    names = {search_key(wish.company.get("name", "")) for wish in wishes} - {""}
    by_key = dict(CompanyKey.objects.filter(system=system, key__in=keys).values_list("key", "company_id"))
    by_domain = dict(Company.objects.filter(domain__in=domains).order_by("-id").values_list("domain", "pk"))
    by_name = dict(Company.objects.filter(name_key__in=names).order_by("-id").values_list("name_key", "pk"))

    def find(wish: Wish) -> int | None:
        known = by_key.get(wish.company_key) or by_domain.get(wish.company.get("domain", ""))
        return known or by_name.get(search_key(wish.company.get("name", "")))

    return find


def _remember_keys(wishes: list[Wish], system: str) -> None:
    keys = {w.company_key: w.fields["company_id"] for w in wishes if w.company_key and w.fields.get("company_id")}
    known = set(CompanyKey.objects.filter(system=system, key__in=list(keys)).values_list("key", flat=True))
    bulk.insert([CompanyKey(system=system, key=key, company_id=pk) for key, pk in keys.items() if key not in known])


def _fill_companies(wishes: list[Wish], new: set[int], source: str) -> None:
    told = {
        w.fields["company_id"]: w.company
        for w in wishes
        if w.company and w.fields.get("company_id") not in {None, *new}
    }
    for company in Company.objects.select_for_update().filter(pk__in=list(told)).order_by("pk"):
        blank = {name: v for name, v in told[company.pk].items() if getattr(company, name) in ("", None)}
        if blank:
            contacts.update_company(company, blank, by=None, source=source)
