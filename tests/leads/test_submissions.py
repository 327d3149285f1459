"""What becomes of a sent form: one thing however often it is sent, nothing lost, nobody overwritten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm import consents, contacts
from crm.models import Activity, ConsentText, Contact, LegalBasis, OutboxMessage, ProfileChange, Suppression
from leads import arrivals, capture, lifecycle, submissions
from leads.models import Lead, Submission
from leads.submissions import Sender
from tests.cast import Cast, a_lead, ada, reason
from tests.leads.sent_forms import ADA, TOO_FAST, a_form, only, opened, send, token_of

pytestmark = pytest.mark.django_db
State = Submission.State


def newsletter(language: str = "en") -> ConsentText:
    return ConsentText.objects.get(purpose="newsletter", channel="email", language=language)


# --- A request --------------------------------------------------------------------------------------


def test_a_demo_request_makes_the_lead_at_once(cast: Cast) -> None:
    form = a_form()
    answer = send(form)
    assert (answer.status_code, answer["Location"]) == (303, "/f/demo-request/thanks/?lang=en")
    lead = Lead.objects.get()
    assert (lead.contact.email, lead.contact.company.name) == ("ada@acme.example", "Acme GmbH")
    assert (lead.source, lead.team) == (form.source, cast.marketing)
    activity = Activity.objects.get()
    assert (activity.kind_id, activity.feed, activity.source) == ("demo_request", "form", "demo-request")
    assert LegalBasis.objects.get().basis == "request"
    assert not OutboxMessage.objects.exists()


def test_what_was_typed_is_forgotten_once_it_took_effect(cast: Cast) -> None:
    send(a_form())
    submission = only()
    assert (submission.values, submission.ip, submission.user_agent) == ({}, None, "")
    assert submission.network == "127.0.0.0/24"
    assert submission.contact == Contact.objects.get()


def test_where_somebody_came_from_stands_with_the_activity_cut_and_marked(cast: Cast) -> None:
    form, browser = a_form(), Client()
    evil = '" onmouseover="alert(1)' + "x" * 8000
    came = {"utm_source": evil, "utm_campaign": "spring"}
    page = browser.get(f"/f/{form.slug}/", came, headers={"referer": "https://a.example/x"})
    send(form, token=token_of(page.content.decode()), client=browser)
    submissions.release(only(), by=cast.mia)  # the test types faster than a person
    told = Activity.objects.get().properties
    assert told["utm"] == {"source": evil[:512] + "…", "campaign": "spring"}
    assert told["referrer"] == "https://a.example/x"
    assert told["landing_page"].startswith("http://testserver/f/demo-request/?utm_source=")


def test_an_embedded_form_is_told_where_it_stands(cast: Cast) -> None:
    form, browser = a_form(), Client()
    asked = {"embed": "1", "page": "https://www.acme.example/cooling?a=1", "ref": "https://search.example/"}
    token = token_of(browser.get(f"/f/{form.slug}/", asked).content.decode())
    send(form, token=token)
    submissions.release(only(), by=cast.mia)
    told = Activity.objects.get().properties
    assert (told["landing_page"], told["referrer"]) == (asked["page"], asked["ref"])


def test_who_is_known_gets_blanks_filled_and_keeps_what_stands(cast: Cast) -> None:
    known = ada(first_name="Adelheid", phone="", city="Kiel")
    before = known.version
    send(a_form(), {"phone": "+49 431 99", "company": "Other Ltd"})
    known.refresh_from_db()
    assert (known.first_name, known.phone, known.company.name) == ("Adelheid", "+49 431 99", "Acme GmbH")
    assert known.version == before + 1
    assert list(ProfileChange.objects.values_list("field", "source")) == [("phone", "form")]
    told = Activity.objects.get().properties["told"]
    assert told == {"first_name": "Ada", "company": "Other Ltd"}


def test_own_fields_land_on_the_contact_and_blanks_only(cast: Cast) -> None:
    known = ada(custom={"ramps": "4"})
    form = a_form(fields=[{"name": "email", "required": True}, {"name": "custom:ramps"}, {"name": "custom:fleet"}])
    send(form, {"custom:ramps": "9", "custom:fleet": "12"})
    known.refresh_from_db()
    assert known.custom == {"ramps": "4", "fleet": "12"}
    assert Activity.objects.get().properties["told"] == {"ramps": "9"}


def test_somebody_with_an_open_lead_gets_no_second_one(cast: Cast) -> None:
    lead = a_lead()
    send(a_form())
    assert Lead.objects.get() == lead
    assert Activity.objects.get().contact == lead.contact


def test_who_comes_back_after_the_end_begins_a_new_episode_with_the_forms_source(cast: Cast) -> None:
    lead = a_lead()
    lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
    form = a_form()
    send(form)
    again = Lead.objects.get(episode=2)
    assert (again.source, again.stage) == (form.source, "lead")


def test_a_shared_mailbox_is_no_person(cast: Cast) -> None:
    office = ada(email="info@acme.example")
    send(a_form(), {"email": "info@acme.example", "first_name": "Grace", "last_name": "Hopper"})
    assert Contact.objects.count() == 2
    send(a_form(slug="second"), {"email": "info@acme.example"})
    assert Contact.objects.count() == 2
    assert office.activities.count() == 1


@pytest.mark.parametrize(
    "typed", [{"email": "Ada@ACME.example "}, {"email": "new@acme.example", "phone": "0301234567"}]
)
def test_who_asked_to_be_forgotten_is_neither_stored_nor_written_to(cast: Cast, typed: dict[str, str]) -> None:
    consents.suppress("ada@acme.example", "erased")
    Suppression.objects.create(hmac=consents.fingerprint("+49301234567"), kind="phone", key_id="1", reason="erased")
    agreed = {"consents": [newsletter().pk]} if "phone" in typed else {}
    answer = send(a_form(), typed | {"country": "DE"} | agreed)
    assert answer.status_code == 303
    assert (Contact.objects.count(), Lead.objects.count(), OutboxMessage.objects.count()) == (0, 0, 0)
    submission = only()
    assert (submission.state, submission.values, submission.ip) == (State.BLOCKED, {}, None)


# --- Once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["demo_request", "white_paper"])
def test_five_times_the_same_post_is_one_result(cast: Cast, kind: str) -> None:
    form = a_form(kind)
    token, told = opened(form), {"consents": [newsletter().pk]}
    answers = {send(form, told, token=token)["Location"] for _time in range(5)}
    assert len(answers) == 1
    assert Submission.objects.count() == 1
    assert Lead.objects.count() == (1 if kind == "demo_request" else 0)
    assert OutboxMessage.objects.count() == 1


def test_a_corrected_address_on_the_same_page_is_another_sending(cast: Cast) -> None:
    form = a_form("white_paper")
    token = opened(form)
    send(form, {"email": "ada@acme.exmaple"}, token=token)
    send(form, {"email": "ada@acme.example"}, token=token)
    assert Submission.objects.count() == 2


# --- Abuse (I44) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "seconds", "why"),
    [
        ({"reference_code": "seo"}, 10, ["honeypot"]),
        ({}, TOO_FAST, ["too_fast"]),
        ({"first_name": "Win https://prize.example"}, 10, ["link"]),
    ],
)
def test_what_looks_odd_is_kept_for_a_person_to_judge(cast: Cast, told: dict[str, Any], seconds: float, why: list[str]) -> None:  # noqa: E501 # fmt: skip
    form = a_form()
    sound = send(form, {"email": "grace@navy.example"})
    odd = send(form, told, seconds=seconds)
    assert (odd.status_code, odd["Location"]) == (sound.status_code, sound["Location"])
    submission = Submission.objects.get(state=State.QUARANTINED)
    assert submission.suspicions == why
    assert submission.values["email"] == "ada@acme.example"
    assert Contact.objects.filter(email="ada@acme.example").count() == 0


def test_fifty_addresses_from_one_network_end_in_quarantine(cast: Cast) -> None:
    form = a_form()
    for number in range(14):
        send(form, {"email": f"p{number}@acme.example"})
    assert Submission.objects.filter(state=State.DONE).count() == submissions.FROM_NETWORK
    assert Submission.objects.filter(suspicions=["network"]).count() == 4
    assert Lead.objects.count() == submissions.FROM_NETWORK


def test_one_network_is_not_taken_in_over_sixty_a_minute(cast: Cast) -> None:
    form = a_form()
    send(form)
    row = only()
    Submission.objects.bulk_create(
        Submission(form=form, form_version=1, key=str(n), state=State.QUARANTINED, language="en", address=str(n),
                   network=row.network, submitted_at=timezone.now())
        for n in range(59)
    )  # fmt: skip
    answer = send(form, {"email": "late@acme.example"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert not Contact.objects.filter(email="late@acme.example").exists()


def test_a_forged_header_does_not_change_the_network(cast: Cast) -> None:
    send(a_form(), **{"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9"})
    assert only().network == "127.0.0.0/24"


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("nonsense", "unknown"),
    ],
)
def test_addresses_are_kept_cut(ip: str, network: str) -> None:
    assert Sender(ip).network == network


def test_a_released_submission_takes_its_course_dated_when_it_was_sent(cast: Cast) -> None:
    send(a_form(), seconds=TOO_FAST)
    Submission.objects.update(submitted_at=timezone.now() - timedelta(days=3))
    submission = only()
    assert submissions.release(submission, by=cast.mia)
    assert Activity.objects.get().occurred_at == submission.submitted_at
    assert Lead.objects.get().entered_at == submission.submitted_at
    assert not submissions.release(submission, by=cast.ava)
    assert Lead.objects.count() == 1


def test_a_discarded_submission_keeps_nothing_of_the_person(cast: Cast) -> None:
    send(a_form(), seconds=TOO_FAST)
    assert submissions.discard(only(), by=cast.ava)
    submission = only()
    assert (submission.state, submission.values, submission.ip) == (State.DISCARDED, {}, None)
    assert not Contact.objects.exists()


# --- What nobody confirms -----------------------------------------------------------------------------


def test_unconfirmed_sign_ups_vanish_after_fourteen_days(cast: Cast) -> None:
    send(a_form("white_paper"), {"consents": [newsletter().pk]})
    sent = only().submitted_at
    assert submissions.forget_overdue(sent + timedelta(days=13, hours=23)) == 0
    assert submissions.forget_overdue(sent + timedelta(days=14, minutes=1)) == 1
    submission = only()
    assert (submission.state, submission.values, submission.ip, submission.user_agent) == (State.EXPIRED, {}, None, "")
    assert not Contact.objects.exists()
    assert submissions.forget_overdue(sent + timedelta(days=15)) == 0


def test_a_consent_nobody_confirms_expires_and_the_lead_stays(cast: Cast) -> None:
    send(a_form(), {"consents": [newsletter().pk]})
    submission = only()
    assert submission.state == State.TAKEN
    submissions.forget_overdue(submission.submitted_at + timedelta(days=15))
    contact = Lead.objects.get().contact
    assert [event.kind for event in contact.consent_events.all()] == ["requested", "expired"]
    assert (only().state, only().ip) == (State.DONE, None)


def test_quarantine_is_emptied_after_ninety_days(cast: Cast) -> None:
    send(a_form(), seconds=TOO_FAST)
    sent = only().submitted_at
    assert submissions.forget_overdue(sent + timedelta(days=89)) == 0
    assert submissions.forget_overdue(sent + timedelta(days=91)) == 1
    assert only().values == {}


# --- For any input ------------------------------------------------------------------------------------

WORD = st.text(st.characters(exclude_categories=("C",)), max_size=30).map(str.strip)

NAMES = dict.fromkeys(("first_name", "last_name", "city"), WORD)


class Filling(TestCase):
    """Whatever is typed: a blank is filled, what stands stays, and nothing typed is lost."""

    def setUp(self) -> None:
        from leads import reference_data

        reference_data.ship()

    @settings(deadline=None, max_examples=25)
    @given(known=st.fixed_dictionaries(NAMES),
           typed=st.fixed_dictionaries(NAMES))  # fmt: skip
    def test_filling(self, known: dict[str, str], typed: dict[str, str]) -> None:
        contact = contacts.create_contact({**known, "email": "ada@acme.example"}, by=None, source="test")
        told = {name: value for name, value in typed.items() if value}
        found, differing = arrivals.settle({**told, "email": "ada@acme.example"}, source="form")
        assert found.pk == contact.pk
        contact.refresh_from_db()
        for name, value in typed.items():
            assert getattr(contact, name) == (known[name] or value)
            assert value in {"", getattr(contact, name), differing.get(name)}


def test_the_same_person_on_two_forms_at_once_is_one_contact(cast: Cast) -> None:
    send(a_form(slug="one"))
    send(a_form("webinar_registered", slug="two"))
    assert (Contact.objects.count(), Lead.objects.count(), Activity.objects.count()) == (1, 1, 2)
    assert capture.without_open_lead([Contact.objects.get().pk]) == set()
    assert ADA["email"] == Contact.objects.get().email
