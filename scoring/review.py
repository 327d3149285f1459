"""The weekly review of marketing and sales: what one week brought, beside the four before, and whom to talk about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from crm.models import User
from crm.workdays import local_date
from leads.agreements import monday
from leads.models import Feedback, Lead
from leads.reports import reasons, sla
from leads.reports.period import Scope
from leads.reports.reason_moves import FEEDBACK, FIRST, REPEAT, STEPS, Told, by_period, told
from leads.reports.sla import WEEK, Week
from leads.stages import Verb

BEFORE = 4  # weeks beside it
TALKED_ABOUT = 12
BEST = ("A", "1")  # letter and digit of the grades that should not come back


@dataclass(frozen=True)
class Line:
    """One figure: this week, the week before, the mean of the four before; `verb` and `mql` open its moves."""

    label: str
    now: int
    before: int
    mean: float
    verb: str
    mql: str = ""


@dataclass
class Talk:
    """A lead to talk about, and why."""

    lead: Lead
    whys: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Review:
    """One week from Monday `start`; `sla` and `sla_before` are its answers and those of the week before."""

    start: date
    end: date
    lines: Sequence[Line]
    reasons: Sequence[tuple[str, str, int]]
    feedback: Sequence[tuple[str, str, int]]
    sla: Week
    sla_before: Week
    talks: Sequence[Talk]

    @property
    def sent_back(self) -> int:
        return sum(number for _key, _label, number in self.reasons)

    @property
    def judged(self) -> int:
        return sum(number for _key, _label, number in self.feedback)


def last_week(today: date | None = None) -> date:
    """Return the Monday of the last week that is over."""
    return monday(today or local_date()) - WEEK


def review(start: date, user: User, now: datetime) -> Review:
    """Return the week from Monday `start` on the leads `user` may read. A fixed number of questions."""
    end = start + timedelta(days=6)
    answers = sla.weeks(sla.handoffs(user, start - WEEK, end, None), start - WEEK, end, None, now)
    moves = told(Scope(start, end), user, verbs=(Verb.SEND_BACK, FEEDBACK))
    tables = {table.verb: table for table in reasons.tables(moves, "grade")}
    return Review(
        start, end, _lines(_counts(start, user)), _named(tables.get(Verb.SEND_BACK)), _named(tables.get(FEEDBACK)),
        answers[0], answers[1], _talks(moves, start, end, user, now),
    )  # fmt: skip


def _named(table: reasons.Table | None) -> list[tuple[str, str, int]]:
    """Return (key, label, number) of the columns of a table, the largest first."""
    return [(key, label, table.whole.reasons[key]) for key, label in table.columns] if table else []


def _counts(start: date, user: User) -> list[Counter[tuple[str, str]]]:
    """Return {(verb, first or repeat MQLs; '' for all): moves} of the week from `start` and of those before it."""
    mondays = [start - n * WEEK for n in range(BEFORE, -1, -1)]
    weeks = by_period([Scope(day, day + timedelta(days=6)) for day in mondays], user)
    for week in weeks:
        for (verb, _mql), number in list(week.items()):
            week[verb, ""] += number
    return weeks[::-1]


def _lines(counts: Sequence[Counter[tuple[str, str]]]) -> list[Line]:
    asked = [
        (_("First MQLs"), Verb.QUALIFY_FOR_MARKETING, FIRST), (_("Repeat MQLs"), Verb.QUALIFY_FOR_MARKETING, REPEAT),
        *((str(label), verb, "") for verb, label in list(STEPS.items())[1:] if verb != FEEDBACK),
    ]  # fmt: skip
    return [
        Line(
            label, counts[0][verb, mql], counts[1][verb, mql], sum(c[verb, mql] for c in counts[1:]) / BEFORE, verb, mql
        )
        for label, verb, mql in asked
    ]


# --- Whom to talk about ---------------------------------------------------------------------------


def _talks(moves: Sequence[Told], start: date, end: date, user: User, now: datetime) -> list[Talk]:
    """Return the leads worth a word, those with most reasons first: what came back though it was among the best or
    for the second time, what sales accepted and found bad, what it sent back and found good, what still waits."""
    whys: dict[int, list[str]] = defaultdict(list)
    verdicts = {move.lead: move.reason for move in moves if move.verb == FEEDBACK}
    sent_back = {move.lead: move for move in moves if move.verb == Verb.SEND_BACK}
    for lead, move in sent_back.items():
        if move.grade[:1] in BEST or move.grade[1:] in BEST:
            whys[lead].append(_("Graded %(grade)s and sent back.") % {"grade": move.grade})
        if move.mql == REPEAT:
            whys[lead].append(_("Sent back as a repeat MQL."))
        if verdicts.get(lead) == Feedback.Verdict.GOOD:
            whys[lead].append(_("Sent back, though sales found it good."))
    for lead, verdict in verdicts.items():
        if verdict == Feedback.Verdict.BAD and lead not in sent_back:
            whys[lead].append(_("Accepted, though sales found it bad."))
    waiting = sla.handoffs(user, start, end, None).filter(sla.steps(now)["overdue"])
    for lead in waiting.order_by("due_at", "id").values_list("lead_id", flat=True)[:TALKED_ABOUT]:
        whys[lead].append(_("Overdue and still without an answer."))
    chosen = sorted(whys, key=lambda lead: (-len(whys[lead]), -lead))[:TALKED_ABOUT]
    rows = Lead.objects.visible_to(user).with_people().in_bulk(chosen)
    return [Talk(rows[lead], whys[lead]) for lead in chosen if lead in rows]
