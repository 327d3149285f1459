"""Rows that go in by the hundred are the rows that save() would have stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.forms import model_to_dict
from django.utils import timezone

from crm import bulk, contacts
from crm.models import Company, Contact, ContactKey, ProfileChange
from leads.models import Lead, Source, Standing
from tests.cast import ada

pytestmark = pytest.mark.django_db


def a_contact(**values: object) -> Contact:
    known = {"first_name": "Jörg", "last_name": "Müller", "custom": {"größe": [1, "ü", None]}, "country": "DE"}
    return contacts.build_contacts([known | values])[0]


def test_a_row_is_stored_as_save_would() -> None:
    saved, quick = a_contact(), a_contact()
    saved.save()
    assert bulk.insert([quick]) == [quick]
    hidden = {"id", "created_at", "updated_at"}
    stored = [model_to_dict(Contact.objects.get(pk=one.pk), exclude=hidden) for one in (saved, quick)]
    assert stored[0] == stored[1]


def test_keys_come_back_in_order_over_several_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_PARAMETERS", 100)
    stored = bulk.insert([a_contact(last_name=f"M{n}") for n in range(50)])
    assert [Contact.objects.get(pk=one.pk).last_name for one in stored] == [f"M{n}" for n in range(50)]
    assert not any(one._state.adding for one in stored)


def test_a_date_that_was_given_stays_and_others_are_now() -> None:
    long_ago = datetime(2020, 1, 2, tzinfo=UTC)
    old, new = a_contact(), a_contact()
    old.created_at = long_ago
    bulk.insert([old, new])
    assert Contact.objects.get(pk=old.pk).created_at == long_ago
    assert timezone.now() - Contact.objects.get(pk=new.pk).created_at < timedelta(minutes=1)
    assert Contact.objects.get(pk=old.pk).updated_at > long_ago


def test_what_is_left_to_the_database_gets_its_default() -> None:
    lead = Lead(contact=ada(), source=Source.objects.first(), amount=Decimal("1234.50"))
    bulk.insert([lead])
    bulk.insert([Standing(lead=lead, lane="new")])
    standing = Standing.objects.get(lead=lead)
    assert (standing.grade, standing.rank, standing.lane_since is None) == ("", -1, False)
    assert Lead.objects.get(pk=lead.pk).amount == Decimal("1234.50")


def test_tuples_are_stored_and_changed_by_column() -> None:
    people = bulk.insert([a_contact(), a_contact()])
    bulk.insert_values(ContactKey, ("contact_id", "system", "key"), [(one.pk, "x", str(one.pk)) for one in people])
    assert ContactKey.objects.count() == 2
    bulk.update_values(Contact, ("city", "custom"), [("Köln", {"a": 1}, people[0].pk)])
    assert list(Contact.objects.order_by("pk").values_list("city", "custom")) == [
        ("Köln", {"a": 1}), ("", {"größe": [1, "ü", None]}),
    ]  # fmt: skip


def test_many_contacts_change_in_one_statement_for_the_same_fields(django_assert_num_queries: Any) -> None:
    people = bulk.insert([a_contact(), a_contact(), a_contact()])
    with transaction.atomic(), django_assert_num_queries(3):  # the contacts, what changed about them, scoring's queue
        pass_on = [(one, {"city": f"Ort {place}"}) for place, one in enumerate(people)]
        contacts.change_many(pass_on, by=None, source="test")
    told = Contact.objects.order_by("pk").values_list("city", "version")
    assert list(told) == [("Ort 0", 1), ("Ort 1", 1), ("Ort 2", 1)]
    assert list(ProfileChange.objects.order_by("id").values_list("old", "new")) == [("", f"Ort {n}") for n in range(3)]


def test_a_contact_somebody_changed_meanwhile_stops_the_whole_lot() -> None:
    first, second, third = bulk.insert([a_contact(), a_contact(), a_contact()])
    Contact.objects.filter(pk=second.pk).update(version=7, city="Bonn")
    pass_on = [(one, {"city": "Ulm"}) for one in (first, second, third)]
    with pytest.raises(contacts.Stale) as stopped, transaction.atomic():
        contacts.change_many(pass_on, by=None, source="test")
    assert stopped.value.current.pk == second.pk
    assert list(Contact.objects.order_by("pk").values_list("city", flat=True)) == ["", "Bonn", ""]
    assert not ProfileChange.objects.exists()


def test_a_contact_named_twice_keeps_both_changes() -> None:
    one = bulk.insert([a_contact()])[0]
    contacts.change_many([(one, {"city": "Ulm"}), (one, {"city": "Bonn"})], by=None, source="test")
    assert Contact.objects.values_list("city", "version").get() == ("Bonn", 2)
    assert list(ProfileChange.objects.order_by("id").values_list("old", "new")) == [("", "Ulm"), ("Ulm", "Bonn")]


def test_nothing_to_store_asks_nothing(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert bulk.insert([]) == []
        bulk.insert_values(ContactKey, ("contact_id", "system", "key"), [])


def test_a_refused_row_stores_none() -> None:
    from django.db import IntegrityError

    known = ada()
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([ContactKey(contact=known, system="x", key=key) for key in ("a", "b", "a")])
    assert not ContactKey.objects.exists()
    assert Company.objects.count() == 1


def test_a_row_built_in_haste_is_the_row_the_model_makes() -> None:
    told = {"contact_id": ada().pk, "amount": Decimal("1.50"), "episode": 3, "changed_at": timezone.now()}
    told |= {"entered_at": timezone.now(), "stage_since": timezone.now()}
    quick, plain = bulk.build(Lead, told), Lead(**told)
    columns = [field.attname for field in Lead._meta.concrete_fields]
    assert [getattr(quick, name) for name in columns] == [getattr(plain, name) for name in columns]
    assert (quick.pk, quick._state.adding) == (None, True)
    one, other = bulk.build(Contact, {}), bulk.build(Contact, {})
    assert one.custom == {}
    assert one.custom is not other.custom


def test_a_row_is_built_of_columns_only() -> None:
    with pytest.raises(KeyError, match="contact"):
        bulk.build(Lead, {"contact": ada()})
