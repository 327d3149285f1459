"""The same POST sent again has one effect (R5, T14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.utils import timezone

from crm.api import idempotency
from crm.doctor import examine
from crm.models import ApiToken, Contact, KeptReply
from leads.models import Lead, StageChange
from tests.api_client import Program
from tests.cast import Cast, offered

pytestmark = pytest.mark.django_db
BODY = {"first_name": "Ada", "email": "ada@acme.example"}


def test_one_effect_and_the_stored_answer(cast: Cast) -> None:
    program = Program(cast.mia)
    answers = [program.send("contacts/", BODY, key="k1") for _n in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, True, True, True, True]
    assert Contact.objects.count() == 1


def test_a_move_sent_again_is_not_a_second_move(cast: Cast) -> None:
    lead = offered(cast)
    program = Program(cast.sam)
    body = {"verb": "accept", "version": 2}
    first, second = (program.send(f"leads/{lead.pk}/moves/", body, key="m") for _n in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert StageChange.objects.filter(lead=lead, verb="accept").count() == 1


def test_another_body_or_address_with_the_same_key_is_a_mistake(cast: Cast) -> None:
    program = Program(cast.mia)
    program.send("contacts/", BODY, key="k1")
    for path, body in (("contacts/", BODY | {"city": "Bonn"}), ("companies/", {"name": "A"})):
        answer = program.send(path, body, key="k1")
        assert (answer.status_code, answer.json()["code"]) == (422, "key_used")
    assert Contact.objects.count() == 1


def test_a_key_belongs_to_its_token(cast: Cast) -> None:
    for number in range(2):
        answer = Program(cast.mia).send("contacts/", {"last_name": f"N{number}"}, key="k1")
        assert answer.status_code == 201
    assert Contact.objects.count() == 2


def test_what_was_not_understood_is_kept_as_well_but_a_conflict_is_not(cast: Cast) -> None:
    program = Program(cast.mia)
    wrong = [program.send("contacts/", {"email": "no"}, key="bad").status_code for _n in range(2)]
    assert wrong == [400, 400]
    contact = Contact.objects.create(email="ada@acme.example", email_key="ada@acme.example")
    assert program.send("contacts/", BODY, key="k1").status_code == 409
    contact.delete()
    assert program.send("contacts/", BODY, key="k1").status_code == 201


def test_while_it_runs_others_wait(cast: Cast) -> None:
    program = Program(cast.mia)
    inside: list[Any] = []

    def twice(*args: Any, **kwargs: Any) -> Any:
        inside.append(program.send("contacts/", BODY, key="k1"))
        return create(*args, **kwargs)

    from crm import contacts

    create = contacts.create_contact
    with patch.object(contacts, "create_contact", twice):
        assert program.send("contacts/", BODY, key="k1").status_code == 201
    assert (inside[0].status_code, inside[0].json()["code"]) == (409, "in_flight")
    assert 1 <= int(inside[0]["Retry-After"]) <= 60
    assert Contact.objects.count() == 1


def test_a_request_that_broke_leaves_the_key_free_and_nothing_behind(cast: Cast) -> None:
    program = Program(cast.mia)
    program.raise_request_exception = False
    with patch("crm.api.contacts.ContactShown", side_effect=RuntimeError):
        broken = program.send("contacts/", BODY, key="k1")
    assert (broken.status_code, broken["Content-Type"]) == (500, "application/problem+json")
    assert not Contact.objects.exists() and not KeptReply.objects.exists()
    assert program.send("contacts/", BODY, key="k1").status_code == 201


def test_after_a_kill_the_key_works_again_within_a_minute(cast: Cast) -> None:
    program = Program(cast.mia)
    answer = program.send("contacts/", BODY, key="k1")
    row = KeptReply.objects.get()
    Contact.objects.all().delete()
    # What a kill in the middle leaves: the claim, and nothing of the effect.
    KeptReply.objects.update(status=None, body="", lease_until=timezone.now() + idempotency.LEASE)
    assert program.send("contacts/", BODY, key="k1").json()["code"] == "in_flight"
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        again = program.send("contacts/", BODY, key="k1")
    assert (again.status_code, answer.status_code) == (201, 201)
    assert KeptReply.objects.get().pk == row.pk
    assert Contact.objects.count() == 1


def test_who_took_longer_than_the_lease_undoes_itself(cast: Cast) -> None:
    """Whoever took the key over keeps it: one effect, theirs."""
    program = Program(cast.mia)

    def slow(*args: Any, **kwargs: Any) -> Any:
        KeptReply.objects.update(lease_until=timezone.now() + timedelta(seconds=99))
        return create(*args, **kwargs)

    from crm import contacts

    create = contacts.create_contact
    with patch.object(contacts, "create_contact", slow):
        answer = program.send("contacts/", BODY, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
    assert not Contact.objects.exists()


def test_after_a_day_a_key_is_forgotten(cast: Cast) -> None:
    program = Program(cast.mia)
    program.send("contacts/", BODY, key="k1")
    KeptReply.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert program.send("contacts/", {"last_name": "Other"}, key="k1").status_code == 201
    KeptReply.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.forget() == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "ü", "a b"])
def test_a_strange_key_is_refused(cast: Cast, key: str) -> None:
    answer = Program(cast.mia).post(
        "/api/v1/contacts/", "{}", content_type="application/json", headers={"Idempotency-Key": key}
    )
    assert answer.status_code == 400
    assert not Contact.objects.exists()


# --- What the doctor sees -------------------------------------------------------------------------


def complaints(name: str) -> list[str]:
    return next(found for check, found in examine(full=True) if check.name == name)


def test_the_doctor_sees_an_answer_kept_too_long(cast: Cast) -> None:
    Program(cast.mia).send("contacts/", BODY, key="k1")
    assert complaints("kept_replies") == []
    KeptReply.objects.update(created_at=timezone.now() - timedelta(hours=27))
    assert complaints("kept_replies") == ["1 kept answers of the API are more than a day old."]


@pytest.mark.parametrize("wrong", [{"digest": "x"}, {"scopes": ["leads:fly"]}, {"scopes": []}])
def test_the_doctor_sees_a_token_that_is_none(cast: Cast, wrong: dict[str, Any]) -> None:
    token = Program(cast.mia).token
    assert complaints("tokens") == []
    ApiToken.objects.filter(pk=token.pk).update(**wrong)
    assert len(complaints("tokens")) == 1


def test_a_lead_opened_twice_is_opened_once(cast: Cast) -> None:
    body = {"contact": {"first_name": "Bo", "phone": "+49 30 7654321"}, "source": "webinar"}
    program = Program(cast.sam)
    first, second = (program.send("leads/", body, key="lead") for _n in range(2))
    assert first.json() == second.json()
    assert Lead.objects.count() == Contact.objects.count() == 1
