"""Campaigns are written here and nowhere else: named, dated, every change in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from crm import audit
from crm.models import User
from crm.text import clean
from leads.managed_lists import key_for
from leads.models import Campaign

FIELDS = ("name", "channel", "starts_on", "ends_on", "owner_id")


class Stale(Exception):
    """Somebody changed the campaign meanwhile; nothing was written."""

    def __init__(self, current: Campaign) -> None:
        self.current = current
        super().__init__(_("Changed by somebody else meanwhile."))


def _checked(campaign: Campaign, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ; ValidationError by field."""
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise KeyError(f"Campaign has no field {sorted(unknown)[0]} to write")
    told = {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}
    changed = {name: value for name, value in told.items() if getattr(campaign, name) != value}
    for name, value in changed.items():
        setattr(campaign, name, value)
    if not campaign.name:
        raise ValidationError({"name": [_("A campaign needs a name.")]})
    if campaign.starts_on and campaign.ends_on and campaign.ends_on < campaign.starts_on:
        raise ValidationError({"ends_on": [_("The period ends before it begins.")]})
    if campaign.owner_id and not User.objects.filter(pk=campaign.owner_id, is_active=True).exists():
        raise ValidationError({"owner_id": [_("Nobody who works here has this number.")]})
    campaign.clean_fields(exclude=["key", "owner"])
    return changed


def create(values: Mapping[str, Any], *, by: User | None, key: str = "") -> Campaign:
    """Store a new campaign and return it; the key is made from the name when none is given.

    ValidationError by field, also when the key is taken.
    """
    campaign = Campaign(key=key)
    _checked(campaign, values)
    stem_taken = set(Campaign.objects.values_list("key", flat=True)) if not key else set()
    campaign.key = key or key_for(campaign.name, stem_taken)
    if not campaign.key:
        raise ValidationError({"name": [_("A name needs letters or digits.")]})
    try:
        with transaction.atomic():
            campaign.save()
            audit.record(by, "campaign.added", f"campaign:{campaign.pk}", key=campaign.key)
    except IntegrityError as error:
        raise ValidationError({"key": [_("Another campaign has this key.")]}) from error
    return campaign


def update(campaign: Campaign, values: Mapping[str, Any], *, by: User | None, version: int) -> dict[str, Any]:
    """Write what differs and return it; raises ValidationError by field, and Stale for another version by now."""
    with transaction.atomic():
        current = Campaign.objects.get(pk=campaign.pk)
        if current.version != version:
            raise Stale(current)
        before = {name: getattr(current, name) for name in FIELDS}
        changed = _checked(current, values)
        if not changed:
            return {}
        if not Campaign.objects.filter(pk=campaign.pk, version=version).update(version=F("version") + 1, **changed):
            raise Stale(Campaign.objects.get(pk=campaign.pk))
        told = {name: [before[name], value] for name, value in changed.items()}
        audit.record(by, "campaign.changed", f"campaign:{campaign.pk}", **told)
    campaign.refresh_from_db()
    return changed
