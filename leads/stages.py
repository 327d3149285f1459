"""The vocabulary of the life cycle: stages, their groups, verbs, lanes. A leaf: anyone may import it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Stage(models.TextChoices):
    LEAD = "lead", _("New lead")
    MARKETING_QUALIFIED = "mql", _("Marketing-qualified (MQL)")
    SALES_ACCEPTED = "sal", _("Accepted (SAL)")
    SALES_QUALIFIED = "sql", _("Qualified (SQL)")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    NURTURE = "nurture", _("Nurture")
    DISQUALIFIED = "disqualified", _("Disqualified")


OPEN = (Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.NURTURE)
CLOSED = (Stage.WON, Stage.LOST, Stage.DISQUALIFIED)
MARKETING_OWNED = (Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.NURTURE)
SALES_OWNED = (Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED)
JOURNEY = (Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.WON)


class Lane(models.TextChoices):
    """What the boards show; stored on the lead's Standing."""

    NEW = "new", pgettext_lazy("lane", "New")
    MQL = "mql", pgettext_lazy("lane", "MQL to hand over")
    OFFERED = "offered", _("Offered to sales")
    BACK = "back", _("Back from sales")
    NURTURE = "nurture", _("Nurture")
    ACCEPTED = "accepted", _("Accepted (SAL)")
    QUALIFIED = "qualified", _("Qualified (SQL)")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    GONE = "gone", _("Disqualified")


MARKETING_LANES = (Lane.NEW, Lane.NURTURE, Lane.MQL, Lane.OFFERED, Lane.BACK)
SALES_LANES = (Lane.OFFERED, Lane.ACCEPTED, Lane.QUALIFIED, Lane.WON, Lane.LOST)


class Verb(models.TextChoices):
    """The team's own words: the same in button, URL, webhook, log and test."""

    QUALIFY_FOR_MARKETING = "qualify_for_marketing", _("Make it an MQL")
    DEMOTE = "demote", _("Back below the bar")
    HAND_OFF = "hand_off", _("Hand over")
    WITHDRAW = "withdraw", _("Withdraw the offer")
    REASSIGN = "reassign", _("Re-assign")
    ACCEPT = "accept", _("Accept")
    SEND_BACK = "send_back", _("Send back")
    QUALIFY_FOR_SALES = "qualify_for_sales", _("Qualify")
    WIN = "win", _("Won")
    LOSE = "lose", _("Lost")
    NURTURE = "nurture", _("To nurture")
    WAKE = "wake", _("Wake")
    DISQUALIFY = "disqualify", _("Disqualify")
    UNDO = "undo", _("Undo")
    ENTER_AS = "enter_as", _("Enter as")
    ABSORB = "absorb", _("Absorb")


_L, _M, _A, _Q = Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED
_W, _X, _N, _D = Stage.WON, Stage.LOST, Stage.NURTURE, Stage.DISQUALIFIED

# Verb → the pairs (from, to) it may log. The state machine, the triggers and docs/lifecycle.svg all read this.
PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    Verb.QUALIFY_FOR_MARKETING: ((_L, _M),),
    Verb.DEMOTE: ((_M, _L),),
    Verb.HAND_OFF: ((_M, _M),),
    Verb.WITHDRAW: ((_M, _M),),
    Verb.REASSIGN: ((_M, _M), (_A, _A), (_Q, _Q)),
    Verb.ACCEPT: ((_M, _A),),
    Verb.SEND_BACK: ((_M, _N), (_A, _N), (_Q, _N)),
    Verb.QUALIFY_FOR_SALES: ((_A, _Q),),
    Verb.WIN: ((_Q, _W),),
    Verb.LOSE: ((_A, _X), (_Q, _X)),
    Verb.NURTURE: ((_L, _N), (_M, _N)),
    Verb.WAKE: ((_N, _L),),
    Verb.DISQUALIFY: tuple((stage, _D) for stage in OPEN),
    Verb.ABSORB: tuple((stage, _D) for stage in OPEN),
    Verb.ENTER_AS: (
        *((_L, to) for to in (_M, _A, _Q, _W, _X, _N, _D)),
        *((_M, to) for to in (_A, _Q, _W, _X, _N, _D)),
        *((_A, to) for to in (_Q, _W, _X, _N, _D)),
        *((_Q, to) for to in (_W, _X, _N, _D)),
        *((_N, to) for to in (_M, _A, _Q, _W, _X, _D)),
    ),
}


#: Verbs that no person chooses: the engine, an import or a merge uses them.
NOT_FOR_PEOPLE = (Verb.DEMOTE, Verb.ENTER_AS, Verb.ABSORB)


def sources(verb: str) -> list[str]:
    """Return the stages from which `verb` may start."""
    return list(dict.fromkeys(start for start, _end in PAIRS[verb]))


def lane_of(stage: str, *, offered: bool, returned: bool) -> str:
    """Return the lane of a lead: `offered` = a handoff is open, `returned` = sales sent it back."""
    if stage == Stage.MARKETING_QUALIFIED:
        return Lane.OFFERED if offered else Lane.MQL
    if stage == Stage.NURTURE:
        return Lane.BACK if returned else Lane.NURTURE
    return {
        Stage.LEAD: Lane.NEW,
        Stage.SALES_ACCEPTED: Lane.ACCEPTED,
        Stage.SALES_QUALIFIED: Lane.QUALIFIED,
        Stage.WON: Lane.WON,
        Stage.LOST: Lane.LOST,
        Stage.DISQUALIFIED: Lane.GONE,
    }[Stage(stage)]
