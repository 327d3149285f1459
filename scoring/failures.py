"""One whose score cannot be worked out stops nobody else: set aside with the reason, tried again, five times at most.

Whoever is set aside points to no lead in the signals, so that no pass reads them; what happened meanwhile is kept as
activities only, and the next try counts everything anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from crm import audit
from crm.models import User
from scoring.chunks import Chunk
from scoring.models import MOST_TRIES, ContactSignals, FailedScore, PendingActivity, PendingContact, Score
from scoring.packing import Torn
from scoring.storing import write_pending_contacts

log = logging.getLogger("baton.scoring")
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))  # after each try
AT_ONCE = 2000


def note(contact_id: int, error: Exception) -> FailedScore:
    """Set a contact aside: one try more, its reason, when to try again; its queue rows are worked off."""
    now = timezone.now()
    with transaction.atomic():
        row, _new = FailedScore.objects.select_for_update().get_or_create(contact_id=contact_id)
        row.tries, row.last_at, row.reason = row.tries + 1, now, f"{type(error).__name__}: {error}"[:300]
        row.next_try_at = now + WAITS[row.tries - 1] if row.tries < MOST_TRIES and not row.left_out else None
        row.save(update_fields=["tries", "last_at", "reason", "next_try_at"])
        PendingActivity.objects.filter(contact_id=contact_id).delete()
        PendingContact.objects.filter(contact_id=contact_id).delete()
        nothing = {"lead_id": None, "fit_bits": b"", "data": b""}
        ContactSignals.objects.update_or_create(contact_id=contact_id, defaults=nothing)  # the drain asks by this row
    log.warning("contact %d could not be scored (try %d): %s", contact_id, row.tries, row.reason)
    return row


def queue_due() -> int:
    """Queue those whose next try has come; return how many."""
    with transaction.atomic():
        due = FailedScore.objects.filter(next_try_at__lte=timezone.now()).select_for_update(skip_locked=True)
        ids = list(due.order_by("next_try_at").values_list("pk", flat=True)[:AT_ONCE])
        # Until the try has been made it is due no more; a try that fails says anew when.
        FailedScore.objects.filter(pk__in=ids).update(next_try_at=timezone.now() + WAITS[-1])
        write_pending_contacts(ids, rebuild=True)
    return len(ids)


def retry(contact_ids: Iterable[int], *, by: User) -> int:
    """Let somebody be tried again from the beginning, by a person's wish; return how many."""
    with transaction.atomic():
        rows = FailedScore.objects.filter(pk__in=list(contact_ids)).select_for_update()
        ids = list(rows.values_list("pk", flat=True))
        FailedScore.objects.filter(pk__in=ids).update(tries=0, left_out=False, next_try_at=timezone.now() + WAITS[0])
        write_pending_contacts(ids, rebuild=True)
        for pk in ids:
            audit.record(by, "failed_score.retried", f"contact:{pk}")
    return len(ids)


def leave_out(contact_id: int, *, by: User) -> None:
    """Leave somebody without a score for good, by a person's wish; a retry takes it back."""
    with transaction.atomic():
        FailedScore.objects.filter(pk=contact_id).update(left_out=True, next_try_at=None, tries=MOST_TRIES)
        audit.record(by, "failed_score.left_out", f"contact:{contact_id}")


def set_aside(chunk: Chunk) -> None:
    """Set aside whose signals a pass could not read; torn points are emptied, and the pass writes them anew."""
    for contact_id in chunk.torn:
        note(contact_id, Torn("the packed signals are torn"))
    Score.objects.filter(pk__in=chunk.pointless).update(points=b"")
