"""Why leads came back, were lost or disqualified: by source, campaign, grade and what else is registered here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as gl

from crm.models import User
from leads.models import Campaign, Feedback, Lead, Reason, Source, StageChange, Touch
from leads.reports import attribution
from leads.reports.listed import Listed, by_group
from leads.reports.period import Scope
from leads.reports.reason_moves import BEFORE, KINDS, MQLS, NONE, SOME, Alike, Groups, GroupsOf, Told, summed

Move = TypeVar("Move", Told, Alike)
OTHERS = "+"  # key of what is put together
LINES, COLUMNS = 30, 6  # so many stand for themselves; the rest is put together
FEWEST = 5  # moves; of fewer no share is shown, as it would tell of single people


@dataclass(frozen=True)
class Grouping:
    """`of` tells the groups of leads, None where they are those of the grade; `names` what the keys are called."""

    label: str | Promise
    of: GroupsOf | None
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


# --- Groups ---------------------------------------------------------------------------------------


def _sources(leads: np.ndarray) -> Groups:
    rows = Lead.objects.exclude(source=None).order_by()
    rows = rows if len(leads) > SOME else rows.filter(pk__in=leads.tolist())
    found = by_group(rows.values_list("source_id").annotate(listed=Listed("pk")))
    return Groups.apart((str(source), listed) for source, listed in found)


def _campaigns(leads: np.ndarray) -> Groups:
    every = Touch.objects.filter(place=attribution.FIRST).exclude(campaign="").order_by()
    rows = every if len(leads) > SOME else every.filter(lead__in=leads.tolist())
    named = by_group(rows.values_list("campaign").annotate(listed=Listed("lead_id")))
    return Groups.apart((attribution.key_of(campaign), listed) for campaign, listed in named)


BY: dict[str, Grouping] = {
    "source": Grouping(
        gl("Source"), _sources, lambda: {str(pk): str(one) for pk, one in Source.objects.in_bulk().items()}
    ),
    "campaign": Grouping(
        gl("Campaign"), _campaigns,
        lambda: {attribution.key_of(key): name for key, name in Campaign.objects.values_list("key", "name")},
    ),
    "grade": Grouping(gl("Grade"), None, dict),
}  # fmt: skip


def added_up(scope: Scope, user: User, mql: str, by: str) -> list[Alike]:
    """Return the moves of the period for the tables by `by`, those that count alike as one."""
    return summed(scope, user, mql, BY[by].of or (lambda leads: Groups.by_lead({})))


def grouped(moves: Sequence[Move], by: str) -> list[tuple[Move, Sequence[str]]]:
    """Return each move with the keys of its groups; what has none is in the group NONE, rare groups in OTHERS."""
    pairs = [(move, keys or (NONE,)) for move, keys in zip(moves, _groups(moves, by), strict=True)]
    sizes: Counter[str] = Counter()
    for move, keys in pairs:
        for key in keys:
            sizes[key] += move.times
    del sizes[NONE]
    kept = _largest(sizes, LINES) | {NONE}
    return [(move, list(dict.fromkeys(key if key in kept else OTHERS for key in keys))) for move, keys in pairs]


def _groups(moves: Sequence[Told] | Sequence[Alike], by: str) -> list[tuple[str, ...]]:
    of = BY[by].of
    if of is None:
        return [(move.grade,) if move.grade else () for move in moves]
    leads = np.unique([move.lead for move in moves if isinstance(move, Told)])
    groups = of(leads) if len(leads) else Groups.by_lead({})
    known = dict(zip(leads.tolist(), groups.of(leads).tolist(), strict=True))
    return [groups.keys[known[move.lead]] if isinstance(move, Told) else move.groups for move in moves]


def _largest(sizes: Mapping[str, int], most: int) -> set[str]:
    """Return the keys that stand for themselves: one more than `most` are shown rather than put together alone."""
    ordered = sorted(sizes, key=lambda key: (-sizes[key], key))
    return set(ordered if len(ordered) <= most + 1 else ordered[:most])


def columns(moves: Sequence[Move], verb: str) -> dict[str, str]:
    """Return {reason: column} of the moves of one kind: the frequent ones stand for themselves."""
    sizes: Counter[str] = Counter()
    for move in moves:
        if move.verb == verb:
            sizes[move.reason] += move.times
    kept = _largest(sizes, COLUMNS)
    return {reason: reason if reason in kept else OTHERS for reason in sizes}


# --- Counting -------------------------------------------------------------------------------------


def tables(moves: Sequence[Move], by: str) -> list[Table]:
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
    verb: str, pairs: Sequence[tuple[Move, Sequence[str]]], into: Mapping[str, str], labels: Mapping[str, str],
    reasons: Mapping[str, str],
) -> Table:  # fmt: skip
    lines: dict[str, Line] = {}
    whole = Line("", "")
    for move, keys in pairs:
        of_it: list[Line] = [lines.setdefault(key, Line(key, labels.get(key, key))) for key in keys]
        for line in (whole, *of_it):
            line.reasons[into[move.reason]] += move.times
            line.mqls[move.mql] += move.times
    ordered = sorted(whole.reasons, key=lambda one: (one == OTHERS, -whole.reasons[one], one))
    by_size = sorted(lines.values(), key=lambda line: (line.key in {OTHERS, NONE}, -line.total, line.label))
    return Table(verb, [(one, reasons.get(one, one)) for one in ordered], by_size, whole)


def steps(moves: Sequence[Move]) -> dict[str, Counter[str]]:
    """Return {first or repeat: {verb: how many moves}}; `before` only where something ended that early."""
    found: dict[str, Counter[str]] = {which: Counter() for which in MQLS}
    for move in moves:
        found[move.mql][move.verb] += move.times
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
