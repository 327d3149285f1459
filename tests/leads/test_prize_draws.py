"""Prize draws: who takes part is deleted after the day of the draw, ninety days after the entry at the latest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from crm import doctor
from crm.models import AuditEntry, Contact
from crm.workdays import local_date
from leads import prize_draws, tasks
from leads.models import Lead, PrizeDraw, PrizeEntry, Submission
from leads.prize_draws import LONGEST, WORDS
from tests.cast import Cast
from tests.leads.test_fair_capture import EVA

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def at() -> Any:
    """Return a function that sets the clock."""
    with time_machine.travel(NOW, tick=False) as traveller:

        def move(to: datetime) -> None:
            traveller.move_to(to)

        yield move


@pytest.fixture
def mia(cast: Cast, client: Client, at: Any) -> Client:
    client.force_login(cast.mia)
    return client


def taken_part(client: Client, number: int = 1, event: str = "Chillventa") -> PrizeEntry:
    told = EVA | {"prize": "on", "event": event, "email": f"eva{number}@kern.example", "token": f"{number:032}"}
    assert client.post("/capture/", told).status_code == 303
    return PrizeEntry.objects.select_related("draw").latest("id")


def complaints() -> list[str]:
    return [text for check in doctor.CHECKS if check.name == "prize_entries" for text in check.ask(True)]


def test_the_words_promise_a_last_day_and_the_entry_keeps_it(mia: Client) -> None:
    entry = taken_part(mia)
    assert f"within {LONGEST.days} days at the latest" in entry.text == str(WORDS)
    assert (entry.delete_by, entry.last_day) == (date(2026, 11, 30), date(2026, 11, 30))


def test_entries_are_deleted_after_their_last_day_and_the_rest_of_the_person_stays(
    mia: Client, cast: Cast, at: Any
) -> None:
    taken_part(mia)
    at(NOW + LONGEST)
    assert tasks.forget_prize_entries() == 0
    assert complaints() == []
    at(NOW + LONGEST + 2 * DAY)
    assert len(complaints()) == 1
    assert tasks.forget_prize_entries() == 1
    assert (PrizeEntry.objects.count(), complaints()) == (0, [])
    assert (Contact.objects.count(), Lead.objects.count(), Submission.objects.count()) == (1, 1, 1)
    row = PrizeDraw.objects.get()
    assert (row.event, row.deleted) == ("Chillventa", 1)
    assert AuditEntry.objects.get(action="prize_entries.deleted").payload == {"number": 1}
    mia.force_login(cast.mia)
    assert "Chillventa" in mia.get(reverse("prize_draws")).content.decode()


def test_the_day_of_the_draw_ends_it_sooner_for_this_event_alone(mia: Client, at: Any, cast: Cast) -> None:
    taken_part(mia, 1)
    taken_part(mia, 2, "CHILLVENTA ")
    other = taken_part(mia, 3, "Light + Building")
    row = PrizeDraw.objects.get(key="chillventa")
    answer = mia.post(reverse("prize_draw", args=[row.pk]), {"ends_on": "2026-09-10", "version": 0})
    assert answer.status_code == 302
    assert {entry.last_day for entry in row.entries.select_related("draw")} == {date(2026, 9, 10)}
    at(datetime(2026, 9, 10, 20, tzinfo=UTC))
    assert prize_draws.forget_over() == 0
    at(datetime(2026, 9, 11, 10, tzinfo=UTC))
    assert prize_draws.forget_over() == 2
    assert list(PrizeEntry.objects.all()) == [other]
    entry = AuditEntry.objects.get(action="prize_draw.changed")
    assert (entry.actor, entry.payload) == (cast.mia, {"ends_on": [None, "2026-09-10"]})


def test_no_day_of_a_draw_keeps_an_entry_longer_than_its_words_promise(mia: Client, at: Any) -> None:
    entry = taken_part(mia)
    mia.post(reverse("prize_draw", args=[entry.draw_id]), {"ends_on": "2027-12-31", "version": 0})
    at(NOW + LONGEST + DAY)
    assert prize_draws.forget_over() == 1


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"ends_on": "2026-08-31", "version": 0}, 422),
        ({"ends_on": "yesterday", "version": 0}, 422),
        ({"ends_on": "2026-09-10"}, 422),
        ({"ends_on": "2026-09-10", "version": 7}, 409),
    ],
)
def test_what_cannot_be_kept_changes_nothing(mia: Client, typed: dict[str, Any], status: int) -> None:
    entry = taken_part(mia)
    assert mia.post(reverse("prize_draw", args=[entry.draw_id]), typed).status_code == status
    row = PrizeDraw.objects.get()
    assert (row.ends_on, row.version) == (None, 0)
    assert not AuditEntry.objects.filter(action="prize_draw.changed").exists()


def test_draws_are_kept_by_marketing_alone(mia: Client, cast: Cast) -> None:
    url = reverse("prize_draw", args=[taken_part(mia).draw_id])
    for who, status in ((cast.sam, 403), (cast.lena, 403), (cast.ava, 200), (cast.mia, 200)):
        mia.force_login(who)
        assert mia.get(url).status_code == status
        if status == 403:
            assert mia.post(url, {"ends_on": "2026-09-10", "version": 0}).status_code == 403
    assert mia.get(reverse("prize_draw", args=[999])).status_code == 404
    assert PrizeDraw.objects.get().ends_on is None
    assert Client().get(url).status_code == 302


def test_the_page_asks_the_database_no_more_for_many(mia: Client, django_assert_max_num_queries: Any) -> None:
    counts = []
    for number in (1, 2, 3):
        taken_part(mia, number, f"Event {number}")
        with django_assert_max_num_queries(40) as asked:
            page = mia.get(reverse("prize_draws")).content.decode()
        counts.append(len(asked))
        assert f"Event {number}" in page
    assert counts[1] == counts[2]


@given(days=st.none() | st.integers(0, 400), later=st.integers(0, 400))
def test_an_entry_is_over_exactly_when_its_last_day_is(days: int | None, later: int) -> None:
    entered = local_date(NOW)
    ends = None if days is None else entered + timedelta(days=days)
    entry = PrizeEntry(delete_by=entered + LONGEST, draw=PrizeDraw(ends_on=ends))
    today = entered + timedelta(days=later)
    assert (entry.last_day < today) == (entry.delete_by < today or (ends is not None and ends < today))
    assert entry.last_day <= entered + LONGEST
