"""What leads adds to the settings: pages, their words and defaults; and what a person who leaves still holds."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm import settings_catalogue, staff
from crm.models import User
from crm.settings_catalogue import LISTS, Place, Setting
from leads.models import Lead


def register() -> None:
    """Add our pages to the catalogue of settings."""
    settings_catalogue.PLACES += [
        Place(
            "settings_reasons", _("Reasons"), _("Why leads are sent back, lost or disqualified"), "list-x", LISTS, 40
        ),
        Place(
            "settings_agreement", _("Agreement"), _("What marketing promises each sales team"), "handshake", LISTS, 39
        ),
        Place("settings_assignment", _("Assignment"), _("Which lead goes to whom in sales"), "split", LISTS, 38),
        Place("settings_sources", _("Sources"), _("Where leads come from"), "signpost", LISTS, 42),
        Place(
            "settings_columns", _("Board columns"), _("How many leads a column should hold"), "square-kanban", LISTS, 44
        ),
        Place(
            "settings_checklist",
            _("Qualification checklist"),
            _("What sales confirms before SQL"),
            "list-checks",
            LISTS,
            46,
        ),
    ]
    settings_catalogue.SETTINGS += [
        Setting(
            "settings_assignment",
            _("Assignment rules"),
            _("The first that holds says which person or team gets a lead."),
            _("None: by territory"),
        ),
        Setting(
            "settings_agreement", _("MQLs per week"), _("Promised to a sales team; a report measures it."), _("None")
        ),
        Setting(
            "settings_agreement",
            _("Accepted of those answered, in percent"),
            _("How good the MQLs are that were promised."),
            _("None"),
        ),
        Setting(
            "settings_reasons",
            _("Reasons"),
            _("Offered when a lead is sent back, lost, disqualified or made MQL by hand."),
            _("The shipped list"),
        ),
        Setting(
            "settings_sources", _("Sources"), _("Each lead names one; reports compare them."), _("The shipped list")
        ),
        Setting(
            "settings_sources", _("Low trust"), _("Shows a source apart in reports."), _("Off, on for purchased lists")
        ),
        Setting(
            "settings_columns",
            _("Column limits"),
            _("Above the limit the head of the column turns red and says so."),
            _("None"),
        ),
        Setting("settings_checklist", _("Topics of the checklist"), _("What sales asks about, in any order."), "BANT"),
        Setting("settings_checklist", _("How many must be confirmed"), _("Fewer keep a lead from becoming SQL."), "3"),
        Setting(
            "settings_checklist",
            _("How many days evidence stays fresh"),
            _("Older findings must be confirmed anew."),
            "180",
        ),
    ]
    staff.HOLDINGS.append(open_leads)


def open_leads(user: User) -> str:
    """Return "12 open leads" for a person who owns some, else ''."""
    count = Lead.objects.open().filter(owner=user).count()
    return ngettext("%(count)d open lead", "%(count)d open leads", count) % {"count": count} if count else ""
