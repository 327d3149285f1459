"""Raw SQL meets the same rules as everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations import Migration
from django.utils import timezone

from crm import triggers
from crm.deletion import gate_open
from leads.models import Lead, StageChange
from leads.models.lead import LeadQuerySet
from leads.stages import PAIRS, Stage, Verb
from tests.cast import Cast, a_lead, ada, an_mql

pytestmark = pytest.mark.django_db


def refused(sql: str, *values: Any) -> str:
    """Run raw SQL that must be refused; return the database's sentence."""
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(error.value)


def log_row(lead: Lead, **changed: Any) -> str:
    """Try to log one row by raw SQL; return the refusal, or '' when it went in."""
    row = {
        "lead_id": lead.pk, "seq": lead.version + 1, "verb": "qualify_for_marketing", "from_stage": lead.stage,
        "to_stage": "mql", "at": timezone.now(), "logged_at": timezone.now(), "actor": "system", "round": 1,
        "grade": "",        "details": "{}", "before": "{}",
    } | changed  # fmt: skip
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO leads_stagechange ({names}) VALUES ({marks})", list(row.values()))
    except IntegrityError as error:
        return str(error)
    return ""


def bump(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(version=models.F("version") + 1)


def test_a_stage_cannot_be_set(cast: Cast) -> None:
    lead = an_mql(cast)
    assert "what its log says" in refused("UPDATE leads_lead SET stage = 'won' WHERE id = %s", lead.pk)
    assert Lead.objects.get(pk=lead.pk).stage == Stage.MARKETING_QUALIFIED


def test_queryset_update_meets_the_trigger(cast: Cast) -> None:
    lead = a_lead()
    with pytest.raises(IntegrityError), transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(stage="won")
    assert Lead.objects.get(pk=lead.pk).stage == Stage.LEAD


def test_a_lead_cannot_be_inserted_as_won() -> None:
    contact = ada()
    with pytest.raises(IntegrityError, match="entered as stage lead"), transaction.atomic():
        Lead.objects.create(contact=contact, stage="won")
    assert Lead.objects.count() == 0


@pytest.mark.parametrize("verb", [v for v in Verb if v != Verb.UNDO])
def test_only_legal_pairs_are_logged(cast: Cast, verb: str) -> None:
    lead = a_lead()
    bump(lead)
    for stage in Stage:
        actor = "import" if verb == Verb.ENTER_AS else "system"
        answer = log_row(lead, verb=verb, to_stage=stage, actor=actor)
        legal = (Stage.LEAD, stage) in PAIRS[verb]
        assert (answer == "") is legal, (verb, stage, answer)
        if legal:
            with gate_open("test"), connection.cursor() as cursor:
                cursor.execute("DELETE FROM leads_stagechange WHERE lead_id = %s", [lead.pk])


def test_a_log_row_continues_its_lead(cast: Cast) -> None:
    lead = a_lead()
    assert "continues its lead" in log_row(lead)
    bump(lead)
    assert "continues its lead" in log_row(lead, seq=7)
    assert "continues its lead" in log_row(lead, from_stage="sql", verb="win", to_stage="won")
    assert log_row(lead) == ""


def test_undo_is_logged_only_as_the_reverse_of_the_last_row(cast: Cast) -> None:
    lead = an_mql(cast)
    bump(lead)
    lead.version += 1
    last = lead.changes.get()
    assert "no such step" in log_row(lead, seq=2, verb="undo", to_stage="lead")
    assert "no such step" in log_row(lead, seq=2, verb="undo", to_stage="won", reverses_id=last.pk)
    assert log_row(lead, seq=2, verb="undo", to_stage="lead", reverses_id=last.pk) == ""


def test_a_log_row_is_never_changed_nor_deleted(cast: Cast) -> None:
    lead = an_mql(cast)
    before = StageChange.objects.values().get(lead=lead)
    assert "never changed" in refused("UPDATE leads_stagechange SET verb = 'wake' WHERE lead_id = %s", lead.pk)
    assert "deletion gate" in refused("DELETE FROM leads_stagechange WHERE lead_id = %s", lead.pk)
    assert "deletion gate" in refused("DELETE FROM leads_lead WHERE id = %s", lead.pk)
    assert StageChange.objects.values().get(lead=lead) == before


def test_the_gate_lets_a_deletion_pass_and_closes_behind_it(cast: Cast) -> None:
    lead = an_mql(cast)
    with gate_open("erasure of a demo lead"):
        lead.delete()
    assert Lead.objects.count() == 0
    other = an_mql(cast, contact=ada(email="b@acme.example"))
    assert "deletion gate" in refused("DELETE FROM leads_stagechange WHERE lead_id = %s", other.pk)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_truncate_needs_the_gate_too(cast: Cast) -> None:
    an_mql(cast)
    connection.check_constraints()
    assert "deletion gate" in refused("TRUNCATE leads_stagechange CASCADE")


def test_a_full_save_of_a_stale_lead_is_refused(cast: Cast) -> None:
    lead = a_lead()
    with pytest.raises(TypeError, match="update_fields"):
        lead.save()
    assert isinstance(Lead.objects.all(), LeadQuerySet)


@pytest.mark.django_db(transaction=True)
def test_triggers_are_back_after_a_migration_remade_the_table() -> None:
    """What migrate does around its work, with a table remade in between, as a later AddField does on SQLite."""
    from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal

    lead = a_lead()
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=[(Migration("later", "leads"), False)])
    assert triggers.differences() != []
    field = models.CharField(max_length=10, default="", db_default="")
    field.set_attributes_from_name("later")
    for model in (Lead, StageChange):
        field.model = model
        with connection.schema_editor() as editor:
            editor.add_field(model, field)
        with connection.schema_editor() as editor:
            editor.remove_field(model, field)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert triggers.differences() == []
    assert "what its log says" in refused("UPDATE leads_lead SET stage = 'won' WHERE id = %s", lead.pk)


def test_the_installed_triggers_equal_their_source() -> None:
    assert triggers.differences() == []
