"""One's own tokens as pages: in words, shown once, replaced, revoked; an admin sees and revokes all (E3)."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from crm import api_tokens
from crm.models import ApiToken
from tests.api_client import Program
from tests.cast import Cast
from tests.crm.test_settings_pages import sign_in

pytestmark = pytest.mark.django_db


def made(browser: Client, **values: object) -> object:
    form = browser.get("/accounts/tokens/").context["form"]
    sent = {"name": "Web shop", "scopes": ["leads:read"], "days": 30, "once": form["once"].value()} | values
    return browser.post("/accounts/tokens/", sent), sent


def test_a_token_is_shown_once(cast: Cast) -> None:
    browser = sign_in(cast.mia)
    answer, sent = made(browser)
    text = answer.context["text"]
    assert text in answer.content.decode()
    assert answer["Cache-Control"].count("no-store")
    token = api_tokens.known(text)
    assert token is not None and (token.user, token.scopes, token.created_by) == (cast.mia, ["leads:read"], cast.mia)
    page = browser.get("/accounts/tokens/").content.decode()
    assert text not in page
    assert token.prefix in page and "Read leads, their log and why they score as they do" in page and "never" in page
    again = browser.post("/accounts/tokens/", sent)
    assert again.status_code == 302
    assert ApiToken.objects.count() == 1


def test_making_one_asks_who_is_there_when_that_was_long_ago(cast: Cast) -> None:
    browser = sign_in(cast.mia)
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    answer, _sent = made(browser)
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()
    shown = browser.post(answer["Location"], {"password": "baton-demo"})
    assert api_tokens.known(shown.context["text"]) is not None


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["leads:fly"]}, {"days": 9999}])
def test_an_incomplete_form_says_so(cast: Cast, wrong: dict[str, object]) -> None:
    answer, _sent = made(sign_in(cast.mia), **wrong)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    assert not ApiToken.objects.exists()


def test_mine_are_replaced_and_revoked_and_others_are_not_there(cast: Cast) -> None:
    mine, other = Program(cast.mia), Program(cast.sam)
    browser = sign_in(cast.mia)
    new = api_tokens.known(browser.post(f"/accounts/tokens/{mine.token.pk}/successor/").context["text"])
    assert new is not None and new.replaces == mine.token
    browser.post(f"/accounts/tokens/{mine.token.pk}/revocation/")
    assert (mine.ask("leads/").status_code, other.ask("leads/").status_code) == (401, 200)
    for act in ("successor", "revocation"):
        assert browser.post(f"/accounts/tokens/{other.token.pk}/{act}/").status_code == 404
    assert other.ask("leads/").status_code == 200
    assert other.token.prefix not in browser.get("/accounts/tokens/").content.decode()


def test_an_admin_sees_and_revokes_all(cast: Cast) -> None:
    program = Program(cast.mia)
    browser = sign_in(cast.ava)
    page = browser.get("/settings/tokens/").content.decode()
    assert program.token.prefix in page and "Mia Kowalczyk" in page
    for user in (cast.mia, cast.lena, cast.sam):
        assert sign_in(user).get("/settings/tokens/").status_code == 403
        assert sign_in(user).post(f"/settings/tokens/{program.token.pk}/revocation/").status_code == 403
    assert program.ask("leads/").status_code == 200
    browser.post(f"/settings/tokens/{program.token.pk}/revocation/")
    assert program.ask("leads/").status_code == 401


def test_the_page_of_the_api_is_for_people_who_work_here(cast: Cast) -> None:
    assert Client().get("/api/docs/").status_code == 302
    assert Client().get("/api/v1/schema/").status_code == 401
    browser = sign_in(cast.sam)
    page = browser.get("/api/docs/").content.decode()
    assert 'data-schema-url="/api/v1/schema/"' in page
    schema = browser.get("/api/v1/schema/").json()
    assert schema["openapi"].startswith("3.1")
    assert schema == Program(cast.mia, "leads:read").ask("schema/").json()
