"""Which campaign brought a lead: by its first touch, its last, or all of them alike.

A touch names a campaign by the key its links carry (utm_campaign), whatever the case. The parts of a lead add up to 1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from django.db.models import Count, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Activity, User
from leads import touches
from leads.models import Campaign, Lead, Touch
from leads.models.lead import LeadQuerySet

FIRST, LAST, LINEAR = "first", "last", "linear"
RULES: dict[str, str | Promise] = {FIRST: _("First touch"), LAST: _("Last touch"), LINEAR: _("All touches alike")}
NONE = ""  # the key of leads that no campaign brought
Part = int | Fraction  # 1 for a whole lead: whole numbers add up twenty times faster
Shares = dict[int, dict[str, Part]]


def key_of(campaign: str) -> str:
    """Return what campaigns are compared by."""
    return campaign.strip().casefold()


def shares(leads: QuerySet[Lead], rule: str, until: Mapping[int, datetime]) -> Shares:
    """Return {lead: {campaign key: part}}; a lead that is not in it came by no campaign.

    With LINEAR the touches that name a campaign count, from the day the lead counts from to `until` of the lead (the
    moment it was qualified or closed; without one, to this day).
    """
    if rule == LINEAR:
        return _linear(leads, until)
    rows = Touch.objects.filter(lead__in=leads, place=rule).exclude(campaign="").order_by()
    return {lead: {key_of(campaign): 1} for lead, campaign in rows.values_list("lead_id", "campaign")}


def _linear(leads: QuerySet[Lead], until: Mapping[int, datetime]) -> Shares:
    by_contact: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pk, contact, counts_from in leads.values_list("pk", "contact_id", "counts_from"):
        by_contact[contact].append((pk, counts_from))
    rows = Activity.objects.filter(contact__in=leads.values("contact"), properties__has_key="utm").order_by()
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows.values_list("contact_id", "pk", "day", "occurred_at", "properties").iterator(chunk_size=5000):
        one = touches.told(*row)
        campaign = key_of(one.values[touches.COLUMNS.index("campaign")]) if one else NONE
        if one is None or not campaign:
            continue
        for lead, counts_from in by_contact[one.contact_id]:
            if one.day >= counts_from and (lead not in until or one.at <= until[lead]):
                found[lead][campaign] += 1
    return {
        lead: {key: Fraction(times, counted.total()) for key, times in counted.items()}
        for lead, counted in found.items()
    }


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
