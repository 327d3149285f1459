"""The doctor names what is wrong: each test breaks one invariant behind everybody's back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection

from crm import audit, doctor, triggers
from crm.models import Activity
from leads.models import ImportBatch, Lead
from tests.cast import Cast, accepted, an_mql, offered


def complaints() -> dict[str, list[str]]:
    return {check.name: sentences for check, sentences in doctor.examine(full=True) if sentences}


def behind_its_back(*statements: str) -> None:
    """Run raw SQL with the triggers taken away, as somebody with the database's password could."""
    triggers.remove()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    triggers.install()


BREAKS: dict[str, Callable[[Lead], str]] = {
    "log": lambda lead: f"UPDATE leads_lead SET stage = 'won' WHERE id = {lead.pk}",
    "standing": lambda lead: f"UPDATE leads_standing SET lane = 'new' WHERE lead_id = {lead.pk}",
    "owners": lambda lead: f"UPDATE leads_lead SET owner_id = NULL, team_id = NULL WHERE id = {lead.pk}",
    "episodes": lambda lead: f"UPDATE leads_lead SET episode = 7 WHERE id = {lead.pk}",
    "activities": lambda lead: "UPDATE crm_activity SET day = day + 1",
    "closed": lambda lead: f"UPDATE leads_lead SET stage = 'lost' WHERE id = {lead.pk}",
    "automatic": lambda lead: (
        """UPDATE leads_stagechange SET verb = 'hand_off', actor = 'system', details = '{"cause": "skip_review"}'"""
    ),
    "handoffs": lambda lead: "UPDATE leads_handoff SET outcome = 'accepted' WHERE closed_at IS NULL",
    "notifications": lambda lead: "UPDATE leads_notification SET event = 'lead:0:1'",
    "steps": lambda lead: f"UPDATE leads_lead SET next_step = 'Call' WHERE id = {lead.pk}",
    "rota": lambda lead: "UPDATE leads_seat SET turn = turn + 1000",
    "audit": lambda lead: "UPDATE crm_auditentry SET action = 'nothing.happened'",
    "imports": lambda lead: "UPDATE leads_importbatch SET rows = 2",
    "outbox": lambda lead: "UPDATE crm_outboxmessage SET next_try_at = '2020-01-01 00:00:00+00:00'",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BREAKS)
def test_the_doctor_notices(name: str) -> None:
    from crm.activities import record
    from tests.cast import assemble

    lead = offered(assemble())
    record(lead.contact, "white_paper")
    ImportBatch.objects.create(file_name="a.csv", file_sha256="")
    audit.record(None, "team.changed", "team:1")
    audit.seal()
    assert Activity.objects.count() == 1
    assert complaints() == {}
    behind_its_back(BREAKS[name](lead))
    assert name in complaints()


@pytest.mark.django_db
def test_the_doctor_is_content_with_a_life_well_lived(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    accepted(cast)
    call_command("doctor", "--full")
    assert "invariants hold" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_the_doctor_exits_with_one_line_for_each_fault(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.cast import assemble

    lead = an_mql(assemble())
    behind_its_back(f"UPDATE leads_lead SET version = 9 WHERE id = {lead.pk}")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    assert capsys.readouterr().out == f"log: Lead {lead.pk} has version 9 and 1 log rows.\n"
