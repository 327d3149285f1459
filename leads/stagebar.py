"""The stage bar: five strokes that show how far the baton has come, in whose hand, and what may be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from crm.models import User
from leads.lifecycle import Option
from leads.models import Handoff, Lead, StageChange
from leads.stages import JOURNEY, SALES_OWNED, Stage, Verb

ENDS = (Stage.WON, Stage.LOST, Stage.DISQUALIFIED)
# Under which stroke a move stands; the ones that lead out of the journey stand under the last.
PLACES: dict[str, str] = {
    Verb.WAKE: Stage.LEAD,
    Verb.QUALIFY_FOR_MARKETING: Stage.MARKETING_QUALIFIED,
    Verb.HAND_OFF: Stage.SALES_ACCEPTED,
    Verb.WITHDRAW: Stage.MARKETING_QUALIFIED,
    Verb.ACCEPT: Stage.SALES_ACCEPTED,
    Verb.QUALIFY_FOR_SALES: Stage.SALES_QUALIFIED,
    Verb.WIN: Stage.WON,
}
FORWARD = (Verb.WAKE, Verb.QUALIFY_FOR_MARKETING, Verb.HAND_OFF, Verb.ACCEPT, Verb.QUALIFY_FOR_SALES, Verb.WIN)


@dataclass(frozen=True)
class Stroke:
    """One stroke: `state` is done, now or later; `holder` who had the baton then."""

    label: str
    state: str
    since: datetime | None = None
    by: str = ""
    score: int | None = None
    holder: str = ""
    moves: tuple[Option, ...] = ()

    @property
    def why_closed(self) -> str:
        """The sentence of the first forward move that is closed, when none is open."""
        forward = [move for move in self.moves if move.verb in FORWARD]
        if not forward or any(move.open for move in forward):
            return ""
        return forward[0].reasons[0]


def path(lead: Lead, changes: Sequence[StageChange]) -> dict[str, StageChange | None]:
    """Return the stages of the present round in order, each with the move that led there; undone moves left out.

    `changes` are all of the lead, oldest first. The first stage was entered without a move.
    """
    walked: list[tuple[str, StageChange | None]] = [(Stage.LEAD, None)]
    before: dict[int, list[tuple[str, StageChange | None]]] = {}
    for change in changes:
        before[change.pk] = list(walked)
        if change.verb == Verb.UNDO and change.reverses_id in before:
            walked = list(before[change.reverses_id])
        elif change.from_stage != change.to_stage:
            walked = _step(walked, change)
    return dict(walked)


def _step(walked: list[tuple[str, StageChange | None]], change: StageChange) -> list[tuple[str, StageChange | None]]:
    if change.to_stage in (Stage.LEAD, Stage.NURTURE):
        return [(change.to_stage, change)]
    return [step for step in walked if step[0] != change.to_stage] + [(change.to_stage, change)]


def holder(lead: Lead, handoff: Handoff | None) -> str:
    """Return who has the baton now: marketing, sales, handing, resting or nobody."""
    if handoff is not None:
        return "handing"
    if lead.stage == Stage.NURTURE:
        return "resting"
    if lead.stage in (*SALES_OWNED, Stage.WON):
        return "sales"
    return "marketing" if lead.is_open else "nobody"


def strokes(lead: Lead, changes: Sequence[StageChange], options: Sequence[Option]) -> list[Stroke]:
    """Return the five strokes of a lead; `options` are the moves as the reader may make them."""
    walked = path(lead, changes)
    moves = _by_place(lead, options)
    return [_stroke(lead, stage, walked, moves.get(stage, ())) for stage in JOURNEY]


def _by_place(lead: Lead, options: Sequence[Option]) -> dict[str, tuple[Option, ...]]:
    placed: dict[str, list[Option]] = {}
    offered = lead.open_handoff is not None
    for option in options:
        hidden = {Verb.HAND_OFF} if offered else {Verb.ACCEPT, Verb.WITHDRAW, Verb.SEND_BACK}
        if option.verb == Verb.UNDO or (lead.stage == Stage.MARKETING_QUALIFIED and option.verb in hidden):
            continue
        if not option.open and option.verb not in FORWARD:
            continue
        placed.setdefault(PLACES.get(option.verb, Stage.WON), []).append(option)
    return {stage: tuple(options) for stage, options in placed.items()}


def _stroke(lead: Lead, stage: Stage, walked: dict[str, StageChange | None], moves: tuple[Option, ...]) -> Stroke:
    reached, label = stage, str(stage.label)
    if stage == Stage.LEAD and Stage.NURTURE in walked:
        reached, label = Stage.NURTURE, str(Stage.NURTURE.label)
    elif stage == Stage.WON:
        reached = next((end for end in ENDS if end in walked), Stage.WON)
        label = str(reached.label) if reached in walked else _("Won or lost")
    elif stage == Stage.MARKETING_QUALIFIED:
        label = _("MQL")
    change = walked.get(reached)
    state = _state(lead, reached, walked)
    return Stroke(
        label=label,
        state=state,
        since=_since(lead, reached, change) if reached in walked else None,
        by=change.by.name if change and change.by else "",
        score=change.score if change else None,
        holder=_holder_then(lead, reached, state),
        moves=moves,
    )


def _state(lead: Lead, stage: str, walked: dict[str, StageChange | None]) -> str:
    if stage == lead.stage:
        return "now"
    if stage in walked:
        return "done"
    passed = [place for place in JOURNEY if place in walked]
    skipped = stage in JOURNEY and passed and JOURNEY.index(Stage(stage)) < JOURNEY.index(passed[-1])
    return "done" if skipped else "later"


def _since(lead: Lead, stage: str, change: StageChange | None) -> datetime:
    return change.at if change else lead.entered_at


def _holder_then(lead: Lead, stage: str, state: str) -> str:
    if state == "later":
        return ""
    if state == "now":
        return holder(lead, lead.open_handoff)
    return "sales" if stage in (*SALES_OWNED, Stage.WON) else "marketing"


def standing_moves(bar: Sequence[Stroke]) -> list[Option]:
    """Return every move of the bar once, for the phone, where only the present stroke is written out."""
    return [move for stroke in bar for move in stroke.moves]


def undo_of(options: Sequence[Option]) -> Option | None:
    """Return the undo of the last move when the reader may make it."""
    return next((option for option in options if option.verb == Verb.UNDO and option.open), None)


def in_whose_hand(lead: Lead) -> User | str:
    """Return the person, or else the queue, that has the lead."""
    return lead.owner or (lead.team.name if lead.team else _("Unassigned"))
