"""First and last touch of each lead: read out of its activities' utm, referrer and landing page.

Written in one statement that lets the database compare, so that two batches at once cannot undo each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from crm.activities import Recorded, slices
from crm.bulk import instant
from crm.models import Activity
from crm.tracking.visits import cut
from leads.models import Lead, Touch

FACTS = ("utm", "referrer", "landing_page")
COLUMNS = ("source", "medium", "campaign", "term", "content", "referrer", "landing_page")
SEARCH_ENGINES = ("google.", "bing.", "duckduckgo.", "ecosia.", "qwant.", "yahoo.", "startpage.", "baidu.", "yandex.")
NETWORKS = ("linkedin.", "xing.", "facebook.", "instagram.", "twitter.", "x.com", "youtube.", "tiktok.", "lnkd.")
PAID = ("cpc", "ppc", "paid", "paidsearch", "paid_search", "sea")


@dataclass(frozen=True, slots=True)
class Told:
    """One activity that says where somebody came from."""

    contact_id: int
    activity_id: int
    day: int
    at: datetime
    values: tuple[str, ...]


def told(contact_id: int | None, pk: int, day: int, at: datetime, properties: Any) -> Told | None:
    """Return what an activity says about where somebody came from, None for nothing."""
    if contact_id is None or not isinstance(properties, Mapping) or not any(properties.get(name) for name in FACTS):
        return None
    utm = properties.get("utm")
    utm = utm if isinstance(utm, Mapping) else {}
    values = tuple(cut(utm.get(name) if name in COLUMNS[:5] else properties.get(name)) for name in COLUMNS)
    return Told(contact_id, pk, day, at, values) if any(values) else None


def note(activities: Sequence[Recorded]) -> None:
    """Bring the touches of the open leads behind `activities` up to date."""
    found = [one for a in activities if (one := told(a.contact_id, a.id, a.day, a.occurred_at, a.properties))]
    if found:
        leads = Lead.objects.open().filter(contact_id__in={one.contact_id for one in found})
        _write(_rows(leads.values_list("contact_id", "pk", "counts_from"), found))


def read_again(lead_ids: Iterable[int]) -> None:
    """Read the touches of leads out of everything their people did; for new leads."""
    for part in slices(lead_ids):
        leads = list(Lead.objects.filter(pk__in=part).values_list("contact_id", "pk", "counts_from"))
        _write(_rows(leads, _stored({contact for contact, _pk, _day in leads})))


def forget(contact_ids: Iterable[int]) -> None:
    """Read the touches of these people's open leads anew: some of their activities are gone."""
    for part in slices(contact_ids):
        leads = list(Lead.objects.open().filter(contact_id__in=part).values_list("pk", flat=True))
        Touch.objects.filter(lead_id__in=leads).delete()
        read_again(leads)


def derived(leads: Sequence[tuple[int, int, int]]) -> dict[tuple[int, str], int]:
    """Return {(lead, place): activity} as the activities say, for (contact, lead, first day) rows; doctor compares."""
    found: dict[tuple[int, str], Told] = {}
    for lead_id, place, one in _rows(leads, _stored({contact for contact, _pk, _day in leads})):
        best = found.get((lead_id, place))
        later = best is None or (one.at, one.activity_id) > (best.at, best.activity_id)
        if best is None or later == (place == Touch.Place.LAST):
            found[lead_id, place] = one
    return {key: one.activity_id for key, one in found.items()}


def _stored(contacts: Iterable[int]) -> list[Told]:
    rows = Activity.objects.filter(contact_id__in=list(contacts), properties__has_any_keys=list(FACTS)).order_by()
    names = ("contact_id", "pk", "day", "occurred_at", "properties")
    return [one for row in rows.values_list(*names) if (one := told(*row))]


def _rows(leads: Iterable[tuple[int, int, int]], found: Sequence[Told]) -> list[tuple[int, str, Told]]:
    """Return (lead, place, touch) of the earliest and the latest that count for each lead."""
    by_contact: dict[int, list[Told]] = {}
    for one in sorted(found, key=lambda one: (one.at, one.activity_id)):
        by_contact.setdefault(one.contact_id, []).append(one)
    rows = []
    for contact, lead, counts_from in leads:
        counting = [one for one in by_contact.get(contact, []) if one.day >= counts_from]
        if counting:
            rows += [(lead, Touch.Place.FIRST.value, counting[0]), (lead, Touch.Place.LAST.value, counting[-1])]
    return sorted(rows, key=lambda row: row[:2])


_UPSERT = (
    "INSERT INTO leads_touch (lead_id, place, activity_id, at, source, medium, campaign, term, content, referrer,"
    " landing_page) VALUES {rows} ON CONFLICT (lead_id, place) DO UPDATE SET activity_id = excluded.activity_id,"
    " at = excluded.at, source = excluded.source, medium = excluded.medium, campaign = excluded.campaign,"
    " term = excluded.term, content = excluded.content, referrer = excluded.referrer,"
    " landing_page = excluded.landing_page WHERE (excluded.place = 'first' AND (excluded.at, excluded.activity_id)"
    " < (leads_touch.at, leads_touch.activity_id)) OR (excluded.place = 'last' AND (excluded.at, excluded.activity_id)"
    " > (leads_touch.at, leads_touch.activity_id))"
)


def _write(rows: list[tuple[int, str, Told]]) -> None:
    for part in slices(rows):
        values = [
            cell for lead, place, one in part for cell in (lead, place, one.activity_id, instant(one.at), *one.values)
        ]
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT.format(rows=", ".join([f"({', '.join(['%s'] * 11)})"] * len(part))), values)


def source_key(touch: Told | None) -> str:
    """Return the key of the shipped source a first touch stands for."""
    if touch is None:
        return "direct"
    values = dict(zip(COLUMNS, touch.values, strict=True))
    medium, host = values["medium"].casefold(), urlsplit(values["referrer"]).netloc.casefold()
    if medium in PAID:
        return "paid_search"
    if medium in {"display", "banner", "cpm"}:
        return "display"
    if medium in {"email", "e-mail", "newsletter"}:
        return "email"
    if "social" in medium or any(f".{name}" in f".{host}" for name in NETWORKS):
        return "social"
    if medium == "referral" or medium == "partner":
        return medium
    if medium == "organic" or any(f".{name}" in f".{host}" for name in SEARCH_ENGINES):
        return "organic_search"
    return "landing_page" if values["campaign"] or values["source"] else "direct"


def sources_of(contacts: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return {contact: (source key, campaign)} by the earliest touch of each; whoever has none came directly."""
    wanted = list(contacts)
    first: dict[int, Told] = {}
    for one in _stored(wanted):
        known = first.get(one.contact_id)
        if known is None or (one.at, one.activity_id) < (known.at, known.activity_id):
            first[one.contact_id] = one
    return {c: (source_key(first.get(c)), first[c].values[2] if c in first else "") for c in wanted}
