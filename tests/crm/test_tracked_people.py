"""Who a message is about: user ids, anonymous ids, and what happened before anybody knew."""

from __future__ import annotations

from typing import Any

import pytest

from crm import contacts, doctor
from crm.merging import doing as merging
from crm.models import Activity, Company, CompanyKey, Contact, ContactKey, ProfileChange, TrackedId
from crm.tracking import throttle
from leads.models import Lead, Touch
from scoring.drain import drain
from tests.cast import Cast, a_lead, ada
from tests.crm.tracking import a_key, batch, identify, stored, track

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody_may_send() -> None:
    throttle.forget()


@pytest.fixture
def key(cast: Cast) -> str:
    return a_key()[0]


def page(path: str = "/pricing", **fields: Any) -> dict[str, Any]:
    return {"type": "page", "anonymousId": "an-1", "properties": {"path": path}} | fields


def broken() -> list[str]:
    asked = {"tracked", "touches", "signals", "scores", "profiles"}
    return [line for check in doctor.CHECKS if check.name in asked for line in check.ask(True)]


def test_identify_makes_a_contact_with_a_lead(key: str) -> None:
    batch(key, identify(traits={
        "email": "Ada@Acme.Example", "firstName": "Ada", "lastName": "Brömmel", "title": "Head of Marketing",
        "phone": "+49 30 1234567", "address": {"city": "Köln", "country": "de"},
        "company": {"name": "Acme", "employees": 80}, "favourite_colour": "blue",
    }, context={"locale": "de-DE"}))  # fmt: skip
    person = Contact.objects.get()
    assert (person.name, person.email_key, person.seniority, person.city, person.country, person.language) == (
        "Ada Brömmel", "ada@acme.example", "head", "Köln", "DE", "de",
    )  # fmt: skip
    assert (person.company.name, person.company.employees) == ("Acme", 80)  # type: ignore[union-attr]
    assert ContactKey.objects.values_list("system", "key", "contact").get() == ("tracking", "ada", person.pk)
    assert Lead.objects.values_list("contact", "source__key").get() == (person.pk, "direct")


def test_what_was_done_before_is_joined_and_counts(key: str) -> None:
    batch(key, page(), page("/products/saw"), track("Demo Requested", userId=None, anonymousId="an-1"))
    assert not drain()
    batch(key, identify(anonymousId="an-1"))
    assert {contact for _kind, contact in stored()} == {"ada@acme.example"}
    drain()
    standing = Lead.objects.get().standing
    assert standing.score and standing.score > 0
    assert Lead.objects.get().stage == "mql"
    assert broken() == []


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_order_of_introductions_does_not_matter(key: str, order: tuple[int, ...]) -> None:
    messages = [
        page(),
        track(anonymousId="an-1"),
        identify(),
    ]
    for place in order:
        batch(key, messages[place])
    assert {contact for _kind, contact in stored()} == {"ada@acme.example"}
    assert broken() == []


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_an_alias_joins_in_any_order(key: str, order: tuple[int, ...]) -> None:
    messages = [page(), {"type": "alias", "previousId": "an-1", "userId": "ada"}, identify()]
    for place in order:
        batch(key, messages[place])
    assert {contact for _kind, contact in stored()} == {"ada@acme.example"}


def test_a_user_id_may_get_another_name(key: str) -> None:
    batch(key, track(userId="old"), {"type": "alias", "previousId": "old", "userId": "new"}, track(userId="new"))
    batch(key, identify(userId="new"))
    assert {contact for _kind, contact in stored()} == {"ada@acme.example"}
    batch(key, track(userId="old", messageId="later"))
    assert {contact for _kind, contact in stored()} == {"ada@acme.example"}


def test_a_second_person_on_the_same_device_stays_a_second_person(key: str) -> None:
    batch(key, page(), identify(anonymousId="an-1"))
    bob = identify(userId="bob", anonymousId="an-1", traits={"email": "bob@acme.example"})
    batch(key, bob, track(userId="bob", anonymousId="an-1"))
    assert stored()[-2:] == [("identify", "bob@acme.example"), ("white_paper", "bob@acme.example")]
    assert TrackedId.objects.get(value="an-1").contact.email == "ada@acme.example"  # type: ignore[union-attr]


def test_the_same_address_is_the_same_person(key: str) -> None:
    known = ada()
    batch(key, identify(userId="u1"), identify(userId="u2"), identify(userId=None, anonymousId="an-9"))
    assert Contact.objects.get() == known
    assert set(ContactKey.objects.values_list("key", flat=True)) == {"u1", "u2"}


def test_a_shared_mailbox_joins_nobody(key: str) -> None:
    batch(key, *(identify(userId=user, traits={"email": "info@acme.example"}) for user in ("u1", "u2", "u1")))
    assert Contact.objects.count() == 2


def test_a_user_id_alone_makes_nobody(key: str) -> None:
    batch(key, identify(traits={}), track())
    assert not Contact.objects.exists()
    batch(key, identify(traits={"name": "Ada Brömmel"}))
    assert Contact.objects.get().name == "Ada Brömmel"
    assert set(Activity.objects.values_list("contact__last_name", flat=True)) == {"Brömmel"}


def test_what_was_said_before_fills_the_profile_later(key: str) -> None:
    batch(key, identify(userId=None, anonymousId="an-1", traits={"title": "Buyer"}))
    batch(key, identify(anonymousId="an-1"))
    assert Contact.objects.get().job_title == "Buyer"


def test_a_user_id_known_from_a_list_is_that_contact(key: str) -> None:
    known = ada()
    ContactKey.objects.create(contact=known, system="shop", key="4711")
    shop, _row = a_key("Shop", system="shop")
    batch(shop, track(userId="4711"))
    batch(key, track(userId="4711"))
    assert stored() == [("white_paper", "ada@acme.example"), ("white_paper", None)]


def test_blanks_are_filled_and_what_people_wrote_stays(key: str, cast: Cast) -> None:
    person = contacts.create_contact({"email": "ada@acme.example", "city": "Köln"}, by=cast.mia, source="test")
    batch(key, identify(traits={"email": "ada@acme.example", "title": "Buyer", "address": {"city": "Bonn"}}))
    person.refresh_from_db()
    assert (person.job_title, person.city, person.version) == ("Buyer", "Köln", 1)
    assert ProfileChange.objects.values_list("field", "new", "source").get()[:2] == ("job_title", "Buyer")
    batch(key, identify(traits={"email": "ada@acme.example", "title": "Head of Purchasing"}))
    person.refresh_from_db()
    assert person.job_title == "Head of Purchasing"
    contacts.update_contact(person, {"job_title": "Founder"}, by=cast.mia, source="page")
    batch(key, identify(traits={"email": "ada@acme.example", "title": "Buyer"}))
    person.refresh_from_db()
    assert person.job_title == "Founder"
    assert broken() == []


def test_a_trait_that_cannot_be_kept_is_named_and_the_rest_is_taken(key: str) -> None:
    receipt = batch(key, identify(traits={"email": "ada@acme.example", "city": "Köln", "country": "Atlantis"}))
    assert Contact.objects.values_list("city", "country").get() == ("Köln", "")
    assert receipt.messages[0]["outcome"] == "accepted"
    assert "country" in receipt.messages[0]["detail"]


def test_a_group_is_the_company(key: str) -> None:
    group = {"type": "group", "userId": "ada", "groupId": "g1", "traits": {"name": "Acme", "industry": "Saws"}}
    batch(key, group)
    batch(key, identify())
    batch(key, group | {"userId": "bob"}, identify(userId="bob", traits={"email": "bob@acme.example"}))
    assert Company.objects.values_list("name", "industry").get() == ("Acme", "Saws")
    assert CompanyKey.objects.values_list("system", "key").get() == ("tracking", "g1")
    assert set(Contact.objects.values_list("company__name", flat=True)) == {"Acme"}


def test_a_suppressed_address_is_not_created(key: str) -> None:
    from crm import consents

    consents.suppress("Max@EX.de", "erased")
    receipt = batch(key, identify(userId="max@ex.de", traits={}), identify(userId="u", traits={"email": "max@ex.de "}))
    assert [line["reason"] for line in receipt.messages] == ["suppressed"] * 2
    batch(key, track(userId="max@ex.de"))
    assert not Contact.objects.exists()
    assert "max" not in str(list(Activity.objects.values())).lower()
    assert "max" not in str(receipt.messages).lower()


def test_the_merged_keep_their_anonymous_ids(key: str, cast: Cast) -> None:
    kept = ada()
    batch(key, identify(anonymousId="an-1", traits={"email": "ada@home.example"}))
    merged = Contact.objects.exclude(pk=kept.pk).get()
    merging.merge(kept, merged, by=cast.mia, sure=True)
    assert TrackedId.objects.get().contact == kept


# --- First and last touch -------------------------------------------------------------------------


def campaign(name: str, **fields: Any) -> dict[str, Any]:
    return page("/landing", context={"campaign": {"name": name, "source": "news", "medium": "email"}}, **fields)


def touches() -> dict[str, str]:
    return dict(Touch.objects.values_list("place", "campaign"))


def test_first_and_last_touch_reach_back_before_the_lead(key: str) -> None:
    batch(
        key, campaign("spring", timestamp="2026-03-01T10:00:00Z"), campaign("summer", timestamp="2026-06-01T10:00:00Z")
    )
    batch(key, identify(anonymousId="an-1"))
    lead = Lead.objects.get()
    assert (lead.source.key, lead.source_detail) == ("email", "spring")  # type: ignore[union-attr]
    assert touches() == {"first": "spring", "last": "summer"}
    batch(
        key, campaign("winter", timestamp="2026-01-01T10:00:00Z"), campaign("autumn", timestamp="2026-09-01T10:00:00Z")
    )
    assert touches() == {"first": "winter", "last": "autumn"}
    assert broken() == []


def test_doctor_finds_a_touch_that_is_not_so(key: str) -> None:
    batch(key, campaign("spring"), identify(anonymousId="an-1"))
    assert broken() == []
    Touch.objects.filter(place="last").delete()
    assert len(broken()) == 1


def test_doctor_finds_an_activity_that_still_waits(key: str) -> None:
    batch(key, page())
    TrackedId.objects.create(value="an-1", contact=ada())
    assert len(broken()) == 1


@pytest.mark.parametrize(
    ("context", "source"),
    [
        ({}, "direct"),
        ({"campaign": {"name": "x", "source": "google", "medium": "cpc"}}, "paid_search"),
        ({"campaign": {"name": "x", "source": "partner-site"}}, "landing_page"),
        ({"page": {"referrer": "https://www.google.de/search?q=crm"}}, "organic_search"),
        ({"page": {"referrer": "https://www.linkedin.com/feed"}}, "social"),
    ],
)
def test_the_source_of_the_lead_is_how_they_first_came(key: str, context: dict[str, Any], source: str) -> None:
    batch(key, page(context=context), identify(anonymousId="an-1"))
    assert Lead.objects.get().source.key == source  # type: ignore[union-attr]


def test_the_lead_page_shows_how_they_came(key: str, cast: Cast, client: Any) -> None:
    lead = a_lead()
    batch(key, campaign('x" onmouseover="alert(1)'), identify(anonymousId="an-1"))
    client.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    html = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "news / email" in html
    assert 'onmouseover="alert' not in html
    assert "onmouseover=&quot;alert(1)" in html


def test_a_key_may_say_that_its_people_are_no_leads(cast: Cast) -> None:
    app, _row = a_key("App", opens_leads=False)
    batch(app, identify())
    assert Contact.objects.count() == 1
    assert not Lead.objects.exists()


def test_whoever_was_lost_and_comes_back_begins_anew(key: str, cast: Cast) -> None:
    from leads import lifecycle
    from tests.cast import reason

    lead = a_lead()
    lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
    batch(key, identify(), track())
    assert list(Lead.objects.order_by("episode").values_list("episode", "stage")) == [(1, "disqualified"), (2, "lead")]
