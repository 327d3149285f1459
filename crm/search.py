"""Search or jump to: people, companies, pages and things to do, each source a provider that answers with a few hits.

Names are found by their first letters along an index; only when that finds too little, anywhere in the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.functions import Collate
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import roles, settings_catalogue, visibility
from crm.listing import asked, matches
from crm.models import Company, Contact, User
from crm.text import search_key

Row = TypeVar("Row", bound=Model)
FEW = 6
MANY = 50
LAST = "\U0010ffff"
SHORTEST_NUMBER = 5
SHORTEST_SETTING = 3


@dataclass(frozen=True)
class LeadMark:
    """A person's newest lead: its page, its stage key, and the page of its moves ('' when it is closed)."""

    url: str
    stage: str
    moves: str = ""


@dataclass(frozen=True)
class Hit:
    """One line of an answer; a person carries their lead, and then `own` is their contact page."""

    title: str
    url: str
    icon: str
    detail: str = ""
    lead: LeadMark | None = None
    own: str = ""


@dataclass(frozen=True)
class Group:
    """The hits of one kind; `full` when there may be more than were asked for."""

    key: str
    label: str | Promise
    hits: Sequence[Hit]
    full: bool = False


@dataclass(frozen=True)
class Door:
    """Something to jump to or to do: a URL name, its words, and who sees it."""

    name: str
    label: str | Promise
    icon: str
    args: tuple[str, ...] = ()
    allowed: Callable[[User], bool] = lambda user: True


PAGES: list[Door] = [
    Door("today", _("Today"), "sun"),
    Door("marketing_board", _("Marketing board"), "square-kanban"),
    Door("sales_board", _("Sales board"), "square-kanban"),
    Door("leads", _("Leads"), "list"),
    Door("contacts", _("Contacts"), "users"),
    Door("companies", _("Companies"), "building-2"),
    Door("report", _("Report: funnel"), "chart-column", ("funnel",)),
    Door("campaigns", _("Campaigns and spend"), "wallet", allowed=roles.reads_spend),
    Door("scorecards", _("Scorecard"), "list-checks"),
    Door("glossary", _("Glossary"), "book-open"),
    Door("preferences", _("Preferences"), "user"),
    Door("settings", _("Settings"), "settings", allowed=roles.is_admin),
]
ACTIONS: list[Door] = [
    Door("add_lead", _("Add a lead"), "plus"),
    Door("imports", _("Import a file"), "upload", allowed=roles.may_import),
    Door("settings_invite", _("Invite a person"), "user-plus", allowed=roles.is_admin),
]
#: What leads knows about contacts: {contact id: mark} of those whose lead the person may see.
LeadMarks = Callable[[User, Sequence[int]], dict[int, LeadMark]]
_lead_marks: LeadMarks | None = None


def mark_leads(provider: LeadMarks) -> None:
    """Register who knows the leads of contacts."""
    global _lead_marks
    _lead_marks = provider


def _beginning(rows: Any, column: str, word: str) -> Any:
    """Return the rows whose `column` begins with `word`, in order: a walk along an index that compares letters."""
    letters = F(column) if connection.vendor == "sqlite" else Collate(F(column), "C")
    return rows.alias(letters=letters).filter(letters__gte=word, letters__lt=word + LAST).order_by("letters", "pk")


def by_name(rows: QuerySet[Row], question: str, limit: int) -> list[Row]:
    """Return up to `limit` rows with every word of `question` in their name: those it begins with, then the rest."""
    words = search_key(question).split()
    if not words:
        return []
    everywhere = matches(question, "name_key")
    found: dict[Any, Row] = {}
    for word in dict.fromkeys((" ".join(words), *words)):
        if len(found) < limit:
            near = _beginning(rows.filter(everywhere), "name_key", word)
            found |= {row.pk: row for row in near[:limit] if row.pk not in found}
    if len(found) < limit:
        rest = rows.filter(everywhere).order_by("name_key", "pk")[: limit + len(found)]
        found |= {row.pk: row for row in rest if row.pk not in found}
    return list(found.values())[:limit]


def _by_address(rows: QuerySet[Contact], question: str, limit: int) -> list[Contact]:
    """Return contacts by a part of their e-mail address or phone number, when the question looks like one."""
    if "@" in question:
        known = rows.exclude(email_key="")
        begins = list(_beginning(known, "email_key", question.casefold())[:limit])
        return begins or list(known.filter(email_key__contains=question.casefold()).order_by("email_key")[:limit])
    digits = "".join(c for c in question if c.isdecimal()).lstrip("0")
    if len(digits) >= SHORTEST_NUMBER and not any(c.isalpha() for c in question):
        return list(rows.exclude(phone_key="").filter(phone_key__contains=digits).order_by("phone_key")[:limit])
    return []


def people(user: User, question: str, limit: int) -> list[Hit]:
    """Find contacts by name, e-mail address or phone number; the link leads to their newest lead, if any."""
    rows = Contact.objects.filter(visibility.few_contacts_of(user)).with_company()
    contacts = _by_address(rows, question, limit) or ([] if "@" in question else by_name(rows, question, limit))
    leads = _lead_marks(user, [contact.pk for contact in contacts]) if _lead_marks and contacts else {}
    return [_person(contact, leads.get(contact.pk)) for contact in contacts]


def _person(contact: Contact, lead: LeadMark | None) -> Hit:
    own = reverse("contact", args=[contact.pk])
    detail = contact.company.name if contact.company else contact.email
    return Hit(contact.name, lead.url if lead else own, "user", detail, lead, own if lead else "")


def companies(user: User, question: str, limit: int) -> list[Hit]:
    """Find companies by name."""
    rows = by_name(Company.objects.filter(visibility.few_companies_of(user)), question, limit)
    return [Hit(row.name, reverse("company", args=[row.pk]), "building-2", row.city) for row in rows]


def _doors(user: User, doors: Iterable[Door], question: str, limit: int) -> list[Hit]:
    words = search_key(question).split()
    hits = []
    for door in doors:
        if door.allowed(user) and all(word in search_key(str(door.label)) for word in words):
            try:
                hits.append(Hit(str(door.label), reverse(door.name, args=door.args), door.icon))
            except NoReverseMatch:
                continue
    return hits[:limit]


def pages(user: User, question: str, limit: int) -> list[Hit]:
    """Find pages by their name, for an admin also the settings."""
    hits = _doors(user, PAGES, question, limit)
    if roles.is_admin(user) and len(question) >= SHORTEST_SETTING:
        labels = {place.name: place for place in settings_catalogue.PLACES}
        for setting in settings_catalogue.find(question):
            place = labels.get(setting.place)
            hits.append(
                Hit(str(setting.label), setting.url, "settings", str(place.label if place else _("Preferences")))
            )
    return hits[:limit]


def actions(user: User, question: str, limit: int) -> list[Hit]:
    return _doors(user, ACTIONS, question, limit)


PROVIDERS: list[tuple[str, str | Promise, Callable[[User, str, int], list[Hit]]]] = [
    ("people", _("People"), people),
    ("companies", _("Companies"), companies),
    ("actions", _("Do"), actions),
    ("pages", _("Pages"), pages),
]


def find(user: User, question: str, *, limit: int = FEW) -> list[Group]:
    """Return the groups that have hits, at most `limit` each; without a question, where one can go."""
    question = asked(question)
    found = {key: provider(user, question, limit) for key, _label, provider in PROVIDERS}
    found["actions"] = [*_moves(found["people"]), *found["actions"]]
    return [Group(key, label, found[key], len(found[key]) >= limit) for key, label, _find in PROVIDERS if found[key]]


def _moves(people: Sequence[Hit]) -> list[Hit]:
    """Return what can be done with the first person found."""
    return [
        Hit(gettext("Move %(name)s") % {"name": hit.title}, hit.lead.moves, "arrow-right")
        for hit in people[:1]
        if hit.lead and hit.lead.moves
    ]


def total(groups: Iterable[Group]) -> int:
    return sum(len(group.hits) for group in groups)
