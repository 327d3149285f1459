"""What imports say of how far leads had come elsewhere: the bulk form of the door, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from crm import bulk
from crm.models.base import concrete_field
from leads import capture, milestones
from leads.lifecycle import snapshot
from leads.models import Lead, StageChange, Standing
from leads.stages import PAIRS, Stage, Verb, lane_of

ENTRY = (
    "lead_id", "seq", "verb", "from_stage", "to_stage", "at", "logged_at", "actor", "round", "grade", "details",
    "before",
)  # fmt: skip
Actor = StageChange.Actor
#: A lead, the stage it had reached elsewhere, and the file's instant.
Entry = tuple[Lead, str, datetime]


def open_as_many(arrivals: Sequence[Entry]) -> None:
    """Store new leads of an import, each with the stage it had reached elsewhere; Stage.LEAD says no further.

    In the caller's transaction and under the same triggers as any other way. There is nothing else in their log, so
    that lane, depth and milestones are known without reading it.
    """
    told = [milestones.of_log(lead.entered_at, _moves(lead, stage, at)) for lead, stage, at in arrivals]
    for (lead, _stage, _at), made in zip(arrivals, told, strict=True):
        lead.depth = made["depth"]
    lanes = [(_lane(stage), at) for _lead, stage, at in arrivals]
    capture.open_many([lead for lead, _stage, _at in arrivals], lanes=lanes)
    moved = {lead.pk: (lead, stage, at) for lead, stage, at in arrivals if stage != lead.stage}
    if moved:
        _enter(moved)
        by_lead = {lead.pk: made for (lead, _stage, _at), made in zip(arrivals, told, strict=True)}
        milestones.insert({lead: by_lead[lead] for lead in moved})


def enter_as_many(arrivals: Iterable[Entry]) -> int:
    """Let an import say how far leads had come: (lead, stage, the file's instant) each. Return how many moved.

    The bulk form of the door, in the same order and under the same triggers. No mail, webhook or handoff
    leaves. A lead that people have moved, or that stands there already, is the caller's to leave out.
    """
    wanted = {lead.pk: (lead, stage, at) for lead, stage, at in arrivals if (lead.stage, stage) in PAIRS[Verb.ENTER_AS]}
    with transaction.atomic():
        _enter(wanted)
        for stage in {stage for _lead, stage, _at in wanted.values()}:
            ids = [pk for pk, (_lead, to, _at) in wanted.items() if to == stage]
            since = Lead.objects.filter(pk=OuterRef("pk")).values("stage_since")[:1]
            Standing.objects.filter(pk__in=ids).update(lane=_lane(stage), lane_since=Subquery(since))
        milestones.keep(wanted)
    return len(wanted)


def _moves(lead: Lead, stage: str, at: datetime) -> list[milestones.Made]:
    """Return what the log of a new lead will hold."""
    return [] if stage == lead.stage else [milestones.Made(Verb.ENTER_AS, lead.stage, stage, at)]


def _lane(stage: str) -> str:
    return lane_of(stage, offered=False, returned=False)


def _enter(wanted: Mapping[int, Entry]) -> None:
    """Write the moves into the log and onto the leads: {lead: its entry}."""
    now = timezone.now()
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
    Lead.objects.filter(pk__in=[pk for pk, (_lead, to, _at) in wanted.items() if to == Stage.NURTURE]).update(
        round_open=False
    )


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
        Standing.objects.filter(pk=lead.pk).update(lane=_lane(change.from_stage), lane_since=since)
    milestones.keep([lead.pk for lead, _change, _since in wanted])
