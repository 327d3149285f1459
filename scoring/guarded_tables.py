"""What holds for raw SQL too: a published scorecard is frozen, and goes live with both signatures only."""

from __future__ import annotations

from django.db.models import Model

from crm.triggers import GATE_CLOSED, Trigger, append_only
from scoring.models import Criterion, CriterionGroup, ScorecardVersion

_FROZEN = ", ".join(f"'{state}'" for state in ScorecardVersion.FROZEN)
_STEPS = ", ".join(f"'{start}:{end}'" for start, end in ScorecardVersion.STEPS)
_MAY_CHANGE = {"state", "retired_at"}
_COLUMNS = [f.column for f in ScorecardVersion._meta.local_concrete_fields if f.column not in _MAY_CHANGE]
_DIFFERS = " OR ".join(
    f"COALESCE(CAST(NEW.{name} AS text), '') <> COALESCE(CAST(OLD.{name} AS text), '')" for name in _COLUMNS
)
_KEYS = (
    "EXISTS (SELECT 1 FROM scoring_signature m JOIN scoring_signature s ON s.version_id = m.version_id"
    " WHERE m.version_id = NEW.id AND m.side = 'marketing' AND s.side = 'sales' AND m.voided_at IS NULL"
    " AND s.voided_at IS NULL AND (m.by_id <> s.by_id OR (m.kind = s.kind AND m.kind <> 'person')))"
)
_SIGNED = (
    "EXISTS (SELECT 1 FROM scoring_signature s JOIN scoring_scorecardversion v ON v.id = s.version_id"
    " WHERE s.version_id = {row} AND s.voided_at IS NULL AND v.state IN ('in_review', 'approved'))"
)
_ALONE = "(SELECT count(*) FROM crm_user u WHERE u.is_active) = 1"
_HOLDS_THE_KEY = (
    "EXISTS (SELECT 1 FROM crm_user u WHERE u.id = NEW.by_id AND u.is_active AND"
    " ((NEW.side = 'marketing' AND u.signs_for_marketing) OR (NEW.side = 'sales' AND u.signs_for_sales)))"
)
# What publishing fills in after the signatures; everything else is what was signed.
_FILLED_LATER = {"slot", "weights", "matcher_id", "predicate_id"}
_NOT_SIGNED = {"state", "retired_at", "published_at", "published_by_id"}


def _of_frozen(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM scoring_scorecardversion v WHERE v.id = {row}.version_id AND v.state IN ({_FROZEN}))"


def _columns(model: type[Model], but: set[str]) -> str:
    return ", ".join(f'"{f.column}"' for f in model._meta.local_concrete_fields if f.column not in but)


def _part_of_a_version(model: type[Model]) -> list[Trigger]:
    table, message = model._meta.db_table, "a published scorecard is never changed"
    signed = "what is signed is changed only after its signatures are void"
    columns = _columns(model, _FILLED_LATER)
    new, old = _SIGNED.format(row="NEW.version_id"), _SIGNED.format(row="OLD.version_id")
    return [
        Trigger(f"{table}_signed_insert", table, "INSERT", new, signed),
        Trigger(f"{table}_signed_update", table, f"UPDATE OF {columns}", f"{old} OR {new}", signed),
        Trigger(f"{table}_signed_delete", table, "DELETE", f"{old} AND {GATE_CLOSED}", signed),
        Trigger(f"{table}_no_insert", table, "INSERT", _of_frozen("NEW"), message),
        Trigger(f"{table}_no_update", table, "UPDATE", f"{_of_frozen('OLD')} OR {_of_frozen('NEW')}", message),
        Trigger(f"{table}_no_delete", table, "DELETE", f"{_of_frozen('OLD')} AND {GATE_CLOSED}", message),
    ]


TRIGGERS: list[Trigger] = [
    Trigger(
        "scoring_version_begins", "scoring_scorecardversion", "INSERT", "NEW.state <> 'draft'",
        "a scorecard version begins as a draft",
    ),
    Trigger(
        "scoring_version_frozen", "scoring_scorecardversion", "UPDATE", f"OLD.state IN ({_FROZEN}) AND ({_DIFFERS})",
        "a published scorecard is never changed",
    ),
    Trigger(
        "scoring_version_steps", "scoring_scorecardversion", "UPDATE",
        f"NEW.state <> OLD.state AND OLD.state || ':' || NEW.state NOT IN ({_STEPS})",
        "a scorecard version has no such step",
    ),
    Trigger(
        "scoring_version_keys", "scoring_scorecardversion", "UPDATE",
        f"NEW.state = 'published' AND OLD.state <> 'published' AND NOT {_KEYS}",
        "a scorecard goes live with the signatures of marketing and sales",
    ),
    Trigger(
        "scoring_version_approved", "scoring_scorecardversion", "UPDATE",
        f"NEW.state = 'approved' AND OLD.state <> 'approved' AND NOT {_KEYS}",
        "a scorecard is approved by the signatures of marketing and sales",
    ),
    Trigger(
        "scoring_version_signed", "scoring_scorecardversion",
        f"UPDATE OF {_columns(ScorecardVersion, _NOT_SIGNED)}", _SIGNED.format(row="OLD.id"),
        "what is signed is changed only after its signatures are void",
    ),
    Trigger(
        "scoring_signature_in_review", "scoring_signature", "INSERT",
        "NEW.kind <> 'shipped' AND NOT EXISTS (SELECT 1 FROM scoring_scorecardversion v"
        " WHERE v.id = NEW.version_id AND v.state = 'in_review')",
        "a scorecard is signed while it is in review",
    ),
    Trigger(
        "scoring_signature_shipped", "scoring_signature", "INSERT",
        "NEW.kind = 'shipped' AND NOT EXISTS (SELECT 1 FROM scoring_scorecardversion v"
        " WHERE v.id = NEW.version_id AND v.state = 'draft' AND v.number = 1)",
        "only version 1 is signed as shipped",
    ),
    Trigger(
        "scoring_signature_alone", "scoring_signature", "INSERT", f"NEW.kind = 'single_key' AND NOT {_ALONE}",
        "a single key holds only where one person works alone",
    ),
    Trigger(
        "scoring_signature_key", "scoring_signature", "INSERT", f"NEW.kind = 'person' AND NOT {_HOLDS_THE_KEY}",
        "only a holder of the key signs for a side",
    ),
    Trigger(
        "scoring_signature_two_hands", "scoring_signature", "INSERT",
        "NEW.kind = 'person' AND EXISTS (SELECT 1 FROM scoring_signature s WHERE s.version_id = NEW.version_id"
        " AND s.voided_at IS NULL AND s.side <> NEW.side AND s.by_id = NEW.by_id)",
        "two different people turn the two keys",
    ),
    Trigger(
        "scoring_signature_stays_void", "scoring_signature", "UPDATE OF voided_at", "OLD.voided_at IS NOT NULL",
        "a void signature stays void",
    ),
    Trigger(
        "scoring_version_no_delete", "scoring_scorecardversion", "DELETE",
        f"OLD.state IN ({_FROZEN}) AND {GATE_CLOSED}",
        "a published scorecard is never changed",
    ),
    *_part_of_a_version(Criterion),
    *_part_of_a_version(CriterionGroup),
    *append_only("scoring_signature", "version_id, side, kind, by_id, at, note, digest", erasable=False),
]  # fmt: skip
