"""Handing over: what is frozen at the offer, when it is due, what closes it, who hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.models.base import concrete_field
from leads import clock, packet, rota
from leads.models import Handoff, Lead, Move, StageChange, Standing
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
RESTORABLE = ("closed_at", "outcome", "closed_by_id", "assignee_id", "team_id", "told_at", "took", *clock.FIELDS)


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
        handoff.took = clock.took(handoff, move.at)
        handoff.save(update_fields=["closed_at", "outcome", "closed_by", "took"])
        clock.note_late(handoff, move.at)
    elif move.verb == Verb.REASSIGN:
        clock.note_late(handoff, move.at)
        handoff.assignee, handoff.team, handoff.told_at = move.assignee, lead.team, None
        _set(handoff, _clock(lead, move))
        handoff.save(update_fields=["assignee", "team", "told_at", *clock.FIELDS])
    return handoff


def offer(lead: Lead, move: Move) -> Handoff:
    """Open the handoff: to whom, due when, and what sales gets to see, frozen."""
    _send_to_the_end_of_the_row(move)
    before = Lead.objects.values("owner_id", "team_id").get(pk=lead.pk)
    return Handoff.objects.create(
        lead=lead, round=lead.round, offered_at=move.at, offered_by=move.by, from_owner_id=before["owner_id"],
        from_team_id=before["team_id"], assignee=move.assignee, team=lead.team, packet=packet.freeze(lead, move),
        **_clock(lead, move),
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


def _clock(lead: Lead, move: Move) -> dict[str, Any]:
    """Start the clock: due when, by the grade the lead has now. What the system has moved on goes on no further."""
    grade = Standing.objects.filter(pk=lead.pk).values_list("grade", flat=True).first() or ""
    moves_on = move.verb == Verb.HAND_OFF or move.by is not None
    return clock.started(lead.team, move.assignee, grade, move.at, moves_on=moves_on)


def _set(handoff: Handoff, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(handoff, name, value)


def _state(handoff: Handoff) -> dict[str, Any]:
    held = {name: getattr(handoff, name) for name in RESTORABLE}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in held.items()}


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
        before = reverses.before.get("handoff", {})
        _set(handoff, {name: concrete_field(Handoff, name).to_python(value) for name, value in before.items()})
    handoff.save(update_fields=[name.removesuffix("_id") for name in RESTORABLE])
    return handoff


def accepts_by_itself(lead: Lead, change: StageChange) -> bool:
    """Whether the offer just made goes to a person whose team has switched auto-accept on."""
    handoff = lead.open_handoff
    return bool(
        change.verb == Verb.HAND_OFF and handoff and handoff.assignee and handoff.team and handoff.team.auto_accept
    )
