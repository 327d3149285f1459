"""The one door every stage change passes.

`advance` asks the guards, then writes in one transaction and in this order: version + 1 where (id, version,
stage) still hold, the StageChange row, the stage, Standing's lane and the outbox rows. Nothing here sends
mail or wakes a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django_fsm import Transition

from crm.models import User
from leads import handoff as handoffs
from leads import milestones, notifications, rota, signals
from leads.models import Lead, Move, Remark, StageChange, Standing
from leads.stages import NOT_FOR_PEOPLE, Stage, Verb, lane_of

PROJECTED = (
    "owner_id", "team_id", "amount", "currency", "closed_on", "wake_on", "round", "round_open", "stage_since",
)  # fmt: skip
Actor = StageChange.Actor


class Refused(Exception):
    """The move was not made and nothing was written. `reasons` are sentences for the person."""

    def __init__(self, reasons: Sequence[str], *, lead: Lead, verb: str, stale: bool = False, asks: Sequence[str] = ()):
        self.reasons, self.lead, self.verb, self.stale, self.asks = list(reasons), lead, verb, stale, list(asks)
        super().__init__(" ".join(self.reasons))


@dataclass(frozen=True)
class Option:
    """One verb as a menu shows it: possible now (`open`), or closed for `reasons`; `asks` is what a form must ask."""

    verb: str
    label: str
    reasons: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return not self.reasons


def _transition(verb: str, stage: str) -> Transition | None:
    meta = getattr(Lead, verb)._django_fsm
    return meta.get_transition(stage) if meta.has_transition(stage) else None


def _objections(lead: Lead, move: Move, *, form_may_ask: bool = False) -> tuple[list[str], list[str]]:
    """Return (sentences of the guards that say no, details a form can still ask for)."""
    lead.move = move
    found = _transition(move.verb, lead.stage)
    if found is None:
        return [
            _("“%(verb)s” is not possible for a lead in “%(stage)s”.")
            % {"verb": Verb(move.verb).label, "stage": Stage(lead.stage).label}
        ], []
    if found.permission and not found.has_perm(lead, move.by):  # type: ignore[arg-type]
        return [str(found.permission.sentence)], []  # type: ignore[union-attr]
    failed = [guard for guard in found.conditions if not guard(lead)]
    asks = list(dict.fromkeys(guard.asks for guard in failed if guard.asks))  # type: ignore[attr-defined]
    hard = [guard for guard in failed if not (form_may_ask and guard.asks and guard.asks != "checklist")]  # type: ignore[attr-defined]
    return [_sentence(guard, lead) for guard in hard], asks


def _sentence(guard: Any, lead: Lead) -> str:
    from leads.qualification import missing_sentence

    return missing_sentence(lead) if guard.asks == "checklist" else str(guard.sentence)


def options(lead: Lead, by: User) -> list[Option]:
    """Return what `by` could do with `lead` now, and for the rest why not; in the order a lead lives.

    Verbs that no person chooses (demote, enter_as, absorb) and stages that are out of reach are left out.
    """
    found = []
    for verb in Verb:
        if verb in NOT_FOR_PEOPLE or _transition(verb, lead.stage) is None:
            continue
        reasons, asks = _objections(lead, Move(verb, by=by), form_may_ask=True)
        found.append(Option(verb, str(verb.label), tuple(reasons), tuple(asks)))
    return found


def allowed(lead: Lead, by: User) -> list[str]:
    """Return the verbs `by` may use on `lead` now."""
    return [option.verb for option in options(lead, by) if option.open]


def advance(
    lead: Lead, verb: str, *, by: User | None = None, version: int | None = None, **details: Any
) -> StageChange:
    """Make one move and return its log row.

    `by` None is the system. `version` is the one the person saw. `details` are the fields of Move. Raises
    Refused with the guards' sentences; nothing has been written then.
    """
    move = Move(verb, by=by, **details)
    if version is not None and version != lead.version:
        raise _stale(lead, verb)
    lead.forget()
    reasons, asks = _objections(lead, move)
    if reasons:
        moved = not Lead.objects.filter(pk=lead.pk, version=lead.version, stage=lead.stage).exists()
        raise _stale(lead, verb) if moved else Refused(reasons, lead=lead, verb=verb, asks=asks)
    try:
        with transaction.atomic():
            change = _write(lead, move)
            signals.lead_moved.send(sender=Lead, lead=lead, change=change)
    except BaseException:
        with suppress(ObjectDoesNotExist, DatabaseError):
            lead.refresh_from_db()
        raise
    return change


def _stale(lead: Lead, verb: str) -> Refused:
    """Reload the lead and say who was first."""
    try:
        lead.refresh_from_db()
    except ObjectDoesNotExist:
        return Refused([_("This lead no longer exists.")], lead=lead, verb=verb, stale=True)
    change = lead.last_change
    who = change.by.name if change and change.by else _("the system")
    ago = max(0, int((timezone.now() - change.at).total_seconds())) if change else 0
    if change and change.verb == verb and ago < 60:
        text = _("%(name)s was %(seconds)d s faster.") % {"name": who, "seconds": ago}
    else:
        text = _("Changed meanwhile by %(name)s; the lead is now in “%(stage)s”.") % {
            "name": who,
            "stage": Stage(lead.stage).label,
        }
    return Refused([text], lead=lead, verb=verb, stale=True)


def snapshot(lead: Lead) -> dict[str, Any]:
    """Return what a move may change of the lead, as JSON."""
    return {name: _json(getattr(lead, name)) for name in PROJECTED}


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _take_version(lead: Lead, move: Move, reverses: StageChange | None) -> None:
    """Take the next version of the lead; whoever gives it to somebody holds the row of turns before."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '4s'")
    still_there = Lead.objects.filter(pk=lead.pk, version=lead.version, stage=lead.stage)
    try:
        if handoffs.takes_a_turn(move, reverses):
            rota.take_turn()
        taken = still_there.update(version=F("version") + 1)
    except OperationalError as error:
        text = _("Somebody is just changing this lead. Try again.")
        raise Refused([text], lead=lead, verb=move.verb, stale=True) from error
    if not taken:
        raise _stale(lead, move.verb)
    lead.version += 1


def _write(lead: Lead, move: Move) -> StageChange:
    before, came_from = {"lead": snapshot(lead)}, lead.stage
    reverses = lead.last_change if move.verb == Verb.UNDO else None
    _take_version(lead, move, reverses)
    getattr(lead, move.verb)()
    if move.verb != Verb.UNDO and lead.stage != came_from:
        lead.stage_since = move.at
    handoff = handoffs.after_move(lead, move, came_from, reverses)
    score, grade = Standing.objects.values_list("score", "grade").get(lead=lead)
    change = StageChange.objects.create(
        lead=lead, seq=lead.version, verb=move.verb, from_stage=came_from, to_stage=lead.stage, at=move.at,
        actor=Actor.PERSON if move.by else Actor.SYSTEM, by=move.by, reason=move.reason, handoff=handoff,
        round=lead.round, reverses=reverses, score=score, grade=grade, details=_details(move),
        before=before | handoffs.snapshot(handoff, move),
    )  # fmt: skip
    if move.note.strip():
        Remark.objects.create(change=change, text=move.note.strip())
    lead.changed_at = change.logged_at
    projected = {name: getattr(lead, name) for name in (*PROJECTED, "changed_at")}
    Lead.objects.filter(pk=lead.pk).update(stage=lead.stage, **projected)
    lead.forget()
    restand(lead, at=move.at)
    milestones.keep([lead.pk])
    notifications.announce(lead, change)
    if (lead.round_open and not before["lead"]["round_open"]) or lead.round != before["lead"]["round"]:
        signals.round_opened.send(sender=Lead, lead=lead)
    return change


def _details(move: Move) -> dict[str, Any]:
    told = {
        "assignee": move.assignee and move.assignee.pk,
        "team": move.team and move.team.pk,
        "wake_on": move.wake_on,
        "amount": move.amount,
        "currency": move.currency,
        "date": move.date,
    }
    return {name: _json(value) for name, value in told.items() if value not in (None, "")} | move.details


def lane_for(lead: Lead) -> str:
    """Return the lane the lead belongs in, derived from its stage, handoff and log."""
    returned = False
    if lead.stage == Stage.NURTURE:
        last = lead.changes.filter(to_stage=Stage.NURTURE).exclude(from_stage=Stage.NURTURE).order_by("-seq").first()
        if last and last.verb == Verb.UNDO:
            last = (
                lead.changes.filter(verb__in=[Verb.SEND_BACK, Verb.NURTURE], reversed_by=None).order_by("-seq").first()
            )
        returned = bool(last and last.verb == Verb.SEND_BACK)
    return lane_of(lead.stage, offered=lead.open_handoff is not None, returned=returned)


def restand(lead: Lead, *, at: datetime | None = None) -> None:
    """Bring the lead's Standing in line with its stage, handoff and owner; a new lane counts from `at` (now)."""
    lane = lane_for(lead)
    where = Standing.objects.filter(lead=lead)
    where.exclude(lane=lane).update(lane=lane, lane_since=at or timezone.now())
    where.update(owner=lead.owner_id, team=lead.team_id)
