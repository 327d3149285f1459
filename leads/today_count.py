"""The number beside "Today" in the navigation: what waits for this person."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone

from crm import context
from crm.models import Role, User
from leads.board_filters import ONLY, belongs_to
from leads.models import Notification, Standing
from leads.stages import Lane

#: What counts for whom: whose leads, the questions of the Today page that ask somebody to act, and in which lanes
#: their answers stand. The lanes follow from the questions; PostgreSQL finds its index only where they are named.
WAITING = {
    Role.SALES_REP: ("mine", ("offered", "due"), (Lane.OFFERED, Lane.ACCEPTED, Lane.QUALIFIED)),
    Role.SALES_LEAD: ("all", ("overdue",), (Lane.OFFERED,)),
    Role.ADMIN: ("all", ("overdue",), (Lane.OFFERED,)),
    Role.MARKETER: ("all", ("to-hand-over", "back"), (Lane.MQL, Lane.BACK)),
}


def waiting(user: User) -> QuerySet[Standing]:
    """Return the leads that wait for `user`."""
    now = timezone.now()
    whose, questions, lanes = WAITING[Role(user.role)]
    concerned = Q()
    for question in questions:
        concerned |= ONLY[question].asks(now)
    return Standing.objects.filter(belongs_to(whose, user), concerned, lane__in=lanes)


def unread(user: User) -> QuerySet[Notification]:
    """Return what the person was told and has not read yet."""
    return Notification.objects.shown_to(user).unread()


def register() -> None:
    """Show the number beside Today, and the one beside the bell."""
    context.COUNTS["today"] = waiting
    context.COUNTS["notifications"] = unread
