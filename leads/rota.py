"""Whose turn it is within a team, and who is passed over: away, full, or not taking leads by rule.

Whoever gives a lead to a person takes a turn first: one UPDATE of one row, which holds every other giver until the
transaction ends, on SQLite and on PostgreSQL alike. So nobody changes what is read after it: seats and open leads. The
turn comes before any lead, so that two givers never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import absences, roles
from crm.models import Role, Team, User
from crm.workdays import add_working_time
from leads.models import Rota, Seat, Standing
from leads.stages import Lane

HELD = (Lane.OFFERED, Lane.ACCEPTED, Lane.QUALIFIED)  # the lanes in which a lead keeps its owner in sales busy


# --- Turns ----------------------------------------------------------------------------------------


def take_turn() -> int:
    """Hold the row of turns until the caller's transaction ends, and return the number of this turn."""
    if not Rota.objects.filter(pk=1).update(turn=F("turn") + 1):
        Rota.objects.get_or_create(pk=1)
        Rota.objects.filter(pk=1).update(turn=F("turn") + 1)
    return Rota.objects.values_list("turn", flat=True).get(pk=1)


def give(user: User, at: datetime) -> dict[str, Any]:
    """Send the person who was given a lead to the end of the row; return what `give_back` needs."""
    turn = take_turn()
    seat, _made = Seat.objects.get_or_create(user=user)
    before = {"user": user.pk, "turn": turn, "was": seat.turn, "was_at": seat.given_at and seat.given_at.isoformat()}
    Seat.objects.filter(pk=user.pk).update(turn=turn, given_at=at)
    return before


def give_back(before: dict[str, Any]) -> None:
    """Put the person back where they stood, unless they were given another lead since."""
    take_turn()
    was_at = datetime.fromisoformat(before["was_at"]) if before["was_at"] else None
    Seat.objects.filter(pk=before["user"], turn=before["turn"]).update(turn=before["was"], given_at=was_at)


# --- Who may be next ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """One person of a team: what they hold, and why they are passed over ('' = they could take the lead)."""

    user: User
    open_leads: int
    capacity: int
    turn: int
    given_at: datetime | None
    passed_over: str = ""

    @property
    def last(self) -> str:
        """When the person was given their newest lead, in words."""
        if self.given_at is None:
            return _("no lead yet")
        return _("last lead on %(day)s") % {"day": _moment(self.given_at)}

    @property
    def load(self) -> str:
        text = ngettext("%(count)d open lead of %(most)d", "%(count)d open leads of %(most)d", self.open_leads)
        return text % {"count": self.open_leads, "most": self.capacity}


def _moment(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def clock_starts(team: Team, at: datetime) -> datetime:
    """Return when the team's clock begins to run for a lead offered `at`: now, or when it works next."""
    return add_working_time(team, at, timedelta(minutes=1))


def candidates(team: Team, at: datetime | None = None, *, but: User | None = None) -> list[Candidate]:
    """Return who of the team takes leads by rule, whoever would be next first, then those who are passed over.

    Reps take part; sales leads and admins only with a capacity of their own. Who is away counts as of the moment the
    team's clock begins to run: somebody on leave on Monday gets nothing on Friday night.
    """
    at = at or timezone.now()
    members = [one for one in _members(team) if takes_part(one) and one != but]
    ids = [one.pk for one in members]
    held = open_leads(ids)
    back = absences.away(ids, clock_starts(team, at))
    found = [_candidate(one, team, held.get(one.pk, 0), back.get(one.pk)) for one in members]
    return sorted(found, key=lambda one: (bool(one.passed_over), *_order(team, one)))


def _members(team: Team) -> Iterable[User]:
    members = User.objects.filter(team=team, is_active=True, role__in=[Role.SALES_REP, Role.SALES_LEAD, Role.ADMIN])
    return members.select_related("seat").order_by("pk")


def takes_part(user: User) -> bool:
    """Whether the rota gives leads to this person at all."""
    return roles.is_sales(user) and (user.role == Role.SALES_REP or user.capacity is not None)


def open_leads(user_ids: Iterable[int]) -> dict[int, int]:
    """Return person → how many leads they hold in sales: offered to them, accepted or qualified. One query."""
    rows = Standing.objects.filter(owner__in=list(user_ids), lane__in=HELD).order_by()
    return dict(rows.values_list("owner").annotate(Count("pk")))


def _candidate(user: User, team: Team, held: int, back: datetime | None) -> Candidate:
    seat: Seat | None = getattr(user, "seat", None)
    capacity = team.capacity if user.capacity is None else user.capacity
    why = _why_not(held, capacity, back)
    turn, given_at = (seat.turn or 0, seat.given_at) if seat else (0, None)
    return Candidate(user, held, capacity, turn, given_at, why)


def _why_not(held: int, capacity: int, back: datetime | None) -> str:
    if back is not None:
        return _("away until %(day)s") % {"day": _moment(back)}
    if capacity == 0:
        return _("takes no leads by rule")
    return _("full: %(held)d open leads of %(most)d") % {"held": held, "most": capacity} if held >= capacity else ""


def _order(team: Team, one: Candidate) -> tuple[int, int, int]:
    busy = one.open_leads if team.way == Team.Way.LEAST_BUSY else 0
    return busy, one.turn, one.user.pk


def absence(user: User, team: Team | None, at: datetime) -> str:
    """Return until when somebody is away, as of the moment their team's clock begins to run; '' when they are here."""
    back = absences.away([user.pk], clock_starts(team, at) if team else at).get(user.pk)
    return _("away until %(day)s") % {"day": _moment(back)} if back else ""


def unavailable(user: User, team: Team | None, at: datetime | None = None) -> str:
    """Return why a person named by a rule cannot take a lead now, '' when they can."""
    if not roles.is_sales(user):
        return _("no longer takes leads")
    at = at or timezone.now()
    starts = clock_starts(team, at) if team else at
    capacity = user.capacity if user.capacity is not None else team.capacity if team else None
    held = open_leads([user.pk]).get(user.pk, 0)
    back = absences.away([user.pk], starts).get(user.pk)
    return _why_not(held, held + 1 if capacity is None else capacity, back)
