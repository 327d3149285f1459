"""The map of addresses: what strangers may reach is a fixed list; nothing changes without a token of our own page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter, SlugConverter, StringConverter

from crm.models import User
from tests.cast import Cast, offered

pytestmark = pytest.mark.django_db
#: What strangers may read. Everything else answers 302 (to sign in), 401, 403 or 404. A new entry is a decision.
PUBLIC = {
    "/accounts/login/", "/accounts/logout/", "/accounts/inactive/", "/accounts/password/reset/",
    "/accounts/password/reset/done/", "/accounts/password/reset/key/1-x/", "/accounts/password/reset/key/done/",
    "/healthz", "/readyz", "/robots.txt", "/help/", "/static/1", "/t.js",
}  # fmt: skip
#: What takes a POST without a token: machines that hold no session. Each authenticates otherwise or keeps nothing.
WITHOUT_TOKEN = ("/csp-reports/", "/v1/", "/api/", "/anymail/")
#: Trees whose doors stand in their own tests (write keys, bearer tokens, form tokens).
OWN_DOORS = ("/v1/", "/f/", "/consent/", "/anymail/")
SAMPLES = {IntConverter: "1", SlugConverter: "x", StringConverter: "x"}
INLINE = re.compile(
    r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE
)
DATA_ONLY = re.compile(r"<script[^>]*type=\"application/json\"[^>]*>")


def _path(pattern: URLPattern | URLResolver) -> str:
    """Return one address of `pattern`, its parameters filled with samples."""
    if not hasattr(pattern.pattern, "_route"):
        return _from_regex(pattern.pattern.regex.pattern)
    route = pattern.pattern._route
    for name, converter in pattern.pattern.converters.items():
        route = re.sub(rf"<(\w+:)?{name}>", SAMPLES.get(type(converter), "1"), str(route))
    return str(route)


def _from_regex(regex: str) -> str:
    bare = regex.lstrip("^").rstrip("$").replace(r"\Z", "").replace(r"\.", ".")
    bare = bare.replace("(?:3rdparty|social)", "3rdparty").replace("(?P<key>[-:\\w]+)", "x")
    bare = bare.replace("(?P<uidb36>[0-9A-Za-z]+)", "1").replace("(?P<key>.+)", "x")
    return re.sub(r"\(\?P<\w+>[^)]*\)", "x", bare)


def addresses(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """Yield (address, name) of everything the project answers."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + _path(pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        else:
            yield path, pattern.name or ""


EVERYTHING = sorted({path for path, _name in addresses()})
GUARDED = [path for path in EVERYTHING if path not in PUBLIC and not path.startswith(OWN_DOORS)]


def test_the_map_is_not_empty() -> None:
    assert {"/settings/", "/settings/people/1/", "/accounts/login/", "/admin/crm/contact/"} <= set(EVERYTHING)


def test_a_stranger_gets_no_further_than_the_door(cast: Cast) -> None:
    doors = ("/accounts/", "/admin/", "/accounts/preferences/")
    answers = {path: Client().get(path) for path in GUARDED}
    assert [path for path, answer in answers.items() if answer.status_code not in {302, 401, 403, 404, 405}] == []
    led = {path: answer["Location"] for path, answer in answers.items() if answer.status_code == 302}
    assert {path: to for path, to in led.items() if not to.startswith(doors)} == {}


def test_what_is_public_is_exactly_the_list(cast: Cast) -> None:
    open_to_all = {
        path for path in EVERYTHING if not path.startswith(OWN_DOORS) and Client().get(path).status_code == 200
    }
    assert open_to_all <= PUBLIC
    for path in open_to_all - {"/healthz", "/readyz", "/robots.txt", "/t.js"}:
        assert Client().get(path)["Cache-Control"].count("no-store") or path.startswith("/static/"), path


@pytest.mark.parametrize(("language", "words"), [("en", "stands behind a button"), ("de", "hinter einem Knopf")])
def test_an_address_that_only_takes_forms_says_so_when_it_is_opened(cast: Cast, language: str, words: str) -> None:
    User.objects.filter(pk=cast.ava.pk).update(language=language)
    browser = Client()
    browser.force_login(cast.ava)
    answer = browser.get(reverse("preferences_theme"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert words in answer.content.decode()
    assert not INLINE.search(answer.content.decode())
    assert browser.post("/help/").content == b""  # programs that send what nobody takes are told by the number


def test_no_post_is_taken_without_our_own_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.ava, backend="allauth.account.auth_backends.AuthenticationBackend")
    evil = {"origin": "https://evil.example", "content-type": "text/plain"}
    taken = []
    for path in EVERYTHING:
        if not path.startswith(WITHOUT_TOKEN):
            statuses = browser.post(path, {}).status_code, browser.post(path, {}, headers=evil).status_code
            taken += [] if set(statuses) <= {403, 404, 405} else [(path, statuses)]
    assert taken == []


@pytest.mark.parametrize("who", ["nobody", "ava", "sam"])
def test_no_page_carries_inline_style_or_script_and_looking_changes_nothing(cast: Cast, who: str) -> None:
    lead = offered(cast)
    browser = Client()
    if who != "nobody":
        browser.force_login(getattr(cast, who), backend="allauth.account.auth_backends.AuthenticationBackend")
    ids = {"/leads/": lead.pk, "/contacts/": lead.contact_id, "/companies/": lead.contact.company_id}
    before = list(User.objects.values("id", "role", "is_active", "password")), lead.version
    found, seen = [], 0
    for path in EVERYTHING:
        own = next((str(pk) for start, pk in ids.items() if path.startswith(start)), str(cast.sam.pk))
        page = browser.get(path.replace("/1/", f"/{own}/"))
        if page.streaming or not page.get("Content-Type", "").startswith("text/html"):
            continue
        seen += page.status_code == 200
        html = DATA_ONLY.sub("", page.content.decode())
        found += [f"{path}: {hit.group(0)} …{html[hit.end() : hit.end() + 60]}" for hit in INLINE.finditer(html)]
    assert found == []
    assert seen > (3 if who == "nobody" else 5)
    lead.refresh_from_db()
    assert (list(User.objects.values("id", "role", "is_active", "password")), lead.version) == before


def test_the_reading_room_shows_rows_and_changes_none(cast: Cast) -> None:
    lead = offered(cast)
    browser = Client()
    browser.force_login(cast.ava, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = browser.get(f"/admin/leads/lead/{lead.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    for address in (f"{lead.pk}/change/", f"{lead.pk}/delete/", "add/"):
        refused = browser.post(f"/admin/leads/lead/{address}", {"stage": "won", "post": "yes"})
        assert refused.status_code == 403, address
    bulk = browser.post("/admin/leads/lead/", {"action": "delete_selected", "_selected_action": [lead.pk]})
    assert bulk.status_code < 500
    lead.refresh_from_db()
    assert lead.stage == "mql"


def test_the_reading_room_is_for_admins_and_holds_no_secrets(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.lena, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get("/admin/", follow=True).redirect_chain[-1][0] == "/"
    browser.force_login(cast.ava, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = browser.get(f"/admin/crm/user/{cast.sam.pk}/change/").content.decode()
    assert cast.sam.password not in page
    for secret in (
        "mfa/authenticator",
        "account/emailaddress",
        "crm/session",
        "socialaccount/socialtoken",
        "auth/group",
    ):
        assert browser.get(f"/admin/{secret}/").status_code == 404
    assert Client().get("/admin/login/")["Location"].startswith("/accounts/login/")
