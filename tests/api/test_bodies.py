"""Strange JSON, wrong types, too much of it: each gets its answer, never a 500, and nothing is written (I21, I23)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from crm.models import Contact
from tests.api_client import Program
from tests.cast import Cast

pytestmark = pytest.mark.django_db

DEEP = b'{"custom":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001
STRANGE: list[tuple[str, bytes, int]] = [
    ("not json", b"{first_name", 400),
    ("nothing", b"", 400),
    ("a list", b"[]", 400),
    ("null", b"null", 400),
    ("NaN", b'{"custom": {"a": NaN}}', 400),
    ("Infinity", b'{"custom": {"a": -Infinity}}', 400),
    ("1e999", b'{"custom": {"a": 1e999}}', 400),
    ("a huge integer", b'{"company_id": ' + b"9" * 30 + b"}", 400),
    ("digits without end", b'{"company_id": ' + b"9" * 100_000 + b"}", 400),
    ("a name twice", b'{"city": "Bonn", "city": "Ulm"}', 400),
    ("a name twice, inside", b'{"custom": {"a": 1, "a": 2}}', 400),
    ("too deep", DEEP, 400),
    ("33 deep", b'{"custom":' + b"[" * 33 + b"]" * 33 + b"}", 400),
    ("NUL", b'{"first_name": "A\\u0000da"}', 400),
    ("NUL in a name", b'{"custom": {"a\\u0000": 1}}', 400),
    ("a lone surrogate", b'{"first_name": "\\ud800"}', 400),
    ("latin-1", '{"first_name": "Jörg"}'.encode("latin-1"), 400),
    ("utf-16", '{"first_name": "Jörg"}'.encode("utf-16"), 400),
    ("10 MB", b'{"first_name": "' + b"x" * 10_000_000 + b'"}', 413),
    ("just too much", b'{"first_name": "' + b"x" * (2 * 1024 * 1024) + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), [row[1:] for row in STRANGE], ids=[row[0] for row in STRANGE])
def test_strange_json_is_refused(cast: Cast, body: bytes, status: int) -> None:
    answer = Program(cast.mia).send("contacts/", body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail"} <= set(answer.json())
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
)
def test_anything_but_json_is_refused(cast: Cast, content_type: str) -> None:
    answer = Program(cast.mia).post("/api/v1/contacts/", b'{"city": "Bonn"}', content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_type")
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"first_name": 5}, {"first_name"}),
        ({"first_name": None}, {"first_name"}),
        ({"company_id": "7"}, {"company_id"}),
        ({"company_id": True}, {"company_id"}),
        ({"company_id": 7.5}, {"company_id"}),
        ({"company_id": 999_999}, {"company_id"}),
        ({"custom": []}, {"custom"}),
        ({"email": "a@b..de"}, {"email"}),
        ({"email": "two@a.de, three@a.de"}, {"email"}),
        ({"linkedin": "javascript:alert(1)"}, {"linkedin"}),
        ({"country": "Germany"}, {"country"}),
        ({"first_name": "x" * 121, "city": "y" * 121}, {"first_name", "city"}),
        ({"id": 7, "is_staff": True, "version": 3}, {"id", "is_staff", "version"}),
    ],
)
def test_each_wrong_field_is_named(cast: Cast, body: dict[str, Any], fields: set[str]) -> None:
    answer = Program(cast.mia).send("contacts/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert not Contact.objects.exists()


def test_what_looks_like_code_is_kept_as_typed(cast: Cast) -> None:
    told = {"first_name": "<script>alert(1)</script>", "last_name": "{{7*7}}", "custom": {"__proto__": {"admin": True}}}
    answer = Program(cast.mia).send("contacts/", told)
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in told} == told


def test_addresses_that_are_none_answer_as_the_api_does(cast: Cast) -> None:
    for path in ("/api/v1/", "/api/v1/nothing/", "/api/v1/contacts/abc/", "/api/v2/contacts/", "/api/"):
        assert Client().get(path).status_code == 401
        found = Program(cast.mia).get(path)
        assert (found.status_code, found["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_405(cast: Cast, method: str) -> None:
    answer = Program(cast.mia).generic(method, "/api/v1/contacts/")
    assert (answer.status_code, answer.json()["code"]) == (405, "wrong_method")


def test_a_method_cannot_be_overridden(cast: Cast) -> None:
    program = Program(cast.mia)
    headers = {"X-HTTP-Method-Override": "PATCH"}
    answer = program.generic(
        "POST", "/api/v1/contacts/", json.dumps({"email": "ada@acme.example"}), "application/json", headers=headers
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("body", [{}, {"city": "Bonn"}, {"first_name": " ", "email": ""}])
def test_nobody_is_not_stored(cast: Cast, body: dict[str, Any]) -> None:
    program = Program(cast.mia)
    answers = [program.send("contacts/", body), program.send("leads/", {"contact": body, "source": "webinar"})]
    for path, answer in zip(("", "contact."), answers, strict=True):
        assert answer.status_code == 400, answer.content
        named = {one["field"] for one in answer.json()["errors"]}
        assert named == {f"{path}{name}" for name in ("first_name", "last_name", "email", "phone")}
    assert not Contact.objects.exists()


def test_somebody_is_not_made_nobody(cast: Cast) -> None:
    program = Program(cast.mia)
    made = program.send("contacts/", {"email": "ada@acme.example"}).json()
    answer = program.change(f"contacts/{made['id']}/", {"version": 0, "email": ""})
    assert answer.status_code == 400
    assert Contact.objects.get().email == "ada@acme.example"


def test_a_session_opens_nothing(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.ava, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get("/api/v1/contacts/").status_code == 401
    assert browser.post("/api/v1/contacts/", "{}", content_type="application/json").status_code == 401
