"""The agreement between marketing and sales: promised per team, from a Monday on; what was promised before stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db import transaction

from crm import audit
from crm.models import Team, User
from crm.workdays import local_date
from leads.models import Agreement

#: MQLs per week, and percent of those answered that are accepted; None promises nothing.
Promise = tuple[int | None, int | None]
NOTHING: Promise = (None, None)


def monday(day: date) -> date:
    """Return the Monday of the week a day lies in."""
    return day - timedelta(days=day.weekday())


def all_promises() -> dict[int, list[tuple[date, Promise]]]:
    """Return team id → (Monday, promise) in order, in one query."""
    found: dict[int, list[tuple[date, Promise]]] = {}
    for row in Agreement.objects.order_by("since"):
        found.setdefault(row.team_id, []).append((row.since, (row.mqls_per_week, row.acceptance_percent)))
    return found


def in_force(promises: list[tuple[date, Promise]], week: date) -> Promise:
    """Return what held in the week that begins on the Monday `week`."""
    return next((promise for since, promise in reversed(promises) if since <= week), NOTHING)


def sales_teams() -> list[Team]:
    """Return the teams one can promise something to."""
    return list(Team.objects.filter(side=Team.Side.SALES).order_by("name", "pk"))


def now() -> dict[int, Promise]:
    """Return team id → what is promised this week, for every sales team."""
    promises, week = all_promises(), monday(local_date())
    return {team.pk: in_force(promises.get(team.pk, []), week) for team in sales_teams()}


def keep(wanted: Mapping[int, Promise], *, by: User) -> int:
    """Promise from this week on; return for how many teams something changed. Weeks that are over keep theirs."""
    held, week, changed = now(), monday(local_date()), 0
    with transaction.atomic():
        for team, promise in wanted.items():
            if held.get(team, NOTHING) == promise:
                continue
            figures = dict(zip(("mqls_per_week", "acceptance_percent"), promise, strict=True))
            Agreement.objects.update_or_create(team_id=team, since=week, defaults={**figures, "by": by})
            audit.record(by, "agreement.changed", f"team:{team}", was=held.get(team), **figures)
            changed += 1
    return changed
