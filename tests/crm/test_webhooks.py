"""Webhooks: what is told, to whom, how it is signed, and what becomes of it when the receiver misbehaves."""

from __future__ import annotations

import gzip
import importlib.util
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as project
from django.utils import timezone

from crm import doctor, outbox, signals
from crm.models import Contact, Disclosure, Heartbeat, LegalBasis, OutboxMessage, WebhookAttempt, WebhookEndpoint
from crm.webhooks import addresses, events, keeping, posting, queueing, secrets, sending
from leads import capture, entries, lifecycle, news
from leads.models import Lead, Source
from tests.cast import Cast, a_lead, accepted, ada, an_mql, next_month, offered
from tests.receiver import Receiver, closed_port, receiver

pytestmark = pytest.mark.django_db
State = OutboxMessage.State
spec = importlib.util.spec_from_file_location("verifier", Path(project.BASE_DIR) / "docs/examples/verify_webhook.py")
assert spec and spec.loader
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)


@pytest.fixture
def listener(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS = True
    with receiver() as ours:
        yield ours


def a_webhook(url: str, *told: str, **more: Any) -> tuple[WebhookEndpoint, str]:
    """Return an endpoint that is told of `told`, everything by default, and its secret."""
    known: dict[str, Any] = {
        "name": f"Hook {WebhookEndpoint.objects.count()}", "url": url, "recipient": "Mailer GmbH",
        "purpose": "Nurturing",
        "country": "DE", "is_ours": True, "events": list(told) or [name for name, _label in events.choices()],
    }  # fmt: skip
    endpoint = WebhookEndpoint(**known | more)
    secret = secrets.issue(endpoint)
    endpoint.save()
    return endpoint, secret


def make_due() -> None:
    OutboxMessage.objects.filter(state=State.PENDING).update(next_try_at=timezone.now())


def sent() -> int:
    """Let the ten seconds and every pause be over, and send."""
    make_due()
    return sending.deliver()


def bodies(listener: Receiver) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in listener.told]


def complaints(*names: str) -> list[str]:
    return [text for check in doctor.CHECKS if check.name in names for text in check.ask(True)]


OURS = ("webhooks", "webhook_messages", "webhook_log", "outbox")


# --- What is told ---------------------------------------------------------------------------------


def test_a_life_is_told_move_by_move_and_every_signature_fits(cast: Cast, listener: Receiver) -> None:
    endpoint, secret = a_webhook(listener.url)
    lead = accepted(cast)
    sent()
    told = sorted(
        (verifier.verify(secret, one.headers, one.body) for one in listener.told), key=lambda b: b["timestamp"]
    )
    assert {body["type"] for body in told} == {
        "lead.opened", "lead.qualify_for_marketing", "lead.hand_off", "handoff.offered", "lead.accept",
        "handoff.closed",
    }  # fmt: skip
    by_name = {body["type"]: body["data"] for body in told}
    assert [
        by_name[name]["lead"]["version"] for name in ("lead.qualify_for_marketing", "lead.hand_off", "lead.accept")
    ] == [1, 2, 3]
    assert (by_name["lead.accept"]["change"]["verb"], by_name["lead.accept"]["lead"]["stage"]) == ("accept", "sal")
    assert by_name["handoff.closed"]["handoff"]["outcome"] == "accepted"
    assert by_name["lead.accept"]["change"]["by_id"] == cast.sam.pk
    assert {body["id"] for body in told} == set(listener.ids)
    assert b"Ada" not in b"".join(one.body for one in listener.told)
    row = Disclosure.objects.get()
    assert (row.contact_id, row.endpoint_id, row.count) == (lead.contact_id, endpoint.pk, len(told))
    assert complaints(*OURS) == []


def test_only_what_was_asked_for_is_told_and_nobody_is_told_while_off(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.accept")
    a_webhook(listener.url, active=False)
    accepted(cast)
    assert [row.topic for row in OutboxMessage.objects.filter(channel="webhook")] == ["lead.accept"]


def test_the_person_goes_along_only_where_that_is_switched_on(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened", tells_person=True)
    lead = a_lead()
    assert "Ada" not in json.dumps(list(OutboxMessage.objects.values_list("payload", flat=True)))
    sent()
    told = bodies(listener)[0]["data"]["contact"]
    assert (told["id"], told["email"], told["company"]) == (lead.contact_id, "ada@acme.example", "Acme GmbH")
    assert complaints(*OURS) == []


def test_an_import_tells_nothing(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url)
    source = Source.objects.get(key="webinar")
    with time_machine.travel(timezone.now()):
        lead = capture.open_many([Lead(contact=ada(), source=source, team=cast.marketing, imported=True)])[0]
        entries.enter_as_many([(lead, "mql", timezone.now())])
    assert not OutboxMessage.objects.filter(channel="webhook").exists()


def test_a_grade_is_told_when_the_person_did_something_here(cast: Cast, listener: Receiver) -> None:
    from crm import activities

    a_webhook(listener.url, "lead.graded")
    lead, listed = a_lead(), a_lead(ada(email="bo@b.example"))
    activities.record(lead.contact, "webinar_attended")
    activities.record(listed.contact, "webinar_attended", feed="import:erp", message_id="1")
    news.tell_graded({lead.pk: ("C3", "B2"), listed.pk: ("C3", "B2")})
    message = OutboxMessage.objects.get(channel="webhook")
    assert (message.payload["data"]["lead"]["id"], message.payload["data"]["grade_before"]) == (lead.pk, "C3")


def test_the_drain_tells_a_new_grade(cast: Cast, listener: Receiver) -> None:
    from crm import activities
    from scoring import drain

    a_webhook(listener.url, "lead.graded")
    lead = a_lead()
    drain.drain()
    before = OutboxMessage.objects.filter(channel="webhook").count()
    activities.record_many([activities.Happening(lead.contact_id, "demo_request", timezone.now())])
    drain.drain()
    lead.standing.refresh_from_db()
    message = OutboxMessage.objects.filter(channel="webhook").latest("pk")
    assert OutboxMessage.objects.filter(channel="webhook").count() == before + 1
    assert message.payload["data"]["lead"]["grade"] == lead.standing.grade


# --- Undo -----------------------------------------------------------------------------------------


def test_an_undone_move_is_never_told(cast: Cast, listener: Receiver) -> None:
    lead = offered(cast)
    a_webhook(listener.url)
    lifecycle.advance(lead, "accept", by=cast.sam)
    assert sending.deliver() == 0  # the ten seconds are not over
    lifecycle.advance(lead, "undo", by=cast.sam)
    assert sent() == 0
    assert listener.told == []
    assert set(OutboxMessage.objects.filter(channel="webhook").values_list("state", flat=True)) == {State.CANCELLED}


def test_undoing_what_was_told_already_is_told_to_those_who_heard(cast: Cast, listener: Receiver) -> None:
    lead = offered(cast)
    heard, _secret = a_webhook(listener.url, "lead.accept")
    a_webhook(listener.url, "lead.win")
    lifecycle.advance(lead, "accept", by=cast.sam)
    sent()
    lifecycle.advance(lead, "undo", by=cast.sam)
    undo = OutboxMessage.objects.get(topic="lead.undo", channel="webhook")
    assert (undo.endpoint, undo.payload["data"]["change"]["reverses"]) == (heard, 3)
    assert undo.payload["data"]["lead"]["stage"] == "mql"


def test_what_may_have_arrived_is_corrected_as_well(cast: Cast, listener: Receiver) -> None:
    """A try without an answer may have been taken."""
    lead = offered(cast)
    a_webhook(listener.url, "lead.accept")
    lifecycle.advance(lead, "accept", by=cast.sam)
    listener.status = 500
    sent()
    lifecycle.advance(lead, "undo", by=cast.sam)
    listener.status = 200
    sent()
    assert [body["type"] for body in bodies(listener)] == ["lead.accept", "lead.undo"]


# --- Tries ----------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_under_the_same_id_with_growing_pauses(cast: Cast, listener: Receiver) -> None:
    endpoint, secret = a_webhook(listener.url, "lead.opened")
    a_lead()
    listener.status = 500
    for number in range(1, 8):
        before = timezone.now()
        sent()
        message = OutboxMessage.objects.get(channel="webhook")
        assert (message.state, message.attempts, message.dead_reason) == (State.PENDING, number, "refused 500")
        assert message.next_try_at >= before + outbox.RETRIES[number - 1]
    sent()
    assert OutboxMessage.objects.get(channel="webhook").state == State.FAILED
    assert WebhookAttempt.objects.filter(outcome="refused", status=500).count() == 8
    assert len(set(listener.ids)) == 1
    endpoint.refresh_from_db()
    assert endpoint.active and endpoint.failing_since
    listener.status = 204
    message = OutboxMessage.objects.get(channel="webhook")
    assert queueing.send_again(message)
    sent()
    message.refresh_from_db()
    assert (message.state, set(listener.ids)) == (State.SENT, {message.key})
    assert verifier.verify(secret, listener.told[-1].headers, listener.told[-1].body)["id"] == message.key
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None
    assert complaints(*OURS) == []


def test_a_receiver_may_ask_for_a_longer_pause(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened")
    a_lead()
    listener.status, listener.headers = 429, {"Retry-After": "900"}
    sent()
    assert OutboxMessage.objects.get(channel="webhook").next_try_at > timezone.now() + timedelta(seconds=880)


def test_gone_retires_the_endpoint_and_calls_off_what_waits(cast: Cast, listener: Receiver) -> None:
    endpoint, _secret = a_webhook(listener.url, "lead.opened")
    other, _secret = a_webhook(listener.url, "lead.accept")
    a_lead()
    listener.status = 410
    make_due()
    first = OutboxMessage.objects.get(channel="webhook")
    queueing.test(endpoint, by=cast.ava)
    OutboxMessage.objects.exclude(pk=first.pk).update(next_try_at=timezone.now() + timedelta(hours=1))
    sending.deliver()
    endpoint.refresh_from_db()
    other.refresh_from_db()
    assert (endpoint.active, endpoint.retired_because, other.active) == (False, "gone", True)
    assert set(OutboxMessage.objects.filter(channel="webhook").values_list("state", flat=True)) == {State.CANCELLED}
    a_lead(ada(email="bo@b.example"))
    assert OutboxMessage.objects.filter(channel="webhook").count() == 2
    assert complaints(*OURS) == []


def test_three_days_without_a_good_answer_retire_it(cast: Cast, listener: Receiver) -> None:
    endpoint, _secret = a_webhook(listener.url, "lead.opened")
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=4))
    a_lead()
    listener.status = 500
    sent()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.retired_because) == (False, "silent")


def test_a_receiver_that_does_not_answer_does_not_hold_up_the_others(cast: Cast, listener: Receiver) -> None:
    silent, _secret = a_webhook(f"http://127.0.0.1:{closed_port()}/", "lead.opened")
    a_webhook(listener.url, "lead.opened")
    for number in range(9):
        a_lead(ada(email=f"a{number}@b.example"))
    sent()
    assert len(set(listener.ids)) == 9
    rows = OutboxMessage.objects.filter(endpoint=silent)
    assert not rows.filter(next_try_at__lte=timezone.now()).exists()
    assert complaints("outbox") == []


def speak_slowly(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 ")
    for _number in range(400):
        handler.wfile.write(b"2")
        handler.wfile.flush()
        time.sleep(0.05)


def say_a_lot(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def hang_up(handler: Any) -> None:
    handler.connection.close()


@pytest.mark.parametrize(
    ("acts", "seconds", "outcome"),
    [(speak_slowly, 0.4, "timeout"), (say_a_lot, 30, "taken"), (hang_up, 30, "no_connection")],
)
def test_time_and_size_of_an_answer_are_bounded(listener: Receiver, acts: Any, seconds: float, outcome: str) -> None:
    listener.acts = acts
    answer = posting.post(posting.Request(listener.url, {}, b"{}"), seconds=seconds)
    assert (answer.outcome, answer.text) == (outcome, "")
    assert len(answer.text) <= posting.SHOWN_CHARACTERS


def test_no_redirect_is_followed_and_no_compression_undone(listener: Receiver) -> None:
    listener.status, listener.headers = 302, {"Location": "http://169.254.169.254/"}
    assert posting.post(posting.Request(listener.url, {}, b"{}")).outcome == "redirect"
    assert listener.told[0].headers["accept-encoding"] == "identity"
    listener.status, listener.headers = 200, {"Content-Encoding": "gzip"}
    listener.text = gzip.compress(b"0" * 50_000_000)
    assert posting.post(posting.Request(listener.url, {}, b"{}")).outcome == "taken"


# --- Where it may go ------------------------------------------------------------------------------

CLOSED = [
    "http://127.0.0.1", "http://0177.0.0.1", "http://2130706433", "http://127.1", "http://0x7f.1", "http://0",
    "http://[::ffff:127.0.0.1]", "http://[64:ff9b::a9fe:a9fe]", "http://[2002:7f00:1::]", "http://169.254.169.254",
    "http://100.64.0.1", "http://①②⑦.0.0.1", "http://user:pw@example.com", "ftp://example.com", "file:///etc/passwd",
    "https://example.com:22", "http://localhost:8000", "https://224.0.0.1", "https://10.0.0.8", "https://[fe80::1]",
    "http://example.com", "https://", "example.com", "https://exa mple.com", "https://[fd00:ec2::254]",
]  # fmt: skip


@pytest.mark.parametrize("url", CLOSED)
def test_what_is_not_the_public_internet_is_refused_when_saved_and_when_sent(url: str) -> None:
    with pytest.raises(addresses.NotAllowed):
        addresses.check(url)
    if url != "http://example.com":  # by its name only: nothing is asked of DNS here
        answer = posting.post(posting.Request(url.replace("https://exa", "https://127.0.0.1/ "), {}, b"{}"), seconds=2)
        assert answer.outcome in {"address", "no_connection"}


def test_the_address_that_counts_is_the_one_connected_to(listener: Receiver, settings: Any, monkeypatch: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS, settings.WEBHOOK_ALLOW_HTTP = False, True
    settings.WEBHOOK_PORTS = {listener.port}
    ours = addresses.ipaddress.ip_address("127.0.0.1")
    public = addresses.ipaddress.ip_address("1.1.1.1")
    for found in ([ours], [public, ours]):
        monkeypatch.setattr(addresses, "resolved", lambda where, found=found: found)
        addresses.check(f"http://hooks.example.com:{listener.port}/")
        assert (
            posting.post(posting.Request(f"http://hooks.example.com:{listener.port}/", {}, b"{}")).outcome == "address"
        )
    assert listener.told == []
    settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS = True
    monkeypatch.setattr(addresses, "resolved", lambda where: [ours])
    assert posting.post(posting.Request(f"http://hooks.example.com:{listener.port}/", {}, b"{}")).outcome == "taken"
    assert listener.told[0].headers["host"] == f"hooks.example.com:{listener.port}"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://[64:ff9b::7f00:1]", "http://0.0.0.0", "http://224.0.0.1"]
)
def test_some_addresses_stay_closed_whatever_the_settings_say(url: str, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS = settings.WEBHOOK_ALLOW_HTTP = True
    with pytest.raises(addresses.NotAllowed):
        addresses.check(url)


def test_an_address_not_allowed_is_a_failed_try(cast: Cast, listener: Receiver, settings: Any) -> None:
    a_webhook(listener.url, "lead.opened")
    settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS = False
    a_lead()
    sent()
    assert (WebhookAttempt.objects.get().outcome, listener.told) == ("address", [])


def test_what_a_private_receiver_answers_is_not_shown(cast: Cast, listener: Receiver, monkeypatch: Any) -> None:
    a_webhook(listener.url, "lead.opened")
    for public, shown in ((False, ""), (True, "x" * 1000)):
        listener.text = b"x" * 5000
        monkeypatch.setattr(addresses, "is_public", lambda ip, public=public: public)
        monkeypatch.setattr(addresses.Target, "is_plain", True)
        a_lead(ada(email=f"{public}@b.example"))
        sent()
        assert WebhookAttempt.objects.latest("pk").answer == shown


# --- Secrets --------------------------------------------------------------------------------------


def test_both_secrets_sign_while_one_is_changed(cast: Cast, listener: Receiver) -> None:
    endpoint, old = a_webhook(listener.url, "lead.opened")
    new = secrets.rotate(endpoint, by=cast.ava)
    a_lead()
    sent()
    for secret in (old, new):
        assert verifier.verify(secret, listener.told[0].headers, listener.told[0].body)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        a_lead(ada(email="bo@b.example"))
        sent()
        assert verifier.verify(new, listener.told[1].headers, listener.told[1].body)
        with pytest.raises(ValueError, match="no signature fits"):
            verifier.verify(old, listener.told[1].headers, listener.told[1].body)
    secrets.end_overlap(endpoint, by=cast.ava)
    assert not WebhookEndpoint.objects.get().overlaps


def test_no_copy_of_the_database_holds_a_secret(cast: Cast, listener: Receiver) -> None:
    endpoint, secret = a_webhook(listener.url)
    assert secret.removeprefix("whsec_") not in json.dumps(list(WebhookEndpoint.objects.values()), default=str)
    assert secrets.secret_of(endpoint.nonce) == secret


def test_under_another_secret_key_nothing_is_signed_wrongly(cast: Cast, listener: Receiver, settings: Any) -> None:
    endpoint, _secret = a_webhook(listener.url, "lead.opened")
    settings.SECRET_KEY = "another-" + "x" * 40
    a_lead()
    sent()
    message = OutboxMessage.objects.get(channel="webhook")
    assert (message.state, message.dead_reason, listener.told) == (State.FAILED, "secret_lost", [])
    assert complaints("webhooks") == [
        f"Webhook {endpoint.pk} was given its secret under another SECRET_KEY; make a new one."
    ]
    secret = secrets.rotate(endpoint, by=cast.ava)
    queueing.send_again(message)
    sent()
    assert verifier.verify(secret, listener.told[0].headers, listener.told[0].body)


# --- Two workers ----------------------------------------------------------------------------------


def test_one_worker_at_a_time_sends_and_a_dead_one_loses_its_turn(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened")
    a_lead()
    Heartbeat.objects.create(name=sending.TURN, at=timezone.now() + timedelta(seconds=50))
    assert (sent(), listener.told) == (0, [])
    Heartbeat.objects.filter(name=sending.TURN).update(at=timezone.now() - timedelta(seconds=1))
    assert sent() == 1


def test_what_a_dead_worker_was_telling_counts_as_told_when_it_is_undone(cast: Cast, listener: Receiver) -> None:
    lead = offered(cast)
    endpoint, _secret = a_webhook(listener.url, "lead.accept")
    lifecycle.advance(lead, "accept", by=cast.sam)
    make_due()
    [message] = sending._claimed({})
    WebhookEndpoint.objects.update(active=False)  # the next worker calls it off; the dead one may have told it
    OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert (sent(), listener.told) == (1, [])
    message.refresh_from_db()
    tries = [(one.outcome, one.milliseconds) for one in message.attempts_made.all()]
    assert (message.state, message.attempts, tries) == ("cancelled", 1, [("interrupted", 0)])
    WebhookEndpoint.objects.update(active=True)
    assert queueing.told_of(message.subject) == [endpoint]


def test_what_is_under_way_is_claimed_by_nobody_else(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened")
    for number in range(6):
        a_lead(ada(email=f"a{number}@b.example"))
    make_due()
    first, second = sending._claimed({}), sending._claimed({})
    assert (len(first), len(second)) == (4, 2)
    assert not {one.pk for one in first} & {one.pk for one in second}


# --- Privacy --------------------------------------------------------------------------------------


def test_an_erasure_is_told_by_number_to_everybody_who_got_something(cast: Cast, listener: Receiver) -> None:
    got, _secret = a_webhook(listener.url, "lead.opened", tells_person=True)
    a_webhook(listener.url, "lead.accept")
    lead = a_lead()
    sent()
    WebhookAttempt.objects.update(answer="thanks for ada@acme.example")
    lead.refresh_from_db()
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    WebhookEndpoint.objects.filter(pk=got.pk).update(events=["lead.opened", "lead.nurture"])
    lifecycle.advance(lead, "wake", by=cast.mia)
    Contact.objects.filter(pk=lead.contact_id).update(email="", first_name="", last_name="")
    signals.contact_erased.send(sender=Contact, contact_id=lead.contact_id)
    assert not WebhookAttempt.objects.exclude(answer="").exists()
    sent()
    assert bodies(listener)[-1]["data"] == {"contact_id": lead.contact_id}
    assert [body["type"] for body in bodies(listener)] == ["lead.opened", "contact.erased"]
    told = json.dumps(list(OutboxMessage.objects.filter(channel="webhook").values_list("payload", flat=True)))
    assert "ada" not in told.lower()
    assert Disclosure.objects.filter(contact=lead.contact_id, endpoint=got).exists()


def test_marketing_is_told_nothing_without_a_legal_basis(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened", is_marketing=True)
    known, unknown = ada(), ada(email="bo@b.example")
    LegalBasis.objects.create(contact=known, basis="consent", since=timezone.localdate(), source="test")
    LegalBasis.objects.create(contact=unknown, basis="unknown", since=timezone.localdate(), source="test")
    for contact in (known, unknown):
        a_lead(contact)
    sent()
    assert [body["data"]["lead"]["contact_id"] for body in bodies(listener)] == [known.pk]
    left_out = OutboxMessage.objects.get(channel="webhook", contact=unknown)
    assert (left_out.state, left_out.dead_reason) == (State.CANCELLED, "no_basis")


def test_after_a_month_messages_and_answers_are_gone_and_the_list_of_recipients_stays(
    cast: Cast, listener: Receiver
) -> None:
    a_webhook(listener.url, "lead.opened")
    a_lead()
    sent()
    with time_machine.travel(timezone.now() + timedelta(days=32)):
        WebhookAttempt.objects.update(answer="x")
        assert complaints("webhook_log") == ["1 answers of receivers are more than a month old."]
        assert keeping.forget_old() == 1
        assert complaints("webhook_log") == []
    assert not OutboxMessage.objects.filter(channel="webhook").exists()
    assert Disclosure.objects.count() == 1


# --- What the doctor sees -------------------------------------------------------------------------


def test_the_doctor_sees_what_must_not_be(cast: Cast, listener: Receiver) -> None:
    a_webhook(listener.url, "lead.opened")
    a_lead()
    assert complaints(*OURS) == []
    WebhookEndpoint.objects.update(is_ours=False, events=["lead.fly"])
    OutboxMessage.objects.filter(channel="webhook").update(payload={"data": {"email": "ada@acme.example"}})
    assert len(complaints("webhooks")) == 2
    assert len(complaints("webhook_messages")) == 1
    WebhookEndpoint.objects.update(active=False)
    assert len(complaints("webhook_messages")) == 2
    OutboxMessage.objects.filter(channel="webhook").update(state=State.SENT)
    assert len(complaints("webhook_log")) == 1


def test_a_move_asks_the_database_no_more_for_many_endpoints_that_are_not_told(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    lead = an_mql(cast)
    change = lead.changes.get()
    for size in (1, 6):
        for _number in range(size):
            a_webhook("https://example.com/", "lead.win")
        with django_assert_num_queries(1):
            news.tell_move(lead, change)
