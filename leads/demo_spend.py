"""What the demo world's marketing and sales cost, and by which campaigns its people came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm import demo
from crm.demo import World
from leads import campaigns, spending
from leads.demo_stories import Tale, Touch
from leads.models import Campaign, CaptureForm, Spend

Channel, Kind, Side = Campaign.Channel, Spend.Kind, Spend.Side
#: key, name, channel, how many of a hundred people came by it, what one of them cost in cents, utm source and medium
CAMPAIGNS = (
    ("retrofit-webinars", "Webinar series “Retrofit”", Channel.EVENT, 18, 8600, "webinar", "event"),
    ("white-papers", "White papers", Channel.CONTENT, 20, 3600, "library", "content"),
    ("newsletter", "Newsletter", Channel.EMAIL, 12, 1000, "newsletter", "email"),
    ("search-brand", "Search ads, brand", Channel.ADS, 10, 4700, "google", "cpc"),
    ("search-generic", "Search ads, generic", Channel.ADS, 12, 9400, "google", "cpc"),
    ("chillventa", "Trade fair Chillventa", Channel.FAIR, 8, 15400, "chillventa", "event"),
    ("kuehlforum", "Partner Kühlforum", Channel.PARTNER, 5, 7900, "kuehlforum", "partner"),
)
STRAY = "kaeltewelt-banner"  # a link somebody forgot to make a campaign for
QUARTERS = 8


def tag(tale: Tale, dice: Random) -> None:
    """Let a person come by links: the first visit names a campaign, a later one now and then another."""
    visits = [event for _day, event in tale.events if isinstance(event, Touch) and not event.by]
    chosen = dice.choices([*CAMPAIGNS, None], [*(one[3] for one in CAMPAIGNS), 15], k=2)
    for visit, campaign in zip([*visits[:1], *visits[3:4]], chosen, strict=False):
        if campaign is not None:
            visit.properties["utm"] = {"source": campaign[5], "medium": campaign[6], "campaign": campaign[0]}
    if visits and chosen[0] is None and dice.random() < 0.1:
        visits[0].properties["utm"] = {"source": "kaeltewelt", "medium": "banner", "campaign": STRAY}


@demo.chapter
def book_spend(world: World) -> None:
    """Make the campaigns, and book two years of invoices and sales cost."""
    if Spend.objects.filter(is_demo=True).exists():
        return
    with transaction.atomic():
        made = {key: _campaign(world, key, name, channel) for key, name, channel, *_rest in CAMPAIGNS}
        for values in _rows(world, made):
            spending.book(values, by=world.people["mia"], is_demo=True)


def _campaign(world: World, key: str, name: str, channel: str) -> Campaign:
    found = Campaign.objects.filter(key=key).first()
    if found is None:
        values: dict[str, Any] = {"name": name, "channel": channel, "owner_id": world.people["mia"].pk}
        values["starts_on"] = date(timezone.localdate(world.now).year - 1, 1, 1)
        found = campaigns.create(values, by=world.people["mia"], key=key)
        Campaign.objects.filter(pk=found.pk).update(is_demo=True)
    return found


def _rows(world: World, made: dict[str, Campaign]) -> Iterator[dict[str, Any]]:
    """Yield a row per campaign and quarter, and what sales and the tools cost besides."""
    dice = world.chance("spend")
    people = max(world.leads, 40)
    for place, (first, last) in enumerate(_quarters(timezone.localdate(world.now))):
        # Most of the demo world's people came in the last quarters.
        share = 0.36 if place < 3 else 0.06
        period = {"starts_on": first, "ends_on": last}
        for key, _name, _channel, hundredth, cents, *_rest in CAMPAIGNS:
            amount = _amount(people * hundredth / 100 * share * cents, dice)
            invoice = f"R-{first:%y%m}-{made[key].pk:02}"
            yield period | {"campaign_id": made[key].pk, "amount": amount, "kind": Kind.MEDIA, "invoice": invoice}
        sales = _amount(people * share * 6200, dice)
        yield period | {"amount": sales, "side": Side.SALES, "kind": Kind.STAFF, "note": "Hours of North and South"}
        yield period | {"amount": _amount(people * share * 300, dice), "kind": Kind.TOOL, "invoice": f"T-{first:%y%m}"}


def _quarters(today: date) -> Iterator[tuple[date, date]]:
    """Yield first and last day of the quarters up to the present one, newest first."""
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    for _number in range(QUARTERS):
        yield first, (first + timedelta(100)).replace(day=1) - timedelta(1)
        before = first - timedelta(1)
        first = date(before.year, before.month - 2, 1)


def _amount(cents: float, dice: Random) -> Decimal:
    return Decimal(int(cents * dice.uniform(0.85, 1.15))).scaleb(-2)


@demo.after_removal
def remove_spend() -> None:
    """Delete what was booked, and the campaigns; one that real forms or rows name stays."""
    Spend.objects.filter(is_demo=True).delete()
    used = CaptureForm.objects.exclude(campaign=None).values("campaign")
    Campaign.objects.filter(is_demo=True, spend=None).exclude(pk__in=used).delete()
    Campaign.objects.filter(is_demo=True).update(is_demo=False)
