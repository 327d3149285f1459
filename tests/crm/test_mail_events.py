"""What mail providers tell: signed, stored once, machines kept apart and taken back, every no in force at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from crm import consents, doctor
from crm.activities import record
from crm.models import (
    Activity,
    AuditEntry,
    ConsentEvent,
    Contact,
    MailRecipient,
    Suppression,
    TrackingReceipt,
    Workspace,
)
from leads.models import Lead, Standing
from scoring import drain as scoring_drain
from tests.cast import Cast, a_lead, ada
from tests.scoring.cards import a_draft, did, in_force

pytestmark = pytest.mark.django_db
SECRET = "provider:a-long-password"
AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MAIL = "mail-7"


@pytest.fixture(autouse=True)
def _sendgrid_is_let_in(settings: Any, db: None) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    Workspace.objects.update(counts_opens=True)
    for key in ("events:sendgrid", "events:mailgun"):
        MailRecipient.objects.create(key=key, recipient="Mailer GmbH", purpose="Mails", country="DE", is_ours=True)


@pytest.fixture
def person(cast: Cast) -> Contact:
    return ada()


def event(kind: str, *, after: float = 3600, email: str = "ada@acme.example", **more: Any) -> dict[str, Any]:
    """Return one event as SendGrid sends it, so many seconds after the delivery."""
    at = int((AT + timedelta(seconds=after)).timestamp())
    known = {"event": kind, "email": email, "timestamp": at, "sg_message_id": MAIL}
    known["sg_event_id"] = f"{kind}-{after}-{more.get('url', '')}-{email}"
    return known | {"useragent": "Mozilla/5.0 (X11; Linux) Firefox/140.0", "ip": "203.0.113.9"} | more


def click(url: str = "https://acme.example/price?utm_source=x", **more: Any) -> dict[str, Any]:
    return event("click", url=url, **more)


def post(*events: dict[str, Any], secret: str = SECRET, provider: str = "sendgrid", body: bytes = b"") -> HttpResponse:
    sign_in = base64.b64encode(secret.encode()).decode()
    return Client().post(
        f"/anymail/{provider}/tracking/", body or json.dumps(list(events)), content_type="application/json",
        headers={"authorization": f"Basic {sign_in}"},
    )  # type: ignore[return-value] # fmt: skip


def outcomes() -> list[tuple[str, str]]:
    return [(line["outcome"], line.get("reason", "")) for line in TrackingReceipt.objects.latest("id").messages]


def kinds() -> list[str]:
    return list(Activity.objects.order_by("id").values_list("kind_id", flat=True))


def complaints() -> list[str]:
    return [check.name for check, sentences in doctor.examine(full=True) if sentences]


# --- Taken once -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (event("delivered"), "email_delivered"),
        (event("open"), "email_opened"),
        (click(), "email_clicked"),
        (event("bounce", reason="550 no such user"), "email_bounced"),
        (event("spamreport"), "email_complained"),
        (event("unsubscribe"), "unsubscribed"),
    ],
)
def test_each_event_becomes_one_activity_however_often_it_is_sent(person: Contact, told: dict[str, Any], kind: str) -> None:  # noqa: E501 # fmt: skip
    assert post(told, told).json() == {"accepted": 1, "duplicates": 1, "refused": 0, "quarantined": 0}
    before = (ConsentEvent.objects.count(), Suppression.objects.count())
    assert post(told).json()["duplicates"] == 1
    row = Activity.objects.get()
    assert (row.kind_id, row.contact_id, row.occurred_at) == (kind, person.pk, AT + timedelta(hours=1))
    assert (ConsentEvent.objects.count(), Suppression.objects.count()) == before
    assert complaints() == []


def test_a_click_keeps_neither_query_nor_network_nor_agent(person: Contact) -> None:
    post(click())
    assert Activity.objects.get().properties == {
        "mail": MAIL, "url": "https://acme.example/price",
        "link": hashlib.sha256(b"https://acme.example/price?utm_source=x").hexdigest()[:12],
    }  # fmt: skip


def test_nothing_is_taken_from_who_cannot_prove_to_be_the_provider(person: Contact, settings: Any) -> None:
    assert post(click(), secret="provider:guessed-password").status_code == 401
    settings.ANYMAIL = {}
    assert post(click()).status_code == 404
    assert post(click(), provider="nobody").status_code == 404
    assert not Activity.objects.exists()
    assert not TrackingReceipt.objects.exists()


def test_mailguns_signature_opens_its_door_and_another_does_not(person: Contact) -> None:
    def signed(key: bytes) -> HttpResponse:
        block = {"timestamp": "1777896000", "token": "t1"}
        block["signature"] = hmac.new(key, b"1777896000t1", hashlib.sha256).hexdigest()
        data = {"event": "clicked", "timestamp": AT.timestamp(), "recipient": "ada@acme.example"}
        return post(provider="mailgun", body=json.dumps({"signature": block, "event-data": data}).encode())

    assert signed(b"another").status_code == 401
    assert signed(b"key").json()["accepted"] == 1


def test_what_cannot_be_read_is_noted_and_answered(person: Contact) -> None:
    assert post(body=b'{"event": "open"').status_code == 400
    assert outcomes() == [("refused", "unreadable")]


def test_what_is_not_kept_ends_visibly_with_its_reason(person: Contact) -> None:
    consents.note(ada(email="no@acme.example"), "objected", purpose="tracking", source="test")
    ada(email="info@acme.example"), ada(email="info@acme.example", last_name="Zuse")
    Workspace.objects.update(counts_opens=False)
    post(
        event("processed"), event("open"), click(email="no@acme.example"), click(email="info@acme.example"),
        click(email="who@acme.example"), event("delivered", email=""),
    )  # fmt: skip
    assert outcomes() == [
        ("refused", reason)
        for reason in ("not_kept", "opens_off", "objected", "shared_address", "unknown_address", "no_recipient")
    ]
    assert not Activity.objects.exists()


def test_a_marketer_sees_what_came_in_and_why_it_does_not_count(person: Contact, cast: Cast, client: Client) -> None:
    post(click(email="who@acme.example"), click(useragent="python-requests/2"))
    client.force_login(cast.mia)
    page = client.get("/tracking/events/").content.decode()
    assert "SendGrid" in page and "Nobody here has this address." in page and "who@acme.example" not in page
    assert (
        "The program that looked says it is a machine."
        in client.get("/tracking/events/?view=quarantined").content.decode()
    )


def test_a_batch_of_a_hundred_asks_no_more_than_one_of_ten(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for size in (10, 100):
        for n in range(size):
            ada(email=f"p{size}-{n}@acme.example")
        with django_assert_max_num_queries(24):
            assert post(*(click(email=f"p{size}-{n}@acme.example") for n in range(size))).json()["accepted"] == size


# --- Machines -------------------------------------------------------------------------------------

DELIVERED = event("delivered", after=0)


@pytest.mark.parametrize(
    "told",
    [
        [click(useragent="Barracuda Sentinel")],
        [event("open", useragent="Mozilla/5.0")],
        [event("open", sg_machine_open=True)],
        [click(ip="40.94.1.2"), click("https://acme.example/2", ip="104.47.1.2")],
        [DELIVERED, click(after=3)],
        [click(f"https://acme.example/{n}", after=3600 + n) for n in range(3)],
    ],
)
def test_what_a_program_does_is_kept_apart(person: Contact, told: list[dict[str, Any]]) -> None:
    if told[0].get("ip") == "40.94.1.2":
        told[0]["ip"] = "40.92.1.2"
    post(*told)
    looked = [kind for kind in kinds() if kind != "email_delivered"]
    assert looked and all(kind.endswith("_machine") for kind in looked)
    assert complaints() == []


def test_what_a_person_does_counts(person: Contact) -> None:
    post(DELIVERED, event("open", after=60), click(after=70), click("https://acme.example/2", after=75))
    post(click("https://acme.example/3", after=90))
    assert kinds() == ["email_delivered", "email_opened", *["email_clicked"] * 3]


@pytest.mark.parametrize(
    "parts",
    [
        [[click(after=3)], [DELIVERED]],
        [[click("https://a.example/1"), click("https://a.example/2", after=3601)], [click("https://a.example/3")]],
    ],
)
def test_a_click_that_was_scored_is_taken_back_when_a_program_is_recognised(
    cast: Cast, parts: Sequence[list[dict[str, Any]]]
) -> None:
    in_force(a_draft([did("email_clicked", 20)]))
    lead = a_lead()
    post(*parts[0])
    scoring_drain.drain()
    assert Standing.objects.get(lead=lead).score == 20 * len(parts[0])
    post(*parts[1])
    scoring_drain.drain()
    assert Standing.objects.get(lead=lead).score == 0
    entry = AuditEntry.objects.get(action="activities.taken_back")
    assert (entry.object, len(entry.payload["activities"])) == (f"contact:{lead.contact_id}", len(parts[0]))
    assert post(*parts[0]).json()["duplicates"] == len(parts[0])
    assert complaints() == []


def test_the_page_of_the_lead_says_why_it_no_longer_counts(cast: Cast, client: Client) -> None:
    lead = a_lead()
    post(click(after=3))
    post(DELIVERED)
    client.force_login(cast.mia)
    page = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "It happened within seconds of the delivery. It no longer counts." in page


def test_a_program_wakes_nobody(cast: Cast) -> None:
    from leads import lifecycle
    from tests.cast import next_month

    lead = a_lead(owner=cast.mia)
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    post(event("click", after=-1, url="https://a.example/", timestamp=2_000_000_000, useragent="curl/8"))
    assert Lead.objects.get().stage == "nurture"


# --- A no -----------------------------------------------------------------------------------------


def test_a_complaint_is_an_objection_and_puts_the_address_on_the_list(person: Contact) -> None:
    post(event("spamreport"))
    assert consents.is_suppressed(person)
    said = {key: row.kind for key, row in consents.state(person).items()}
    assert said == {("newsletter", "email"): "objected", ("offer", "email"): "objected"}


def test_unsubscribing_withdraws_what_was_agreed_to_and_a_later_yes_holds(person: Contact) -> None:
    consents.note(person, "confirmed", purpose="newsletter", channel="email", source="form", at=AT)
    post(event("unsubscribe"))
    assert consents.state(person)["newsletter", "email"].kind == "withdrawn"
    assert not consents.is_suppressed(person)
    consents.note(person, "confirmed", purpose="newsletter", channel="email", source="form", at=AT + timedelta(days=1))
    assert consents.state(person)["newsletter", "email"].kind == "confirmed"


def test_only_a_bounce_for_good_puts_the_address_on_the_list(person: Contact) -> None:
    post(event("bounce", type="blocked", reason="try later"))
    assert (kinds(), consents.is_suppressed(person)) == (["email_bounced"], False)
    soft = {"RecordType": "Bounce", "Type": "SoftBounce", "ID": 1, "Email": "max@acme.example", "MessageID": "m"}
    max_ = ada(email="max@acme.example")
    post(provider="postmark", body=json.dumps(soft).encode())
    assert not consents.is_suppressed(max_)
    post(provider="postmark", body=json.dumps(soft | {"Type": "HardBounce", "ID": 2}).encode())
    assert consents.is_suppressed(max_)


def test_the_no_of_an_unknown_address_is_kept_by_its_hash(cast: Cast) -> None:
    post(event("spamreport", email="Who@Acme.example"))
    assert outcomes() == [("refused", "unknown_suppressed")]
    assert consents.is_suppressed(Contact(email_key="who@acme.example"))
    assert "who@acme" not in json.dumps(list(Suppression.objects.values()), default=str)


def test_a_complaint_sent_again_does_not_undo_a_fresh_yes(cast: Cast) -> None:
    told = event("spamreport", email="who@acme.example")
    post(told)
    assert consents.lift_suppression("who@acme.example", cause="submission:1")
    post(told)
    assert not consents.is_suppressed(Contact(email_key="who@acme.example"))
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        post(event("spamreport", email="who@acme.example", timestamp=int(datetime.now(UTC).timestamp()) - 60))
        assert consents.is_suppressed(Contact(email_key="who@acme.example"))


@pytest.mark.parametrize("kind", ["email_clicked", "email_complained"])
def test_the_doctor_finds_what_was_not_judged_or_not_heard(person: Contact, kind: str) -> None:
    record(person, kind, feed="mail:sendgrid", properties={"machine": "agent"} if kind == "email_clicked" else {})
    assert "mail_events" in complaints()
