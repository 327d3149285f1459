"""Which campaign brought a lead: by its first touch, its last, or all of them alike.

A touch names a campaign by the key its links carry (utm_campaign), whatever the case. The parts of a lead add up to 1.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Case, Count, ExpressionWrapper, F, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Activity, User
from crm.models.activity import NamesCampaign, UtmCampaign
from crm.tracking.visits import cut
from leads.board_filters import Among, Ids
from leads.models import Campaign, Lead, Milestones, Touch
from leads.models.lead import LeadQuerySet
from leads.reports.arrays import counted, positions, runs
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, Row, by_group, of_all, rows, whole
from leads.stages import CLOSED

FIRST, LAST, LINEAR = "first", "last", "linear"
RULES: dict[str, str | Promise] = {FIRST: _("First touch"), LAST: _("Last touch"), LINEAR: _("All touches alike")}
NONE = ""  # the key of leads that no campaign brought
Part = int | Fraction  # 1 for a whole lead: whole numbers add up twenty times faster
Shares = dict[int, dict[str, Part]]
NEVER = datetime(9999, 12, 1, tzinfo=UTC)
Lead._meta.get_field("contact").register_lookup(Among)
#: The last second whose touches count for a lead that was never qualified by sales.
UNTIL = Epoch(Case(When(stage__in=CLOSED, then=F("stage_since")), default=Value(NEVER)))


def key_of(campaign: str) -> str:
    """Return what campaigns are compared by."""
    return campaign.strip().casefold()


def shares(leads: QuerySet[Lead], rule: str) -> Shares:
    """Return {lead: {campaign key: part}}; a lead that is not in it came by no campaign.

    With LINEAR the touches that name a campaign count, from the day the lead counts from to the second in which it was
    first qualified, else closed, else to this day.
    """
    if rule == LINEAR:
        found: Shares = defaultdict(dict)
        shared = share(leads)
        for lead, place, times, total in zip(*(column.tolist() for column in shared.columns), strict=True):
            found[lead][shared.keys[place]] = Fraction(times, total)
        return found
    touched = Touch.objects.filter(lead__in=leads, place=rule).exclude(campaign="").order_by()
    return {lead: {key_of(campaign): 1} for lead, campaign in touched.values_list("lead_id", "campaign")}


Touched = tuple[np.ndarray, list[str]]


@dataclass(frozen=True)
class Shared:
    """Which campaigns share which leads, in int64 columns: the lead, the place of the campaign in `keys`, how many
    touches of the lead name the campaign, and how many name any."""

    columns: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    keys: list[str]


#: The fewer numbers, the faster: a day stands above so many bits of a contact.
BITS = 40


def _since(day: str) -> ExpressionWrapper:
    return whole(F(day) * Value(2**BITS) + F("contact_id"))


def _apart(since: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (days, contacts)."""
    return since >> BITS, since & (2**BITS - 1)


#: What `shared` asks of a lead.
ASKED = {"contact": _since("counts_from"), "until": UNTIL}


def share(leads: QuerySet[Lead], among: np.ndarray | None = None) -> Shared:
    """Share leads among all campaigns that touched them; told by their keys, or by where these stand in `among`."""
    touched = _touched()
    if connection.vendor == "sqlite":  # PostgreSQL reads all of them in half the time
        leads = leads.filter(contact__among=Ids(np.unique(touched[0][0]).tolist()))
    told = Row("pk", *ASKED.values())
    found = rows(of_all(leads, listed=Listed(told))["listed"], told)
    by_place = shared(found[0], found[1:], touched)
    pk = found[0][by_place.columns[0]]
    lead = pk if among is None else positions(among, pk)
    return replace(by_place, columns=(lead, *by_place.columns[1:]))


def shared(pk: np.ndarray, asked: Sequence[np.ndarray] | np.ndarray, touched: Touched | None = None) -> Shared:
    """Share leads, told by their places, among all campaigns that touched them: `pk`, and ASKED of each."""
    (who, day, at, campaign), keys = touched or _touched()
    counts_from, contact = _apart(asked[0])
    until = _until_qualified(pk, asked[1])
    order = np.argsort(contact, kind="stable")
    first, many = runs(contact[order], who)  # leads of the touch's contact
    touch = np.repeat(np.arange(len(who)), many)
    lead = order[np.arange(len(touch)) - np.repeat(np.cumsum(many) - many - first, many)]
    counts = (day[touch] >= counts_from[lead]) & (at[touch] <= until[lead])
    pairs, times = counted(lead[counts] * max(1, len(keys)) + campaign[touch[counts]])
    lead, campaign = np.divmod(pairs, max(1, len(keys)))
    total = np.bincount(lead, times, len(pk)).astype(np.int64)[lead]
    return Shared((lead, campaign, times, total), keys)


def _until_qualified(pk: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Return `until`, for leads that sales has qualified the second in which it first did."""
    qualified = Milestones.objects.filter(sql__isnull=False)
    told = Row("lead_id", "sql")
    lead, second = rows(of_all(qualified, listed=Listed(told))["listed"], told)
    place = positions(pk, lead)
    found = until.copy()
    found[place[place >= 0]] = second[place >= 0]
    return found


def _touched() -> Touched:
    """Return all touches that name a campaign as int64[4, n]: contact, day, second, place in the keys; and the keys."""
    told = Row(_since("day"), Epoch("occurred_at"))
    named = Activity.objects.filter(NamesCampaign("properties")).exclude(contact=None).order_by()
    by_name = named.values_list(_Named("properties")).annotate(listed=Listed(told))
    keys: dict[str, int] = {}
    found = [np.empty((4, 0), np.int64)]
    for name, listed in by_group(by_name):
        if key := key_of(cut(_name(name))):  # none where a list or an object stands for it
            since, at = rows(listed, told)
            day, contact = _apart(since)
            found.append(np.vstack([contact, day, at, np.full(len(at), keys.setdefault(key, len(keys)))]))
    return np.hstack(found), list(keys)


class _Named(UtmCampaign):
    """The same, on PostgreSQL as JSON writes it: `_name` knows the kind of thirty names faster than it of all rows."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s -> 'utm' -> 'campaign')::text", **context)


def _name(named: str | None) -> str:
    """Return a word or a number as text, '' for anything else."""
    if connection.vendor == "sqlite" or not named:
        return named or ""
    if named.startswith('"'):
        return str(json.loads(named))
    return named if named[0] in "-0123456789" else ""


def counts(place: str) -> Counter[str]:
    """Return {campaign key: leads whose touch at `place` names it}."""
    rows = Touch.objects.filter(place=place).exclude(campaign="").order_by()
    found: Counter[str] = Counter()
    for campaign, number in rows.values_list("campaign").annotate(number=Count("pk")):
        found[key_of(campaign)] += number
    return found


def that_touched(campaign: Campaign, user: User) -> LeadQuerySet:
    """Return the leads `user` may read whose first or last touch names `campaign`."""
    key = campaign.key.casefold()
    written = Touch.objects.exclude(campaign="").order_by().values_list("campaign", flat=True).distinct()
    spellings = [text for text in written if key_of(text) == key]
    return Lead.objects.visible_to(user).filter(pk__in=Touch.objects.filter(campaign__in=spellings).values("lead"))
