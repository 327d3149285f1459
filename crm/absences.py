"""Who is away when. Days are local days of the workspace, a half day begins or ends at noon; nobody says why."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from django.db.models import Q, QuerySet
from django.utils import timezone

from crm import audit, roles
from crm.models import Absence, Role, User
from crm.workdays import local_date, workspace_zone

NOON = clock_time(12)
KEPT = timedelta(days=365)
Span = tuple[datetime, datetime]


# --- Reading --------------------------------------------------------------------------------------


def span_of(absence: Absence, zone: zoneinfo.ZoneInfo) -> Span:
    """Return the instants (UTC) from which and until which an absence lasts in `zone`."""
    begins = datetime.combine(absence.first_day, NOON if absence.from_noon else clock_time(), zone)
    if absence.until_noon:
        ends = datetime.combine(absence.last_day, NOON, zone)
    else:
        ends = datetime.combine(absence.last_day + timedelta(days=1), clock_time(), zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)


def spans(
    users: Collection[int], start: datetime, end: datetime, zone: zoneinfo.ZoneInfo | None = None
) -> dict[int, list[Span]]:
    """Return user id → when they are away between two instants, in UTC, in order, joined where they touch.

    People who are there all the time are left out. One query.
    """
    zone = zone or workspace_zone()
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    found: dict[int, list[Span]] = {}
    rows = Absence.objects.filter(user__in=users, first_day__lte=last, last_day__gte=first)
    for row in rows.order_by("first_day", "from_noon", "id"):
        begins, ends = span_of(row, zone)
        if begins >= end or ends <= start:
            continue
        mine = found.setdefault(row.user_id, [])
        if mine and begins <= mine[-1][1]:
            mine[-1] = (mine[-1][0], max(mine[-1][1], ends))
        else:
            mine.append((begins, ends))
    return found


def away(users: Collection[int] | None = None, at: datetime | None = None) -> dict[int, datetime]:
    """Return user id → when they are back, of those of `users` (default all) who are away at an instant (now).

    An absence that follows without a gap counts on; at most 60 days ahead are looked at. One query.
    """
    at = at or timezone.now()
    zone, day = workspace_zone(), local_date(at)
    near = Absence.objects.filter(last_day__gte=day, first_day__lte=day + timedelta(days=60))
    back: dict[int, datetime] = {}
    for row in (near if users is None else near.filter(user__in=users)).order_by("first_day", "from_noon", "id"):
        begins, ends = span_of(row, zone)
        reached = back.get(row.user_id, at)
        if begins <= reached < ends:
            back[row.user_id] = ends
    return back


# --- Whose ----------------------------------------------------------------------------------------


def people_of(user: User) -> QuerySet[User]:
    """Return whose absences `user` may enter: their own; a sales lead those of sales; an admin everybody's."""
    mine = Q(pk=user.pk)
    if roles.is_admin(user):
        mine = Q()
    elif roles.leads_sales(user):
        mine |= Q(role__in=[Role.SALES_REP, Role.SALES_LEAD])
    return User.objects.filter(mine, is_active=True)


def editable_by(user: User) -> QuerySet[Absence]:
    """Return the absences `user` may change."""
    return Absence.objects.filter(user__in=people_of(user))


# --- Writing --------------------------------------------------------------------------------------


def add(user: User, first_day: date, last_day: date, *, by: User, **halves: bool) -> Absence:
    """Enter an absence; `from_noon` and `until_noon` cut the first and the last day in half.

    Clocks that run already keep their due time. IntegrityError when the days make no sense or are entered already.
    """
    row = Absence.objects.create(user=user, first_day=first_day, last_day=last_day, **halves)
    audit.record(by, "absence.added", f"user:{user.pk}", absence=row.pk)
    return row


def remove(absence: Absence, *, by: User) -> None:
    """Take an absence back."""
    audit.record(by, "absence.removed", f"user:{absence.user_id}", absence=absence.pk)
    absence.delete()


def forget_old() -> int:
    """Delete absences that ended a year ago; a clock has kept what it needs of them."""
    deleted, _rows = Absence.objects.filter(last_day__lt=local_date() - KEPT).delete()
    return deleted
