"""Lists of what people did elsewhere: each row stored once or refused with a reason; research ends by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crm import activities, consents, doctor, research
from crm.activities import record
from crm.models import Activity, Contact, ProfileChange, ResearchSurge
from crm.workdays import day_of, local_date
from leads import activity_lists, lifecycle
from leads.activity_lists import About, Asked
from leads.models import Lead
from scoring import drain
from tests.cast import Cast, a_lead, ada, next_month
from tests.scoring.cards import a_draft, fact, in_force

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def stored() -> list[tuple[str, Any]]:
    return list(Activity.objects.order_by("id").values_list("kind_id", "properties"))


def complaints() -> list[str]:
    return [check.name for check, sentences in doctor.examine(full=True) if sentences]


def surge(contact: Contact) -> Any:
    contact.refresh_from_db()
    return contact.custom.get("research_surge")


def researches(contact: Contact, *confidences: Any, days_ago: int = 0, topic: str = "Heat pumps") -> None:
    for sure in confidences:
        told = {"topic": topic, "provider": "Radar"} | ({} if sure is None else {"confidence": sure})
        record(contact, "intent", at=timezone.now() - timedelta(days=days_ago), properties=told)


# --- Rows -----------------------------------------------------------------------------------------


def test_a_webinar_list_tells_who_came_and_who_only_registered(cast: Cast) -> None:
    for name in ("max", "eva", "tom"):
        ada(email=f"{name}@acme.example")
    text = (
        "E-Mail;Datum;Dauer;Teilnahme\nMax@acme.example;04.05.2026 14:00;45;ja\n"
        "eva@acme.example;04.05.2026;;nein\ntom@acme.example;04.05.2026;0;\n"
    )
    asked = Asked(About.WEBINAR, name="F-gas rules")
    assert activity_lists.plan(text, asked).stored == 3
    assert not Activity.objects.exists()
    assert activity_lists.take(text, asked, by=cast.mia).stored == 3
    title = {"title": "F-gas rules"}
    assert stored() == [
        ("webinar_attended", title | {"minutes": 45}), ("webinar_registered", title), ("webinar_registered", title),
    ]  # fmt: skip
    again = activity_lists.take(text, asked, by=cast.mia)
    assert (again.stored, again.known, len(stored())) == (0, 3, 3)


def test_each_row_that_cannot_be_taken_says_why_and_writes_nothing(cast: Cast) -> None:
    ada()
    consents.note(ada(email="no@acme.example"), "objected", purpose="tracking", source="test")
    ada(email="info@acme.example"), ada(email="info@acme.example", last_name="Zuse")
    rows = {
        "who@acme.example,2026-05-04,Heat,80": "unknown", ",2026-05-04,Heat,80": "no_address",
        "info@acme.example,2026-05-04,Heat,80": "shared", "no@acme.example,2026-05-04,Heat,80": "objected",
        "ada@acme.example,,Heat,80": "no_date", "ada@acme.example,04/05/2026,Heat,80": "bad_date",
        "ada@acme.example,2999-01-01,Heat,80": "future", "ada@acme.example,2026-05-04,,80": "no_topic",
        "ada@acme.example,2026-05-04,Heat,sure": "bad_confidence",
        "ada@acme.example,2026-05-04,H\x00,80": "bad_text",
    }  # fmt: skip
    result = activity_lists.take("email,date,topic,confidence\n" + "\n".join(rows), Asked(About.INTENT), by=cast.mia)
    assert [line.reason for line in result.refused] == list(rows.values())
    assert all(line.why for line in result.refused)
    assert not Activity.objects.exists()


def test_a_domain_stands_for_the_open_leads_who_work_there(cast: Cast) -> None:
    lead = a_lead()
    lead.contact.company.domain = "acme.example"
    lead.contact.company.save(update_fields=["domain"])
    ada(email="idle@acme.example")
    activity_lists.take(
        "domain,topic,date\nhttps://www.acme.example/x,Heat,2026-05-04", Asked(About.INTENT), by=cast.mia
    )
    assert list(Activity.objects.values_list("contact_id", "properties")) == [
        (lead.contact_id, {"topic": "Heat", "account": True})
    ]


def test_follows_and_likes_come_with_their_frequency(cast: Cast) -> None:
    ada()
    text = "email,action,count,network\nada@acme.example,like,3,LinkedIn\nada@acme.example,follow,,LinkedIn\n"
    activity_lists.take(text, Asked(About.SOCIAL, on=date(2026, 5, 4)), by=cast.mia)
    assert [kind for kind, _told in stored()] == ["social_like"] * 3 + ["social_follow"]


def test_old_rows_count_without_waking_anybody_and_new_ones_wake(cast: Cast, time_machine: Any) -> None:
    time_machine.move_to(NOW - timedelta(days=60), tick=False)
    lead = a_lead(owner=cast.mia)
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=local_date() + timedelta(days=200))
    time_machine.move_to(NOW, tick=False)
    activity_lists.take("email\nada@acme.example", Asked(About.WEBINAR, "Old", on=date(2026, 4, 1)), by=cast.mia)
    assert Lead.objects.get().stage == "nurture"
    activity_lists.take("email\nada@acme.example", Asked(About.WEBINAR, "New", on=date(2026, 5, 19)), by=cast.mia)
    assert Lead.objects.get().stage == "lead"


def test_a_list_asks_no_more_for_two_hundred_rows_than_for_ten(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for size in (10, 200):
        text = "email,date\n"
        for n in range(size):
            ada(email=f"p{size}-{n}@acme.example")
            text += f"p{size}-{n}@acme.example,2026-05-04\n"
        with django_assert_max_num_queries(20):
            assert activity_lists.take(text, Asked(About.WEBINAR, "F-gas"), by=cast.mia).stored == size


# --- The page -------------------------------------------------------------------------------------


def test_mia_checks_a_list_sees_what_is_wrong_and_stores_it(cast: Cast, client: Client) -> None:
    ada()
    client.force_login(cast.mia)
    form = {
        "about": "webinar",
        "name": "F-gas",
        "on": "2026-05-04",
        "pasted": "email\nada@acme.example\nwho@acme.example",
    }
    page = client.post("/imports/activities/", form | {"act": "check"}).content.decode()
    assert "2 rows: 1 new, 0 known already, 1 refused." in page
    assert "Nobody here has this address. Import the person first." in page
    assert not Activity.objects.exists()
    client.post("/imports/activities/", form | {"act": "store"})
    assert Activity.objects.get().kind_id == "webinar_attended"
    assert client.post("/imports/activities/", form | {"pasted": "name\nAda"}).status_code == 422
    client.force_login(cast.sam)
    assert client.post("/imports/activities/", form | {"act": "store"}).status_code == 403


# --- Research -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (80, 80),
        ("80 %", 80),
        (0.8, 80),
        ("0,8", 80),
        ("hoch", 90),
        (None, None),
        ("?", None),
        (120, None),
        (True, None),
    ],
)
def test_confidence_is_read_as_providers_write_it(said: Any, meant: int | None) -> None:
    assert research.confidence(said) == meant


@pytest.mark.parametrize(
    ("sure", "is_one"), [((100,), False), ((60, 60), True), ((None, None), False), ((None, None, None), True)]
)
def test_only_what_adds_up_is_a_surge(cast: Cast, sure: tuple[Any, ...], is_one: bool) -> None:
    contact = ada()
    researches(contact, *sure)
    assert (surge(contact) == "Heat pumps") == is_one
    assert complaints() == []


def test_a_surge_gives_points_and_ends_by_itself(cast: Cast, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    in_force(a_draft([fact("research_surge", "is", True, points=15)]))
    lead = a_lead()
    researches(lead.contact, 70, days_ago=4)
    researches(lead.contact, 70)
    drain.drain()
    lead.standing.refresh_from_db()
    assert lead.standing.score == 15
    time_machine.move_to(NOW + timedelta(days=9), tick=False)
    assert research.end_old() == 0
    time_machine.move_to(NOW + timedelta(days=10), tick=False)
    assert research.end_old() == 1
    drain.drain()
    lead.standing.refresh_from_db()
    assert (lead.standing.score, surge(lead.contact), ResearchSurge.objects.count()) == (0, None, 0)
    changes = ProfileChange.objects.filter(contact=lead.contact, field="custom").order_by("id")
    assert [change.new for change in changes] == [{"research_surge": "Heat pumps"}, {}]


def test_what_the_contact_says_of_its_own_stays(cast: Cast) -> None:
    contact = ada(custom={"branch": "north"})
    researches(contact, 90, 90)
    contact.refresh_from_db()
    assert contact.custom == {"branch": "north", "research_surge": "Heat pumps"}


def test_the_doctor_finds_a_surge_nobody_researches(cast: Cast) -> None:
    ResearchSurge.objects.create(contact=ada(), ends=day_of(local_date()) + 5)
    assert complaints() == ["research"]


@given(
    told=st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.none() | st.integers(0, 100)), max_size=12)
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_the_day_a_surge_ends_is_the_first_without_it(told: list[tuple[int, str, int | None]]) -> None:
    """Compare the reckoned end with asking every day anew."""
    known = [one for one in told if one[0] <= 20]
    now = research.reckon(known, 20)
    if now is not None:
        days = [research.reckon(known, day) for day in range(20, 40)]
        assert next(day for day, one in zip(range(20, 40), days, strict=True) if one is None) == now.ends


def test_removed_intents_end_the_surge(cast: Cast) -> None:
    contact = ada()
    researches(contact, 90, 90)
    rows = list(Activity.objects.all())
    activities.recast([activities.Recast(row, "note", {}) for row in rows], why="test")
    assert surge(contact) is None


def test_nobody_wakes_by_what_somebody_else_tells(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    researches(lead.contact, 90, 90)
    assert Lead.objects.get().stage == "nurture"
