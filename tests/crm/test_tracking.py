"""What comes in by Segment's HTTP API: stored once, refused with a reason, never half, never a 500."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm import consents
from crm.models import Activity, Contact, TrackingReceipt, TrackingRule, WriteKey
from crm.tracking import keys, throttle
from tests.cast import Cast, ada
from tests.crm.tracking import a_key, batch, identify, send, stored, track

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _everybody_may_send() -> None:
    throttle.forget()


@pytest.fixture
def key(cast: Cast) -> str:
    return a_key()[0]


def refused(receipt: TrackingReceipt) -> list[tuple[str, str]]:
    return [(line["name"], line["reason"]) for line in receipt.messages if line["outcome"] == "refused"]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("type", "body", "kind"),
    [
        ("track", {"event": "Demo Requested", "userId": "ada"}, "demo_request"),
        ("page", {"anonymousId": "a1", "properties": {"path": "/pricing"}}, "pricing_view"),
        ("screen", {"anonymousId": "a1", "name": "Start"}, "screen_view"),
        ("identify", {"userId": "ada", "traits": {"email": "ada@acme.example"}}, "identify"),
        ("group", {"userId": "ada", "groupId": "g1", "traits": {"name": "Acme"}}, "group"),
        ("alias", {"userId": "ada", "previousId": "a1"}, "alias"),
    ],
)
def test_each_call_is_answered_as_the_sdks_expect(key: str, type: str, body: Any, kind: str, zipped: bool) -> None:
    answer = send(key, type, body, zipped=zipped)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [row for row, _contact in stored()] == [kind]


def test_a_batch_is_stored_once_however_often_it_is_sent(key: str) -> None:
    messages = [track(messageId=f"m{n}") for n in range(20)]
    assert batch(key, *messages).accepted == 20
    again = batch(key, *messages, track(messageId="m20"))
    assert (again.accepted, again.duplicates, again.refused) == (1, 20, 0)
    assert Activity.objects.count() == 21


def test_a_message_twice_in_one_batch_is_one(key: str) -> None:
    receipt = batch(
        key, identify(messageId="same"), identify(messageId="same"), track(messageId="x"), track(messageId="x")
    )
    assert (receipt.accepted, receipt.duplicates) == (2, 2)


def test_two_keys_may_use_the_same_message_id(key: str) -> None:
    other, _row = a_key("App")
    batch(key, track(messageId="same"))
    assert batch(other, track(messageId="same")).accepted == 1


def test_one_bad_of_a_hundred_is_kept_and_the_others_are_stored(key: str) -> None:
    bad = {"type": "track", "messageId": "bad", "userId": "max@acme.example", "properties": {"password": "geheim"}}
    receipt = batch(key, *(track(messageId=f"m{n}") for n in range(99)), bad)
    assert (receipt.accepted, receipt.refused, Activity.objects.count()) == (99, 1, 99)
    (line,) = [line for line in receipt.messages if line["outcome"] == "refused"]
    assert (line["id"], line["reason"]) == ("bad", "no_event")
    assert line["kept"] == {"type": "track", "messageId": "bad", "userId": "(16)", "properties": {"password": "…"}}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("a text", "no_object"),
        ({"type": "sing", "userId": "a"}, "unknown_type"),
        ({"type": "track", "event": "x"}, "no_person"),
        ({"type": "track", "userId": "a"}, "no_event"),
        ({"type": "group", "userId": "a"}, "no_group"),
        ({"type": "alias", "userId": "a"}, "no_previous"),
        ({"type": "track", "event": "x", "userId": "a", "messageId": "m" * 101}, "long_id"),
        ({"type": "track", "event": "x", "anonymousId": "m" * 101}, "long_id"),
        ({"type": "track", "event": "x", "userId": "a", "properties": [1]}, "wrong_shape"),
        ({"type": "track", "event": "x", "userId": "a", "properties": {"long": "x" * 33_000}}, "too_large"),
        ({"type": "track", "event": "x", "userId": "a", "properties": {"nul": "a\x00b"}}, "bad_text"),
        ({"type": "track", "event": "x", "userId": "a", "properties": {"half": "\ud800"}}, "bad_text"),
        ({"type": "track", "event": "x", "userId": "a", "properties": json.loads("[" * 40 + "]" * 40)}, "too_deep"),
        ({"type": "identify", "userId": "a", "traits": {"email": "a@b..de"}}, "bad_email"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(key: str, message: Any, reason: str) -> None:
    receipt = batch(key, message, track(messageId="good"))
    assert [line["reason"] for line in receipt.messages if line["outcome"] == "refused"] == [reason]
    assert Activity.objects.count() == 1
    json.dumps(receipt.messages).encode()
    if isinstance(message, dict) and message["type"] != "sing":
        alone = send(key, message["type"], message)
        assert (alone.status_code, alone.json()["success"]) == (400, False)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b'{"batch": {}}', 400), (b'{"batch": 7}', 400), (b"\xff\xfe{}", 400),
        (b'{"a": NaN}', 400), (b'{"a": Infinity}', 400), (b'{"a": 1e999}', 400), (b'{"a": 1, "a": 2}', 400),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400), (b'{"a": "' + b"x" * 501_000 + b'"}', 400),
        (b'{"a": ' + b"9" * 5_000 + b"}", 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zipped", [False, True])
def test_a_body_that_is_none_is_refused_whole(key: str, raw: bytes, status: int, zipped: bool) -> None:
    assert send(key, "batch", raw, zipped=zipped).status_code == status
    assert not Activity.objects.exists()


def test_a_small_body_that_unzips_to_a_flood_is_refused(key: str) -> None:
    answer = send(key, "batch", b'{"a": "' + b"x" * 50_000_000 + b'"}', zipped=True)
    assert answer.status_code == 400
    assert "500 kB" in answer.json()["message"]


@pytest.mark.parametrize("headers", [{"content-encoding": "br"}, {"content-encoding": "gzip"}])
def test_another_encoding_than_said_is_refused(key: str, headers: dict[str, str]) -> None:
    assert send(key, "track", track(), **headers).status_code in {400, 415}


def test_another_content_type_is_refused(key: str) -> None:
    assert Client().post("/v1/track", {"writeKey": key, "event": "x"}).status_code == 415


def test_only_a_good_key_opens_and_every_other_gets_the_same_answer(key: str, cast: Cast) -> None:
    gone, row = a_key("Old")
    keys.revoke(row, by=cast.ava)
    answers = [send(wrong, "track", track()) for wrong in ("", "wk_wrong", gone, "x" * 300, "ü")]
    answers.append(send(key, "track", track(), authorization=f"Bearer {key}"))
    answers.append(send(key, "track", track(), authorization="Basic ä"))
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    in_body = Client().post("/v1/track", json.dumps(track() | {"writeKey": key}), content_type="text/plain")
    assert in_body.status_code == 200


def test_a_key_in_the_address_is_refused_and_marked(key: str) -> None:
    answer = Client().post(f"/v1/track?writeKey={key}", json.dumps(track()), content_type="application/json")
    assert answer.status_code == 401
    assert WriteKey.objects.get().exposed_at is not None
    assert not Activity.objects.exists()


def test_guessing_keys_is_slowed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.views.tracking.WRONG_KEYS_PER_MINUTE", 3)
    statuses = [send("wk_wrong", "track", track()).status_code for _ in range(4)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert send(key, "track", track()).status_code == 200


def test_too_much_at_once_is_put_off_and_not_lost_silently(key: str, settings: Any) -> None:
    settings.TRACKING_PER_SECOND = 10
    assert send(key, "batch", {"batch": [track() for _ in range(40)]}).status_code == 200
    answer = send(key, "batch", {"batch": [track() for _ in range(40)]})
    assert (answer.status_code, answer["Retry-After"]) == (429, "4")
    assert Activity.objects.count() == 40


def test_the_key_is_stored_by_its_hash_alone(key: str) -> None:
    row = WriteKey.objects.get()
    assert row.hash == keys.digest(key)
    assert key not in json.dumps(WriteKey.objects.values().get(), default=str)


def test_the_command_prints_a_key_alone_on_the_last_line(cast: Cast) -> None:
    out = StringIO()
    call_command("create_write_key", "Shop", stdout=out)
    key = out.getvalue().splitlines()[-1]
    assert keys.find(key) == WriteKey.objects.get(name="Shop")


# --- Browsers -------------------------------------------------------------------------------------


def test_a_browser_may_send_from_the_sites_of_its_key_only(cast: Cast) -> None:
    key, _row = a_key(origins="https://www.acme.example\nhttps://shop.acme.example")
    preflight = Client().options("/v1/batch", headers={"origin": "https://www.acme.example"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "https://www.acme.example")
    assert "Access-Control-Allow-Origin" not in Client().options(
        "/v1/batch", headers={"origin": "https://evil.example"}
    )
    welcome = send(key, "track", track(), origin="https://shop.acme.example")
    assert (welcome.status_code, welcome["Access-Control-Allow-Origin"]) == (200, "https://shop.acme.example")
    foreign = send(key, "track", track(), origin="https://evil.example")
    assert (foreign.status_code, "Access-Control-Allow-Origin" in foreign) == (403, False)
    assert Activity.objects.count() == 1


def test_a_browser_that_asks_not_to_be_tracked_is_heard(cast: Cast) -> None:
    key, _row = a_key(origins="https://www.acme.example")
    answer = send(key, "track", track(), origin="https://www.acme.example", **{"sec-gpc": "1"})
    receipt = TrackingReceipt.objects.get()
    assert (answer.status_code, receipt.refused, refused(receipt)) == (
        200,
        1,
        [("White Paper Downloaded", "privacy_signal")],
    )
    assert "kept" not in receipt.messages[0]
    assert not Activity.objects.exists()


def test_get_is_no_way_to_send(key: str) -> None:
    answer = Client().get("/v1/track")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


# --- Clock ----------------------------------------------------------------------------------------


def test_a_claim_that_was_not_believed_is_kept(key: str) -> None:
    with time_machine.travel(NOW, tick=False):
        batch(key, track(timestamp="yesterday"))
    activity = Activity.objects.get()
    assert (activity.occurred_at, activity.properties) == (NOW, {"clock": "yesterday"})


# --- What it means --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (track("white paper downloaded"), "white_paper"),
        (track("White Paper"), "white_paper"),
        (track("Wheel Turned"), "custom_event"),
        (track("Email Clicked"), "custom_event"),
        (
            {"type": "page", "userId": "ada", "properties": {"url": "https://a.example/de/Preise/?x=1"}},
            "pricing_view",
        ),
        ({"type": "page", "userId": "ada", "context": {"page": {"path": "/products/saw"}}}, "product_view"),
        ({"type": "page", "userId": "ada", "properties": {"path": "/karriere/"}}, "careers_view"),
        ({"type": "page", "userId": "ada", "properties": {"path": "/imprint"}}, "page_view"),
        ({"type": "page", "userId": "ada", "properties": {"url": "http://[broken"}}, "page_view"),
    ],
)
def test_pages_and_events_become_kinds_by_rule(key: str, message: Any, kind: str) -> None:
    batch(key, message)
    assert stored()[0][0] == kind


def test_an_own_rule_decides_by_its_place(key: str) -> None:
    TrackingRule.objects.create(about="page", pattern="/products/free*", kind_id="page_view", position=0)
    batch(key, {"type": "page", "userId": "ada", "properties": {"path": "/products/free-trial"}})
    assert stored() == [("page_view", None)]


def test_where_somebody_came_from_is_structured_and_without_the_query(key: str) -> None:
    url = "https://www.acme.example/products/saw?utm_source=news&utm_medium=email&utm_campaign=spring&mail=ada@acme.example"
    batch(key, {
        "type": "page", "userId": "ada", "name": "Saws",
        "properties": {"url": url, "referrer": "https://search.example/?q=saw", "size": 3, "ip": "10.1.2.3"},
        "context": {"ip": "10.1.2.3", "userAgent": "x"},
    })  # fmt: skip
    assert Activity.objects.get().properties == {
        "url": "https://www.acme.example/products/saw",
        "path": "/products/saw",
        "title": "Saws",
        "utm": {"source": "news", "medium": "email", "campaign": "spring"},
        "referrer": "https://search.example/",
        "landing_page": "https://www.acme.example/products/saw",
        "size": 3,
    }


def test_a_campaign_of_the_context_is_a_utm(key: str) -> None:
    context = {"campaign": {"name": "Spring", "source": "x" * 8000}, "page": {"url": "https://a.example/"}}
    batch(key, track(context=context))
    utm = Activity.objects.get().properties["utm"]
    assert (utm["campaign"], len(utm["source"]), utm["source"][-1]) == ("Spring", 513, "…")


def test_odd_keys_are_plain_keys(key: str) -> None:
    odd = {"__proto__": {"admin": True}, "constructor": {}}
    batch(key, track(properties=odd))
    assert Activity.objects.get().properties == odd


# --- Cost -----------------------------------------------------------------------------------------


def test_a_larger_batch_costs_no_more_queries(key: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    batch(key, identify())
    _same_cost([[track(messageId=f"{run}-{n}") for n in range(count)] for run, count in (("a", 2), ("b", 80))], key)


def test_more_new_people_cost_no_more_queries(key: str) -> None:
    def people(run: str, count: int) -> list[dict[str, Any]]:
        return [
            identify(userId=f"{run}{n}", anonymousId=f"an-{run}{n}", messageId=f"{run}-{n}",
                     traits={"email": f"{run}{n}@acme.example", "company": {"name": "Acme"}})
            for n in range(count)
        ]  # fmt: skip

    batch(key, *people("w", 1))
    _same_cost([people("a", 2), people("b", 40)], key)
    assert Contact.objects.filter(company__name="Acme").count() == 43


def _same_cost(batches: list[list[dict[str, Any]]], key: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for messages in batches:
        with CaptureQueriesContext(connection) as queries:
            batch(key, *messages)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_does_not_want_to_be_tracked_is_not(key: str) -> None:
    batch(key, identify())
    consents.note(Contact.objects.get(), "objected", purpose="tracking", source="test")
    receipt = batch(key, track(), track(userId="bob", messageId="b"), identify(messageId="again"))
    assert [line["reason"] for line in receipt.messages if line["outcome"] == "refused"] == ["objected"] * 2
    assert stored() == [("identify", "ada@acme.example"), ("white_paper", None)]
    consents.note(Contact.objects.get(), "confirmed", purpose="tracking", source="test")
    assert batch(key, track()).accepted == 1


def test_ada_is_known_by_her_address_already(key: str) -> None:
    known = ada()
    batch(key, identify(), track())
    assert set(Activity.objects.values_list("contact_id", flat=True)) == {known.pk}
