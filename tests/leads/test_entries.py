"""How an import says what leads had come to elsewhere: at once with the lead, or afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import capture, entries, milestones
from leads.models import Lead, Milestones, StageChange, Standing
from leads.stages import Stage
from tests.cast import Cast, ada

pytestmark = pytest.mark.django_db
ENTERED = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
REACHED = ENTERED + timedelta(days=40, seconds=7)
#: What tells one row from another, and clocks.
APART = {"id", "lead_id", "contact_id", "created_at", "changed_at", "logged_at"}


def new_lead(number: int) -> Lead:
    contact = ada(email=f"person{number}@acme.example", last_name=f"Person {number}")
    return Lead(contact=contact, entered_at=ENTERED, stage_since=ENTERED, imported=True, amount=5)


def all_of(lead: Lead) -> list[dict[str, Any]]:
    """Return every row that is kept about a lead."""
    found: list[Any] = [*Lead.objects.filter(pk=lead.pk).values()]
    for rows in (Standing.objects, Milestones.objects, StageChange.objects):
        found += rows.filter(lead=lead).values()
    return [{name: value for name, value in row.items() if name not in APART} for row in found]


@pytest.mark.parametrize("stage", Stage.values)
def test_a_lead_that_comes_as_far_as_it_was_equals_one_carried_there(cast: Cast, stage: str) -> None:
    at = ENTERED if stage == Stage.LEAD else REACHED
    together, afterwards = new_lead(1), new_lead(2)
    entries.open_as_many([(together, stage, at)])
    capture.open_many([afterwards])
    entries.enter_as_many([(afterwards, stage, at)])
    assert all_of(together) == all_of(afterwards)
    assert [row.get("stage") for row in all_of(together)][:1] == [stage]
    assert dict(milestones.of_leads([together.pk])).keys() == ({together.pk} if stage != Stage.LEAD else set())


def test_what_new_leads_came_to_is_written_without_a_look_at_the_log(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as asked:
        entries.open_as_many([(new_lead(1), Stage.WON, REACHED), (new_lead(2), Stage.LEAD, ENTERED)])
    about = [query["sql"] for query in asked if "leads_milestones" in query["sql"]]
    assert [sql.split(" (")[0] for sql in about] == ['INSERT INTO "leads_milestones"']
    assert [lead.depth for lead in Lead.objects.order_by("pk")] == [milestones.STEPS.index("won"), 0]


def test_an_entry_that_came_with_its_lead_can_be_taken_back(cast: Cast) -> None:
    lead, plain = new_lead(1), new_lead(2)
    entries.open_as_many([(lead, Stage.NURTURE, REACHED), (plain, Stage.LEAD, ENTERED)])
    lead.refresh_from_db()
    change = StageChange.objects.get(lead=lead)
    entries.take_back_entries([(lead, change, ENTERED)])
    lead.refresh_from_db()
    assert (lead.stage, lead.round_open, lead.stage_since, lead.depth) == (Stage.LEAD, True, ENTERED, 0)
    assert not Milestones.objects.exists()
    assert Standing.objects.get(lead=lead).lane == Standing.objects.get(lead=plain).lane
