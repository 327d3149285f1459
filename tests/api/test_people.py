"""Contacts, companies and activities over the API: who sees what, versions, doubles, many at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import activities, consents, contacts
from crm.models import Activity, Company, Contact, ContactKey, ProfileChange, Workspace
from tests.api_client import Program
from tests.cast import Cast, a_lead, accepted, ada

pytestmark = pytest.mark.django_db


def many(count: int) -> list[Contact]:
    return [contacts.create_contact({"last_name": f"N{n}", "city": "Bonn"}, by=None, source="t") for n in range(count)]


# --- Lists ----------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_double(cast: Cast) -> None:
    ids = [contact.pk for contact in many(7)]
    program, address = Program(cast.mia, "contacts:read"), "/api/v1/contacts/?limit=3"
    sizes: list[int] = []
    seen: list[int] = []
    while address:
        page = program.get(address).json()
        sizes.append(len(page["results"]))
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert (sizes, seen) == ([3, 3, 1], ids)


def test_a_page_costs_the_same_for_one_and_many(cast: Cast) -> None:
    program, counts = Program(cast.sam), []
    for turn in range(3):
        accepted(cast, contact=ada(email="", last_name=f"L{turn}"))
        with CaptureQueriesContext(connection) as asked:
            for path in ("contacts/", "companies/", "leads/", "handoffs/", "activities/"):
                assert program.ask(path).status_code == 200
        counts.append(len(asked))
    assert counts[1] == counts[2]  # the first also reads what every process keeps


@pytest.mark.parametrize(
    "query",
    [
        "stage=lead", "city=Bonn", "limit=0", "limit=201", "limit=x", "limit=1e2", "after=x", "after=W10", "email=",
        "company=1) OR 1=1--", "company=1e9", "company=99999999999999999999", "after=WyJ4Il0", "after=W251bGxd",
        "after=WzFlOTldCg", "email=a&email=b", "limit=5&limit=6", "q=%", "after=W3siYSI6MX1d", "email=%00",
    ],
)  # fmt: skip
def test_a_filter_there_is_none_of_is_a_mistake(cast: Cast, query: str) -> None:
    answer = Program(cast.mia).get(f"/api/v1/contacts/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_contacts_are_found_by_address_and_company(cast: Cast) -> None:
    contact = ada()
    many(2)
    program = Program(cast.mia)
    assert [row["id"] for row in program.ask("contacts/", email="ADA@acme.example").json()["results"]] == [contact.pk]
    assert [row["id"] for row in program.ask("contacts/", company=contact.company_id).json()["results"]] == [contact.pk]
    assert program.ask("contacts/", email="%").json()["results"] == []
    assert [row["name"] for row in program.ask("companies/", name="ACME GmbH").json()["results"]] == ["Acme GmbH"]


# --- Rights ---------------------------------------------------------------------------------------


def test_what_one_may_not_see_is_not_there(cast: Cast) -> None:
    lead = accepted(cast)
    acme = lead.contact.company_id
    activity = activities.record(lead.contact, "page_view")
    assert activity is not None
    paths = [f"contacts/{lead.contact_id}/", f"companies/{acme}/", f"activities/{activity.id}/", f"leads/{lead.pk}/"]
    sam, rosa = Program(cast.sam), Program(cast.rosa)
    assert [sam.ask(path).status_code for path in paths] == [200] * 4
    bodies = [rosa.ask(path) for path in [*paths, "contacts/999999/"]]
    assert {answer.status_code for answer in bodies} == {404}
    assert len({answer.content for answer in bodies}) == 1
    refused = rosa.change(f"contacts/{lead.contact_id}/", {"version": 0, "city": "Ulm"})
    assert refused.status_code == 404
    assert Contact.objects.get(pk=lead.contact_id).city != "Ulm"


def test_who_reads_but_may_not_change_is_told_who_may(cast: Cast) -> None:
    lead = accepted(cast)
    before = Contact.objects.values().get(pk=lead.contact_id)
    answer = Program(cast.mia).change(f"contacts/{lead.contact_id}/", {"version": 0, "city": "Ulm"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert "Sam Okafor" in answer.json()["detail"]
    assert Contact.objects.values().get(pk=lead.contact_id) == before


def test_a_note_is_read_by_those_who_may_read_notes(cast: Cast) -> None:
    lead = accepted(cast)
    sam = Program(cast.sam)
    written = sam.send("activities/", {"contact_id": lead.contact_id, "kind": "note", "properties": {"text": "Wary."}})
    called = sam.send(
        "activities/", {"contact_id": lead.contact_id, "kind": "call_out", "properties": {"text": "Hi", "minutes": 3}}
    )
    assert [written.status_code, called.status_code] == [201, 201]
    assert written.json()["by_id"] == cast.sam.pk
    Workspace.objects.update_or_create(pk=1, defaults={"reps_read_everything": True})
    read = {row["id"]: row for row in Program(cast.rosa).ask("activities/").json()["results"]}
    assert written.json()["id"] not in read
    assert read[called.json()["id"]]["properties"] == {"minutes": 3}
    assert Program(cast.mia).ask(f"activities/{written.json()['id']}/").json()["properties"] == {"text": "Wary."}


def test_marketing_writes_no_notes(cast: Cast) -> None:
    contact = a_lead().contact
    answer = Program(cast.mia).send("activities/", {"contact_id": contact.pk, "kind": "note"})
    assert answer.status_code == 403
    assert not Activity.objects.exists()


def test_a_rep_adds_people_with_a_lead_only(cast: Cast) -> None:
    assert Program(cast.sam).send("contacts/", {"last_name": "Neu"}).status_code == 403
    assert Program(cast.sam).send("companies/", {"name": "Neu GmbH"}).status_code == 403
    assert not Contact.objects.exists() and not Company.objects.exists()


# --- Writing --------------------------------------------------------------------------------------


def test_a_contact_is_written_through_the_one_door(cast: Cast) -> None:
    program = Program(cast.mia)
    made = program.send(
        "contacts/", {"first_name": " Ada ", "email": "ada@Acme.example", "job_title": "Head of Marketing"}
    )
    assert made.status_code == 201
    stored = Contact.objects.get(pk=made.json()["id"])
    assert (stored.first_name, stored.email_key, stored.seniority) == ("Ada", "ada@acme.example", "head")
    changed = program.change(f"contacts/{stored.pk}/", {"version": 0, "city": "Bonn", "first_name": "Ada"})
    assert (changed.status_code, changed.json()["version"], changed.json()["city"]) == (200, 1, "Bonn")
    kept = ProfileChange.objects.get()
    assert (kept.field, kept.new, kept.by, kept.source) == ("city", "Bonn", cast.mia, "api")


def test_an_old_version_is_told_who_was_first_and_what_differs(cast: Cast) -> None:
    contact = ada()
    contacts.update_contact(contact, {"city": "Ulm"}, by=cast.max, source="form")
    before = Contact.objects.values().get(pk=contact.pk)
    answer = Program(cast.mia).change(f"contacts/{contact.pk}/", {"version": 0, "city": "Bonn", "country": "DE"})
    told = answer.json()
    assert (answer.status_code, told["code"], told["version"]) == (409, "stale", 1)
    assert told["changed_by"] == {"id": cast.max.pk, "name": "Max Ortmann"}
    assert told["differences"] == [{"field": "city", "yours": "Bonn", "now": "Ulm"}]
    assert "Max Ortmann" in told["detail"]
    assert Contact.objects.values().get(pk=contact.pk) == before


def test_somebody_known_is_not_added_twice(cast: Cast) -> None:
    contact = ada()
    answer = Program(cast.mia).send("contacts/", {"email": "ADA@acme.example"})
    assert (answer.status_code, answer.json()["code"], answer.json()["id"]) == (409, "exists", contact.pk)
    assert Contact.objects.count() == 1


def test_who_asked_never_to_be_contacted_is_not_entered_again(cast: Cast) -> None:
    consents.suppress("max@ex.de", "erased")
    program = Program(cast.mia)
    for address in ("Max@EX.de", "max@ex.de "):
        assert program.send("contacts/", {"email": address}).json()["code"] == "suppressed"
    rows = program.send("contacts/bulk/", {"contacts": [{"email": "max@ex.de"}, {"email": "max+x@ex.de"}]}).json()
    assert [row["status"] for row in rows["results"]] == ["failed", "created"]
    assert list(Contact.objects.values_list("email", flat=True)) == ["max+x@ex.de"]


def test_companies_carry_a_version(cast: Cast) -> None:
    program = Program(cast.mia)
    made = program.send("companies/", {"name": "Acme GmbH", "employees": 250}).json()
    assert program.change(f"companies/{made['id']}/", {"version": 0, "employees": 260}).json()["version"] == 1
    late = program.change(f"companies/{made['id']}/", {"version": 0, "employees": 270}).json()
    assert (late["code"], late["differences"]) == ("stale", [{"field": "employees", "yours": 270, "now": 260}])
    assert program.send("companies/", {}).json()["errors"][0]["field"] == "name"
    assert Company.objects.get().employees == 260


# --- Many -----------------------------------------------------------------------------------------


def test_many_contacts_are_brought_in_step(cast: Cast) -> None:
    known = ada(email="ada@acme.example")
    items = [
        {"email": "ada@acme.example", "city": "Bonn", "external_key": {"system": "erp", "key": "1"}},
        {"email": "bo@acme.example", "external_key": {"system": "erp", "key": "2"}},
        {"email": "no address"},
        {"city": "Ulm"},
        {"email": "ada@acme.example"},
    ]
    told = Program(cast.mia).send("contacts/bulk/", {"contacts": items}).json()
    assert [row["status"] for row in told["results"]] == ["updated", "created", "failed", "failed", "unchanged"]
    assert (told["created"], told["updated"], told["unchanged"], told["failed"]) == (1, 1, 1, 2)
    assert [row["errors"][0]["field"] for row in told["results"] if row["errors"]] == ["email", "email"]
    assert Contact.objects.count() == 2
    moved = {"external_key": {"system": "erp", "key": "1"}, "email": "ada@new.example"}
    again = Program(cast.mia).send("contacts/bulk/", {"contacts": [moved]}).json()
    assert (again["results"][0]["id"], again["updated"]) == (known.pk, 1)
    assert ContactKey.objects.filter(system="erp").count() == 2


def test_a_body_that_is_not_understood_is_refused_whole(cast: Cast) -> None:
    items = [{"email": "a@b.example"}, {"email": 5, "shoe_size": 43}]
    answer = Program(cast.mia).send("contacts/bulk/", {"contacts": items})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["contacts.1.shoe_size"]
    over = Program(cast.mia).send("contacts/bulk/", {"contacts": [{"email": "a@b.example"}] * 101})
    assert over.status_code == 400
    assert not Contact.objects.exists()


def test_activities_are_recorded_once_per_message(cast: Cast) -> None:
    contact = a_lead().contact
    program = Program(cast.mia)
    told: dict[str, Any] = {
        "contact_id": contact.pk, "kind": "webinar_attended", "occurred_at": "2026-05-01T11:30:00+02:00",
        "message_id": "w7", "properties": {"minutes": 42},
    }  # fmt: skip
    first, second = program.send("activities/", told), program.send("activities/", told)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["occurred_at"] == "2026-05-01T09:30:00Z"
    assert first.json()["by_id"] is None
    rows = [
        told,
        told | {"message_id": "w8"},
        told | {"message_id": "w8"},
        told | {"kind": "dance"},
        told | {"contact_id": 999_999},
    ]
    answer = program.send("activities/bulk/", {"activities": rows}).json()
    assert [row["status"] for row in answer["results"]] == ["known", "created", "known", "failed", "failed"]
    assert [row["errors"][0]["field"] for row in answer["results"][3:]] == ["kind", "contact_id"]
    assert Activity.objects.count() == 2
    assert [
        row["message_id"]
        for row in program.ask("activities/", kind="webinar_attended", contact=contact.pk).json()["results"]
    ] == ["w7", "w8"]
    assert program.ask("activities/", since="2026-05-02").json()["results"] == []
    assert len(program.ask("activities/", since="2026-05-01", until="2026-05-01").json()["results"]) == 2


@pytest.mark.parametrize(
    "moment",
    [
        "yesterday",
        "2026-05-01",
        "2026-05-01T09:30:00",
        "1969-12-31T00:00:00Z",
        "2099-01-01T00:00:00Z",
        5,
        "9999-99-99T99:99:99Z",
    ],
)
def test_a_moment_has_an_offset_and_has_been(cast: Cast, moment: Any) -> None:
    contact = a_lead().contact
    answer = Program(cast.mia).send(
        "activities/", {"contact_id": contact.pk, "kind": "page_view", "occurred_at": moment}
    )
    assert [error["field"] for error in answer.json()["errors"]] == ["occurred_at"]
    assert not Activity.objects.exists()
