"""What sales thinks of the leads it was offered: who may say so, and saying it. Marketing reads it in the reports."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from crm import roles
from crm.models import User
from leads.models import Feedback, Handoff, Lead, StageChange
from leads.stages import Verb

ANSWERED = (Handoff.Outcome.ACCEPTED, Handoff.Outcome.SENT_BACK, Handoff.Outcome.DISQUALIFIED)


class NotTheirs(Exception):
    """The person may not judge this handoff, or nobody has answered it yet."""


def may_give(user: User, handoff: Handoff | None) -> bool:
    """Sales judges what it has answered: those who were offered it, their team, a sales lead. Never marketing."""
    if handoff is None or handoff.outcome not in ANSWERED or not roles.is_sales(user):
        return False
    theirs = user.pk in {handoff.assignee_id, handoff.closed_by_id, handoff.lead.owner_id}
    return roles.leads_sales(user) or theirs or (handoff.team_id is not None and handoff.team_id == user.team_id)


def give(handoff: Handoff, verdict: str, *, by: User) -> Feedback:
    """Write or change what `by` thinks; raises NotTheirs, and ValueError for no verdict. Nothing is written then."""
    if verdict not in Feedback.Verdict.values:
        raise ValueError(verdict)
    if not may_give(by, handoff):
        raise NotTheirs
    return _write(handoff, verdict, by)


def _write(handoff: Handoff, verdict: str, by: User) -> Feedback:
    told = {"verdict": verdict, "given_at": timezone.now()}
    return Feedback.objects.update_or_create(handoff=handoff, by=by, defaults=told)[0]


def given(user: User) -> QuerySet[Feedback]:
    """Return what was said of handoffs that still stand answered, of leads `user` may read."""
    found = Feedback.objects.filter(handoff__outcome__in=ANSWERED)
    if roles.sees_everything(user):
        return found
    return found.filter(handoff__lead__in=Lead.objects.visible_to(user))


def of_move(lead: Lead, change: StageChange) -> None:
    """Write what was said in the form of a send-back: whoever sends a lead back may not see it any more."""
    verdict, handoff = change.details.get("verdict"), lead.handoffs.first()
    if change.verb == Verb.SEND_BACK and verdict and change.by and handoff:
        _write(handoff, verdict, change.by)


def shown(handoff: Handoff, user: User) -> dict[str, Any]:
    """Return what the lead's page shows: who said what, what the reader said, and what they may press."""
    rows = list(handoff.feedback.select_related("by"))
    mine = next((row.verdict for row in rows if row.by_id == user.pk), "")
    may = may_give(user, handoff)
    choices = [(value, label, value == mine) for value, label in Feedback.Verdict.choices] if may else []
    return {"feedback": rows, "feedback_choices": choices}
