"""What a merge does to what scoring keeps of a contact: signals are counted anew, a failure waits with its person."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from crm.merging.rules import BEFORE, Derived, Shelved, rule
from scoring.models import ContactSignals, FailedScore
from scoring.storing import among, write_pending_activities


def queue_anew(contact_ids: Sequence[int]) -> None:
    """Put what waits for these people at the end of the queue, after whoever is working on it has finished.

    A drain that had taken a row would otherwise book an activity for the one it no longer belongs to. The drain reads
    from the activity whose it is.
    """
    condition, params = among(list(contact_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM scoring_pendingactivity WHERE contact_id {condition} RETURNING activity_id, contact_id",
            params,
        )
        waiting = cursor.fetchall()
    write_pending_activities(waiting)


BEFORE.append(queue_anew)
rule(Derived(ContactSignals, "contact"))
rule(Shelved(FailedScore, "contact"))
