"""Many whole numbers as one value: the same from both databases, whatever is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from leads.models import Lead
from leads.reports.epoch import Epoch
from leads.reports.listed import Listed, Row, by_group, integers, numbers, of_all, rows
from tests.cast import a_lead, ada

BIG = 1 << 40


@pytest.fixture
def leads(db: None) -> list[Lead]:
    made = [a_lead(ada(email=f"person{number}@acme.example")) for number in range(3)]
    for place, lead in enumerate(made):
        changed = {"edits": place, "currency": ("EUR", "EUR", "C%")[place], "referrer_id": lead.contact_id}
        Lead.objects.filter(pk=lead.pk).update(**(changed if place else changed | {"referrer_id": None}))
    return made


def test_what_is_null_is_left_out(leads: list[Lead]) -> None:
    found = of_all(Lead.objects.order_by("-pk"), who=Listed("referrer_id"), edits=Listed(-F("edits") * BIG))
    assert sorted(integers(found["who"])) == [lead.contact_id for lead in leads[1:]]
    assert sorted(numbers(found["edits"])) == [-2.0 * BIG, -1.0 * BIG, 0.0]
    assert numbers(found["edits"]).dtype == float


def test_a_filter_is_kept(leads: list[Lead]) -> None:
    kept = of_all(Lead.objects.all(), listed=Listed("pk", filter=~Q(currency__contains="%")))["listed"]
    assert sorted(integers(kept)) == [lead.pk for lead in leads[:2]]


def test_rows_keep_their_columns_together(leads: list[Lead]) -> None:
    told = Row("pk", "edits", Epoch("entered_at"), "depth")
    found = rows(of_all(Lead.objects.all(), listed=Listed(told))["listed"], told)
    assert sorted(zip(*found.tolist(), strict=True)) == [
        (lead.pk, place, int(lead.entered_at.timestamp()), 0) for place, lead in enumerate(leads)
    ]


def test_an_instant_is_cut_to_its_second_however_near_the_next(leads: list[Lead]) -> None:
    at = datetime(2026, 11, 22, 18, 0, 1, 999_999, UTC)
    Lead.objects.update(entered_at=at)
    told = Row("pk", Epoch("entered_at"))
    found = of_all(Lead.objects.all(), one=Listed(Epoch("entered_at")), many=Listed(told))
    assert set(integers(found["one"])) == {int(at.timestamp())} == set(rows(found["many"], told)[1])
    Lead.objects.update(entered_at=(before := datetime(1969, 12, 31, 23, 59, 58, 1, UTC)))
    assert set(rows(of_all(Lead.objects.all(), many=Listed(told))["many"], told)[1]) == {int(before.timestamp()) - 1}


def test_groups_stand_beside_what_they_list(leads: list[Lead]) -> None:
    grouped = by_group(
        Lead.objects.order_by("currency").values_list("currency", "source").annotate(listed=Listed("pk"))
    )
    assert [(name, sorted(integers(listed))) for name, _source, listed in grouped] == [
        ("C%", [leads[2].pk]), ("EUR", [leads[0].pk, leads[1].pk]),
    ]  # fmt: skip


@pytest.mark.django_db
def test_nothing_lists_nothing() -> None:
    none = Lead.objects.filter(entered_at__lt=F("entered_at") - timedelta(1))
    found = of_all(none, one=Listed("pk"), many=Listed(told := Row("pk", "edits")))
    assert integers(found["one"]).tolist() == [] == numbers(found["one"]).tolist()
    assert rows(found["many"], told).shape == (2, 0)
    assert of_all(Lead.objects.none(), one=Listed("pk")) == {"one": None}
    assert by_group(none.values_list("currency").annotate(listed=Listed("pk"))) == []


def test_it_is_one_query_and_the_next_one_is_read_as_ever(leads: list[Lead]) -> None:
    with CaptureQueriesContext(connection) as asked:
        of_all(Lead.objects.all(), listed=Listed("pk"))
    assert len(asked) == 1
    listed = Lead.objects.aggregate(listed=Listed("pk"))["listed"]
    assert not isinstance(listed, np.ndarray)
    assert len(listed) >= len(leads)


@pytest.mark.skipif(settings.SQLITE, reason="about the cursors of PostgreSQL")
def test_it_takes_the_parameters_that_the_server_binds(leads: list[Lead]) -> None:
    with connection.execute_wrapper(_bound_by_the_server):
        told = of_all(Lead.objects.filter(currency="C%"), listed=Listed(F("pk") + 1))["listed"]
    assert integers(told).tolist() == [leads[2].pk + 1]


def _bound_by_the_server(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    context["cursor"].cursor = psycopg.Cursor(connection.connection)
    return execute(sql, params, many, context)
