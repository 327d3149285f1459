"""Tokens: issued once, found by their hash, narrowed by scopes, one answer to whatever is wrong (I30, I52)."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from crm import api_tokens
from crm.models import ApiToken, AuditEntry
from tests.api_client import Program
from tests.cast import Cast, a_lead

pytestmark = pytest.mark.django_db


def ask(authorization: str | None = None, address: str = "/api/v1/leads/") -> tuple[int, bytes]:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = Client().get(address, headers=headers)
    return answer.status_code, answer.content


def test_a_token_acts_as_its_user(cast: Cast) -> None:
    mine = a_lead(owner=cast.sam)
    told = Program(cast.sam, "leads:read").ask("leads/").json()
    assert [row["id"] for row in told["results"]] == [mine.pk]
    assert Program(cast.rosa, "leads:read").ask("leads/").json()["results"] == []


def test_whatever_is_wrong_the_answer_is_the_same(cast: Cast) -> None:
    fine = Program(cast.mia).secret
    revoked, expired, gone = Program(cast.mia), Program(cast.mia), Program(cast.max)
    api_tokens.revoke(revoked.token, by=cast.ava)
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    cast.max.is_active = False
    cast.max.save(update_fields=["is_active"])
    wrong = [
        None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {fine}", f"Bearer Bearer {fine}", f"Bearer {fine} {fine}",
        f"Bearer {fine}, Bearer {fine}", f"Bearer {fine[:-1]}", f"Bearer {fine[:-1]}!", f"Bearer {revoked.secret}",
        f"Bearer {expired.secret}", f"Bearer {gone.secret}",
    ]  # fmt: skip
    answers = {ask(one) for one in wrong}
    other_scope = Program(cast.mia, "contacts:read").ask("leads/")
    assert {status for status, _body in answers} == {401}
    assert other_scope.status_code == 403
    assert {body for _status, body in answers} == {other_scope.content}
    assert other_scope["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="leads:read"'
    assert other_scope["Content-Type"] == "application/problem+json"
    assert ask(f"Bearer {fine}")[0] == ask(f"bearer {fine}")[0] == 200


@pytest.mark.parametrize("address", ["/api/v1/leads/?token={}", "/api/v1/leads/{}/", "/api/v1/leads/?a=b&Bearer+{}=1"])
def test_a_token_in_an_address_is_refused_and_flagged(cast: Cast, address: str) -> None:
    program = Program(cast.mia)
    assert program.get(address.format(program.secret)).status_code == 401
    program.token.refresh_from_db()
    assert program.token.exposed_at is not None
    assert AuditEntry.objects.filter(action="token.exposed").count() == 1
    program.get(address.format(program.secret))
    assert AuditEntry.objects.filter(action="token.exposed").count() == 1


def test_only_a_hash_is_stored(cast: Cast) -> None:
    program = Program(cast.mia)
    row = str(ApiToken.objects.values().get(pk=program.token.pk))
    assert program.secret.rpartition("_")[2] not in row
    assert len(program.token.digest) == 64


def test_both_tokens_are_valid_during_a_rotation(cast: Cast) -> None:
    old = Program(cast.mia, "leads:read")
    new, text = api_tokens.rotate(old.token, by=cast.mia)
    assert ask(f"Bearer {old.secret}")[0] == ask(f"Bearer {text}")[0] == 200
    assert new.scopes == ["leads:read"]
    ends = ApiToken.objects.get(pk=old.token.pk).expires_at - timezone.now()
    assert timedelta(days=6) < ends <= timedelta(days=7)
    with pytest.raises(ValueError, match="successor already"):
        api_tokens.rotate(ApiToken.objects.get(pk=old.token.pk), by=cast.mia)


def test_guessing_is_slowed_for_the_guesser_only_and_leaves_one_line(cast: Cast) -> None:
    program = Program(cast.mia, "leads:read")
    statuses = [ask("Bearer wrong")[0] for _n in range(40)]
    assert statuses == [401] * 30 + [429] * 10
    assert Client().get("/api/v1/leads/", headers={"Authorization": "Bearer x"})["Retry-After"] == "60"
    assert program.ask("leads/").status_code == 200
    assert AuditEntry.objects.filter(action="token.guessed").count() == 1


def test_too_many_requests_say_when_to_come_back(cast: Cast, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    program, other = Program(cast.mia, "leads:read"), Program(cast.mia, "leads:read")
    with time_machine.travel("2026-05-04T09:30:20Z", tick=False):
        answers = [program.ask("leads/") for _n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert (answers[3]["Retry-After"], answers[3].json()["code"]) == ("40", "too_many")
        assert other.ask("leads/").status_code == 200
    with time_machine.travel("2026-05-04T09:31:01Z", tick=False):
        assert program.ask("leads/").status_code == 200


def test_last_use_is_noted(cast: Cast) -> None:
    program = Program(cast.mia, "leads:read")
    assert program.token.last_used_at is None
    program.ask("leads/")
    program.token.refresh_from_db()
    assert timezone.now() - program.token.last_used_at < timedelta(seconds=30)


def test_demo_people_stay_on_this_machine(cast: Cast) -> None:
    cast.mia.is_demo = True
    cast.mia.save(update_fields=["is_demo"])
    program = Program(cast.mia, "leads:read")
    assert program.ask("leads/").status_code == 200
    assert program.get("/api/v1/leads/", REMOTE_ADDR="203.0.113.9").status_code == 401


# --- The command ----------------------------------------------------------------------------------


def created(*arguments: str) -> str:
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_alone_on_the_last_line(cast: Cast) -> None:
    told = created("--user", "Mia@example.com", "--scope", "leads:read", "contacts:read", "--scope", "leads:move")
    text = told.splitlines()[-1]
    assert re.fullmatch(r"baton_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", text)
    token = api_tokens.known(text)
    assert token is not None
    assert (token.user, token.scopes) == (cast.mia, ["contacts:read", "leads:read", "leads:move"])
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--user", "nobody@example.com", "--scope", "leads:read"), "Nobody with the address"),
        (("--user", "mia@example.com", "--scope", "leads:fly"), "There is no scope leads:fly"),
        (("--user", "mia@example.com", "--scope", "leads:read", "--days", "0"), "1 to 730 days"),
    ],
)
def test_the_command_refuses_with_a_sentence(cast: Cast, arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        created(*arguments)
    assert not ApiToken.objects.exists()
