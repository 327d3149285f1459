"""Lists: what an address asks, orders along an index, columns, saved views."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import backlog, contacts, doctor, workdays
from crm.lists import kinds, pages, views_kept
from crm.lists.asking import Asked
from crm.models import ListPreference, SavedView, User
from leads.models import Lead
from tests.cast import Cast, a_lead, accepted, ada, an_mql

pytestmark = pytest.mark.django_db
ORDERS = [(kind.key, column.key) for kind in kinds.KINDS.values() for column in kind.orders]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asks(kind: str, user: User, **query: str) -> Asked:
    return Asked.read(kinds.find(kind), QueryDict(urlencode(query)), user)


def some_leads(count: int, **fields: Any) -> list[Lead]:
    return [
        a_lead(
            contacts.create_contact({"first_name": "P", "last_name": f"No {n:03}"}, by=None, source="test"), **fields
        )
        for n in range(count)
    ]


# --- Orders and pages -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "column"), ORDERS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_order_is_read_page_by_page_without_gap_or_repeat(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, kind: str, column: str, sign: str
) -> None:
    monkeypatch.setattr(pages, "SIZE", 2)
    for n in range(5):
        firm = contacts.create_company({"name": f"Firm {n % 2}"}, by=None, source="test")
        person = contacts.create_contact({"last_name": f"L{n % 2}", "company_id": firm.pk}, by=None, source="test")
        lead = a_lead(person)
        lead.standing.rank = n % 2
        lead.standing.save(update_fields=["rank"])
    asked, after, seen = asks(kind, cast.mia, sort=f"{sign}{column}"), "", []
    while True:
        page = pages.read(asked, after)
        seen += [row.pk for row in page.rows]
        after = page.next
        if not after:
            break
    assert seen == list(asked.rows().order_by(*asked.order).values_list("pk", flat=True))
    assert len(seen) == 5


@pytest.mark.parametrize(("kind", "column"), ORDERS)
def test_every_order_walks_along_an_index(cast: Cast, kind: str, column: str) -> None:
    """However many rows there are: a page must not sort them all (a last column may be sorted within equals)."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL rightly sorts a small table")
    asked = asks(kind, cast.mia, sort=f"-{column}")
    plan = asked.whole().order_by(*asked.order)[:51].explain()
    sorts = [line for line in plan.splitlines() if "TEMP B-TREE FOR ORDER BY" in line]
    assert sorts == [], plan


def test_the_list_of_leads_asks_the_same_number_of_questions_for_one_and_for_thirty(cast: Cast) -> None:
    def queries() -> int:
        workdays.workspace_zone()
        backlog.told({"alive_at": None})
        with CaptureQueriesContext(connection) as asked:
            assert signed_in_client.get(reverse("leads"), {"q": "no", "stage": "open"}).status_code == 200
        return len(asked)

    signed_in_client = signed_in(cast.lena)
    some_leads(1, owner=cast.sam)
    queries()
    few = queries()
    some_leads(30, owner=cast.sam)
    assert queries() == few <= 11


def test_a_made_up_cursor_shows_the_first_page(cast: Cast) -> None:
    some_leads(1)
    for after in ("x", "WzFd", "9" * 400):
        assert signed_in(cast.mia).get(reverse("leads"), {"after": after}).status_code == 200


# --- Filters --------------------------------------------------------------------------------------


def test_filters_stand_in_the_address_and_narrow_the_list(cast: Cast) -> None:
    mine, other = an_mql(cast), a_lead(contacts.create_contact({"last_name": "X"}, by=None, source="test"))
    found = {
        query: [lead.pk for lead in signed_in(cast.mia).get(f"{reverse('leads')}?{query}").context["page"].rows]
        for query in ("stage=mql", "stage=open", "owner=me", "owner=none", "source=webinar", "fit=A", "stage=nonsense",
                      "since=2100-01-01", "since=2026-99-99", "team=x", "q=broemmel")
    }  # fmt: skip
    both = [other.pk, mine.pk]
    assert found == {
        "stage=mql": [mine.pk], "stage=open": both, "owner=me": [mine.pk], "owner=none": [other.pk],
        "source=webinar": both, "fit=A": [], "stage=nonsense": both, "since=2100-01-01": [], "since=2026-99-99": both,
        "team=x": both, "q=broemmel": [mine.pk],
    }  # fmt: skip


def test_contacts_are_narrowed_by_their_open_leads_as_far_as_one_sees_them(cast: Cast) -> None:
    lead = accepted(cast)
    contacts.create_contact({"last_name": "Nobody"}, by=None, source="test")
    for user, seen in ((cast.mia, [lead.contact]), (cast.sam, [lead.contact]), (cast.rosa, [])):
        page = signed_in(user).get(reverse("contacts"), {"stage": "sal"}).context["page"]
        assert list(page.rows) == seen


def test_a_rep_sees_the_leads_of_their_share_alone(cast: Cast) -> None:
    lead = accepted(cast)
    assert [row.pk for row in signed_in(cast.sam).get(reverse("leads")).context["page"].rows] == [lead.pk]
    assert list(signed_in(cast.rosa).get(reverse("leads")).context["page"].rows) == []


def test_the_filters_answer_as_a_page_and_as_a_popover(cast: Cast) -> None:
    for kind in kinds.KINDS:
        address = reverse("list_filters", args=[kind])
        assert b"<html" in signed_in(cast.mia).get(address).content
        assert b"<html" not in signed_in(cast.mia).get(address, headers={"HX-Request": "true"}).content
    assert signed_in(cast.mia).get(reverse("list_filters", args=["x"])).status_code == 404


def test_a_lead_knows_its_place_in_the_list_one_came_from(cast: Cast) -> None:
    first, second, third = some_leads(3)
    page = signed_in(cast.mia).get(reverse("lead", args=[second.pk]), {"from": "leads?sort=entered"})
    place = page.context["place"]
    assert (place.position, place.total) == (2, 3)
    assert f"/leads/{first.pk}/" in place.before
    assert f"/leads/{third.pk}/" in place.after


# --- Columns --------------------------------------------------------------------------------------


def test_columns_are_chosen_ordered_and_remembered(cast: Cast) -> None:
    ada()
    client = signed_in(cast.mia)
    posted = {"show": ["email", "city", "stage"], "place-email": "3", "place-city": "2", "place-stage": "9"}
    client.post(reverse("list_columns", args=["contacts"]), posted)
    heads = client.get(reverse("contacts")).context["heads"]
    assert [head["column"].key for head in heads] == ["name", "city", "email", "stage"]
    assert [head["column"].key for head in client.get(reverse("contacts"), {"cols": "phone,x"}).context["heads"]] == [
        "name", "phone",
    ]  # fmt: skip
    client.post(reverse("list_columns", args=["contacts"]), {"usual": "1"})
    assert [head["column"].key for head in client.get(reverse("contacts")).context["heads"]][:3] == [
        "name", "company", "stage",
    ]  # fmt: skip


# --- Saved views ----------------------------------------------------------------------------------


def test_a_view_keeps_filters_order_and_columns_under_a_name(cast: Cast) -> None:
    client = signed_in(cast.mia)
    address = f"{reverse('list_view_new', args=['leads'])}?stage=mql&sort=-score&cols=name,score&evil=1"
    led = client.post(address, {"name": "  Hot   ones ", "shared": "on"})["Location"]
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("Hot ones", "stage=mql&sort=-score&cols=name%2Cscore")
    assert led == f"{reverse('leads')}?view={view.pk}&{view.query}"
    assert client.post(address, {"name": "Hot ones"}).status_code == 400
    theirs = signed_in(cast.max).get(led)
    assert theirs.context["view"] == view
    assert "Shared by Mia Kowalczyk" in theirs.content.decode()


def test_a_private_view_does_not_exist_for_others_and_a_shared_one_is_not_theirs_to_change(cast: Cast) -> None:
    view = views_kept.keep(asks("leads", cast.mia, stage="mql"), name="Mine", shared=False)
    address, removal = reverse("list_view", args=[view.pk]), reverse("list_view_removal", args=[view.pk])
    first = reverse("list_first", args=["leads"])
    other = signed_in(cast.max)
    assert [other.get(address).status_code, other.post(removal).status_code] == [404, 404]
    assert other.post(first, {"view": view.pk}).status_code == 404
    SavedView.objects.update(shared=True)
    assert [other.get(address).status_code, other.post(removal).status_code] == [403, 403]
    assert signed_in(cast.ava).post(address, {"name": "Ava's", "version": "0"}).status_code == 302
    assert SavedView.objects.get().version == 1


def test_a_view_changed_meanwhile_is_not_overwritten(cast: Cast) -> None:
    view = views_kept.keep(asks("leads", cast.mia), name="One", shared=False)
    address = reverse("list_view", args=[view.pk])
    assert signed_in(cast.mia).post(address, {"name": "Two", "version": "0"}).status_code == 302
    assert signed_in(cast.mia).post(address, {"name": "Three", "version": "0"}).status_code == 400
    assert SavedView.objects.get().name == "Two"


def test_a_list_opens_with_ones_own_first_view_until_it_is_no_longer_shared(cast: Cast) -> None:
    view = views_kept.keep(asks("leads", cast.mia, stage="mql"), name="MQLs", shared=True)
    client = signed_in(cast.max)
    client.post(reverse("list_first", args=["leads"]), {"view": view.pk})
    assert client.get(reverse("leads"))["Location"] == f"{reverse('leads')}?view={view.pk}&{view.query}"
    assert client.get(reverse("leads"), {"view": "all"}).status_code == 200
    assert signed_in(cast.mia).get(reverse("leads")).status_code == 200
    views_kept.keep(asks("leads", cast.mia), name="MQLs", shared=False, view=view, version=0)
    assert client.get(reverse("leads")).status_code == 200


def test_the_doctor_finds_a_list_that_opens_with_somebody_elses_private_view(cast: Cast) -> None:
    view = views_kept.keep(asks("leads", cast.mia), name="Mine", shared=False)
    check = next(one for one in doctor.CHECKS if one.name == "views")
    assert list(check.ask(True)) == []
    ListPreference.objects.create(user=cast.max, kind="leads", view=view)
    assert list(check.ask(True)) == [f"The list leads of person {cast.max.pk} opens with a view they may not see."]
