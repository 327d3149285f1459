"""The tables of crm that only ever grow."""

from __future__ import annotations

from crm.triggers import GATE_CLOSED, Trigger, append_only

TRIGGERS: list[Trigger] = [
    *append_only("crm_activity", "kind_id, occurred_at, received_at, day, feed, message_id, properties"),
    Trigger(
        "crm_activity_keeps_its_contact", "crm_activity", "UPDATE OF contact_id",
        f"OLD.contact_id IS NOT NULL AND COALESCE(NEW.contact_id, 0) <> OLD.contact_id AND {GATE_CLOSED}",
        "an activity of one contact goes to another by a merge only",
    ),
    *append_only(
        "crm_contactmerge", "kept_id, kept_number, merged_number, at, note, reasons, kept_values, moved, erased_at"
    ),
    *append_only("crm_profilechange", "contact_id, company_id, field, old, new, at, source"),
    *append_only("crm_consentevent", "contact_id, purpose, channel, kind, at, evidence"),
    *append_only("crm_consenttext", "purpose, channel, language, version, body, sha256", erasable=False),
    *append_only("crm_auditentry", "at, action, object, commitment", erasable=False),
]  # fmt: skip
