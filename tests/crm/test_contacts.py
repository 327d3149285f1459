"""Contacts and companies: lists, pages, editing, who sees whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import backlog, contacts, highlight, workdays
from crm.lists import pages as list_pages
from crm.models import Company, Contact, ContactKey, ProfileChange, User
from tests.cast import Cast, a_lead, accepted, ada, qualified

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def named(first: str, last: str, **more: Any) -> Contact:
    return contacts.create_contact({"first_name": first, "last_name": last} | more, by=None, source="test")


def names(response: Any) -> list[str]:
    return [contact.name for contact in response.context["page"].rows]


# --- Who sees whom --------------------------------------------------------------------------------


def test_a_rep_sees_the_people_behind_the_leads_they_may_see(cast: Cast) -> None:
    lead = accepted(cast)
    other = named("Grace", "Hopper")
    seen = {user.name.split()[0]: set(Contact.objects.visible_to(user)) for user in cast.everyone}
    both = {lead.contact, other}
    assert seen == {
        "Mia": both, "Max": both, "Sam": {lead.contact}, "Jana": {lead.contact}, "Rosa": set(),
        "Lena": both, "Ava": both,
    }  # fmt: skip
    assert set(Company.objects.visible_to(cast.sam)) == {lead.contact.company}
    assert not Company.objects.visible_to(cast.rosa).exists()


def test_who_is_out_of_sight_is_not_found(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.rosa)
    for name, pk in (
        ("contact", lead.contact_id), ("contact_edit", lead.contact_id), ("contact_consent", lead.contact_id),
        ("company", lead.contact.company_id), ("company_edit", lead.contact.company_id),
    ):  # fmt: skip
        assert client.get(reverse(name, args=[pk])).status_code == 404, name
    assert client.post(reverse("contact_edit", args=[lead.contact_id]), {"first_name": "X"}).status_code == 404
    assert names(client.get(reverse("contacts"))) == []


@pytest.mark.parametrize("name", ["contacts", "companies", "add_lead"])
def test_the_pages_need_a_sign_in(cast: Cast, name: str) -> None:
    assert Client().get(reverse(name)).status_code == 302


def test_lookalikes_are_found_along_indexes(cast: Cast) -> None:
    """However many people there are: a scan would cost half a second at a million."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL rightly reads a small table as a whole")
    plan = contacts.lookalikes(
        ada(), {"email": "x@y.example", "phone": "+49 30 99", "last_name": "A", "first_name": "B"}
    )
    assert all(
        index in plan.explain() for index in ("crm_contact_by_email", "crm_contact_by_phone", "crm_contact_by_name")
    )


# --- The lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["Müller", "mueller", "MÜLL", "jörg mül", "mül jörg", "straße", "strasse"])
def test_search_finds_umlauts_either_way(cast: Cast, query: str) -> None:
    wanted = named("Jörg", "Müller-Straße")
    named("Ada", "Lovelace")
    assert names(signed_in(cast.mia).get(reverse("contacts"), {"q": query})) == [wanted.name]


def test_percent_and_underscore_mean_themselves(cast: Cast) -> None:
    named("Ada", "Lovelace")
    assert names(signed_in(cast.mia).get(reverse("contacts"), {"q": "%"})) == []
    assert names(signed_in(cast.mia).get(reverse("contacts"), {"q": "a_a"})) == []
    named("100 %", "Recycling")
    assert names(signed_in(cast.mia).get(reverse("contacts"), {"q": "100 %"})) == ["100 % Recycling"]


def test_odd_searches_are_answered(cast: Cast) -> None:
    ada()
    client = signed_in(cast.mia)
    for query in ("x" * 10_000, "a\x00b", "<script>alert(1)</script>", "ẞ", "É", "'; DROP TABLE crm_contact; --"):
        page = client.get(reverse("contacts"), {"q": query})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    for after in ("1) OR 1=1--", "-1", "9" * 40, "²"):
        assert client.get(reverse("contacts"), {"after": after}).status_code == 200
    assert client.get(reverse("contacts"), {"company": "9" * 40}).status_code == 200


def test_the_list_is_read_page_by_page_without_gap_or_repeat(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_pages, "SIZE", 4)
    for number in range(11):
        named("Same", "Name" if number % 2 else f"Name {number:02}")
    client, seen, address = signed_in(cast.mia), [], reverse("contacts")
    while address:
        page = client.get(address).context["page"]
        seen += [contact.pk for contact in page.rows]
        address = page.next_url
    assert seen == list(Contact.objects.order_by("name_key", "pk").values_list("pk", flat=True))


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_thirty(cast: Cast) -> None:
    for user, name in ((cast.sam, "contacts"), (cast.mia, "contacts"), (cast.sam, "companies")):
        client = signed_in(user)

        def queries(client: Client = client, name: str = name) -> list[str]:
            """Return the statements of the list; what the frame remembers for seconds is asked for before."""
            workdays.workspace_zone()
            backlog.told({"alive_at": None})
            with CaptureQueriesContext(connection) as asked:
                assert client.get(reverse(name), {"q": "a"}).status_code == 200
            return [query["sql"].split(" WHERE ")[0] for query in asked]

        a_lead(named("Anna", "One", email=f"anna{user.pk}{name}@acme.example"), owner=cast.sam)
        queries()
        few = queries()
        for number in range(30):
            firm = contacts.create_company({"name": f"Alpha {user.pk} {number}"}, by=None, source="test")
            a_lead(named("Anna", f"{user.pk} {name} {number}", company_id=firm.pk), owner=cast.sam)
        assert queries() == few
        assert len(few) <= 12, few


def test_stage_and_score_stand_beside_the_contact(cast: Cast) -> None:
    lead = accepted(cast)
    lead.standing.score, lead.standing.grade = 118, "A1"
    lead.standing.save(update_fields=["score", "grade"])
    page = text_of(signed_in(cast.sam).get(reverse("contacts")))
    for expected in (
        "Accepted (SAL)",
        "118",
        "Fit A, engagement 1",
        reverse("lead", args=[lead.pk]) + "?from=contacts",
    ):
        assert expected in page


def test_htmx_gets_the_list_alone(cast: Cast) -> None:
    ada()
    page = text_of(
        signed_in(cast.mia).get(reverse("contacts"), {"q": "br"}, headers={"HX-Request": "true", "HX-Target": "list"})
    )
    assert "<html" not in page
    assert "<mark>Br</mark>ömmel" in page


def test_nobody_found_offers_the_way_back(cast: Cast) -> None:
    page = text_of(signed_in(cast.mia).get(reverse("contacts"), {"q": "nobody"}))
    assert "Nobody fits “nobody”" in page
    assert "Clear the search" in page


def test_a_match_is_marked_as_it_is_written() -> None:
    assert highlight.spans("Jörg Müller", "muel") == [(5, 8)]
    assert highlight.spans("Straße", "strasse") == [(0, 6)]
    assert highlight.spans("<b>x</b>", "b") == [(1, 2), (6, 7)]
    assert highlight.spans("Ada", "") == []


# --- The pages ------------------------------------------------------------------------------------


def test_the_contact_page_holds_profile_leads_timeline_keys_and_changes(cast: Cast) -> None:
    lead = qualified(cast)
    contact = lead.contact
    ContactKey.objects.create(contact=contact, system="sap", key="4711")
    contacts.update_contact(contact, {"job_title": "Head of Marketing"}, by=cast.sam, source="form")
    page = text_of(signed_in(cast.sam).get(reverse("contact", args=[contact.pk])))
    for expected in (
        "ada@acme.example", "4711", "Qualified (SQL)", "Profile changed by Sam Okafor",
        "Job title: Marketing Manager → Head of Marketing", "Accepted by Sam Okafor",
    ):  # fmt: skip
        assert expected in page


def test_the_company_page_holds_facts_people_and_open_leads(cast: Cast) -> None:
    lead = accepted(cast)
    page = text_of(signed_in(cast.sam).get(reverse("company", args=[lead.contact.company_id])))
    for expected in ("Mechanical engineering", "250", "Ada Brömmel", reverse("lead", args=[lead.pk])):
        assert expected in page


def test_ids_and_versions_are_written_without_thousand_separators(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company.objects.create(pk=12345, name="Big", name_key="big")
    for number in range(3):
        Contact.objects.create(
            pk=23456 + number, last_name=f"B{number}", name_key=f"b{number}", company=company, version=4567
        )
    monkeypatch.setattr(list_pages, "SIZE", 2)
    client = signed_in(cast.mia)
    page = text_of(client.get(reverse("contacts"), {"company": "12345"}))
    assert "company=12345" in page
    pages = [page] + [
        text_of(client.get(reverse(name, args=[pk])))
        for name, pk in (("contact", 23456), ("contact_edit", 23456), ("company", 12345), ("company_edit", 12345))
    ]
    conflict = client.post(reverse("contact_edit", args=[23456]), {"last_name": "C", "version": "4566"})
    assert 'name="version" value="4567"' in text_of(conflict)
    for shown in pages:
        assert "12,345" not in shown
        assert "23,45" not in shown
        assert "4,567" not in shown


def test_a_dangerous_link_is_shown_as_text(cast: Cast) -> None:
    contact = ada()
    Contact.objects.filter(pk=contact.pk).update(linkedin="javascript:alert(1)")
    page = text_of(signed_in(cast.mia).get(reverse("contact", args=[contact.pk])))
    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page


def test_two_people_are_compared_field_by_field(cast: Cast) -> None:
    one, two = ada(), ada(email="a@acme.example")
    page = text_of(signed_in(cast.mia).get(reverse("contact_compare", args=[one.pk, two.pk])))
    assert "ada@acme.example" in page
    assert "a@acme.example" in page
    assert signed_in(cast.rosa).get(reverse("contact_compare", args=[one.pk, two.pk])).status_code == 404


# --- Editing --------------------------------------------------------------------------------------


def form_of(client: Client, name: str, pk: int, **values: Any) -> dict[str, Any]:
    """Return what the browser would send: the form as shown, with `values` typed over it."""
    form = client.get(reverse(name, args=[pk])).context["form"]
    return {field: form[field].value() if form[field].value() is not None else "" for field in form.fields} | values


def test_every_change_is_kept_with_who_and_when(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.sam)
    sent = form_of(client, "contact_edit", lead.contact_id, job_title="CMO", company="ACME gmbh", city="Köln")
    assert client.post(reverse("contact_edit", args=[lead.contact_id]), sent).status_code == 302
    lead.contact.refresh_from_db()
    assert (lead.contact.job_title, lead.contact.city, Company.objects.count()) == ("CMO", "Köln", 1)
    changes = ProfileChange.objects.filter(contact=lead.contact)
    assert {(c.field, c.old, c.new, c.by) for c in changes} == {
        ("job_title", "Marketing Manager", "CMO", cast.sam),
        ("city", "", "Köln", cast.sam),
    }


def test_another_company_is_found_by_name_or_made(cast: Cast) -> None:
    contact = ada()
    other = contacts.create_company({"name": "Müller AG"}, by=None, source="test")
    client = signed_in(cast.mia)
    client.post(
        reverse("contact_edit", args=[contact.pk]), form_of(client, "contact_edit", contact.pk, company="mueller ag")
    )
    contact.refresh_from_db()
    assert contact.company == other
    client.post(reverse("contact_edit", args=[contact.pk]), form_of(client, "contact_edit", contact.pk, company="New"))
    contact.refresh_from_db()
    assert contact.company.name == "New"
    page = text_of(client.get(reverse("contact", args=[contact.pk])))
    assert "Company: Müller AG → New" in page


def test_a_stale_form_shows_both_values_and_writes_nothing(cast: Cast) -> None:
    contact = ada()
    client = signed_in(cast.mia)
    stale = form_of(client, "contact_edit", contact.pk, job_title="Mine", company="Brand-new Ltd", phone="+49 30 99")
    contacts.update_contact(contact, {"job_title": "Theirs"}, by=cast.lena, source="form")
    conflict = client.post(reverse("contact_edit", args=[contact.pk]), stale)
    contact.refresh_from_db()
    assert (conflict.status_code, contact.job_title, contact.version) == (409, "Theirs", 1)
    assert not Company.objects.filter(name="Brand-new Ltd").exists()
    page = text_of(conflict)
    for expected in ("Lena Brandt saved this while you were editing.", "Mine", "Theirs", "+49 30 99", "+49 30 1234567"):
        assert expected in page


def test_a_conflict_is_settled_field_by_field(cast: Cast) -> None:
    contact = ada()
    client = signed_in(cast.mia)
    stale = form_of(client, "contact_edit", contact.pk, job_title="Mine", city="Ulm")
    contacts.update_contact(contact, {"job_title": "Theirs"}, by=cast.lena, source="form")
    conflict = client.post(reverse("contact_edit", args=[contact.pk]), stale)
    chosen = dict(conflict.context["mine"]) | {"version": conflict.context["version"]}
    chosen |= {"take_job_title": "theirs", "take_city": "mine"}
    assert client.post(reverse("contact_edit", args=[contact.pk]), chosen).status_code == 302
    contact.refresh_from_db()
    assert (contact.job_title, contact.city) == ("Theirs", "Ulm")


def test_the_company_form_has_the_same_manners(cast: Cast) -> None:
    company = ada().company
    assert company is not None
    client = signed_in(cast.mia)
    address = reverse("company_edit", args=[company.pk])
    stale = form_of(client, "company_edit", company.pk, employees=300)
    assert client.post(address, stale).status_code == 302
    company.refresh_from_db()
    assert company.employees == 300
    conflict = client.post(address, stale | {"employees": 400})
    company.refresh_from_db()
    assert (conflict.status_code, company.employees) == (409, 300)
    assert "Mia Kowalczyk saved this" in text_of(conflict)
    assert ProfileChange.objects.get(company=company).new == 300
    assert "Employees: 250 → 300" in text_of(client.get(reverse("company", args=[company.pk])))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("linkedin", "javascript:alert(1)"), ("linkedin", "JaVaScRiPt:alert(1)"), ("linkedin", "java\tscript:alert(1)"),
        ("linkedin", "data:text/html,x"), ("linkedin", "//evil.example"), ("email", "a@b..de"),
        ("email", '"x y"@ex.de'),
        ("email", "a@ex.de, b@ex.de"), ("email", f"{'x' * 255}@ex.de"), ("country", "Germany"),
        ("last_name", "x" * 201),
        ("last_name", "a\x00b"), ("company", "a\x00b"), ("phone", "1" * 99),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_at_its_field(cast: Cast, field: str, value: str) -> None:
    contact = ada()
    client = signed_in(cast.mia)
    sent = form_of(client, "contact_edit", contact.pk) | {field: value}
    response = client.post(reverse("contact_edit", args=[contact.pk]), sent)
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]
    assert not ProfileChange.objects.exists()


@pytest.mark.parametrize("value", ["a@münchen.de", "A@EX.de", "a@ex.de ", "max+x@ex.de"])
def test_odd_but_valid_addresses_are_kept(cast: Cast, value: str) -> None:
    contact = ada()
    client = signed_in(cast.mia)
    sent = form_of(client, "contact_edit", contact.pk, email=value)
    assert client.post(reverse("contact_edit", args=[contact.pk]), sent).status_code == 302


def test_markup_is_stored_as_typed_and_shown_as_text(cast: Cast) -> None:
    contact = ada()
    client = signed_in(cast.mia)
    evil = "<img src=x onerror=alert(1)>"
    client.post(
        reverse("contact_edit", args=[contact.pk]),
        form_of(client, "contact_edit", contact.pk, last_name=evil, company=evil),
    )
    contact.refresh_from_db()
    assert contact.last_name == evil
    for name, args in (
        ("contact", [contact.pk]), ("contact_edit", [contact.pk]), ("contacts", []), ("companies", []),
        ("company", [contact.company_id]), ("contact_consent", [contact.pk]),
    ):  # fmt: skip
        page = client.get(reverse(name, args=args), {"q": "img"} if not args else {}).content.decode()
        assert "<img" not in page, name
        assert "onerror" in page, name


@pytest.mark.parametrize(("who", "status"), [("sam", 200), ("jana", 403), ("mia", 403), ("lena", 200), ("ava", 200)])
def test_an_accepted_contact_is_edited_by_sales(cast: Cast, who: str, status: int) -> None:
    lead = accepted(cast)
    client, address = signed_in(getattr(cast, who)), reverse("contact_edit", args=[lead.contact_id])
    assert client.get(address).status_code == status
    if status == 403:
        refused = client.post(address, {"first_name": "X", "version": "0"})
        assert refused.status_code == 403
        assert "Sam Okafor, a sales lead or an admin can change this." in text_of(refused)
        lead.contact.refresh_from_db()
        assert lead.contact.first_name == "Ada"


@pytest.mark.django_db
def test_writing_what_stands_there_already_keeps_the_version() -> None:
    person = ada()
    assert contacts.update_contact(person, {"last_name": person.last_name}, by=None, source="test", version=0) == {}
    assert Contact.objects.get(pk=person.pk).version == 0
    assert contacts.update_contact(person, {"last_name": "Neu"}, by=None, source="test", version=0) == {
        "last_name": ("Brömmel", "Neu")
    }
    assert Contact.objects.get(pk=person.pk).version == 1
