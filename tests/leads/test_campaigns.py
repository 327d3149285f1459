"""Campaigns: a key that stays, a version that refuses the slower of two, a log of who changed what."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from crm.models import AuditEntry
from leads import campaigns
from leads.models import Campaign
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_campaign_gets_a_key_of_its_own(cast: Cast) -> None:
    first = campaigns.create({"name": "Frühjahrsmesse 2026", "channel": "fair"}, by=cast.mia)
    second = campaigns.create({"name": "Frühjahrsmesse 2026"}, by=cast.mia)
    assert (first.key, second.key) == ("fruehjahrsmesse_2026", "fruehjahrsmesse_2026_2")


def test_a_key_belongs_to_one_campaign(cast: Cast) -> None:
    campaigns.create({"name": "Spring"}, by=cast.mia, key="spring")
    with pytest.raises(ValidationError) as refused:
        campaigns.create({"name": "Spring again"}, by=cast.mia, key="spring")
    assert set(refused.value.message_dict) == {"key"}
    assert Campaign.objects.count() == 1


def test_the_slower_of_two_writes_nothing(cast: Cast) -> None:
    campaign = campaigns.create({"name": "Spring"}, by=cast.mia)
    assert campaigns.update(campaign, {"name": "Spring 26"}, by=cast.mia, version=0) == {"name": "Spring 26"}
    with pytest.raises(campaigns.Stale) as stale:
        campaigns.update(campaign, {"name": "Summer"}, by=cast.max, version=0)
    assert stale.value.current.name == Campaign.objects.get().name == "Spring 26"
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["campaign.added", "campaign.changed"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "A", "channel": "pigeon"}, "channel"),
        ({"name": "A", "starts_on": date(2026, 5, 2), "ends_on": date(2026, 5, 1)}, "ends_on"),
        ({"name": "A", "owner_id": 999_999}, "owner_id"),
    ],
)
def test_what_cannot_be_kept_names_its_field(cast: Cast, values: dict, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        campaigns.create(values, by=cast.mia)
    assert set(refused.value.message_dict) == {field}
    assert not Campaign.objects.exists()
