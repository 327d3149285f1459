"""Who rests, by topic of interest and buying phase: grouped by a sweep, with what is worth sending."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from crm import activities
from crm.deletion import gate_open, remove_contacts
from crm.models import Contact
from leads import lifecycle, nurture
from leads.models import Lead, NurtureContent, NurtureTopic, Nurturing, Phase
from tests.cast import Cast, a_lead, ada, next_month
from tests.leads.test_lead_page import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def topics(cast: Cast) -> list[NurtureTopic]:
    return [
        NurtureTopic.objects.create(name=name, words=words)
        for name, words in (("Cold", "freezer, Kühlung"), ("Heat", "heat"))
    ]


def resting(cast: Cast, name: str, *did: tuple[str, dict[str, Any]]) -> Lead:
    contact: Contact = ada(email=f"{name}@acme.example", phone="", last_name=name.title())
    lead = a_lead(contact)
    for kind, told in did:
        activities.record(contact, kind, at=timezone.now() - timedelta(minutes=5), properties=told)
    lead.refresh_from_db()
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    return lead


def where(lead: Lead) -> tuple[str, str]:
    row = Nurturing.objects.select_related("topic").get(lead=lead)
    return (row.topic.name if row.topic else ""), row.phase


# --- Grouping -------------------------------------------------------------------------------------


def test_topic_and_phase_come_from_what_they_did(cast: Cast, topics: list[NurtureTopic]) -> None:
    reader = resting(cast, "reader", ("white_paper", {"title": "Saving HEAT"}))
    asker = resting(
        cast, "asker", ("webinar_attended", {"title": "Heat pumps"}), ("question", {"text": "How cold is Kuehlung?"}),
        ("case_study", {"title": "A freezer hall"}),
    )  # fmt: skip
    silent = resting(cast, "silent")
    assert nurture.group() == 3
    assert [where(lead) for lead in (reader, asker, silent)] == [
        ("Heat", "awareness"), ("Cold", "decision"), ("", "awareness"),
    ]  # fmt: skip
    assert nurture.group() == 0


def test_who_wakes_leaves_the_group_and_a_new_sleep_is_grouped_anew(cast: Cast, topics: list[NurtureTopic]) -> None:
    lead = resting(cast, "sleeper", ("white_paper", {"title": "Heat"}))
    nurture.group()
    activities.record(lead.contact, "pricing_view", properties={"path": "/prices/freezer/"})
    lead.refresh_from_db()
    assert lead.stage == "lead"
    nurture.group()
    assert not Nurturing.objects.exists()
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    nurture.group()
    assert where(lead) == ("Cold", "decision")


def test_another_list_of_topics_groups_everybody_anew(cast: Cast, topics: list[NurtureTopic]) -> None:
    lead = resting(cast, "reader", ("white_paper", {"title": "Heat"}))
    nurture.group()
    nurture.save(topics[1], {"words": "steam"})
    assert nurture.group() == 1
    assert where(lead) == ("", "awareness")
    topics[0].delete()
    assert nurture.group() == 1


def test_what_is_older_than_a_year_speaks_for_nothing(cast: Cast, topics: list[NurtureTopic]) -> None:
    lead = resting(cast, "old")
    Lead.objects.filter(pk=lead.pk).update(stage_since=timezone.now() + timedelta(days=400))
    activities.record(lead.contact, "price_list", at=timezone.now() - timedelta(days=1), properties={"title": "Heat"})
    nurture.group()
    assert not Nurturing.objects.filter(topic__isnull=False).exists()


@given(kinds=st.lists(st.sampled_from(["white_paper", "case_study", "price_list", "page_view", "intent"]), max_size=8))
def test_one_more_activity_never_sets_anybody_back(kinds: list[str]) -> None:
    phases = [nurture.ORDER.index(nurture.phase_of(kinds[:n])) for n in range(len(kinds) + 1)]
    assert phases == sorted(phases)
    assert nurture.phase_of(kinds) == nurture.phase_of(reversed(kinds))


def test_the_sweep_asks_as_often_for_three_as_for_one(cast: Cast, topics: list[NurtureTopic]) -> None:
    counts = []
    for names in (["a"], ["b", "c", "d"]):
        for name in names:
            resting(cast, name, ("white_paper", {"title": "Heat"}))
        with CaptureQueriesContext(connection) as asked:
            nurture.group()
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_erasing_a_person_takes_their_group(cast: Cast, topics: list[NurtureTopic]) -> None:
    lead = resting(cast, "reader")
    nurture.group()
    with gate_open("test"):
        remove_contacts([lead.contact_id])
    assert not Nurturing.objects.exists()


# --- Pages ----------------------------------------------------------------------------------------


def test_the_page_counts_the_groups_and_opens_them(cast: Cast, topics: list[NurtureTopic]) -> None:
    lead = resting(cast, "reader", ("white_paper", {"title": "Heat"}))
    NurtureContent.objects.create(
        title="Heat for beginners", topic=topics[1], phase=Phase.AWARENESS, address="https://x.example/"
    )
    NurtureContent.objects.create(title="For everybody", phase=Phase.AWARENESS)
    client = signed_in(cast.mia)
    assert "1 lead is being grouped" in text_of(client.get(reverse("nurture")))
    nurture.group()
    lines = client.get(reverse("nurture")).context["lines"]
    assert [(str(line.topic), [cell.number for cell in line.cells]) for line in lines] == [
        ("Cold", [0, 0, 0]), ("Heat", [1, 0, 0]), ("None", [0, 0, 0]),
    ]  # fmt: skip
    page = text_of(client.get(reverse("nurture_group", args=[topics[1].pk, "awareness"])))
    assert all(words in page for words in (lead.contact.name, "Heat for beginners", "For everybody"))
    assert client.get(reverse("nurture_group", args=[0, "awareness"])).status_code == 200
    assert client.get(reverse("nurture_group", args=[0, "sold"])).status_code == 404
    assert client.get(reverse("nurture_group", args=[999, "awareness"])).status_code == 404


def test_topics_and_contents_are_kept_by_forms(cast: Cast) -> None:
    client = signed_in(cast.mia)
    client.post(
        reverse("nurture_new", args=["topics"]), {"name": "Heat", "words": " heat , ,waste heat", "version": "0"}
    )
    topic = NurtureTopic.objects.get()
    assert topic.words == "heat, waste heat"
    sent = {"title": "Paper", "address": "https://x.example/p", "phase": "decision", "topic": topic.pk, "version": "0"}
    assert client.post(reverse("nurture_new", args=["contents"]), sent).status_code == 302
    content = NurtureContent.objects.get()
    client.post(reverse("nurture_edit", args=["contents", content.pk]), sent | {"title": "Better paper"})
    content.refresh_from_db()
    assert (content.title, content.version, content.topic) == ("Better paper", 1, topic)
    stale = client.post(reverse("nurture_edit", args=["contents", content.pk]), sent | {"title": "Old paper"})
    content.refresh_from_db()
    assert (stale.status_code, content.title) == (409, "Better paper")
    assert "Better paper" in text_of(stale)
    assert client.post(reverse("nurture_removal", args=["topics", topic.pk])).status_code == 302
    assert not NurtureContent.objects.exists()


@pytest.mark.parametrize(
    ("which", "sent"),
    [("topics", {"name": "", "words": "x"}), ("topics", {"name": "x", "words": " , "}),
     ("contents", {"title": "x", "phase": "sold"}),
     ("contents", {"title": "x", "phase": "decision", "address": "javascript:1"})],
)  # fmt: skip
def test_what_makes_no_sense_is_not_kept(cast: Cast, which: str, sent: dict[str, str]) -> None:
    assert signed_in(cast.mia).post(reverse("nurture_new", args=[which]), sent).status_code == 400
    assert not NurtureTopic.objects.exists() and not NurtureContent.objects.exists()
    assert signed_in(cast.mia).get("/nurture/shoes/new/").status_code == 404


@pytest.mark.parametrize(
    ("who", "reads", "keeps"),
    [("mia", 200, 200), ("max", 200, 200), ("sam", 404, 404), ("jana", 404, 404), ("rosa", 404, 404),
     ("lena", 200, 403), ("ava", 200, 200)],
)  # fmt: skip
def test_who_reads_and_who_keeps(cast: Cast, topics: list[NurtureTopic], who: str, reads: int, keeps: int) -> None:
    client, topic = signed_in(getattr(cast, who)), topics[0]
    for name, args in (("nurture", []), ("nurture_group", [topic.pk, "decision"])):
        assert client.get(reverse(name, args=args)).status_code == reads
    for name, args in (("nurture_new", ["topics"]), ("nurture_edit", ["topics", topic.pk])):
        assert client.get(reverse(name, args=args)).status_code == keeps
    removed = client.post(reverse("nurture_removal", args=["topics", topic.pk])).status_code
    assert removed == (302 if keeps == 200 else keeps)
    assert NurtureTopic.objects.filter(pk=topic.pk).exists() == (keeps != 200)
