"""When a lead will cross the bar by itself, against a reckoning of every single day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import activities
from leads.models import Lead
from scoring import crossings, drain, pointer, reference
from scoring.compiler import compiled
from scoring.models import ContactSignals
from tests.cast import Cast, a_lead, ada
from tests.scoring.cards import a_draft, did, fact, in_force
from tests.scoring.test_equality import ON_DATABASE, activity_criteria, fit_criteria, people, settle_in, undone

pytestmark = pytest.mark.django_db


def does(lead: Lead, kind: str, days_ago: int = 0) -> None:
    activities.record(lead.contact, kind, at=timezone.now() - timedelta(days=days_ago))
    drain.drain()


@settings(max_examples=15, **ON_DATABASE)
@given(
    criteria=st.lists(st.one_of(fit_criteria(), activity_criteria()), min_size=2, max_size=6),
    person=people(),
    bars=st.tuples(st.integers(1, 15), st.integers(1, 15), st.integers(1, 30)),
)
def test_every_day_ahead_equals_a_reckoning_of_that_day(criteria: Any, person: Any, bars: tuple[int, ...]) -> None:
    with undone():
        settle_in(person)
        drain.drain()
        in_force(a_draft(criteria, **dict(zip(("bar_fit", "bar_engagement", "bar_total"), bars, strict=True))))
        current, row = pointer.read(), ContactSignals.objects.get()
        assert current is not None
        version = compiled(current.version_id, current.catalogue)
        seen = (version, current.day, row.counts_from, bytes(row.fit_bits), bytes(row.data))
        totals, at_bar = crossings.course(*seen, days=120)
        lead, whole = Lead.objects.get(), reference.whole(current.version_id)
        for ahead in (*range(40), 60, 89, 90, 91, 119, 120):
            told = reference.of_lead(lead, whole, current.day + ahead).verdict
            assert (int(totals[ahead]), bool(at_bar[ahead])) == (told.total, told.at_bar)
        outlook = crossings.ahead(*seen, days=120)
        turned = next((n for n, over in enumerate(at_bar.tolist()) if over != at_bar[0]), None)
        assert outlook.next == (
            None if turned is None else crossings.Crossing(bool(at_bar[0]), turned, current.day + turned)
        )


def test_a_window_that_ends_is_foretold(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "white_paper", days_ago=2)
    in_force(a_draft([did("white_paper", points=50, window=14), fact("has_company", "is", True, points=50)],
                     bar_fit=50, bar_engagement=50, leave_total=60))  # fmt: skip
    outlook = crossings.of_lead(lead.pk)
    assert outlook is not None
    assert outlook.at_bar
    assert outlook.next is not None
    assert (outlook.next.falls, outlook.next.days, outlook.leaves_in) == (True, 12, 12)


def test_what_presses_down_ends_as_well(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "careers_view")
    does(lead, "white_paper")
    in_force(a_draft([did("white_paper", points=50), did("careers_view", points=-30, window=7),
                      fact("has_company", "is", True, points=50)], bar_fit=50, bar_engagement=50))  # fmt: skip
    outlook = crossings.of_lead(lead.pk)
    assert outlook is not None
    assert outlook.next is not None
    assert (outlook.at_bar, outlook.next.falls, outlook.next.days) == (False, False, 7)


def test_the_page_says_so(cast: Cast, client: Client) -> None:
    lead = a_lead(ada(email="x@acme.example"))
    does(lead, "white_paper", days_ago=2)
    in_force(a_draft([did("white_paper", points=50, window=14), fact("has_company", "is", True, points=50)],
                     bar_fit=50, bar_engagement=50, leave_total=60))  # fmt: skip
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk])).content.decode()
    assert "falls below the bar in 12 days" in page
