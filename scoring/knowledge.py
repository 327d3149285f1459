"""What was known of people at a past moment, and nothing that came later.

Profiles are reckoned back by the log of changes, activities count by when they reached us. An import tells of things
that happened before it: for a lead whose decision came from a file, what the same feed dates counts by its own date;
own fields of a profile that is younger than the decision count as unknown, because nobody can say since when they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.email_address import email_key
from crm.job_titles import function, seniority
from crm.models import Activity, Company, Contact, ProfileChange
from crm.phone import phone_key
from crm.workdays import local_day, workspace_zone
from leads.models import Lead
from scoring.facts import COLUMNS, Profile
from scoring.models import HORIZON
from scoring.reference import Happening

Change = tuple[datetime, str, Any]  # when, field, value before
IMPORTED = "import:"  # how the feeds of files begin
COMPANY = {"name", "industry", "employees", "country", "custom"}  # the fields of a company that facts read


@dataclass(frozen=True)
class Moment:
    """A lead at an instant. `told` says that a file tells of it afterwards."""

    lead_id: int
    contact_id: int
    at: datetime
    counts_from: int
    entered_at: datetime
    source: Mapping[str, Any]
    day: int
    told: bool = False


def moments(at: Mapping[int, datetime], told: Iterable[int] = ()) -> list[Moment]:
    """Return the leads of {lead: instant} as moments, by lead."""
    by_file, zone = set(told), workspace_zone()
    names = ("pk", "contact_id", "counts_from", "entered_at", "source__key", "source__kind", "source__low_trust")
    rows = Lead.objects.filter(pk__in=at).order_by("pk").values_list(*names)
    return [
        Moment(
            pk, contact, at[pk], first, entered, {"source": key, "source_kind": kind, "low_trust": low},
            local_day(at[pk], zone), pk in by_file,
        )
        for pk, contact, first, entered, key, kind, low in rows
    ]  # fmt: skip


# --- Who they were --------------------------------------------------------------------------------


def profiles(wanted: Sequence[Moment]) -> dict[int, Profile]:
    """Return {lead: what the facts would have read then}."""
    contacts = {m.contact_id for m in wanted}
    now = {row["pk"]: row for row in Contact.objects.filter(pk__in=contacts).order_by().values(*COLUMNS)}
    created = dict(Contact.objects.filter(pk__in=contacts).order_by().values_list("pk", "created_at"))
    back: dict[int, dict[str, Any]] = {m.lead_id: dict(now[m.contact_id]) | dict(m.source) for m in wanted}
    later = _later_changes("contact_id", contacts, min((m.at for m in wanted), default=None))
    for moment in wanted:
        profile = back[moment.lead_id]
        changed = _undone(profile, later[moment.contact_id], moment.at)
        if changed:
            _derive(profile)
        if moment.told and created[moment.contact_id] > moment.at:
            profile["custom"] = {}
    _companies(wanted, back)
    return dict(back)


def _later_changes(owner: str, ids: Iterable[int], since: datetime | None) -> dict[int, list[Change]]:
    """Return {contact or company: all changes after `since`, newest first}."""
    found: dict[int, list[Change]] = defaultdict(list)
    if since is not None:
        rows = ProfileChange.objects.filter(**{f"{owner}__in": list(ids)}, at__gt=since).order_by("-id")
        for one, at, field, old in rows.values_list(owner, "at", "field", "old"):
            found[one].append((at, field, old))
    return found


def _undone(values: dict[str, Any], changes: Iterable[Change], at: datetime) -> bool:
    """Take back what was changed after `at`, newest first; whether anything was."""
    anything = False
    for when, field, old in changes:
        if when > at and field in values:
            values[field], anything = old, True
    return anything


def _derive(profile: dict[str, Any]) -> None:
    profile["email_key"] = email_key(profile["email"])
    profile["phone_key"] = phone_key(profile["phone"], profile["country"])
    profile["seniority"], profile["function"] = seniority(profile["job_title"]), function(profile["job_title"])


def _companies(wanted: Sequence[Moment], back: Mapping[int, dict[str, Any]]) -> None:
    """Fill in the company each person belonged to then, as it was then."""
    ids = {back[m.lead_id]["company_id"] for m in wanted} - {None}
    now = {row["pk"]: row for row in Company.objects.filter(pk__in=ids).order_by().values("pk", "created_at", *COMPANY)}
    later = _later_changes("company_id", ids, min((m.at for m in wanted), default=None))
    for moment in wanted:
        profile = back[moment.lead_id]
        company = now.get(profile["company_id"])
        if company is None:
            profile["company_id"] = None
        values = {name: company[name] if company else None for name in COMPANY}
        if company:
            _undone(values, later[company["pk"]], moment.at)
            if moment.told and company["created_at"] > moment.at:
                values["custom"] = {}
        profile.update({f"company__{name}": value for name, value in values.items()})


# --- What they had done ---------------------------------------------------------------------------


def happenings(wanted: Sequence[Moment], kinds: Iterable[str] | None = None) -> dict[int, list[Happening]]:
    """Return {lead: activities that had reached us by then, at most 730 days old}; of `kinds` only, when given."""
    by_contact: dict[int, list[Moment]] = defaultdict(list)
    for moment in wanted:
        by_contact[moment.contact_id].append(moment)
    found: dict[int, list[Happening]] = {m.lead_id: [] for m in wanted}
    for contact, happening, occurred, received, feed in _activities(wanted, by_contact, kinds):
        for moment in by_contact[contact]:
            if moment.day - HORIZON < happening[2] <= moment.day and _was_known(moment, occurred, received, feed):
                found[moment.lead_id].append(happening)
    return found


def _activities(
    wanted: Sequence[Moment], contacts: Iterable[int], kinds: Iterable[str] | None
) -> Iterator[tuple[int, Happening, datetime, datetime, str]]:
    days = [m.day for m in wanted]
    if not days:
        return
    rows = Activity.objects.filter(contact_id__in=list(contacts), day__gt=min(days) - HORIZON, day__lte=max(days))
    if kinds is not None:
        rows = rows.filter(kind_id__in=list(kinds))
    names = ("contact_id", "id", "kind_id", "day", "properties", "occurred_at", "received_at", "feed")
    for contact, pk, kind, day, properties, occurred, received, feed in rows.order_by("-id").values_list(*names):
        if contact is not None:
            yield contact, (pk, kind, day, properties), occurred, received, feed


def _was_known(moment: Moment, occurred: datetime, received: datetime, feed: str) -> bool:
    if received <= moment.at:
        return True
    # A file dates what had happened; what it has no date for stands on the day the lead entered.
    return moment.told and feed.startswith(IMPORTED) and occurred <= moment.at and occurred != moment.entered_at
