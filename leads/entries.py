"""What imports say of how far leads had come elsewhere: the bulk form of the door, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from crm import bulk
from crm.models.base import concrete_field
from leads import milestones
from leads.lifecycle import snapshot
from leads.models import Lead, StageChange, Standing
from leads.stages import PAIRS, Stage, Verb, lane_of

ENTRY = (
    "lead_id", "seq", "verb", "from_stage", "to_stage", "at", "logged_at", "actor", "round", "grade", "details",
    "before",
)  # fmt: skip
Actor = StageChange.Actor


def enter_as_many(arrivals: Iterable[tuple[Lead, str, datetime]]) -> int:
    """Let an import say how far leads had come: (lead, stage, the file's instant) each. Return how many moved.

    The bulk form of the door, in the same order and under the same triggers. No mail, webhook or handoff
    leaves. A lead that people have moved, or that stands there already, is the caller's to leave out.
    """
    now = timezone.now()
    wanted = {lead.pk: (lead, stage, at) for lead, stage, at in arrivals if (lead.stage, stage) in PAIRS[Verb.ENTER_AS]}
    with transaction.atomic():
        Lead.objects.filter(pk__in=wanted).update(version=F("version") + 1)
        bulk.insert_values(
            StageChange,
            ENTRY,
            (
                (lead.pk, lead.version + 1, Verb.ENTER_AS.value, str(lead.stage), str(stage), at, now,
                 Actor.IMPORT.value, lead.round, "", {}, {"lead": snapshot(lead)})
                for lead, stage, at in wanted.values()
            ),
        )  # fmt: skip
        newest = StageChange.objects.filter(lead=OuterRef("pk"), seq=OuterRef("version"))
        Lead.objects.filter(pk__in=wanted).update(
            stage=Subquery(newest.values("to_stage")[:1]),
            stage_since=Subquery(newest.values("at")[:1]),
            changed_at=now,
        )
        for stage in {stage for _lead, stage, _at in wanted.values()}:
            ids = [pk for pk, (_lead, to, _at) in wanted.items() if to == stage]
            lane = lane_of(stage, offered=False, returned=False)
            since = Lead.objects.filter(pk=OuterRef("pk")).values("stage_since")[:1]
            Standing.objects.filter(pk__in=ids).update(lane=lane, lane_since=Subquery(since))
            closed = {"round_open": False} if stage in {Stage.NURTURE} else {}
            if closed:
                Lead.objects.filter(pk__in=ids).update(**closed)
        milestones.keep(wanted)
    return len(wanted)


def take_back_entries(entries: Iterable[tuple[Lead, StageChange, datetime]]) -> None:
    """Take back what an import said about leads: (lead, its log row, since when it had stood in its lane) each.

    The log only grows: each gets an undo, by an import too, so that another list may still carry it on. The row has
    to be the lead's last one; the caller's transaction holds.
    """
    now = timezone.now()
    wanted = [(lead, change, since) for lead, change, since in entries if change.seq == lead.version]
    Lead.objects.filter(pk__in=[lead.pk for lead, _change, _since in wanted]).update(version=F("version") + 1)
    bulk.insert_values(
        StageChange,
        (*ENTRY, "reverses_id"),
        (
            (lead.pk, lead.version + 1, Verb.UNDO.value, str(lead.stage), change.from_stage, now, now,
             Actor.IMPORT.value, lead.round, "", {}, {"lead": snapshot(lead)}, change.pk)
            for lead, change, _since in wanted
        ),
    )  # fmt: skip
    for lead, change, since in wanted:
        was = change.before["lead"]
        Lead.objects.filter(pk=lead.pk).update(
            stage=change.from_stage, round_open=was["round_open"], changed_at=now,
            stage_since=concrete_field(Lead, "stage_since").to_python(was["stage_since"]),
        )  # fmt: skip
        lane = lane_of(change.from_stage, offered=False, returned=False)
        Standing.objects.filter(pk=lead.pk).update(lane=lane, lane_since=since)
    milestones.keep([lead.pk for lead, _change, _since in wanted])
