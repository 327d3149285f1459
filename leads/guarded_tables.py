"""What holds for raw SQL too: a stage is what the log carries, and the log only ever grows by legal pairs."""

from __future__ import annotations

from crm.triggers import Trigger, append_only, no_delete
from leads.stages import PAIRS, Verb

_LEGAL = ", ".join(f"'{verb}:{start}:{end}'" for verb, pairs in PAIRS.items() for start, end in pairs)
_REVERSAL = (
    "EXISTS (SELECT 1 FROM leads_stagechange r WHERE r.id = NEW.reverses_id AND r.lead_id = NEW.lead_id"
    " AND r.seq = NEW.seq - 1 AND r.from_stage = NEW.to_stage AND r.to_stage = NEW.from_stage AND r.verb <> 'undo')"
)
_SEQUENCE = (
    "NEW.seq = 1 + COALESCE((SELECT MAX(seq) FROM leads_stagechange WHERE lead_id = NEW.lead_id), 0)"
    " AND EXISTS (SELECT 1 FROM leads_lead WHERE id = NEW.lead_id AND version = NEW.seq AND stage = NEW.from_stage)"
)

TRIGGERS: list[Trigger] = [
    Trigger(
        "leads_lead_enters", "leads_lead", "INSERT", "NEW.stage <> 'lead' OR NEW.version <> 0",
        "a lead is entered as stage lead, version 0",
    ),
    Trigger(
        "leads_lead_version", "leads_lead", "UPDATE",
        "NEW.id <> OLD.id OR (NEW.version <> OLD.version"
        " AND (NEW.version <> OLD.version + 1 OR NEW.stage <> OLD.stage))",
        "the version of a lead grows by one, before its stage changes",
    ),
    Trigger(
        "leads_lead_stage", "leads_lead", "UPDATE",
        "NEW.stage <> OLD.stage AND NOT EXISTS (SELECT 1 FROM leads_stagechange"
        " WHERE lead_id = NEW.id AND seq = NEW.version AND to_stage = NEW.stage)",
        "the stage of a lead is what its log says",
    ),
    Trigger(
        "leads_stagechange_sequence", "leads_stagechange", "INSERT", f"NOT ({_SEQUENCE})",
        "a log row continues its lead: next number, from the present stage",
    ),
    Trigger(
        "leads_stagechange_pair", "leads_stagechange", "INSERT",
        f"NOT CASE WHEN NEW.verb = '{Verb.UNDO.value}' THEN {_REVERSAL}"
        f" ELSE NEW.reverses_id IS NULL AND NEW.verb || ':' || NEW.from_stage || ':' || NEW.to_stage IN ({_LEGAL}) END",
        "the life cycle has no such step",
    ),
    Trigger(
        "leads_stagechange_imported", "leads_stagechange", "INSERT",
        f"NEW.verb = '{Verb.ENTER_AS.value}' AND (NEW.actor <> 'import' OR EXISTS"  # nosec B608
        " (SELECT 1 FROM leads_stagechange r WHERE r.lead_id = NEW.lead_id AND r.actor <> 'import'))",
        "a lead that people have moved is not entered again",
    ),
    Trigger(
        "leads_spend_version", "leads_spend",
        "UPDATE OF campaign_id, side, kind, amount, currency, starts_on, ends_on, invoice, note, version",
        "NEW.version <> OLD.version + 1",
        "a row of spend grows its version with each change",
    ),
    *append_only("leads_stagechange", erasable=False),
    *append_only("leads_finding", "lead_id, dimension, status, dated_on, at"),
    *no_delete("leads_lead"),
    *append_only("leads_handoff", "lead_id, round, offered_at, offered_by_id, packet"),
    *append_only("leads_slaevent"),
]  # fmt: skip
