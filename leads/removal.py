"""What goes from leads when contacts are deleted for good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from crm.deletion import before_removal
from crm.lists import exporting
from leads.imports import files
from leads.models import (
    Feedback,
    Finding,
    Handoff,
    ImportBatch,
    ImportRow,
    Lead,
    Milestones,
    Notification,
    Nurturing,
    Remark,
    SlaEvent,
    StageChange,
    Standing,
    Step,
)


@before_removal
def remove_leads_of(contact_ids: Sequence[int]) -> None:
    """Delete the leads of these contacts with everything that hangs on them."""
    Lead.objects.filter(referrer__in=contact_ids).update(referrer=None)
    empty_imports(contact_ids)
    lead_ids = list(Lead.objects.filter(contact__in=contact_ids).values_list("pk", flat=True))
    exporting.forget("leads", lead_ids)
    remove_leads(lead_ids)


def remove_leads(lead_ids: Sequence[int]) -> None:
    """Delete these leads with their log, handoffs and findings; the caller has opened the deletion gate."""
    Remark.objects.filter(change__lead__in=lead_ids).delete()
    events = SlaEvent.objects.filter(handoff__lead__in=lead_ids)
    events._raw_delete(events.db)
    Feedback.objects.filter(handoff__lead__in=lead_ids).delete()
    for model in (StageChange, Finding, Handoff, Notification, Nurturing, Standing, Step, Milestones):
        rows = model._default_manager.filter(lead__in=lead_ids)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    Lead.objects.filter(pk__in=lead_ids).delete()


def empty_imports(contact_ids: Sequence[int]) -> None:
    """Empty what imports keep of these contacts: their rows, and of ended imports that named them the list itself.

    What such an import did stays counted, and it can still be undone for everybody else.
    """
    rows = ImportRow.objects.filter(contact__in=contact_ids)
    named = ImportBatch.objects.filter(pk__in=rows.values("batch")).exclude(state__in=ImportBatch.AT_WORK)
    for batch in named.exclude(stored_as="").only("stored_as"):
        transaction.on_commit(partial(files.discard, batch.stored_as))
    batches = list(named.values_list("pk", flat=True))
    rows.update(key="", before={}, after={}, messages=[], left=[])
    # Rows that named nobody may hold cells of the same people: a second line with their address, refused.
    ImportRow.objects.filter(batch__in=batches, contact=None).update(messages=[])
    ImportBatch.objects.filter(pk__in=batches).update(corrections={}, findings={})
