"""Handing over: what is frozen at the offer, when it is due, what closes it, who hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from crm.models.base import concrete_field
from crm.workdays import add_working_time
from leads import packet, rota
from leads.models import Handoff, Lead, Move, StageChange
from leads.stages import Verb

Outcome = Handoff.Outcome
CLOSES: dict[str, str] = {
    Verb.ACCEPT: Outcome.ACCEPTED,
    Verb.SEND_BACK: Outcome.SENT_BACK,
    Verb.WITHDRAW: Outcome.WITHDRAWN,
    Verb.DISQUALIFY: Outcome.DISQUALIFIED,
    Verb.ABSORB: Outcome.DISQUALIFIED,
}
NEWS = timedelta(hours=1)  # what is told later than this is history and mails nobody
RESTORABLE = ("closed_at", "outcome", "closed_by_id", "assignee_id", "team_id", "due_at")


def after_move(lead: Lead, move: Move, came_from: str, reverses: StageChange | None) -> Handoff | None:
    """Open, close or restore the handoff that `move` concerns, and return it."""
    if move.verb == Verb.HAND_OFF:
        return offer(lead, move)
    if move.verb == Verb.UNDO:
        return _restore(reverses)
    _send_to_the_end_of_the_row(move)
    handoff = lead.open_handoff
    if handoff is None:
        return None
    move.details.setdefault("handoff_before", _state(handoff))
    if move.verb in CLOSES:
        handoff.closed_at, handoff.outcome, handoff.closed_by = move.at, CLOSES[move.verb], move.by
        handoff.save(update_fields=["closed_at", "outcome", "closed_by"])
    elif move.verb == Verb.REASSIGN:
        handoff.assignee, handoff.team = move.assignee, lead.team
        handoff.due_at = due(lead, move)
        handoff.save(update_fields=["assignee", "team", "due_at"])
    return handoff


def offer(lead: Lead, move: Move) -> Handoff:
    """Open the handoff: to whom, due when, and what sales gets to see, frozen."""
    _send_to_the_end_of_the_row(move)
    before = Lead.objects.values("owner_id", "team_id").get(pk=lead.pk)
    return Handoff.objects.create(
        lead=lead, round=lead.round, offered_at=move.at, offered_by=move.by, from_owner_id=before["owner_id"],
        from_team_id=before["team_id"], assignee=move.assignee, team=lead.team, due_at=due(lead, move),
        packet=packet.freeze(lead, move),
    )  # fmt: skip


def takes_a_turn(move: Move, reverses: StageChange | None) -> bool:
    """Whether the move changes somebody's place in the row."""
    if reverses is not None:
        return bool(reverses.before.get("seat"))
    return move.verb in {Verb.HAND_OFF, Verb.REASSIGN} and move.assignee is not None


def _send_to_the_end_of_the_row(move: Move) -> None:
    """Whoever is given a lead, by a rule or by a person, is next again when everybody else has had one."""
    if takes_a_turn(move, None) and move.assignee:
        move.details["seat_before"] = rota.give(move.assignee, move.at)


def due(lead: Lead, move: Move) -> Any:
    """Return the instant by which sales should have answered, in the team's working time."""
    team = lead.team
    if team is None:
        return move.at + timedelta(days=1)
    return add_working_time(team, move.at, timedelta(hours=team.response_hours))


def _state(handoff: Handoff) -> dict[str, Any]:
    return {name: getattr(handoff, name) if name in {"assignee_id", "team_id", "closed_by_id", "outcome"} else (
        getattr(handoff, name) and getattr(handoff, name).isoformat()) for name in RESTORABLE}  # fmt: skip


def snapshot(handoff: Handoff | None, move: Move) -> dict[str, Any]:
    """Return what undo needs to put handoff and turn back, and take it out of the told details."""
    before, seat = move.details.pop("handoff_before", None), move.details.pop("seat_before", None)
    return ({"handoff": before} if before and handoff else {}) | ({"seat": seat} if seat else {})


def _restore(reverses: StageChange | None) -> Handoff | None:
    if reverses is not None and reverses.before.get("seat"):
        rota.give_back(reverses.before["seat"])
    if reverses is None or reverses.handoff is None:
        return None
    handoff = reverses.handoff
    if reverses.verb == Verb.HAND_OFF:
        handoff.closed_at, handoff.outcome = timezone.now(), Outcome.UNDONE
    else:
        for name, value in reverses.before.get("handoff", {}).items():
            setattr(handoff, name, concrete_field(Handoff, name).to_python(value))
    handoff.save(update_fields=[name.removesuffix("_id") for name in RESTORABLE])
    return handoff


def accepts_by_itself(lead: Lead, change: StageChange) -> bool:
    """Whether the offer just made goes to a person whose team has switched auto-accept on."""
    handoff = lead.open_handoff
    return bool(
        change.verb == Verb.HAND_OFF and handoff and handoff.assignee and handoff.team and handoff.team.auto_accept
    )
