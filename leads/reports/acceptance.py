"""Acceptance: what became of what was handed over, by the person who answered, the team or the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce

from crm.models import Team, User
from leads.models import Handoff, Source
from leads.reports import sla
from leads.reports.period import Scope

Outcome = Handoff.Outcome
#: Whose line a handoff stands in. Nobody answered yet: whom it was offered to.
BY: dict[str, Any] = {
    "person": Coalesce("closed_by", "assignee"), "team": F("team"), "source": F("lead__source"),
}  # fmt: skip
NAMES: dict[str, Any] = {"person": User, "team": Team, "source": Source}
#: The outcomes, which add up to what was offered.
OUTCOMES: dict[str, Q] = {
    "accepted": Q(outcome=Outcome.ACCEPTED), "sent_back": Q(outcome=Outcome.SENT_BACK),
    "disqualified": Q(outcome=Outcome.DISQUALIFIED), "waiting": Q(closed_at=None),
}  # fmt: skip
STEPS = {"offered": Q()} | OUTCOMES


@dataclass
class Line:
    """One person, team or source (`who` None: nobody or none yet): handoffs by what became of them."""

    who: Any
    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))

    @property
    def key(self) -> str:
        return str(self.who.pk) if self.who else "none"

    @property
    def answered(self) -> int:
        return self.numbers["offered"] - self.numbers["waiting"]


def handoffs(user: User, scope: Scope) -> QuerySet[Handoff]:
    """Return what was offered in the days of `scope` of leads `user` may read, without withdrawn and undone ones."""
    found = sla.handoffs(user, scope.start, scope.end, scope.team)
    return found.filter(lead__source=scope.source) if scope.source else found


def lines(found: QuerySet[Handoff], by: str) -> list[Line]:
    """Return the handoffs per person, team or source, those with most first. Two queries."""
    counted: dict[str, Any] = {step: Count("pk", filter=asks) for step, asks in STEPS.items()}
    rows: list[dict[str, Any]] = list(found.order_by().annotate(who=BY[by]).values("who").annotate(**counted))  # type: ignore[arg-type]
    named = NAMES[by].objects.in_bulk([row["who"] for row in rows if row["who"]])
    made = [Line(named.get(row["who"]), {step: row[step] for step in STEPS}) for row in rows]
    return sorted(made, key=lambda line: -line.numbers["offered"])


def together(all_lines: Iterable[Line]) -> Line:
    """Return all lines as one."""
    whole = Line(None)
    for line in all_lines:
        whole.numbers = {step: whole.numbers[step] + number for step, number in line.numbers.items()}
    return whole


def of_line(found: QuerySet[Handoff], by: str, who: int | None) -> QuerySet[Handoff]:
    """Return the handoffs of one line; `who` None is the line of nobody."""
    return found.annotate(who=BY[by]).filter(who=who) if who else found.annotate(who=BY[by]).filter(who=None)
