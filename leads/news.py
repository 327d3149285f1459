"""What webhooks tell of leads: that they came, each move by its verb, handoffs, a new grade. Imports tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import outbox
from crm.models import Activity
from crm.webhooks import queueing
from crm.webhooks.events import event
from leads.handoff import NEWS
from leads.models import Handoff, Lead, StageChange
from leads.stages import Verb

OPENED = event("lead.opened", _("A lead came in"))
MOVES = {
    verb: event(f"lead.{verb}", Verb(verb).label, offered=verb != Verb.UNDO)
    for verb in Verb.values
    if verb != Verb.ENTER_AS
}
OFFERED = event("handoff.offered", _("A handoff was offered to sales"))
CLOSED = event("handoff.closed", _("A handoff was closed"))
GRADED = event("lead.graded", _("A lead has another grade, by what the person did"))
IMPORT_FEED = "import:"


def tell_opened(lead_ids: Sequence[int]) -> None:
    """Tell of leads that began just now; imported ones and those of long ago are history."""
    to = queueing.subscribers(OPENED)
    if not to:
        return
    fresh = Lead.objects.filter(pk__in=lead_ids, imported=False, entered_at__gt=timezone.now() - NEWS)
    for lead in fresh.select_related("standing", "source"):
        queueing.tell(
            OPENED, {"lead": facts(lead)}, to=to, subject=f"lead:{lead.pk}:0", contact_id=lead.contact_id,
            hold=outbox.HOLD if lead.created_by_id else timedelta(),
        )  # fmt: skip


def tell_move(lead: Lead, change: StageChange) -> None:
    """Tell of a move. A person's waits ten seconds; undone by then it was never told, else the undoing is told."""
    if timezone.now() - change.at > NEWS:
        return
    if change.verb == Verb.UNDO:
        if change.reverses:
            told = queueing.told_of(f"lead:{lead.pk}:{change.reverses.seq}")
            _tell(MOVES[Verb.UNDO], lead, change, to=told)
        return
    _tell(MOVES[change.verb], lead, change)
    if change.verb == Verb.HAND_OFF:
        _tell(OFFERED, lead, change)
    elif change.handoff is not None and change.handoff.closed_at is not None:
        _tell(CLOSED, lead, change)


def _tell(name: str, lead: Lead, change: StageChange, to: Any = None) -> None:
    to = queueing.subscribers(name) if to is None else to
    if not to:
        return
    data = {
        "lead": facts(Lead.objects.select_related("standing", "source").get(pk=lead.pk)),
        "change": move_facts(change),
        "handoff": handoff_facts(change.handoff),
    }
    queueing.tell(
        name, data, to=to, subject=f"lead:{lead.pk}:{change.seq}", contact_id=lead.contact_id, at=change.at,
        hold=outbox.HOLD if change.by else timedelta(),
    )  # fmt: skip


def tell_graded(grades: dict[int, tuple[str, str]]) -> None:
    """Tell of {lead: (grade before, grade now)}, of those whose person did something here, not in an imported list."""
    to = queueing.subscribers(GRADED) if grades else []
    if not to:
        return
    newest = Activity.objects.filter(contact=OuterRef("contact")).order_by("-id").values("feed")[:1]
    leads = Lead.objects.filter(pk__in=grades).annotate(newest_feed=Subquery(newest)).order_by("pk")
    for lead in leads.exclude(newest_feed__startswith=IMPORT_FEED).select_related("standing", "source"):
        before, _now = grades[lead.pk]
        data = {"lead": facts(lead), "grade_before": before}
        queueing.tell(GRADED, data, to=to, subject=f"lead:{lead.pk}:graded", contact_id=lead.contact_id)


def facts(lead: Lead) -> dict[str, Any]:
    """Return what is told of a lead: ids and facts, nothing that names the person."""
    return {
        "id": lead.pk,
        "url": f"{settings.SITE_URL}{reverse('lead', args=[lead.pk])}",
        "version": lead.revision,
        "contact_id": lead.contact_id,
        "episode": lead.episode,
        "stage": str(lead.stage),
        "lane": str(lead.standing.lane),
        "round": lead.round,
        "score": lead.standing.score,
        "grade": lead.standing.grade,
        "owner_id": lead.owner_id,
        "team_id": lead.team_id,
        "source": lead.source.key if lead.source else None,
        "amount": str(lead.amount) if lead.amount is not None else None,
        "currency": lead.currency,
        "wake_on": lead.wake_on.isoformat() if lead.wake_on else None,
        "closed_on": lead.closed_on.isoformat() if lead.closed_on else None,
    }


def move_facts(change: StageChange) -> dict[str, Any]:
    """Return what is told of a log row."""
    return {
        "seq": change.seq,
        "verb": change.verb,
        "from_stage": str(change.from_stage),
        "to_stage": str(change.to_stage),
        "at": queueing.instant(change.at),
        "actor": str(change.actor),
        "by_id": change.by_id,
        "reason": change.reason.key if change.reason else None,
        "reverses": change.reverses.seq if change.reverses else None,
    }


def handoff_facts(handoff: Handoff | None) -> dict[str, Any] | None:
    """Return what is told of a handoff."""
    if handoff is None:
        return None
    return {
        "id": handoff.pk,
        "offered_at": queueing.instant(handoff.offered_at),
        "offered_by_id": handoff.offered_by_id,
        "assignee_id": handoff.assignee_id,
        "team_id": handoff.team_id,
        "due_at": queueing.instant(handoff.due_at),
        "closed_at": queueing.instant(handoff.closed_at) if handoff.closed_at else None,
        "outcome": handoff.outcome or "open",
    }
