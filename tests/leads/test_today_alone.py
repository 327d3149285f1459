"""Today without the world of test_today.py: three leads to put in order, and a house that has none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from leads.models import Lead
from leads.today import today
from tests.cast import Cast, accepted, ada
from tests.leads.test_boards import see

pytestmark = pytest.mark.django_db


def test_work_next_puts_what_is_late_before_what_is_worth_more(cast: Cast) -> None:
    late, rich, poor = (accepted(cast, contact=ada(email=f"{n}@acme.example", phone="", last_name=n)) for n in "abc")
    day = timezone.localdate()
    Lead.objects.filter(pk=late.pk).update(next_step="Mail", next_step_on=day - timedelta(days=3), amount=5)
    Lead.objects.filter(pk=rich.pk).update(amount=90_000)
    Lead.objects.filter(pk=poor.pk).update(amount=10)
    part = next(part for part in today(cast.sam).parts if part.ranked)
    assert [row.card.lead.pk for row in part.rows] == [late.pk, rich.pk, poor.pk]
    assert [row.because for row in part.rows] == ["Mail, 3 d late", "€90,000 at stake", "€10 at stake"]


@pytest.mark.parametrize("name", ["mia", "sam", "lena", "ava"])
def test_an_empty_house_shows_the_ways_in(cast: Cast, name: str) -> None:
    page = see(getattr(cast, name), "/")
    assert "There is no lead yet." in page and "/leads/new/" in page
