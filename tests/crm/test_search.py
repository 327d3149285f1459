"""Search or jump to: what is found, by whom, and in which order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm import contacts, search
from crm.models import Contact, User, Workspace
from tests.cast import Cast, a_lead, accepted, ada

pytestmark = pytest.mark.django_db


def person(first: str, last: str, **more: Any) -> Contact:
    return contacts.create_contact({"first_name": first, "last_name": last} | more, by=None, source="test")


def titles(user: User, question: str, key: str = "people") -> list[str]:
    """Return the titles of one group for `question`."""
    return next(([hit.title for hit in group.hits] for group in search.find(user, question) if group.key == key), [])


@pytest.mark.parametrize("question", ["müller", "MUELLER", "Mueller", "sören müll", "Müller Sören", "  mül  sör "])
def test_umlauts_are_found_either_way(cast: Cast, question: str) -> None:
    person("Sören", "Müller")
    person("Anna", "Maier")
    assert titles(cast.ava, question) == ["Sören Müller"]


def test_names_that_begin_so_come_first_then_those_that_hold_it(cast: Cast) -> None:
    person("Jia Wei", "Ng")
    person("Anna", "Eiweiß")
    person("Katharina", "Weißenborn")
    assert titles(cast.ava, "wei") == ["Katharina Weißenborn", "Anna Eiweiß", "Jia Wei Ng"]


def test_wildcards_mean_themselves(cast: Cast) -> None:
    person("Sören", "Müller")
    person("Per", "100% Bio")
    assert titles(cast.ava, "%") == ["Per 100% Bio"]
    assert titles(cast.ava, "_") == []


@pytest.mark.parametrize("question", ["soeren@acme", "SOEREN@acme.example", "@acme.ex", "+49 30 5551", "030/5551234"])
def test_people_are_found_by_address_and_number(cast: Cast, question: str) -> None:
    person("Sören", "Müller", email="soeren@acme.example", phone="+49 30 5551234", country="DE")
    person("Anna", "Maier", email="anna@other.example")
    assert titles(cast.ava, question) == ["Sören Müller"]


def test_a_person_with_a_lead_leads_to_it_with_its_stage(cast: Cast) -> None:
    lead = accepted(cast)
    hit = search.find(cast.sam, "brömm")[0].hits[0]
    assert (hit.url, hit.lead.stage, hit.own) == (f"/leads/{lead.pk}/", "sal", f"/contacts/{lead.contact_id}/")


def test_a_rep_finds_their_own_people_only(cast: Cast) -> None:
    accepted(cast)
    person("Anna", "Brömmer")
    assert titles(cast.sam, "bröm") == ["Ada Brömmel"]
    assert titles(cast.rosa, "bröm") == []
    assert titles(cast.rosa, "acme", "companies") == []
    assert titles(cast.mia, "bröm") == ["Ada Brömmel", "Anna Brömmer"]
    Workspace.objects.update(reps_read_everything=True)
    assert titles(cast.rosa, "bröm") == ["Ada Brömmel", "Anna Brömmer"]


def test_companies_pages_and_actions_are_found_by_name(cast: Cast) -> None:
    ada()
    assert titles(cast.mia, "acme", "companies") == ["Acme GmbH"]
    assert titles(cast.mia, "cont", "pages") == ["Contacts"]
    assert titles(cast.mia, "add", "actions") == ["Add a lead"]


def test_settings_are_found_by_the_admin_only(cast: Cast) -> None:
    assert "Public holidays" in titles(cast.ava, "holidays", "pages")
    assert titles(cast.mia, "holidays", "pages") == []
    assert titles(cast.mia, "invite", "actions") == []


def test_an_empty_question_says_where_one_can_go(cast: Cast) -> None:
    ada()
    assert [group.key for group in search.find(cast.mia, " ")] == ["actions", "pages"]


@pytest.mark.parametrize(
    "question", ["x" * 10_000, "\x00", "'; DROP TABLE crm_contact;--", "<script>alert(1)</script>", "{{7*7}}", "ẞ"]
)
def test_strange_questions_get_a_page(cast: Cast, question: str) -> None:
    client = Client()
    client.force_login(cast.ava, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(reverse("search"), {"q": question})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_the_palette_gets_options_of_a_listbox(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    client = Client()
    client.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    html = client.get(reverse("search"), {"q": "bröm"}, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in html
    options = re.findall(r'<div role="option" aria-selected="false" id="([^"]+)" data-href="([^"]+)"', html)
    assert options[0] == ("option-people-1", f"/leads/{lead.pk}/")
    assert len({name for name, _href in options}) == len(options)
    assert "Ada <mark>Bröm</mark>mel" in html
    assert re.search(r'data-count="\d+ results? in \d+ ms"', html)


@pytest.mark.parametrize("who", ["ava", "sam"])
def test_a_search_costs_the_same_few_queries_for_one_hit_and_for_many(
    cast: Cast, who: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        a_lead(person("Ada", f"Brömmel {number}", email=f"a{number}@acme.example"), owner=cast.sam)
    for question in ("brömmel 1", "bröm", "nobody at all"):
        with django_assert_max_num_queries(16):
            search.find(getattr(cast, who), question)
