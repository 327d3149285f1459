"""What to work on next: one order for everybody, and for each lead the reason why it stands there.

A lead stands by the first of these that is true of it, and within that as told in brackets:

1. its handoff is overdue (the longest first),
2. its next step is due or overdue, or it was silent for longer than its stage allows (the most days first),
3. its handoff waits for an answer (the least time left first),
4. somebody there researches a topic elsewhere just now,
5. it is hot, graded A or B and 1 or 2, and its score rose within seven days (the steepest first),
6. everything else.

What is equal by then stands by amount times the chance of its stage, then by score, then the older lead first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from django.utils.translation import gettext as _

from crm.research import FIELD
from crm.templatetags.formats import money, points
from crm.workdays import local_date
from leads.boards import CHANCE
from leads.cards import Card

HOT = {f"{fit}{place}" for fit in "AB" for place in "12"}


class Place(IntEnum):
    """The first thing that is true of a lead decides."""

    OVERDUE_HANDOFF = 1
    DUE = 2
    HANDOFF = 3
    RESEARCH = 4
    HOT = 5
    REST = 6


@dataclass(frozen=True)
class Urgency:
    """How a lead compares with the others, in the order in which it counts, and the sentence for it.

    `within` is what counts within a place, the smaller the sooner; `worth` is money.
    """

    place: Place
    within: float
    worth: Decimal
    score: int
    lead: int
    because: str

    @property
    def key(self) -> tuple[int, float, Decimal, int, int]:
        return (self.place, self.within, -self.worth, -self.score, self.lead)


def ranked(cards: Iterable[Card]) -> list[tuple[Urgency, Card]]:
    """Return the cards in the order above, each with why."""
    return sorted(((urgency(card), card) for card in cards), key=lambda pair: pair[0].key)


def urgency(card: Card) -> Urgency:
    """Weigh one lead."""
    place, within, because = _place(card)
    worth = (card.amount or Decimal(0)) * CHANCE.get(card.lane, Decimal(0))
    return Urgency(place, within, worth, card.score or 0, card.lead.pk, because or _otherwise(card, worth))


def _place(card: Card) -> tuple[Place, float, str]:
    """Return the place, what counts within it, and the reason where the place has one."""
    if card.left is not None:
        return Place.OVERDUE_HANDOFF if card.is_overdue else Place.HANDOFF, card.left.total_seconds(), ""
    on = card.lead.next_step_on
    late = (local_date(card.now) - on).days + 1 if on else 0
    silent = card.silent - card.silence_limit
    if late > 0 or silent > 0:
        words = card.due.words if late > 0 and card.due else card.silence
        return Place.DUE, -max(late, silent), words
    topic = card.lead.contact.custom.get(FIELD)
    if topic:
        return Place.RESEARCH, 0, _("Researches “%(topic)s” elsewhere just now") % {"topic": topic}
    if card.grade in HOT and card.change and card.change > 0:
        told = {"grade": card.grade, "points": points(card.change)}
        return Place.HOT, -card.change, _("%(grade)s, %(points)s in 7 days") % told
    return Place.REST, 0, ""


def _otherwise(card: Card, worth: Decimal) -> str:
    if card.left is not None:
        return ""  # the clock says it
    if worth:
        return _("%(amount)s at stake") % {"amount": money(card.amount, card.lead.currency)}
    if card.change:
        return _("Score %(points)s in 7 days") % {"points": points(card.change)}
    return _("Highest score")
