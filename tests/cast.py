"""The people of every story: Mia does marketing, Sam sells, Lena leads sales, Ava is the admin, Ada is the lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from crm import contacts
from crm.models import Company, Contact, Role, Team, User
from leads import capture, lifecycle, qualification
from leads.models import Lead, Reason, Source


@dataclass
class Cast:
    marketing: Team
    north: Team
    south: Team
    mia: User
    max: User
    sam: User
    jana: User
    rosa: User
    lena: User
    ava: User

    @property
    def everyone(self) -> list[User]:
        return [self.mia, self.max, self.sam, self.jana, self.rosa, self.lena, self.ava]


def assemble() -> Cast:
    """Bring the people in: teams, and one or two persons per role. All are signed in with 'baton-demo'."""
    marketing = Team.objects.create(name="Marketing", side=Team.Side.MARKETING)
    north, south = (Team.objects.create(name=name, way=Team.Way.QUEUE) for name in ("North", "South"))

    def person(name: str, role: str, team: Team | None, **more: Any) -> User:
        first = name.split()[0].lower()
        return User.objects.create_user(f"{first}@example.com", "baton-demo", name=name, role=role, team=team, **more)

    return Cast(
        marketing=marketing, north=north, south=south,
        mia=person("Mia Kowalczyk", Role.MARKETER, marketing, signs_for_marketing=True),
        max=person("Max Ortmann", Role.MARKETER, marketing),
        sam=person("Sam Okafor", Role.SALES_REP, north),
        jana=person("Jana Hübner", Role.SALES_REP, north),
        rosa=person("Rosa Blum", Role.SALES_REP, south),
        lena=person("Lena Brandt", Role.SALES_LEAD, north, signs_for_sales=True),
        ava=person("Ava Admin", Role.ADMIN, None),
    )  # fmt: skip


def ada(**values: Any) -> Contact:
    """Return Ada of Acme, a marketing manager of a mid-size company."""
    acme = Company.objects.filter(name="Acme GmbH").first() or contacts.create_company(
        {"name": "Acme GmbH", "industry": "Mechanical engineering", "employees": 250, "country": "DE"},
        by=None,
        source="test",
    )
    known = {
        "first_name": "Ada", "last_name": "Brömmel", "email": "ada@acme.example", "phone": "+49 30 1234567",
        "job_title": "Marketing Manager", "company_id": acme.pk, "country": "DE",
    }  # fmt: skip
    return contacts.create_contact(known | values, by=None, source="test")


def a_lead(contact: Contact | None = None, **fields: Any) -> Lead:
    """Return a new lead of `contact`, Ada by default."""
    source = Source.objects.get(key=fields.pop("source", "webinar"))
    return capture.open_lead(contact or ada(), source=source, **fields)


def reason(kind: str) -> Reason:
    """Return a reason from the managed list of `kind`."""
    found = Reason.objects.filter(kind=kind).first()
    assert found is not None
    return found


def an_mql(cast: Cast, **fields: Any) -> Lead:
    """Return a lead that Mia made an MQL."""
    lead = a_lead(owner=cast.mia, **fields)
    lifecycle.advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
    return lead


def offered(cast: Cast, **fields: Any) -> Lead:
    """Return an MQL that Mia has handed to Sam."""
    lead = an_mql(cast, **fields)
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    return lead


def accepted(cast: Cast, **fields: Any) -> Lead:
    """Return a lead that Sam has accepted."""
    lead = offered(cast, **fields)
    lifecycle.advance(lead, "accept", by=cast.sam)
    return lead


def confirm(lead: Lead, by: User, *topics: str) -> None:
    """Confirm `topics` of the checklist, three of BANT by default."""
    for topic in topics or ("budget", "authority", "need"):
        qualification.note_finding(lead, topic, "confirmed", evidence="Told us.", dated_on=timezone.localdate(), by=by)


def qualified(cast: Cast, **fields: Any) -> Lead:
    """Return a lead that Sam has sales-qualified."""
    lead = accepted(cast, **fields)
    confirm(lead, cast.sam)
    lifecycle.advance(lead, "qualify_for_sales", by=cast.sam)
    return lead


def next_month() -> date:
    """Return a wake-up date thirty days from now."""
    return timezone.localdate() + timedelta(days=30)
