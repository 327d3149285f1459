"""The demo world: who works here and whom they know. Synthetic, reproducible, marked, and gone in one step.

Other apps add to the world (`chapter`) and say what they keep about its people (`crm.deletion.before_removal`), so that
crm needs to know neither of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from crm import bulk, contacts
from crm.activities import slices
from crm.deletion import gate_open, remove_contacts
from crm.demo_names import GERMAN_TITLES, INDUSTRIES, LANDS, PHONES, PLACES, TITLES, WELL_KNOWN, Known
from crm.models import (
    Company,
    Contact,
    ProfileChange,
    Role,
    Team,
    User,
)
from crm.text import search_key

PASSWORD = "baton-demo"  # nosec B105: printed at every start, and it opens the door on this machine only
SLICE = 200
HOME = ("DE",) * 7 + ("AT", "CH", "NL", "DK", "SE", "IS", "PL", "CZ", "IT", "ES", "FR", "IE", "GB", "US", "IN")

# name, role, team, what else
STAFF: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Mia Kowalczyk", Role.MARKETER, "Marketing", {"signs_for_marketing": True}),
    ("Max Ortmann", Role.MARKETER, "Marketing", {}),
    ("Sam Okafor", Role.SALES_REP, "North", {}),
    ("Jana Hübner", Role.SALES_REP, "North", {"language": "de"}),
    ("Rosa Blum", Role.SALES_REP, "South", {"language": "de"}),
    ("Piet Vandenberghe", Role.SALES_REP, "South", {}),
    ("Lena Brandt", Role.SALES_LEAD, "North", {"signs_for_sales": True}),
    ("Ava Lindqvist", Role.ADMIN, "", {}),
)
NORTH = ("DE", "NL", "DK", "SE", "IS", "PL", "GB", "IE", "US")
TEAMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Marketing", Team.Side.MARKETING, {}),
    ("North", Team.Side.SALES, {"territory": list(NORTH), "holiday_region": "DE-NI"}),
    ("South", Team.Side.SALES, {"territory": ["AT", "CH", "CZ", "IT", "ES", "FR", "IN"], "holiday_region": "DE-BY"}),
)


@dataclass
class World:
    """What is being made: how much of it, from which seed, and as of when."""

    leads: int
    activities: int
    seed: int
    now: datetime = field(default_factory=timezone.now)
    people: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)

    @property
    def is_large(self) -> bool:
        """Whether the world is for measuring: told quickly and in bulk, without the past's scores."""
        return self.leads > 2000

    def chance(self, *about: object) -> Random:
        """Return the dice for one thing: the same seed and thing always roll the same."""
        return Random(":".join(str(part) for part in (self.seed, *about)))  # nosec B311: a story, no secret


Chapter = Callable[[World], None]
_chapters: list[Chapter] = []
_last_acts: list[Callable[[], None]] = []


def chapter(tell: Chapter) -> Chapter:
    """Register what an app adds to the world; told in the order of the apps, from left to right."""
    _chapters.append(tell)
    return tell


def after_removal(clear: Callable[[], None]) -> Callable[[], None]:
    """Register what takes away an app's demo rows that belong to nobody; called once, when the contacts are gone."""
    _last_acts.append(clear)
    return clear


# --- Who works here -------------------------------------------------------------------------------


def hire(world: World) -> None:
    """Bring in the teams and the demo sign-ins; whoever is here already stays as they are."""
    for name, side, more in TEAMS:
        world.teams[name] = Team.objects.get_or_create(name=name, defaults={"side": side, **more})[0]
    password = make_password(PASSWORD)
    for name, role, team, more in STAFF:
        first = name.split()[0].lower()
        known = {"name": name, "role": role, "team": world.teams.get(team), "password": password, "is_demo": True}
        world.people[first] = User.objects.get_or_create(email=f"{first}@example.com", defaults=known | more)[0]


# --- Whom they know -------------------------------------------------------------------------------


def people(world: World) -> Iterator[dict[str, Any]]:
    """Yield invented people without end: {"number": int, "contact": fields, "company": fields, "story": name or ""}."""
    for number in count():
        if number < len(WELL_KNOWN):
            yield _known_person(number, WELL_KNOWN[number])
        else:
            yield _any_person(world, number)


def _known_person(number: int, known: Known) -> dict[str, Any]:
    company = _company_fields(known.company, known.industry, known.employees, known.city, known.country, number)
    contact = _contact_fields(known.first_name, known.last_name, known.title, company, number)
    return {"number": number, "contact": contact, "company": company, "story": known.story}


def _any_person(world: World, number: int) -> dict[str, Any]:
    dice = world.chance("person", number)
    company = _company_of(world, dice, number)
    land = LANDS[company["country"]]
    woman = dice.random() < 0.5
    titles = GERMAN_TITLES if land.language == "de" else TITLES
    hers, his, _weight = dice.choices(titles, [weight for _hers, _his, weight in titles])[0]
    first, last = dice.choice(land.women if woman else land.men), land.family(dice.randrange(10_000), woman=woman)
    contact = _contact_fields(first, last, hers if woman else his, company, number)
    if dice.random() < 0.25:
        contact["phone"] = ""
    if dice.random() < 0.03:  # somebody who left nothing but an address
        return {
            "number": number, "contact": {"email": f"post{number}@example.net"}, "company": None, "story": "fresh",
        }  # fmt: skip
    return {"number": number, "contact": contact, "company": company, "story": ""}


def _company_of(world: World, dice: Random, number: int) -> dict[str, Any]:
    """Return a company; every fifth person works where an earlier one does."""
    first = len(WELL_KNOWN)
    if number > first + 10 and dice.random() < 0.2:
        colleague = dice.randrange(max(first, number // 2), number)
        return _company_of(world, world.chance("person", colleague), colleague)
    country = dice.choice(HOME)
    land = LANDS[country]
    industry = dice.choice(list(INDUSTRIES))
    german, abroad, least, most = INDUSTRIES[industry]
    employees = int(least * (most / least) ** dice.random()) if dice.random() < 0.9 else None
    city, _region = dice.choice(land.cities)
    trade = dice.choice(german if land.language == "de" else abroad)
    name = f"{trade} {dice.choice(PLACES) if country == 'DE' else city}" if land.language == "de" else f"{city} {trade}"
    return _company_fields(f"{name} {dice.choice(land.forms)}", industry, employees, city, country, number)


def _company_fields(
    name: str, industry: str, employees: int | None, city: str, country: str, number: int
) -> dict[str, Any]:
    land = LANDS[country]
    form = next((form for form in land.forms if name.endswith(f" {form}")), "")
    domain = f"{_host(name.removesuffix(form))}{f'-{number}' if number >= 1000 else ''}.example.org"
    return {
        "name": name, "industry": industry, "employees": employees, "city": city, "country": country,
        "region": dict(land.cities).get(city, ""), "domain": domain, "website": f"https://{domain}",
    }  # fmt: skip


def _host(name: str) -> str:
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in search_key(name)).split()
    return "-".join(words)[:40].strip("-")


def _contact_fields(first: str, last: str, title: str, company: dict[str, Any], number: int) -> dict[str, Any]:
    country = company["country"]
    plain = ("".join(c for c in search_key(part) if c.isalnum() and c.isascii()) for part in (first, last))
    numbers = PHONES.get(country, ())
    return {
        "first_name": first, "last_name": last, "email": f"{'.'.join(plain)}@{company['domain']}",
        "phone": numbers[number % len(numbers)].format(number % 1000) if numbers else "", "job_title": title,
        "city": company["city"], "region": company["region"], "country": country, "language": LANDS[country].language,
    }  # fmt: skip


def store(invented: Sequence[dict[str, Any]], known_since: Sequence[datetime]) -> list[Contact]:
    """Store invented people with their companies in the caller's transaction, and return the contacts in order.

    Nothing is announced: what they did, recorded next, is, and it has them looked at as a whole.
    """
    wanted = {one["company"]["domain"]: one["company"] for one in reversed(invented) if one["company"]}
    here = {company.domain: company for company in Company.objects.filter(is_demo=True, domain__in=wanted)}
    new = [values for domain, values in wanted.items() if domain not in here]
    built = contacts.build_companies([contacts.validated_company(values) for values in new], is_demo=True)
    here |= {company.domain: company for company in bulk.insert(built)}
    rows = [
        contacts.validated_contact(
            one["contact"] | ({"company_id": here[one["company"]["domain"]].pk} if one["company"] else {})
        )
        for one in invented
    ]
    built_contacts = contacts.build_contacts(rows, is_demo=True)
    for contact, since in zip(built_contacts, known_since, strict=True):
        contact.created_at = since
    return bulk.insert(built_contacts)


def build(world: World) -> None:
    """Make the world: the people who work here, then every app's chapter."""
    hire(world)
    for tell in _chapters:
        tell(world)


# --- The end of the world -------------------------------------------------------------------------


def exists() -> bool:
    """Whether a demo world is here."""
    return Contact.objects.filter(is_demo=True).exists() or User.objects.filter(is_demo=True).exists()


def remove() -> dict[str, int]:
    """Delete everything that was invented, and return how many contacts, companies and people went.

    Whoever left a trace in real data stays, but may no longer sign in.
    """
    contact_ids = list(Contact.objects.filter(is_demo=True).order_by("pk").values_list("pk", flat=True))
    for part in slices(contact_ids, SLICE):
        with gate_open("demo removal"):
            remove_contacts(part)
    for clear in _last_acts:
        clear()
    return {"contacts": len(contact_ids), "companies": _remove_companies(), "people": _dismiss()}


def _remove_companies() -> int:
    Company.objects.filter(is_demo=True, contacts__isnull=False).update(is_demo=False)
    gone = 0
    company_ids = list(Company.objects.filter(is_demo=True).values_list("pk", flat=True))
    for part in slices(company_ids, SLICE):
        with gate_open("demo removal"):
            ProfileChange.objects.filter(company__in=part).delete()
            Company.objects.filter(pk__in=part).delete()
        gone += len(part)
    return gone


def _dismiss() -> int:
    gone = 0
    for person in User.objects.filter(is_demo=True):
        try:
            with transaction.atomic():
                person.delete()
            gone += 1
        except ProtectedError:
            person.is_active = False
            person.save(update_fields=["is_active"])
    for name, _side, _more in TEAMS:
        team = Team.objects.filter(name=name, members=None).first()
        if team:
            try:
                with transaction.atomic():
                    team.delete()
            except ProtectedError:
                continue
    return gone
