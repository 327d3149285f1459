"""Why leads came back, were lost or disqualified: by source, campaign, grade and what else is registered here.

Every move that stands counts once, on the day it was made. First and repeat MQLs are told apart: a lead is a repeat MQL
from the second time on that it became one, whatever came between.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as gl

from crm.models import User
from leads import feedback
from leads.models import Campaign, Feedback, Lead, Reason, Source, StageChange
from leads.reports import attribution
from leads.reports.funnel import standing_moves
from leads.reports.period import Scope, midnight
from leads.stages import Stage, Verb

FEEDBACK = "feedback"  # what sales said of a handoff stands beside the moves, its verdict as the reason
KINDS: dict[str, str | Promise] = {
    Verb.SEND_BACK: gl("Sent back"), Verb.LOSE: gl("Lost"), Verb.DISQUALIFY: gl("Disqualified"),
    FEEDBACK: gl("Feedback of sales"),
}  # fmt: skip
#: what the counts of first and repeat MQLs tell of, in the order of a lead's life
STEPS: dict[str, str | Promise] = {
    Verb.QUALIFY_FOR_MARKETING: gl("Became MQL"), Verb.HAND_OFF: gl("Handed over"), Verb.ACCEPT: gl("Accepted"),
    **KINDS,
}  # fmt: skip
BEFORE, FIRST, REPEAT = "before", "first", "repeat"
MQLS: dict[str, str | Promise] = {
    FIRST: gl("First MQLs"), REPEAT: gl("Repeat MQLs"), BEFORE: gl("Before becoming MQL"),
}  # fmt: skip
OTHERS, NONE = "+", "-"  # keys of what is put together, and of what has no group or reason
LINES, COLUMNS = 30, 6  # so many stand for themselves; the rest is put together
FEWEST = 5  # moves; of fewer no share is shown, as it would tell of single people
ENTERED = (Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED)


@dataclass(frozen=True, slots=True)
class Told:
    """One move: what was done with the lead, why, at which grade, and the how-many-th MQL it was.

    Feedback is told like a move; `pk` is then the negative of its own.
    """

    pk: int
    lead: int
    verb: str
    at: datetime
    reason: str
    grade: str
    mql: str


@dataclass(frozen=True)
class Grouping:
    """`of` tells {move: keys of its groups}, `names` what the keys are called."""

    label: str | Promise
    of: Callable[[Sequence[Told]], Mapping[int, Sequence[str]]]
    names: Callable[[], Mapping[str, str]]


@dataclass
class Line:
    """One group: its moves by reason; `mqls` by first and repeat."""

    key: str
    label: str
    reasons: Counter[str] = field(default_factory=Counter)
    mqls: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.mqls.total()

    @property
    def is_few(self) -> bool:
        return self.total < FEWEST

    def share(self, reason: str) -> float | None:
        """Return the share of `reason`, None where a share would tell of single people."""
        return None if self.is_few else self.reasons[reason] / self.total


@dataclass(frozen=True)
class Table:
    """The moves of one kind: lines by size, `columns` of (reason, label) by size, and `whole` of all."""

    verb: str
    columns: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    whole: Line


# --- Reading --------------------------------------------------------------------------------------


def told(scope: Scope, user: User, mql: str = "") -> list[Told]:
    """Return the moves of STEPS in the period on leads `user` may read; `mql` keeps one of MQLS."""
    leads = Lead.objects.visible_to(user)
    leads = leads.filter(source=scope.source) if scope.source else leads
    moves = standing_moves(leads).filter(
        verb__in=list(STEPS), at__gte=midnight(scope.start), at__lt=midnight(scope.end + timedelta(days=1))
    )
    if scope.team:
        moves = moves.filter(Q(handoff__team=scope.team) | Q(handoff=None, by__team=scope.team))
    rows: list[tuple[Any, ...]] = list(
        moves.order_by().values_list("pk", "lead_id", "seq", "verb", "at", "reason_id", "grade")
    )
    rows += _feedback(scope, user)
    became = _became({lead for _pk, lead, *_rest in rows})
    found = []
    for pk, lead, seq, verb, at, reason, grade in rows:
        times = sum(one <= seq for one in became.get(lead, ()))
        which = (BEFORE, FIRST)[times] if times < 2 else REPEAT
        if not mql or which == mql:
            found.append(Told(pk, lead, verb, at, str(reason) if reason else NONE, grade or "", which))
    return found


def _feedback(scope: Scope, user: User) -> list[tuple[int, int, int, str, datetime, str, str]]:
    """Return what sales said in the period, by the place in the log at which the lead was handed over."""
    said = feedback.given(user).filter(
        given_at__gte=midnight(scope.start), given_at__lt=midnight(scope.end + timedelta(days=1))
    )
    said = said.filter(handoff__lead__source=scope.source) if scope.source else said
    said = said.filter(by__team=scope.team) if scope.team else said
    offers = StageChange.objects.filter(verb=Verb.HAND_OFF, handoff=OuterRef("handoff"))
    rows = said.order_by().annotate(seq=Subquery(offers.values("seq")[:1]))
    names = ("pk", "handoff__lead_id", "seq", "given_at", "verdict", "handoff__packet__grade")
    return [
        (-pk, lead, seq or 0, FEEDBACK, at, verdict, grade)
        for pk, lead, seq, at, verdict, grade in rows.values_list(*names)
    ]


def _became(leads: set[int]) -> dict[int, list[int]]:
    """Return {lead: the places in its log at which it became MQL}; what a file told counts once."""
    became = Q(verb=Verb.QUALIFY_FOR_MARKETING) | Q(verb=Verb.ENTER_AS, to_stage__in=ENTERED)
    found: dict[int, list[int]] = defaultdict(list)
    by_file = set()
    rows = standing_moves().filter(became).order_by("seq").values_list("lead_id", "seq", "verb")
    for lead, seq, verb in rows if len(leads) > SOME else rows.filter(lead__in=leads):
        if lead in leads and not (verb == Verb.ENTER_AS and lead in by_file):
            found[lead].append(seq)
            by_file |= {lead} if verb == Verb.ENTER_AS else set()
    return found


SOME = 500  # leads; more of them are not named one by one in a question to the database


# --- Groups ---------------------------------------------------------------------------------------


def _of_leads(read: Callable[[Sequence[int]], Mapping[int, str]]) -> Callable[[Sequence[Told]], Mapping[int, Any]]:
    """Return a grouping by something of the lead: `read` tells {lead: key}."""

    def of(moves: Sequence[Told]) -> Mapping[int, Sequence[str]]:
        keys = read([move.lead for move in moves])
        return {move.pk: [keys[move.lead]] for move in moves if move.lead in keys}

    return of


def _sources(leads: Sequence[int]) -> Mapping[int, str]:
    rows = Lead.objects.exclude(source=None).order_by().values_list("pk", "source_id")
    return {pk: str(source) for pk, source in (rows if len(leads) > SOME else rows.filter(pk__in=leads))}


def _campaigns(leads: Sequence[int]) -> Mapping[int, str]:
    every = Lead.objects.all() if len(leads) > SOME else Lead.objects.filter(pk__in=leads)
    shares = attribution.shares(every, attribution.FIRST, {})
    return {lead: next(iter(parts)) for lead, parts in shares.items()}


BY: dict[str, Grouping] = {
    "source": Grouping(
        gl("Source"), _of_leads(_sources), lambda: {str(pk): str(one) for pk, one in Source.objects.in_bulk().items()}
    ),
    "campaign": Grouping(
        gl("Campaign"), _of_leads(_campaigns),
        lambda: {attribution.key_of(key): name for key, name in Campaign.objects.values_list("key", "name")},
    ),
    "grade": Grouping(
        gl("Grade"), lambda moves: {move.pk: [move.grade] for move in moves if move.grade}, dict
    ),
}  # fmt: skip


def grouped(moves: Sequence[Told], by: str) -> list[tuple[Told, Sequence[str]]]:
    """Return each move with the keys of its groups; what has none is in the group NONE, rare groups in OTHERS."""
    of = BY[by].of(moves)
    pairs = [(move, of.get(move.pk) or [NONE]) for move in moves]
    sizes = Counter(key for _move, keys in pairs for key in keys if key != NONE)
    kept = _largest(sizes, LINES) | {NONE}
    return [(move, list(dict.fromkeys(key if key in kept else OTHERS for key in keys))) for move, keys in pairs]


def _largest(sizes: Mapping[str, int], most: int) -> set[str]:
    """Return the keys that stand for themselves: one more than `most` are shown rather than put together alone."""
    ordered = sorted(sizes, key=lambda key: (-sizes[key], key))
    return set(ordered if len(ordered) <= most + 1 else ordered[:most])


def columns(moves: Sequence[Told], verb: str) -> dict[str, str]:
    """Return {reason: column} of the moves of one kind: the frequent ones stand for themselves."""
    sizes = Counter(move.reason for move in moves if move.verb == verb)
    kept = _largest(sizes, COLUMNS)
    return {reason: reason if reason in kept else OTHERS for reason in sizes}


# --- Counting -------------------------------------------------------------------------------------


def tables(moves: Sequence[Told], by: str) -> list[Table]:
    """Return one table for each kind of KINDS that happened at all."""
    pairs = grouped([move for move in moves if move.verb in KINDS], by)
    labels = {OTHERS: _("Others"), NONE: _("None")} | dict(BY[by].names())
    reasons = {str(pk): str(reason) for pk, reason in Reason.objects.in_bulk().items()}
    reasons |= {OTHERS: _("Other reasons"), NONE: _("No reason")}
    reasons |= {value: str(label) for value, label in Feedback.Verdict.choices}
    found = []
    for verb in KINDS:
        of_kind = [(move, keys) for move, keys in pairs if move.verb == verb]
        if of_kind:
            found.append(_table(verb, of_kind, columns(moves, verb), labels, reasons))
    return found


def _table(
    verb: str, pairs: Sequence[tuple[Told, Sequence[str]]], into: Mapping[str, str], labels: Mapping[str, str],
    reasons: Mapping[str, str],
) -> Table:  # fmt: skip
    lines: dict[str, Line] = {}
    whole = Line("", "")
    for move, keys in pairs:
        for line in (whole, *(lines.setdefault(key, Line(key, labels.get(key, key))) for key in keys)):
            line.reasons[into[move.reason]] += 1
            line.mqls[move.mql] += 1
    ordered = sorted(whole.reasons, key=lambda one: (one == OTHERS, -whole.reasons[one], one))
    by_size = sorted(lines.values(), key=lambda line: (line.key in {OTHERS, NONE}, -line.total, line.label))
    return Table(verb, [(one, reasons.get(one, one)) for one in ordered], by_size, whole)


def steps(moves: Sequence[Told]) -> dict[str, Counter[str]]:
    """Return {first or repeat: {verb: how many moves}}; `before` only where something ended that early."""
    found: dict[str, Counter[str]] = {which: Counter() for which in MQLS}
    for move in moves:
        found[move.mql][move.verb] += 1
    return {which: counted for which, counted in found.items() if counted or which != BEFORE}


def behind(moves: Sequence[Told], verb: str, by: str, group: str, reason: str) -> list[int]:
    """Return the moves behind one number, the newest first; an empty `group` or `reason` is all of them."""
    of_kind = [move for move in moves if move.verb == verb]
    if group:
        keep = {move.pk for move, keys in grouped([m for m in moves if m.verb in KINDS], by) if group in keys}
        of_kind = [move for move in of_kind if move.pk in keep]
    if reason:
        into = columns(moves, verb)
        of_kind = [move for move in of_kind if into[move.reason] == reason]
    return [move.pk for move in sorted(of_kind, key=lambda move: (move.at, move.pk), reverse=True)]


@dataclass(frozen=True)
class Shown:
    """One move, or one feedback, as the list behind a number shows it."""

    lead: Lead
    reason: str
    by: User | None
    grade: str
    at: datetime


def shown(pks: Sequence[int]) -> list[Shown]:
    """Return these moves in their order, with lead, reason and person."""
    lead = ("contact__company", "source")
    moves = StageChange.objects.select_related("reason", "by", *(f"lead__{name}" for name in lead))
    said = Feedback.objects.select_related("by", *(f"handoff__lead__{name}" for name in lead))
    found = {
        pk: Shown(one.lead, str(one.reason or ""), one.by, one.grade, one.at)
        for pk, one in moves.in_bulk([pk for pk in pks if pk > 0]).items()
    } | {
        -pk: Shown(one.handoff.lead, str(one), one.by, (one.handoff.packet or {}).get("grade") or "", one.given_at)
        for pk, one in said.in_bulk([-pk for pk in pks if pk < 0]).items()
    }
    return [found[pk] for pk in pks if pk in found]
