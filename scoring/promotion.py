"""What follows from a score: becoming MQL at the bar once per round, going back below the leave bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from leads import assignment, lifecycle, rota
from leads.models import Handoff, Lead, StageChange
from leads.models.lead import LeadQuerySet
from leads.stages import Lane, Stage, Verb
from scoring import pointer
from scoring.compiler import Compiled, compiled
from scoring.models import Score
from scoring.storing import write_pending_contacts


@dataclass
class Moved:
    promoted: int = 0
    demoted: int = 0


def may_rise(lane: str, *, at_bar: bool) -> bool:
    """Whether a lead that stands in `lane` may become MQL by its score."""
    return at_bar and lane == Lane.NEW


def may_fall(lane: str, *, at_bar: bool, total: int, version: Compiled) -> bool:
    """Whether an MQL that nobody has handed over yet falls below the leave bar."""
    return lane == Lane.MQL and not at_bar and total < version.bars.leave


def lock(lead_ids: Iterable[int], version: Compiled, grades: Iterable[str]) -> None:
    """Lock the leads about to move before their standings are written, in the order a person's move locks them.

    The row of turns comes first, where one of the new `grades` sends a lead to sales at once.
    """
    if not version.skip_review.isdisjoint(grades):
        rota.take_turn()
    list(Lead.objects.filter(pk__in=list(lead_ids)).order_by("pk").select_for_update().values_list("pk", flat=True))


def move(rising: Iterable[int], falling: Iterable[int]) -> Moved:
    """Send leads through the one door, in the caller's transaction; what the guards refuse stays where it is."""
    moved = Moved()
    for lead in _with_contacts(rising).filter(stage=Stage.LEAD, round_open=True):
        change = _advance(lead, Verb.QUALIFY_FOR_MARKETING)
        if change is not None:
            moved.promoted += 1
            _skip_review(lead, change.grade)
    for lead in lifted_by_the_system(_with_contacts(falling)):
        moved.demoted += _advance(lead, Verb.DEMOTE) is not None
    return moved


def _with_contacts(ids: Iterable[int]) -> LeadQuerySet:
    return Lead.objects.filter(pk__in=list(ids)).select_related("contact__company", "owner", "team").order_by("pk")


def lifted_by_the_system(leads: LeadQuerySet) -> LeadQuerySet:
    """Return those MQLs without an open handoff whom their score made an MQL; a person's or a file's word stands."""
    newer = StageChange.objects.filter(
        lead=OuterRef("lead"), to_stage=Stage.MARKETING_QUALIFIED, seq__gt=OuterRef("seq")
    )
    newest = StageChange.objects.filter(lead=OuterRef("pk"), to_stage=Stage.MARKETING_QUALIFIED).exclude(
        from_stage=Stage.MARKETING_QUALIFIED
    )
    by_score = newest.filter(verb=Verb.QUALIFY_FOR_MARKETING, actor=StageChange.Actor.SYSTEM).exclude(
        Exists(newer.exclude(from_stage=Stage.MARKETING_QUALIFIED))
    )
    handed = Handoff.objects.filter(lead=OuterRef("pk"), closed_at=None)
    return leads.filter(Exists(by_score), ~Exists(handed), stage=Stage.MARKETING_QUALIFIED)


def _skip_review(lead: Lead, grade: str) -> None:
    """Offer a new MQL to sales at once, where the scorecard says so of its grade.

    A promotion happens once per round, and so does this. What an import brought waits for marketing all the same.
    """
    current = pointer.read()
    if current is None or grade not in compiled(current.version_id, current.catalogue).skip_review:
        return
    if assignment.is_told_by_file(lead):
        return
    decision = assignment.take(lead)
    if decision.details:
        told = {"cause": "skip_review", "assigned": decision.told}
        _advance(lead, Verb.HAND_OFF, details=told, **decision.details)


def _advance(lead: Lead, verb: str, **details: Any) -> StageChange | None:
    try:
        return lifecycle.advance(lead, verb, **details)
    except lifecycle.Refused as refused:
        if refused.stale:  # somebody is just changing the lead: look again later
            write_pending_contacts([lead.contact_id])
        return None


def at_the_bar(after_lead: int, limit: int) -> list[int]:
    """Return leads that are at the bar, open for a promotion and not MQL yet, in order, after `after_lead`."""
    waiting = Score.objects.filter(at_bar=True, lead__stage=Stage.LEAD, lead__round_open=True, lead_id__gt=after_lead)
    return list(waiting.order_by("lead_id").values_list("lead_id", flat=True)[:limit])


def below_the_leave_bar(version: Compiled, after_lead: int, limit: int) -> list[int]:
    """Return MQLs of the system that fell below the leave bar, in order, after `after_lead`."""
    fallen = Lead.objects.filter(
        scored__at_bar=False, scored__total__lt=version.bars.leave, stage=Stage.MARKETING_QUALIFIED, pk__gt=after_lead
    )
    return list(lifted_by_the_system(fallen).order_by("pk").values_list("pk", flat=True)[:limit])
