"""The pages about tracking: write keys, rules, and the event debugger."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import AuditEntry, TrackingReceipt, TrackingRule, User, WriteKey
from crm.tracking import keys, receipts, throttle
from tests.cast import Cast
from tests.crm.test_settings_pages import post_form, sign_in
from tests.crm.tracking import a_key, batch, identify, track

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody_may_send() -> None:
    throttle.forget()


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def events(user: User, query: str = "") -> str:
    return as_user(user).get(f"/tracking/events/{query}").content.decode()


def test_a_key_is_made_shown_once_changed_and_taken_back(cast: Cast) -> None:
    ava = sign_in(cast.ava)
    made = post_form(ava, reverse("settings_write_key_new"), name="Web site", origins="https://WWW.acme.example/")
    key, row = made.context["key"], WriteKey.objects.get()
    assert (keys.find(key), row.origins) == (row, "https://www.acme.example")
    assert key not in ava.get(reverse("settings_tracking")).content.decode()
    assert post_form(ava, reverse("settings_write_key", args=[row.pk]), opens_leads=False).status_code == 302
    row.refresh_from_db()
    assert not row.opens_leads
    ava.post(reverse("settings_write_key_revoke", args=[row.pk]))
    assert keys.find(key) is None
    actions = AuditEntry.objects.filter(object=f"write_key:{row.pk}").values_list("action", flat=True)
    assert list(actions) == ["write_key.created", "write_key.changed", "write_key.revoked"]
    assert key not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    "origins", ["www.acme.example", "https://acme.example/path", "javascript:alert(1)", "http://["]
)
def test_a_site_that_is_no_origin_is_refused(cast: Cast, origins: str) -> None:
    answer = post_form(sign_in(cast.ava), reverse("settings_write_key_new"), name="Web site", origins=origins)
    assert answer.status_code == 422
    assert not WriteKey.objects.exists()


def test_a_rule_is_added_changed_and_removed(cast: Cast) -> None:
    ava = sign_in(cast.ava)
    made = post_form(ava, reverse("settings_tracking_rule_new"), about="event", pattern="Trial *", kind="demo_request")
    row = TrackingRule.objects.get(pattern="Trial *")
    assert (made.status_code, row.kind_id) == (302, "demo_request")
    post_form(ava, reverse("settings_tracking_rule", args=[row.pk]), position="3")
    row.refresh_from_db()
    assert row.position == 3
    ava.post(reverse("settings_tracking_rule_remove", args=[row.pk]))
    assert not TrackingRule.objects.filter(pk=row.pk).exists()
    for bad in ({"pattern": "**"}, {"pattern": "Demo Requested"}, {"pattern": "x", "kind": "email_clicked"}):
        values = {"about": "event", "kind": "demo_request"} | bad
        assert post_form(ava, reverse("settings_tracking_rule_new"), **values).status_code == 422


def test_the_debugger_shows_what_came_and_what_became_of_it(cast: Cast) -> None:
    key, _row = a_key("<b>Site</b>")
    batch(key, identify(), track("<script>x</script>", messageId="m1"), track(messageId="m1"), {"type": "sing"})
    html = events(cast.mia)
    assert "&lt;b&gt;Site&lt;/b&gt;" in html
    assert "<script>x" not in html
    assert "2 accepted, 1 duplicate, 1 refused" in html
    assert "The type is none of identify" in html
    assert "The type is none of identify" not in events(cast.mia, "?view=duplicate")
    assert "ada@acme" not in html


def test_the_debugger_speaks_the_readers_language(cast: Cast) -> None:
    batch(a_key()[0], {"type": "sing"})
    cast.mia.language = "de"
    cast.mia.save(update_fields=["language"])
    assert "Der Typ ist keiner von" in events(cast.mia)


def test_the_debugger_is_for_marketing_and_admins(cast: Cast) -> None:
    statuses = {one.role: as_user(one).get("/tracking/events/").status_code for one in cast.everyone}
    assert statuses == {"marketer": 200, "sales_rep": 403, "sales_lead": 403, "admin": 200}
    assert Client().get("/tracking/events/").status_code == 302


def test_the_debugger_turns_pages(cast: Cast, django_assert_max_num_queries: Any) -> None:
    key, _row = a_key()
    for number in range(22):
        batch(key, track(f"Event {number}"))
    client = as_user(cast.mia)
    first = client.get("/tracking/events/")
    assert [receipt.pk for receipt, *_rest in first.context["receipts"]] == sorted(
        TrackingReceipt.objects.values_list("pk", flat=True), reverse=True
    )[:20]
    after = first.context["page"].next
    with django_assert_max_num_queries(12):
        rest = client.get(f"/tracking/events/?after={after}").content.decode()
    assert "Event 1<" in rest
    assert "Event 2<" not in rest


def test_receipts_are_kept_a_week(cast: Cast) -> None:
    batch(a_key()[0], track())
    assert receipts.forget_old() == 0
    TrackingReceipt.objects.update(at="2026-01-01T00:00:00Z")
    assert receipts.forget_old() == 1


def test_the_script_is_small_and_open_to_other_sites(client: Client) -> None:
    User.objects.create_user("x@example.com", name="X")
    answer = client.get("/t.js")
    assert (answer["Content-Type"], answer["Cross-Origin-Resource-Policy"]) == (
        "text/javascript; charset=utf-8", "cross-origin",
    )  # fmt: skip
    assert len(b"".join(answer.streaming_content)) <= 5 * 1024  # type: ignore[attr-defined]
