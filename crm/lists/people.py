"""The lists of contacts and companies."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import episodes, listing
from crm.lists import cells
from crm.lists.kinds import Column, Filter, ListKind, Told, register
from crm.models import Company, Contact, User
from crm.templatetags.formats import count
from crm.templatetags.marks import grade, person, stage_badge, stage_label

ISO = 2


def _country(rows: QuerySet[Any], value: str, user: User) -> QuerySet[Any]:
    return rows.filter(country=value.upper())


def is_country(value: str) -> bool:
    return len(value) == ISO and value.isalpha() and value.isascii()


COUNTRY = Filter("country", gettext_lazy("Country"), _country, fits=is_country, said=lambda value, user: value.upper())
SINCE = Filter(
    "since", gettext_lazy("Added since"),
    lambda rows, value, user: rows.filter(created_at__date__gte=value), day=True,
)  # fmt: skip


# --- Contacts -------------------------------------------------------------------------------------


def _prepare_contacts(rows: list[Contact], user: User) -> None:
    known = episodes.open_by_contact([contact.pk for contact in rows], user)
    for contact in rows:
        contact.told = known.get(contact.pk)  # type: ignore[attr-defined]


def _of_told(name: str) -> Any:
    return lambda contact: getattr(contact.told, name) if contact.told else None


def _contact_head(contact: Contact, told: Told) -> Any:
    return cells.headed(reverse("contact", args=[contact.pk]), contact.name, told.query, contact.job_title)


def _employer(contact: Contact, told: Told) -> Any:
    if not contact.company:
        return cells.NOTHING
    return cells.link(reverse("company", args=[contact.company.pk]), contact.company.name, told.query)


def _stage(contact: Any, told: Told) -> Any:
    if not contact.told:
        return cells.NOTHING
    address = f"{contact.told.url}?{urlencode({'from': told.origin})}"
    return format_html('<a href="{}">{}</a>', address, stage_badge(contact.told.stage))


def _score(contact: Any, told: Told) -> Any:
    if not contact.told or contact.told.score is None:
        return cells.NOTHING
    return scored(contact.told.score, contact.told.grade)


def scored(score: int, letters: str) -> Any:
    """Return a score with its grade, as a cell."""
    return format_html('<span class="cell-mark">{} {}</span>', score, grade(letters))


def _owner(contact: Any, told: Told) -> Any:
    return owner_cell(contact.told.owner, contact.told.team, told.reader) if contact.told else cells.NOTHING


def owner_cell(owner: User | None, team: Any, reader: User | None) -> Any:
    """Return whose a lead is, as a cell: a person, or the queue of a team."""
    return (
        person(Context({"user": reader}), owner) if owner else format_html('<span class="quiet">{}</span>', team or "–")
    )


def _company_id(value: str) -> bool:
    return bool(listing.row_id(value))


def _company_name(value: str, user: User) -> str:
    known = Company.objects.visible_to(user).filter(pk=listing.row_id(value)).values_list("name", flat=True)
    return known.first() or _("unknown")


CONTACTS = register(
    ListKind(
        key="contacts",
        title=gettext_lazy("Contacts"),
        url_name="contacts",
        row_url="contact",
        hint=gettext_lazy("Name, company or e-mail"),
        rows=lambda user: Contact.objects.visible_to(user),
        related=lambda rows: rows.select_related("company"),
        prepare=_prepare_contacts,
        search=lambda rows, q: rows.filter(listing.matches(q, "name_key", "email_key", "company__name_key")),
        sort="name",
        name_of=lambda contact: contact.name,
        counted=lambda n: ngettext("%(shown)s contact", "%(shown)s contacts", n) % {"shown": count(n)},
        empty=(
            gettext_lazy("No contacts yet"),
            gettext_lazy("People appear here with their first lead: added by hand, by a form or by an import."),
        ),
        nobody=gettext_lazy("Nobody fits"),
        head_actions="crm/contact_list/_actions.html",
        columns=[
            Column("name", gettext_lazy("Name"), _contact_head, lambda c: c.name, ("name_key", "pk")),
            Column(
                "company", gettext_lazy("Company"), _employer,
                lambda contact: contact.company.name if contact.company else "",
            ),
            Column(
                "stage", gettext_lazy("Stage"), _stage,
                lambda contact: stage_label(contact.told.stage) if contact.told else "",
            ),
            Column("score", gettext_lazy("Score"), _score, _of_told("score"), numeric=True),
            Column(
                "owner", gettext_lazy("Owner"), _owner,
                lambda contact: str(contact.told.owner or contact.told.team) if contact.told else "",
            ),
            Column("email", gettext_lazy("E-mail"), lambda c, t: cells.text(c.email, t.query), lambda c: c.email),
            Column("phone", gettext_lazy("Phone"), lambda c, t: cells.text(c.phone), lambda c: c.phone, usual=False),
            Column(
                "job_title", gettext_lazy("Job title"), lambda c, t: cells.text(c.job_title), lambda c: c.job_title,
                usual=False,
            ),
            Column("city", gettext_lazy("City"), lambda c, t: cells.text(c.city), lambda c: c.city, usual=False),
            Column(
                "country", gettext_lazy("Country"), lambda c, t: cells.text(c.country), lambda c: c.country, usual=False
            ),
            Column(
                "source", gettext_lazy("Source"), lambda c, t: cells.text(_of_told("source")(c)),
                lambda contact: _of_told("source")(contact) or "", usual=False,
            ),
            Column(
                "next_step", gettext_lazy("Next step"), lambda c, t: cells.text(_of_told("next_step")(c)),
                lambda contact: _of_told("next_step")(contact) or "", usual=False,
            ),
            Column(
                "added", gettext_lazy("Added"), lambda c, t: cells.day(c.created_at), lambda c: c.created_at,
                ("created_at", "pk"), falls_first=True, usual=False,
            ),
        ],
        filters=[
            Filter(
                "company", gettext_lazy("Company"),
                lambda rows, value, user: rows.filter(company=listing.row_id(value)), fits=_company_id,
                said=_company_name,
            ),
            COUNTRY,
            SINCE,
        ],
    )
)  # fmt: skip


# --- Companies ------------------------------------------------------------------------------------


def _prepare_companies(rows: list[Company], user: User) -> None:
    counted = (
        Contact.objects.visible_to(user)
        .filter(company__in=[company.pk for company in rows])
        .order_by()
        .values_list("company")
        .annotate(number=Count("pk"))
    )
    people = dict(counted)
    for company in rows:
        company.people = people.get(company.pk, 0)  # type: ignore[attr-defined]


def _place(company: Company) -> str:
    return " ".join(part for part in (company.postcode, company.city) if part)


COMPANIES = register(
    ListKind(
        key="companies",
        title=gettext_lazy("Companies"),
        url_name="companies",
        row_url="company",
        hint=gettext_lazy("Name or domain"),
        rows=lambda user: Company.objects.visible_to(user),
        prepare=_prepare_companies,
        search=lambda rows, q: rows.filter(listing.matches(q, "name_key", "domain")),
        sort="name",
        name_of=lambda company: company.name,
        counted=lambda n: ngettext("%(shown)s company", "%(shown)s companies", n) % {"shown": count(n)},
        empty=(
            gettext_lazy("No companies yet"),
            gettext_lazy("A company appears with the first contact who works there."),
        ),
        nobody=gettext_lazy("No company fits"),
        columns=[
            Column(
                "name", gettext_lazy("Name"),
                lambda c, t: cells.headed(reverse("company", args=[c.pk]), c.name, t.query, c.domain),
                lambda c: c.name, ("name_key", "pk"),
            ),
            Column(
                "domain", gettext_lazy("Domain"), lambda c, t: cells.text(c.domain), lambda c: c.domain, usual=False
            ),
            Column("industry", gettext_lazy("Industry"), lambda c, t: cells.text(c.industry), lambda c: c.industry),
            Column(
                "employees", gettext_lazy("Employees"), lambda c, t: cells.figure(c.employees), lambda c: c.employees,
                numeric=True,
            ),
            Column("place", gettext_lazy("Place"), lambda c, t: cells.text(_place(c)), _place),
            Column("country", gettext_lazy("Country"), lambda c, t: cells.text(c.country), lambda c: c.country),
            Column(
                "people", gettext_lazy("Contacts"), lambda c, t: cells.figure(c.people), lambda c: c.people,
                numeric=True,
            ),
            Column("phone", gettext_lazy("Phone"), lambda c, t: cells.text(c.phone), lambda c: c.phone, usual=False),
            Column(
                "added", gettext_lazy("Added"), lambda c, t: cells.day(c.created_at), lambda c: c.created_at,
                ("created_at", "pk"), falls_first=True, usual=False,
            ),
        ],
        filters=[
            Filter(
                "industry", gettext_lazy("Industry"),
                lambda rows, value, user: rows.filter(industry__iexact=value),
            ),
            COUNTRY,
            SINCE,
        ],
    )
)  # fmt: skip
