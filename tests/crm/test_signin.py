"""Signing in: who gets in, from where, how often one may guess, and when it ends."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import caches
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from crm.models import AuditEntry, OutboxMessage, RateLimitEntry, Session, User
from crm.signin import client_address, from_this_machine
from tests.cast import Cast

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
PASSWORD = "baton-demo"
AFAR = "203.0.113.9"
NEUTRAL = "E-mail or password is not right."


@pytest.fixture(autouse=True)
def _mail_goes_through_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "crm.outbox.OutboxEmailBackend"


def knock(email: str, password: str = PASSWORD, client: Client | None = None, **more: Any) -> Any:
    return (client or Client()).post(LOGIN, {"login": email, "password": password}, **more)


# --- Getting in -----------------------------------------------------------------------------------


def test_one_signs_in_by_e_mail_whatever_its_case(cast: Cast) -> None:
    client = Client()
    answer = knock("  SAM@Example.com ", client=client)
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(cast.sam.pk)
    assert AuditEntry.objects.filter(action="signin", actor=cast.sam).count() == 1


def test_a_wrong_password_gets_one_neutral_sentence_and_keeps_the_name(cast: Cast) -> None:
    page = knock("sam@example.com", "wrong").content.decode()
    assert page.count(NEUTRAL) == 1
    password = re.search(r"<input[^>]*name=\"password\"[^>]*>", page)[0]  # type: ignore[index]
    login = re.search(r"<input[^>]*name=\"login\"[^>]*>", page)[0]  # type: ignore[index]
    assert "autofocus" in password and 'aria-invalid="true"' in password
    assert 'value="sam@example.com"' in login and "autofocus" not in login


def test_password_managers_find_both_fields(cast: Cast) -> None:
    page = Client().get(LOGIN).content.decode()
    assert 'autocomplete="username webauthn"' in page
    assert 'autocomplete="current-password"' in page


def test_unknown_known_and_sent_away_people_get_the_same_answer(cast: Cast) -> None:
    User.objects.filter(pk=cast.rosa.pk).update(is_active=False)

    def bare(email: str) -> str:
        return re.sub(r'value="[^"]*"', "", knock(email, "wrong").content.decode())

    assert bare("nobody@example.com") == bare("sam@example.com") == bare("rosa@example.com")


def test_an_unknown_name_costs_the_time_of_a_password(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    from django.contrib.auth.hashers import MD5PasswordHasher

    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *a: hashed.append("x") or encode(self, *a))
    knock("sam@example.com", "wrong")
    for_known = len(hashed)
    knock("nobody@example.com", "wrong")
    assert len(hashed) == 2 * for_known > 0


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil", "http:///evil", "//localhost/x"])  # fmt: skip  # noqa: E501
def test_next_leads_to_own_pages_only(cast: Cast, target: str) -> None:
    answer = Client().post(LOGIN, {"login": "sam@example.com", "password": PASSWORD, "next": target})
    assert answer["Location"] == "/"


def test_next_leads_back_to_where_one_was(cast: Cast) -> None:
    asked = Client().get("/accounts/preferences/?x=1")
    assert asked["Location"] == f"{LOGIN}?next=/accounts/preferences/%3Fx%3D1"
    answer = Client().post(
        LOGIN, {"login": "sam@example.com", "password": PASSWORD, "next": "/accounts/preferences/?x=1"}
    )
    assert answer["Location"] == "/accounts/preferences/?x=1"


def test_a_post_after_the_session_ended_leads_back_to_its_page(cast: Cast) -> None:
    posted = Client().post(
        "/accounts/preferences/", {"name": "X"}, headers={"referer": "http://testserver/accounts/preferences/?tab=2"}
    )
    assert posted["Location"] == f"{LOGIN}?next=/accounts/preferences/%3Ftab%3D2"
    foreign = Client().post("/accounts/preferences/", {}, headers={"referer": "http://evil.example/x"})
    assert foreign["Location"] == f"{LOGIN}?next=/"


def test_a_fragment_after_the_session_ended_moves_the_whole_page(cast: Cast) -> None:
    answer = Client().get(
        "/accounts/preferences/",
        headers={"hx-request": "true", "hx-current-url": "http://testserver/accounts/preferences/"},
    )
    assert (answer.status_code, answer["HX-Redirect"]) == (401, f"{LOGIN}?next=/accounts/preferences/")


def test_one_begins_where_one_likes_to(cast: Cast) -> None:
    User.objects.filter(pk=cast.sam.pk).update(start_page="contacts")
    from django.urls import NoReverseMatch

    try:
        wanted = reverse("contacts")
    except NoReverseMatch:
        wanted = "/"
    assert knock("sam@example.com")["Location"] == wanted


# --- Guessing -------------------------------------------------------------------------------------


def test_guessing_is_slowed_for_the_guesser_and_not_for_the_victim(cast: Cast) -> None:
    for _ in range(5):
        assert NEUTRAL in knock("sam@example.com", "wrong", REMOTE_ADDR=AFAR).content.decode()
    for _ in range(3):
        slowed = knock("sam@example.com", PASSWORD, REMOTE_ADDR=AFAR)
        assert "Too many attempts" in slowed.content.decode()
    assert knock("sam@example.com", REMOTE_ADDR="198.51.100.4").status_code == 302
    assert AuditEntry.objects.filter(action="signin.slowed", object=f"user:{cast.sam.pk}").count() == 1


def test_one_address_may_not_try_many_accounts(cast: Cast) -> None:
    answers = [knock(f"guess{number}@example.com", "wrong", REMOTE_ADDR=AFAR) for number in range(31)]
    assert "Too many attempts" in answers[-1].content.decode()
    assert "Too many attempts" not in answers[29].content.decode()


def test_attempts_are_counted_in_the_database(cast: Cast) -> None:
    knock("sam@example.com", "wrong")
    assert RateLimitEntry.objects.filter(cache_key__contains="login_failed").count() == 2
    caches["default"].clear()
    assert RateLimitEntry.objects.filter(cache_key__contains="login_failed").count() == 2


def test_forged_addresses_do_not_help_the_guesser(cast: Cast) -> None:
    for number in range(5):
        knock("sam@example.com", "wrong", REMOTE_ADDR=AFAR, headers={"x-forwarded-for": f"10.0.0.{number}"})
    slowed = knock("sam@example.com", REMOTE_ADDR=AFAR, headers={"x-forwarded-for": "10.9.9.9"})
    assert "Too many attempts" in slowed.content.decode()


# --- From where -----------------------------------------------------------------------------------


def test_behind_a_trusted_proxy_the_last_foreign_address_counts(rf: RequestFactory, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1", "10.0.0.2"]
    chain = {"x-forwarded-for": "127.0.0.1, 203.0.113.9, 10.0.0.2"}
    assert client_address(rf.get("/", REMOTE_ADDR="10.0.0.1", headers=chain)) == AFAR
    assert client_address(rf.get("/", REMOTE_ADDR="198.51.100.4", headers=chain)) == "198.51.100.4"


@pytest.mark.parametrize(
    ("direct", "forwarded", "trusted", "here"),
    [
        ("127.0.0.1", "", [], True),
        ("::1", "", [], True),
        (AFAR, "", [], False),
        (AFAR, "127.0.0.1", [], False),
        ("127.0.0.1", AFAR, [], False),
        ("127.0.0.1", "127.0.0.1", [], False),
        ("127.0.0.1", AFAR, ["127.0.0.1"], False),
        ("127.0.0.1", f"127.0.0.1, {AFAR}", ["127.0.0.1"], False),
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"], True),
        ("10.0.0.1", "127.0.0.1", ["10.0.0.1"], True),
        ("", "", [], False),
    ],
)
def test_demo_people_sign_in_on_this_machine_only(
    cast: Cast, settings: Any, direct: str, forwarded: str, trusted: list[str], here: bool
) -> None:
    settings.TRUSTED_PROXIES = trusted
    User.objects.filter(pk=cast.sam.pk).update(is_demo=True)
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    answer = knock("sam@example.com", REMOTE_ADDR=direct, headers=headers)
    assert (answer.status_code == 302) is here
    assert here or NEUTRAL in answer.content.decode()


def test_a_proxy_on_this_machine_opens_no_door_for_demo_people(rf: RequestFactory) -> None:
    for header in ("x-real-ip", "forwarded", "via"):
        assert not from_this_machine(rf.get("/", REMOTE_ADDR="127.0.0.1", headers={header: AFAR}))


def test_a_demo_person_from_afar_does_not_get_in_by_a_new_password_either(cast: Cast) -> None:
    from crm.signin import password_link

    User.objects.filter(pk=cast.sam.pk).update(is_demo=True)
    client = Client(REMOTE_ADDR=AFAR)
    path = password_link(cast.sam).removeprefix("http://127.0.0.1:8000")
    page = client.get(path, follow=True).redirect_chain[-1][0]
    client.post(page, {"password1": "green-boat-seven", "password2": "green-boat-seven"})
    assert "_auth_user_id" not in client.session


# --- A new password -------------------------------------------------------------------------------


def test_the_answer_to_a_reset_is_the_same_for_everybody(cast: Cast) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("sam@example.com", "nobody@example.com")
    ]
    first, second = (re.sub(r"\s+", " ", answer.content.decode()) for answer in answers)
    assert first == second
    assert [answer.redirect_chain for answer in answers] == [[("/accounts/password/reset/done/", 302)]] * 2


def test_a_reset_leaves_by_the_outbox_and_names_the_configured_site(cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "other.example"]
    Client().post("/accounts/password/reset/", {"email": "sam@example.com"}, headers={"host": "other.example"})
    message = OutboxMessage.objects.get(channel="mail")
    assert message.payload["to"] == ["sam@example.com"]
    assert f"{settings.SITE_URL}/accounts/password/reset/key/" in message.payload["body"]
    assert "other.example" not in json.dumps(message.payload)


def test_resets_for_one_address_are_few(cast: Cast) -> None:
    client = Client()
    statuses = [client.post("/accounts/password/reset/", {"email": "sam@example.com"}).status_code for _ in range(5)]
    assert statuses == [302, 302, 302, 429, 429]
    assert OutboxMessage.objects.count() == 3


def test_a_foreign_host_name_is_refused(cast: Cast) -> None:
    assert Client().get(LOGIN, headers={"host": "evil.example"}).status_code == 400
    forwarded = Client().get("/settings/", headers={"x-forwarded-host": "evil.example"})
    assert "evil" not in forwarded["Location"]


def test_the_page_of_a_reset_link_tells_no_other_site_its_address(cast: Cast) -> None:
    from crm.signin import password_link

    path = password_link(cast.sam).removeprefix("http://127.0.0.1:8000")
    # "no-referrer" would have browsers send `Origin: null` with the new password, which is refused as forged.
    assert Client().get(path, follow=True)["Referrer-Policy"] == "same-origin"


def test_a_link_that_was_used_says_so_and_offers_another(cast: Cast) -> None:
    page = Client().get("/accounts/password/reset/key/x-y/").content.decode()
    assert "This link no longer works" in page
    assert 'href="/accounts/password/reset/"' in page
    assert "Token" not in page


# --- Second factors -------------------------------------------------------------------------------


def with_codes(user: User) -> str:
    """Give `user` an authenticator app and return a code of now, with a blank in it."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    return f" {code[:3]} {code[3:]} "


def test_a_code_with_blanks_is_taken(cast: Cast) -> None:
    code = with_codes(cast.sam)
    client = Client()
    assert knock("sam@example.com", client=client)["Location"].startswith("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in client.session
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert client.session["_auth_user_id"] == str(cast.sam.pk)


def test_second_factors_are_reached_from_the_preferences(cast: Cast) -> None:
    client = Client()
    knock("sam@example.com", client=client)
    page = client.get(reverse("preferences")).content.decode()
    assert reverse("mfa_index") in page
    for name in ("mfa_index", "account_change_password"):
        assert client.get(reverse(name)).status_code == 200
    for name in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert client.get(reverse(name), follow=True).status_code == 200


# --- How it ends ----------------------------------------------------------------------------------


def test_a_session_id_known_before_is_worth_nothing_after(cast: Cast) -> None:
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    knock("sam@example.com", client=client)
    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_signing_out_ends_it_on_the_server_and_clears_the_browser(cast: Cast) -> None:
    client = Client()
    knock("sam@example.com", client=client)
    old = client.cookies["sessionid"].value
    assert client.get("/accounts/logout/").status_code == 200
    assert Client(headers={"cookie": f"sessionid={old}"}).get("/accounts/preferences/").status_code == 200
    answer = client.post("/accounts/logout/")
    assert (answer["Location"], answer["Clear-Site-Data"]) == (LOGIN, '"cache", "cookies", "storage"')
    assert Client(headers={"cookie": f"sessionid={old}"}).get("/accounts/preferences/").status_code == 302


def test_twelve_idle_hours_end_a_session_and_work_renews_them(cast: Cast, time_machine: Any) -> None:
    client = Client()
    knock("sam@example.com", client=client)
    for _ in range(4):
        time_machine.move_to(timezone.now() + timedelta(hours=11))
        assert client.get("/accounts/preferences/").status_code == 200
    time_machine.move_to(timezone.now() + timedelta(hours=12, minutes=1))
    assert client.get("/accounts/preferences/").status_code == 302


def test_thirty_days_end_a_session_however_busy(cast: Cast, time_machine: Any) -> None:
    client = Client()
    knock("sam@example.com", client=client)
    row = Session.objects.get(user=cast.sam)
    session = client.session
    session["began_at"] = (timezone.now() - timedelta(days=30, minutes=1)).timestamp()
    session.save()
    answer = client.get("/accounts/preferences/")
    assert (answer.status_code, answer["Clear-Site-Data"]) == (302, '"cache", "cookies", "storage"')
    assert not Session.objects.filter(session_key=row.session_key).exists()


def test_a_session_is_written_at_most_every_five_minutes(cast: Cast, django_assert_num_queries: Any) -> None:
    client = Client()
    knock("sam@example.com", client=client)
    client.get("/accounts/preferences/")
    seen = Session.objects.get(user=cast.sam).seen_at
    client.get("/accounts/preferences/")
    assert Session.objects.get(user=cast.sam).seen_at == seen


def test_what_is_over_is_forgotten(cast: Cast, time_machine: Any) -> None:
    from crm.tasks import forget_what_expired

    knock("sam@example.com")
    knock("sam@example.com", "wrong")
    time_machine.move_to(timezone.now() + timedelta(hours=13))
    knock("lena@example.com")
    forget_what_expired()
    assert [row.user for row in Session.objects.all()] == [cast.lena]
    assert not RateLimitEntry.objects.filter(expires__lt=timezone.now()).exists()


def test_a_changed_password_ends_the_other_sessions(cast: Cast) -> None:
    here, there = Client(), Client()
    knock("sam@example.com", client=here)
    knock("sam@example.com", client=there)
    changed = here.post("/accounts/password/change/", {
        "oldpassword": PASSWORD, "password1": "green-boat-seven", "password2": "green-boat-seven",
    })  # fmt: skip
    assert changed.status_code == 302
    assert there.get("/accounts/preferences/").status_code == 302


def test_every_answer_carries_the_headers(cast: Cast) -> None:
    answer = Client().get(LOGIN)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "geolocation=()" in answer["Permissions-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    client = Client()
    knock("sam@example.com", client=client)
    assert client.get("/accounts/preferences/")["Cache-Control"] == "no-store"


# --- Reports of browsers --------------------------------------------------------------------------


def test_a_policy_report_is_noted_without_its_query(caplog: pytest.LogCaptureFixture, db: None) -> None:
    report = {
        "csp-report": {"document-uri": "http://testserver/search/?q=Ada", "violated-directive": "style-src\nFAKE"}
    }
    answer = Client().post("/csp-reports/", json.dumps(report), content_type="application/csp-report")
    assert answer.status_code == 204
    assert caplog.messages == ["policy broken: style-srcFAKE on /search/"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"csp-report": []}', b'"x"', b"\xff", b"[" * 9000, b"x" * 20_000])
def test_nonsense_reports_are_answered_alike(body: bytes, caplog: pytest.LogCaptureFixture, db: None) -> None:
    assert Client().post("/csp-reports/", body, content_type="application/csp-report").status_code == 204
    assert caplog.messages == []


def test_a_flood_of_reports_is_not_noted(caplog: pytest.LogCaptureFixture, db: None) -> None:
    report = json.dumps({"csp-report": {"document-uri": "http://testserver/", "violated-directive": "img-src"}})
    for _ in range(40):
        Client().post("/csp-reports/", report, content_type="application/csp-report")
    assert len(caplog.messages) == 20
