"""The list of leads, and what leads adds to the list of contacts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import listing
from crm.lists import cells
from crm.lists.kinds import Choices, Column, Filter, ListKind, Told, register
from crm.lists.people import CONTACTS, owner_cell, scored
from crm.models import Team, User
from crm.search import LAST
from crm.templatetags.formats import count, money
from crm.templatetags.marks import stage_badge, stage_label
from leads.models import Lead, Source
from leads.stages import OPEN, Stage

FITS = "ABCD"
ANY_OPEN = "open"


# --- Cells ----------------------------------------------------------------------------------------


def _head(lead: Lead, told: Told) -> Any:
    address = f"{reverse('lead', args=[lead.pk])}?{urlencode({'from': told.origin})}"
    return cells.headed(address, lead.contact.name, told.query, lead.contact.job_title)


def _company(lead: Lead, told: Told) -> Any:
    company = lead.contact.company
    return cells.link(reverse("company", args=[company.pk]), company.name, told.query) if company else cells.NOTHING


def _score(lead: Lead, told: Told) -> Any:
    return cells.NOTHING if lead.standing.score is None else scored(lead.standing.score, lead.standing.grade)


def _amount(lead: Lead) -> str:
    return money(lead.amount, lead.currency)


# --- Filters --------------------------------------------------------------------------------------


def _stages(user: User) -> Choices:
    return [(ANY_OPEN, _("all open ones")), *Stage.choices]


def _in_stage(rows: QuerySet[Lead], value: str, user: User) -> QuerySet[Lead]:
    return rows.filter(stage__in=OPEN) if value == ANY_OPEN else rows.filter(stage=value)


def owners(user: User) -> Choices:
    """Return whose leads one can ask for: mine, nobody's, a colleague's."""
    people = User.objects.filter(is_active=True).exclude(pk=user.pk).values_list("pk", "name")
    return [("me", _("me")), ("none", _("nobody")), *((str(pk), name) for pk, name in people)]


def _owned(rows: QuerySet[Lead], value: str, user: User) -> QuerySet[Lead]:
    if value == "none":
        return rows.filter(owner=None)
    return rows.filter(owner=user.pk if value == "me" else listing.row_id(value))


def _is_owner(value: str) -> bool:
    return value in {"me", "none"} or bool(listing.row_id(value))


def _sources(user: User) -> Choices:
    return [(source.key, str(source)) for source in Source.objects.filter(active=True)]


def _teams(user: User) -> Choices:
    return [(str(pk), name) for pk, name in Team.objects.values_list("pk", "name")]


def _of_open(lookup: str) -> Any:
    """Return how the list of contacts is narrowed by its open leads, as far as the reader sees them."""

    def narrow(rows: QuerySet[Any], value: str, user: User) -> QuerySet[Any]:
        narrowed = BY_KEY[lookup].narrow(Lead.objects.visible_to(user).open(), value, user)
        return rows.filter(pk__in=narrowed.order_by().values("contact_id"))

    return narrow


STAGE = Filter(
    "stage", gettext_lazy("Stage"), _in_stage, _stages, fits=lambda value: value == ANY_OPEN or value in Stage.values
)
OWNER = Filter("owner", gettext_lazy("Owner"), _owned, owners, fits=_is_owner)
SOURCE = Filter(
    "source", gettext_lazy("Source"), lambda rows, value, user: rows.filter(source__key=value), _sources
)  # fmt: skip
FILTERS = [
    STAGE,
    OWNER,
    Filter(
        "team", gettext_lazy("Team"), lambda rows, value, user: rows.filter(team=listing.row_id(value)), _teams,
        fits=lambda value: bool(listing.row_id(value)),
    ),
    SOURCE,
    Filter(
        "fit", gettext_lazy("Fit"), lambda rows, value, user: rows.filter(standing__grade__startswith=value),
        lambda user: [(fit, fit) for fit in FITS], fits=lambda value: value in set(FITS),
    ),
    Filter(
        "since", gettext_lazy("Came in since"),
        lambda rows, value, user: rows.filter(entered_at__date__gte=value), day=True,
    ),
]  # fmt: skip
BY_KEY = {one.key: one for one in FILTERS}


def _rows(user: User) -> QuerySet[Lead]:
    # Every lead has a standing; saying so lets the database begin with whichever table has the order asked for.
    return Lead.objects.visible_to(user).filter(standing__isnull=False)


def _search(rows: QuerySet[Lead], q: str) -> QuerySet[Lead]:
    columns = ("contact__name_key", "contact__email_key", "contact__company__name_key")
    return rows.filter(listing.matches(q, *columns))


LEADS = register(
    ListKind(
        key="leads",
        title=gettext_lazy("Leads"),
        url_name="leads",
        row_url="lead",
        hint=gettext_lazy("Name, company or e-mail"),
        rows=_rows,
        related=lambda rows: rows.select_related("contact__company", "owner", "team", "source", "standing"),
        search=_search,
        sort="-entered",
        name_of=lambda lead: lead.contact.name,
        counted=lambda n: ngettext("%(shown)s lead", "%(shown)s leads", n) % {"shown": count(n)},
        empty=(gettext_lazy("No leads yet"), gettext_lazy("Leads arrive by form, by import or by hand.")),
        nobody=gettext_lazy("No lead fits"),
        head_actions="crm/contact_list/_actions.html",
        columns=[
            Column(
                "name", gettext_lazy("Name"), _head, lambda lead: lead.contact.name, ("contact__name_key", "pk"),
                along=Q(contact__name_key__gte="", contact__name_key__lt=LAST),
            ),
            Column(
                "company", gettext_lazy("Company"), _company,
                lambda lead: lead.contact.company.name if lead.contact.company else "",
            ),
            Column(
                "stage", gettext_lazy("Stage"), lambda lead, told: stage_badge(lead.stage),
                lambda lead: stage_label(lead.stage),
            ),
            Column(
                "score", gettext_lazy("Score"), _score, lambda lead: lead.standing.score,
                ("standing__rank", "standing__lead_id"), falls_first=True, numeric=True,
            ),
            Column(
                "grade", gettext_lazy("Grade"), lambda lead, told: lead.standing.grade,
                lambda lead: lead.standing.grade, usual=False,
            ),
            Column(
                "owner", gettext_lazy("Owner"), lambda lead, told: owner_cell(lead.owner, lead.team, told.reader),
                lambda lead: str(lead.owner or lead.team or ""),
            ),
            Column(
                "team", gettext_lazy("Team"), lambda lead, told: cells.text(lead.team),
                lambda lead: str(lead.team or ""), usual=False,
            ),
            Column(
                "source", gettext_lazy("Source"), lambda lead, told: cells.text(lead.source),
                lambda lead: str(lead.source or ""),
            ),
            Column(
                "source_detail", gettext_lazy("Campaign or occasion"),
                lambda lead, told: cells.text(lead.source_detail), lambda lead: lead.source_detail, usual=False,
            ),
            Column(
                "amount", gettext_lazy("Amount"), lambda lead, told: _amount(lead), lambda lead: lead.amount,
                usual=False, numeric=True,
            ),
            Column(
                "currency", gettext_lazy("Currency"), lambda lead, told: lead.currency, lambda lead: lead.currency,
                usual=False,
            ),
            Column(
                "entered", gettext_lazy("Came in"), lambda lead, told: cells.day(lead.entered_at),
                lambda lead: lead.entered_at, ("entered_at", "pk"), falls_first=True,
            ),
            Column(
                "since", gettext_lazy("In stage since"), lambda lead, told: cells.day(lead.stage_since),
                lambda lead: lead.stage_since, ("stage_since", "pk"), usual=False,
            ),
            Column(
                "next_step", gettext_lazy("Next step"), lambda lead, told: cells.text(lead.next_step),
                lambda lead: lead.next_step, usual=False,
            ),
            Column(
                "next_step_on", gettext_lazy("Next step on"), lambda lead, told: cells.day(lead.next_step_on),
                lambda lead: lead.next_step_on, usual=False,
            ),
            Column(
                "wake_on", gettext_lazy("Wakes on"), lambda lead, told: cells.day(lead.wake_on),
                lambda lead: lead.wake_on, usual=False,
            ),
            Column(
                "email", gettext_lazy("E-mail"), lambda lead, told: cells.text(lead.contact.email, told.query),
                lambda lead: lead.contact.email, usual=False,
            ),
            Column(
                "phone", gettext_lazy("Phone"), lambda lead, told: cells.text(lead.contact.phone),
                lambda lead: lead.contact.phone, usual=False,
            ),
            Column(
                "country", gettext_lazy("Country"), lambda lead, told: cells.text(lead.contact.country),
                lambda lead: lead.contact.country, usual=False,
            ),
        ],
        filters=FILTERS,
    )
)  # fmt: skip


def register_filters() -> None:
    """Let the list of contacts be narrowed by the open leads behind them."""
    told = {
        "stage": Filter("stage", STAGE.label, _of_open("stage"), _stages, fits=STAGE.fits),
        "owner": Filter("owner", OWNER.label, _of_open("owner"), owners, fits=_is_owner),
        "source": Filter("source", SOURCE.label, _of_open("source"), _sources),
    }
    known = {one.key for one in CONTACTS.filters}
    CONTACTS.filters += [one for key, one in told.items() if key not in known]
