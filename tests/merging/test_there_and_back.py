"""Merging and un-merging leaves everything as it was: fields, activities, consents, signals, scores, stages, owners."""

from __future__ import annotations

from random import Random

import pytest
from django.db import connection, transaction

from crm import consents
from crm.merging import doing, fields, undoing
from crm.models import Contact
from leads.models import Lead
from tests.cast import Cast
from tests.leads.test_doctor import complaints
from tests.merging.pairs import Pairs, everything, logged, settle

NO = {"withdrawn", "objected", "expired"}


def refusals(contact: Contact) -> set[tuple[str, str]]:
    return {key for key, event in consents.state(contact).items() if event.kind in NO}


def there_and_back(pairs: Pairs, dice: Random, cast: Cast) -> None:
    one, other = pairs.pair()
    settle()
    before, log = everything(), logged()
    refused = refusals(one) | refusals(other)
    was_suppressed = consents.is_suppressed(one) or consents.is_suppressed(other)
    objected = set(consents.profiling_objectors([one.pk, other.pk]))
    choices = {line.name: dice.choice(["kept", "merged"]) for line in fields.lines(one, other)}
    entry = doing.merge(one, other, by=dice.choice([cast.mia, cast.lena]), choices=choices, sure=True)
    one.refresh_from_db()
    assert not Contact.objects.filter(pk=other.pk).exists()
    assert refused <= refusals(one)
    assert not was_suppressed or consents.is_suppressed(one) or not (one.email_key or one.phone_key)
    assert not objected or consents.profiling_objectors([one.pk])
    assert Lead.objects.open().filter(contact=one).count() <= 1
    if dice.random() < 0.7:
        settle()
    undoing.part(entry, by=cast.ava)
    settle()
    after = everything()
    for table, rows in before.items():
        assert after[table] == rows, table
    now = logged()
    for table, known in log.items():
        assert known.items() <= now[table].items(), table


@pytest.mark.django_db
def test_merging_and_parting_changes_nothing_but_the_logs(cast: Cast) -> None:
    pairs, dice = Pairs(cast, 7), Random(7)
    for _ in range(10):
        there_and_back(pairs, dice, cast)
    assert complaints() == {}


@pytest.mark.soak
@pytest.mark.django_db
def test_a_thousand_pairs_come_back_as_they_were(cast: Cast) -> None:
    for seed in range(1000):
        with transaction.atomic():
            there_and_back(Pairs(cast, seed), Random(seed), cast)
            if seed % 100 == 0:
                assert complaints() == {}
            connection.check_constraints()
            transaction.set_rollback(True)
