"""Capture at a fair: stored once, dated when typed, consents confirmed by the person, the prize draw kept apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm import consent_texts, consents, doctor, outbox
from crm.models import Activity, ConsentEvent, Contact, LegalBasis, OutboxMessage
from leads import fair_capture
from leads.models import Lead, PrizeEntry, Submission
from tests.cast import Cast
from tests.leads.sent_forms import link, press

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
EVA: dict[str, Any] = {
    "where": "trade_fair", "event": "Chillventa", "place": "Hall 4, stand 12", "first_name": "Eva", "last_name": "Kern",
    "email": "eva@kern.example", "token": "a" * 32,
}  # fmt: skip


@pytest.fixture
def sam(cast: Cast, client: Client) -> Client:
    client.force_login(cast.sam)
    return client


def newsletter() -> dict[str, str]:
    return {f"consent-{consent_texts.newest(['newsletter:email'], 'en')[0].pk}": "on"}


def complaints() -> list[str]:
    return [check.name for check, sentences in doctor.examine(full=True) if sentences]


def test_a_capture_is_a_lead_with_place_event_and_staff_member(sam: Client, cast: Cast) -> None:
    answer = sam.post("/capture/", EVA | {"message": "Heat pumps", "asked": "on"})
    assert answer.status_code == 303
    assert "event=Chillventa" in answer["Location"]
    assert "eva" not in answer["Location"]
    row = Activity.objects.get()
    assert (row.kind_id, row.by, row.contact) == ("fair_talk", cast.sam, Contact.objects.get())
    told = {"event": "Chillventa", "place": "Hall 4, stand 12", "text": "Heat pumps", "asked": True}
    assert told.items() <= row.properties.items()
    lead = Lead.objects.get()
    assert (lead.source.key if lead.source else "", lead.source_detail) == ("trade_fair", "Chillventa")
    assert LegalBasis.objects.get().basis == "request"
    assert complaints() == []


def test_the_same_capture_sent_five_times_is_stored_once_and_a_corrected_one_again(sam: Client) -> None:
    assert [sam.post("/capture/", EVA, headers=JSON).status_code for _ in range(5)] == [201, 200, 200, 200, 200]
    assert (Submission.objects.count(), Activity.objects.count(), Lead.objects.count()) == (1, 1, 1)
    assert sam.post("/capture/", EVA | {"email": "eva.kern@kern.example"}, headers=JSON).status_code == 201
    assert sam.post("/capture/", EVA | {"token": "b" * 32}, headers=JSON).status_code == 201
    assert Submission.objects.count() == 3


def test_taking_part_in_the_draw_is_no_consent_to_anything(sam: Client, cast: Cast, client: Client) -> None:
    sam.post("/capture/", EVA | {"prize": "on"})
    entry = PrizeEntry.objects.get()
    assert (entry.submission.contact, entry.event, entry.by) == (Contact.objects.get(), "Chillventa", cast.sam)
    assert entry.sha256 == consent_texts.sha256(entry.text)
    assert (ConsentEvent.objects.count(), OutboxMessage.objects.count()) == (0, 0)
    assert LegalBasis.objects.get().basis == "unknown"
    assert sam.get("/capture/draws/").status_code == 403
    client.force_login(cast.mia)
    assert "Eva Kern" in client.get("/capture/draws/").content.decode()
    PrizeEntry.objects.update(text="anything")
    assert complaints() == ["prize_entries"]


def test_what_was_agreed_to_holds_once_the_person_confirms_it(
    sam: Client, cast: Cast, mailoutbox: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(outbox, "RESERVED_DOMAINS", ())
    sam.post("/capture/", EVA | newsletter())
    requested = ConsentEvent.objects.get()
    assert (requested.kind, requested.evidence["place"]) == ("requested", "Hall 4, stand 12")
    assert requested.evidence["captured_by"] == cast.sam.pk
    assert press(link(mailoutbox)).status_code == 303
    assert consents.state(Contact.objects.get())["newsletter", "email"].kind == "confirmed"


def test_what_waited_without_network_keeps_its_moment_for_a_day(sam: Client) -> None:
    typed = timezone.now() - timedelta(hours=3)
    sam.post("/capture/", EVA | {"taken_at": typed.isoformat()})
    assert Activity.objects.get().occurred_at == typed
    for nonsense in (
        (timezone.now() - timedelta(days=3)).isoformat(),
        "2999-01-01T00:00:00Z",
        "yesterday",
        "2026-13-40",
    ):
        sam.post(
            "/capture/", EVA | {"taken_at": nonsense, "token": "b" * 20, "email": f"e{len(nonsense)}@kern.example"}
        )
    others = Activity.objects.order_by("-id")[:3]
    assert all(timezone.now() - row.occurred_at < timedelta(minutes=5) for row in others)


def test_who_asked_not_to_be_kept_is_not_and_the_page_says_so(sam: Client) -> None:
    consents.suppress("eva@kern.example", "erased")
    answer = sam.post("/capture/", EVA | {"prize": "on"}, headers=JSON)
    assert (answer.status_code, answer.json()["detail"][:35]) == (409, "This person has asked not to be con")
    assert (Contact.objects.count(), PrizeEntry.objects.count(), Submission.objects.get().values) == (0, 0, {})
    assert sam.post("/capture/", EVA | newsletter() | {"prize": "on"}, headers=JSON).status_code == 201
    assert (Contact.objects.count(), PrizeEntry.objects.get().submission.contact) == (0, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_name": "", "last_name": ""}, "first_name"), ({"email": ""}, "email"), ({"email": "eva@kern"}, "email"),
        ({"event": ""}, "event"), ({"first_name": "E\x00va"}, "first_name"), ({"token": "x"}, "token"),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_says_why_and_keeps_what_was_typed(
    sam: Client, change: dict[str, str], field: str
) -> None:
    page = sam.post("/capture/", EVA | change)
    assert page.status_code == 422
    assert field in page.context["form"].errors
    assert "Hall 4, stand 12" in page.content.decode()
    assert not Submission.objects.exists()
    assert sam.post("/capture/", EVA | change, headers=JSON).json()["detail"]


def test_a_consent_by_mail_needs_an_address(sam: Client) -> None:
    page = sam.post("/capture/", EVA | {"email": "", "phone": "030 123456"} | newsletter())
    assert list(page.context["form"].errors) == ["email"]


def test_strangers_cannot_open_the_form_behind_it(sam: Client) -> None:
    sam.post("/capture/", EVA)
    assert Client().get(f"/f/{fair_capture.SLUGS[0]}/").status_code == 404
    assert Client().post("/capture/", EVA).status_code == 302
    assert fair_capture.captured_today(Submission.objects.get().captured_by) == 1  # type: ignore[arg-type]
