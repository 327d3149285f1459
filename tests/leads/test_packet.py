"""The handoff packet: frozen at the offer, shown beside what has changed since, and reached by erasure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from crm import activities, consents, signals
from crm.merging import doing
from crm.models import Contact
from leads import lifecycle, packet
from leads.models import Handoff, Lead
from tests.cast import Cast, ada, an_mql, next_month, reason
from tests.crm.test_settings_pages import sign_in

pytestmark = pytest.mark.django_db
CANARY = "Zephyr canary"


def did(lead: Lead, kind: str, days_ago: float = 1, **properties: Any) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    activities.record(lead.contact, kind, at=at, properties=properties)


def handed(cast: Cast, lead: Lead, **more: Any) -> dict[str, Any]:
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam, **more)
    frozen: dict[str, Any] = lead.handoffs.get(closed_at=None).packet
    return frozen


def test_the_packet_holds_what_was_read_asked_and_allowed(cast: Cast) -> None:
    lead = an_mql(cast)
    did(lead, "white_paper", 4, title="Cold chains")
    did(lead, "white_paper", 3, title="Cold chains")  # told once
    did(lead, "question", 2, text="Does it fit our dock?")
    did(lead, "email_delivered", 1, subject="News")
    did(lead, "video_view", 1, title="Nine nights")
    consents.note(lead.contact, "confirmed", purpose="offer", channel="email", source="test")
    frozen = handed(cast, lead)
    assert [title for title, _at in packet.assets(frozen)] == ["Nine nights", "Cold chains"]
    assert [kind for kind, _at in frozen["touches"]] == ["video_view", "question", "white_paper", "white_paper"]
    assert frozen["questions"] == ["Does it fit our dock?"]
    assert [line[:3] for line in frozen["consent"]] == [["offer", "email", "confirmed"]]
    assert packet.consent(frozen)[0].startswith("Offers, E-mail: Confirmed, ")


@pytest.mark.parametrize(
    ("kind", "said", "begins"),
    [
        ("question", {"text": "Which dock?"}, "Begin with their question ("),
        ("demo_request", {}, "They asked for a demo ("),
        ("fair_talk", {"title": "LogiMAT"}, "You talked at “LogiMAT” ("),
        ("white_paper", {"title": "Cold chains"}, "They read “Cold chains” ("),
        ("pricing_view", {}, "They looked at prices ("),
        ("product_view", {}, "They looked at “Visited a product page” ("),
        ("page_view", {"title": "Home"}, ""),
        ("question", {"text": ""}, ""),
    ],
)
def test_the_opening_takes_up_the_newest_strong_touch(cast: Cast, kind: str, said: dict[str, str], begins: str) -> None:
    lead = an_mql(cast)
    did(lead, kind, 2, **said)
    sentence = packet.opening(handed(cast, lead))
    assert sentence.startswith(begins) and bool(sentence) is bool(begins)


def test_a_raised_hand_comes_before_a_newer_sign_and_old_ones_are_left(cast: Cast) -> None:
    lead = an_mql(cast)
    did(lead, "fair_talk", 100, title="Old fair")
    did(lead, "demo_request", 20)
    did(lead, "white_paper", 1, title="Cold chains")
    frozen = handed(cast, lead)
    assert frozen["opening"]["kind"] == "demo_request"
    with translation.override("de"):
        assert packet.opening(frozen).endswith("einen Termin anbieten.")


def test_the_page_shows_the_packet_beside_what_has_changed_since(cast: Cast) -> None:
    lead = an_mql(cast)
    did(lead, "white_paper", 3, title="Cold chains")
    consents.note(lead.contact, "confirmed", purpose="offer", channel="email", source="test")
    frozen = handed(cast, lead)
    page = sign_in(cast.sam).get(reverse("lead", args=[lead.pk]))
    assert page.context["since"] == []
    later = timezone.now() + timedelta(minutes=5)
    activities.record(lead.contact, "question", at=later, properties={"text": "And in Bremen?"})
    consents.note(lead.contact, "withdrawn", purpose="offer", channel="email", source="test", at=later)
    page = sign_in(cast.sam).get(reverse("lead", args=[lead.pk]))
    told = [(one.words, one.tone) for one in page.context["since"]]
    assert told[0][0].startswith("New activities: 1. The newest: Asked a question, ")
    assert told[1] == ("Asked since: “And in Bremen?”", "")
    assert told[2][1] == "late"
    assert lead.handoffs.get().packet == frozen
    assert "Cold chains" in page.content.decode()


def test_a_changed_score_is_told(cast: Cast) -> None:
    lead = an_mql(cast)
    handed(cast, lead)
    handoff = lead.handoffs.get()
    handoff.packet = {"score": 40, "grade": "B2"}
    told = packet.since(handoff, lead, score=55, grade="A1", events=[])
    assert [one.words for one in told] == ["Score 40 B2 is now 55 A1."]
    assert packet.since(handoff, lead, score=40, grade="B2", events=[]) == []


# --- It stays frozen, and erasure reaches it ------------------------------------------------------


def test_a_packet_cannot_be_changed_behind_the_life_cycle(cast: Cast) -> None:
    lead = an_mql(cast)
    frozen = handed(cast, lead)
    with pytest.raises(DatabaseError), transaction.atomic():
        Handoff.objects.update(packet={})
    assert lead.handoffs.get().packet == frozen


def full_of_canaries(cast: Cast, lead: Lead) -> None:
    for kind, name in (("white_paper", "title"), ("question", "text"), ("product_view", "title")):
        did(lead, kind, 1, **{name: f"{CANARY} {kind}"})
    handed(cast, lead, note=f"{CANARY} note")


def packets() -> str:
    return json.dumps(list(Handoff.objects.values_list("packet", flat=True)))


def test_erasure_leaves_nothing_of_the_person_in_any_packet(cast: Cast) -> None:
    lead = an_mql(cast)
    full_of_canaries(cast, lead)
    lifecycle.advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    other = an_mql(cast, contact=ada(email="other@acme.example"))
    full_of_canaries(cast, other)
    score = lead.handoffs.get().packet["score"]
    signals.contact_erased.send(sender=Contact, contact_id=lead.contact_id)
    assert lead.handoffs.get().packet == {"score": score, "grade": "", "reasons": [], "assigned": {}}
    assert CANARY in json.dumps(other.handoffs.get().packet)  # somebody else's stays
    page = sign_in(cast.lena).get(reverse("lead", args=[lead.pk]))
    assert (page.status_code, page.context["opening"], page.context["assets"]) == (200, "", [])


def test_erasure_after_a_merge_reaches_the_packets_of_both(cast: Cast) -> None:
    lead, other = an_mql(cast), an_mql(cast, contact=ada(email="ada.private@acme.example"))
    full_of_canaries(cast, lead)
    full_of_canaries(cast, other)
    doing.merge(lead.contact, other.contact, by=cast.ava, sure=True)
    assert CANARY in packets()
    signals.contact_erased.send(sender=Contact, contact_id=lead.contact_id)
    assert CANARY not in packets()
