"""The pages about duplicates: who may open them, what they ask, and that they cost the same however long the list."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from crm import duplicates
from crm.models import Contact, ContactMerge, DuplicateSearch, PossibleDuplicate
from tests.cast import Cast, a_lead, ada, an_mql
from tests.merging.test_merging import twin

pytestmark = pytest.mark.django_db


def signed_in(user: Any) -> Client:
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def form(kept: Contact, merged: Contact, **more: str) -> dict[str, str]:
    return {"kept_version": str(kept.version), "merged_version": str(merged.version)} | more


def search_to_the_end() -> DuplicateSearch:
    begun = duplicates.search(by=None)
    while not duplicates.carry_on(5):
        time.sleep(0)
    begun.refresh_from_db()
    return begun


def test_a_marketer_merges_by_choosing_and_takes_it_back(cast: Cast) -> None:
    mia = signed_in(cast.mia)
    kept, merged = an_mql(cast, contact=ada(city="")).contact, a_lead(twin(city="Ulm", job_title="CEO")).contact
    page = mia.get(f"/contacts/{kept.pk}/merge/{merged.pk}/").content.decode()
    assert "keeps its own value" in page
    assert "the one in “New lead” closes as a duplicate" in page
    done = mia.post(
        f"/contacts/{kept.pk}/merge/{merged.pk}/", form(kept, merged, take_job_title="merged", note="Same voice")
    )
    assert done["Location"] == f"/contacts/{kept.pk}/"
    kept.refresh_from_db()
    assert (kept.job_title, kept.city) == ("CEO", "Ulm")
    assert mia.get(f"/contacts/{merged.pk}/").status_code == 404
    entry = ContactMerge.objects.get()
    assert entry.note == "Same voice"
    assert f"/merges/{entry.pk}/" in mia.get(f"/contacts/{kept.pk}/").content.decode()
    told = mia.get(f"/merges/{entry.pk}/").content.decode()
    assert "Ada Brömmel became part of Ada Brömmel" in told
    assert "instead of Marketing Manager" in told
    assert mia.post(f"/merges/{entry.pk}/undo/")["Location"] == f"/contacts/{merged.pk}/"
    assert Contact.objects.get(pk=merged.pk).job_title == "CEO"
    assert mia.post(f"/merges/{entry.pk}/undo/").status_code == 409


def test_a_refusal_shows_the_sentence_and_keeps_the_choices(cast: Cast) -> None:
    mia = signed_in(cast.mia)
    kept, merged = ada(), twin(job_title="CEO", first_name="Zoe")
    address = f"/contacts/{kept.pk}/merge/{merged.pk}/"
    unsure = mia.post(address, form(kept, merged, take_job_title="merged"))
    assert unsure.status_code == 409
    assert "The two share neither" in unsure.content.decode()
    stale = mia.post(address, form(kept, merged, sure="1", kept_version="7"))
    assert (stale.status_code, "Changed by somebody else meanwhile." in stale.content.decode()) == (409, True)
    assert mia.post(address, form(kept, merged, sure="1", take_nothing="kept")).status_code == 409
    assert Contact.objects.filter(pk__in=[kept.pk, merged.pk]).count() == 2


def test_reps_merge_nobody_and_see_no_list(cast: Cast) -> None:
    sam = signed_in(cast.sam)
    lead, other = a_lead(owner=cast.sam), a_lead(twin(), owner=cast.sam)
    pair = f"/contacts/{lead.contact_id}/%s/{other.contact_id}/"
    assert sam.get(pair % "compare").status_code == 200
    assert sam.get(pair % "merge").status_code == sam.post(pair % "merge").status_code == 403
    assert sam.post(pair % "compare" + "dismissal/").status_code == 403
    assert sam.get("/duplicates/").status_code == sam.post("/duplicates/search/").status_code == 403
    stranger = twin(email="x@y.example")
    assert sam.get(f"/contacts/{lead.contact_id}/merge/{stranger.pk}/").status_code == 404
    assert Contact.objects.count() == 3


def test_different_people_are_remembered_by_hint_and_search(cast: Cast) -> None:
    mia = signed_in(cast.mia)
    lead, other = a_lead(), twin()
    address = f"/contacts/{other.pk}/compare/{lead.contact_id}/"
    assert "Perhaps the same person" in mia.get(f"/leads/{lead.pk}/").content.decode()
    mia.post(f"{address}dismissal/")
    assert "Perhaps the same person" not in mia.get(f"/leads/{lead.pk}/").content.decode()
    assert search_to_the_end().found == 0
    assert "Mia Kowalczyk said that they are different people." in mia.get(address).content.decode()
    mia.post(f"/duplicates/{PossibleDuplicate.objects.get().pk}/reconsideration/")
    assert "Perhaps the same person" in mia.get(f"/leads/{lead.pk}/").content.decode()


def test_the_search_finds_who_shares_a_personal_address_number_or_name(cast: Cast) -> None:
    one = ada()
    same = twin(email="ADA@acme.example", phone="030 1234567")
    namesake = twin()
    ada(first_name="Bo", email="info@acme.example", phone="")
    ada(first_name="Cy", email="info@acme.example", phone="")
    begun = search_to_the_end()
    found = {(pair.low_id, pair.high_id): pair.reasons for pair in PossibleDuplicate.objects.all()}
    assert found == {
        (one.pk, same.pk): ["email", "phone", "name"], (one.pk, namesake.pk): ["name"],
        (same.pk, namesake.pk): ["name"],
    }  # fmt: skip
    assert (begun.state, begun.done, begun.total, begun.found, begun.percent) == ("done", 5, 5, 3, 100)
    Contact.objects.filter(pk=namesake.pk).update(name_key="other person")
    search_to_the_end()
    assert PossibleDuplicate.objects.count() == 1


def test_a_search_carries_on_where_it_stood(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [ada(email=f"a{n}@acme.example", phone="") for n in range(5)]
    monkeypatch.setattr(duplicates, "AT_ONCE", 2)
    begun = duplicates.search(by=None)
    assert duplicates.search(by=cast.mia) == begun  # one at a time
    duplicates.step(begun)
    duplicates.step(begun)  # a worker that slept while another one did this chunk
    begun.refresh_from_db()
    assert (begun.done, begun.cursor) == (2, people[1].pk)
    search_to_the_end()
    begun.refresh_from_db()
    assert (begun.done, begun.found, PossibleDuplicate.objects.count()) == (5, 10, 10)


def test_the_list_asks_the_same_however_long_it_is(cast: Cast, django_assert_max_num_queries: Any) -> None:
    mia = signed_in(cast.mia)
    for size in (3, 12):
        for n in range(size):
            ada(email=f"a{size}{n}@acme.example", phone="")
        search_to_the_end()
        with django_assert_max_num_queries(9):
            page = mia.get("/duplicates/")
        assert page.status_code == 200
    assert page.content.decode().count("Not the same person") == 50
    assert "Next page" in page.content.decode()
