"""What is here already about the people of a slice: read once, before its rows are planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crm import consents, contacts
from crm.models import Activity, Company, CompanyKey, Contact, LegalBasis, ProfileChange
from crm.text import search_key
from leads.imports.columns import Arrival, SourceColumn
from leads.imports.plans import Plan, message_id
from leads.models import Lead, StageChange

if TYPE_CHECKING:
    from leads.imports.planning import Planner


@dataclass
class Known:
    """What is here already about the people of a slice, read with a handful of queries."""

    planner: Planner
    leads: dict[int, list[Lead]] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    owned: dict[int, set[str]] = field(default_factory=dict)
    deeds: set[str] = field(default_factory=set)
    with_basis: set[int] = field(default_factory=set)
    said: dict[int, set[tuple[str, str]]] = field(default_factory=dict)
    companies: dict[tuple[str, str], Company] = field(default_factory=dict)
    has_source_column: bool = False

    @classmethod
    def about(cls, planner: Planner, plans: Sequence[Plan]) -> Known:
        """Read companies, and of the people already here leads, log, owned fields, activities and permissions."""
        known = cls(planner)
        known.has_source_column = any(isinstance(column, SourceColumn) for column in planner.mapping.columns)
        known._read_companies(plans)
        plans = [plan for plan in plans if plan.contact is not None and plan.contact.pk]
        ids = [plan.contact.pk for plan in plans if plan.contact]
        if not ids:
            return known
        for lead in Lead.objects.filter(contact__in=ids).order_by("episode"):
            known.leads.setdefault(lead.contact_id, []).append(lead)
        lead_ids = [lead.pk for leads in known.leads.values() for lead in leads]
        by_people = StageChange.objects.filter(lead__in=lead_ids).exclude(actor=StageChange.Actor.IMPORT)
        known.moved = set(by_people.values_list("lead_id", flat=True))
        for change in ProfileChange.objects.filter(contact__in=ids, by__isnull=False):
            assert change.contact_id is not None
            known.owned.setdefault(change.contact_id, set()).update(_touched(change))
        wanted = [message_id(plan.arrival.key, deed.header) for plan in plans for deed in plan.arrival.deeds]
        stored = Activity.objects.filter(feed=planner.mapping.feed, message_id__in=wanted)
        known.deeds = set(stored.values_list("message_id", flat=True))
        bases = LegalBasis.objects.filter(contact__in=ids, source=planner.mapping.feed)
        known.with_basis = set(bases.values_list("contact_id", flat=True))
        known.said = consents.objections_of([p.contact.pk for p in plans if p.contact and p.arrival.objections])
        return known

    def objections(self, contact: Contact) -> set[tuple[str, str]]:
        """Return the (purpose, channel) pairs the person objects to now."""
        return self.said.get(contact.pk, set())

    def last_episode(self, contact: Contact | None) -> int:
        leads = self.leads.get(contact.pk, []) if contact and contact.pk else []
        return leads[-1].episode if leads else 0

    def lead_of(self, contact: Contact, arrival: Arrival) -> Lead | None:
        """Return the lead a row is about: the one imported before, else an open one; None when a new one begins."""
        if not contact.pk:
            imagined = self.planner.imagined_leads.get(id(contact))
            return imagined[-1] if imagined else None
        leads = self.leads.get(contact.pk, [])
        for lead in reversed(leads):
            if lead.imported or lead.is_open:
                return lead
        return None

    def company(self, arrival: Arrival) -> Company | None:
        """Return the company a row names, stored or new: by key, else by domain, else by name."""
        ways = _ways(arrival)
        if not ways:
            return None
        company = next((self.companies[way] for way in ways if way in self.companies), None)
        if company is None:
            name = arrival.company.get("name") or arrival.company.get("domain") or arrival.company_key
            custom = {"custom": arrival.company_custom} if arrival.company_custom else {}
            company = contacts.build_companies([arrival.company | {"name": name} | custom])[0]
        for way in ways:
            self.companies.setdefault(way, company)
        return company

    def _read_companies(self, plans: Sequence[Plan]) -> None:
        wanted: dict[str, set[str]] = {"key": set(), "domain": set(), "name": set()}
        for plan in plans:
            for way, value in _ways(plan.arrival):
                wanted[way].add(value)
        here = Company.objects.order_by("-pk")
        if wanted["name"]:
            for company in here.filter(name_key__in=wanted["name"]):
                self.companies["name", company.name_key] = company
        if wanted["domain"]:
            for company in here.filter(domain__in=wanted["domain"]):
                self.companies["domain", company.domain] = company
        if wanted["key"]:
            keys = CompanyKey.objects.filter(system=self.planner.mapping.system, key__in=wanted["key"])
            for row in keys.select_related("company"):
                self.companies["key", row.key] = row.company


def _ways(arrival: Arrival) -> list[tuple[str, str]]:
    """Return how a row names its company, the surest way first."""
    values = arrival.company
    names = [
        ("key", arrival.company_key),
        ("domain", values.get("domain", "")),
        ("name", search_key(values.get("name", ""))),
    ]
    return [(way, value) for way, value in names if value]


def _touched(change: ProfileChange) -> set[str]:
    if change.field != "custom":
        return {change.field}
    old, new = change.old or {}, change.new or {}
    return {f"custom.{name}" for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
