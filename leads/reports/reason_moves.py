"""The moves the report on reasons counts, one by one or those that count alike together.

Every move that stands counts once, on the day it was made. First and repeat MQLs are told apart: a lead is a repeat MQL
from the second time on that it became one, whatever came between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm import roles
from crm.models import User
from leads import feedback
from leads.models import Feedback, Lead, StageChange
from leads.reports.arrays import positions
from leads.reports.funnel import standing_moves
from leads.reports.listed import Found, Listed, by_group, integers, of_all, whole
from leads.reports.period import Scope, midnight
from leads.stages import Stage, Verb

FEEDBACK = "feedback"  # what sales said of a handoff stands beside the moves, its verdict as the reason
KINDS: dict[str, str | Promise] = {
    Verb.SEND_BACK: _("Sent back"), Verb.LOSE: _("Lost"), Verb.DISQUALIFY: _("Disqualified"),
    FEEDBACK: _("Feedback of sales"),
}  # fmt: skip
#: what the counts of first and repeat MQLs tell of, in the order of a lead's life
STEPS: dict[str, str | Promise] = {
    Verb.QUALIFY_FOR_MARKETING: _("Became MQL"), Verb.HAND_OFF: _("Handed over"), Verb.ACCEPT: _("Accepted"),
    **KINDS,
}  # fmt: skip
BEFORE, FIRST, REPEAT = "before", "first", "repeat"
WHICH = (BEFORE, FIRST, REPEAT)  # by how often a lead has become MQL; any further time is a repeat too
MQLS: dict[str, str | Promise] = {
    FIRST: _("First MQLs"), REPEAT: _("Repeat MQLs"), BEFORE: _("Before becoming MQL"),
}  # fmt: skip
NONE = "-"  # key of what has no group or reason
ENTERED = (Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED)
SOME = 500  # leads; more of them are not named one by one in a question to the database
#: A place in the log of all leads is one number: the lead, then 20 bits for the place in its own log.
BITS = 20


@dataclass(frozen=True)
class Groups:
    """The groups of leads: those of `leads` (no two alike) stand in `keys` at `places`, int64[leads] both.

    The first of `keys` is (), of whom is in no group.
    """

    leads: np.ndarray
    places: np.ndarray
    keys: Sequence[tuple[str, ...]]

    @classmethod
    def by_lead(cls, known: Mapping[int, tuple[str, ...]]) -> Groups:
        """Take the groups of each lead as they are."""
        keys: dict[tuple[str, ...], int] = {(): 0}
        found = [keys.setdefault(groups, len(keys)) for groups in known.values()]
        return cls(np.array(list(known), np.int64), np.array(found, np.int64), list(keys))

    @classmethod
    def apart(cls, groups: Iterable[tuple[str, Found]]) -> Groups:
        """Take (group, leads) where no lead is in two of them; several of the same name are one."""
        keys: dict[tuple[str, ...], int] = {(): 0}
        found = [(keys.setdefault((key,), len(keys)), integers(listed)) for key, listed in groups]
        leads = np.concatenate([np.array([], np.int64), *(listed for _place, listed in found)])
        at = np.repeat([place for place, _listed in found], [len(listed) for _place, listed in found])
        return cls(leads, at.astype(np.int64), list(keys))

    def of(self, leads: np.ndarray) -> np.ndarray:
        """Return where the groups of `leads` stand, int64[leads]."""
        return np.append(self.places, 0)[positions(self.leads, leads)]


GroupsOf = Callable[[np.ndarray], Groups]


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

    @property
    def times(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class Alike:
    """So many moves that count alike, of leads with the same `groups`."""

    verb: str
    reason: str
    grade: str
    mql: str
    groups: tuple[str, ...]
    times: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """Moves with the same verb, reason and grade, as places in the log of all leads (int64), in order."""

    verb: str
    reason: str
    grade: str
    places: np.ndarray

    @property
    def leads(self) -> np.ndarray:
        return self.places >> BITS


# --- One by one -----------------------------------------------------------------------------------


def told(scope: Scope, user: User, mql: str = "", verbs: Collection[str] = tuple(STEPS)) -> list[Told]:
    """Return the moves of `verbs` in the period on leads `user` may read; `mql` keeps one of MQLS."""
    names = ("pk", "lead_id", "seq", "verb", "at", "reason_id", "grade")
    moves = _moves(scope, user, list(verbs)) & standing_moves()
    rows: list[tuple[Any, ...]] = list(moves.values_list(*names))
    rows += _feedback_rows(scope, user) if FEEDBACK in verbs else []
    times = _times(np.array([(lead << BITS) + seq for _pk, lead, seq, *_rest in rows], np.int64))
    found = [
        Told(pk, lead, verb, at, str(reason) if reason else NONE, grade or "", WHICH[which])
        for (pk, lead, _seq, verb, at, reason, grade), which in zip(rows, times.tolist(), strict=True)
    ]
    return [move for move in found if move.mql == mql] if mql else found


def _moves(scope: Scope, user: User, verbs: Sequence[str]) -> QuerySet[StageChange]:
    """Return the moves of the period, also those that were undone since."""
    start, end = midnight(scope.start), midnight(scope.end + timedelta(days=1))
    moves = StageChange.objects.filter(verb__in=verbs, at__gte=start, at__lt=end).order_by()
    if not roles.sees_everything(user):
        moves = moves.filter(lead__in=Lead.objects.visible_to(user))
    if scope.source:
        moves = moves.filter(lead__source=scope.source)
    if scope.team:
        moves = moves.filter(Q(handoff__team=scope.team) | Q(handoff=None, by__team=scope.team))
    return moves


def _feedback_rows(scope: Scope, user: User) -> list[tuple[int, int, int, str, datetime, str, str]]:
    names = ("pk", "handoff__lead_id", "seq", "given_at", "verdict", "handoff__packet__grade")
    return [
        (-pk, lead, seq or 0, FEEDBACK, at, verdict, grade)
        for pk, lead, seq, at, verdict, grade in _feedback(scope, user).values_list(*names)
    ]


def _feedback(scope: Scope, user: User) -> QuerySet[Feedback]:
    """Return what sales said in the period, with `seq`: the place in the log at which the lead was handed over."""
    said = feedback.given(user).filter(
        given_at__gte=midnight(scope.start), given_at__lt=midnight(scope.end + timedelta(days=1))
    )
    said = said.filter(handoff__lead__source=scope.source) if scope.source else said
    said = said.filter(by__team=scope.team) if scope.team else said
    # By the lead as well: the log has an index of that, not of handoffs.
    offers = StageChange.objects.filter(
        lead=OuterRef("handoff__lead"), verb=Verb.HAND_OFF, handoff=OuterRef("handoff")
    ).order_by()  # fmt: skip
    return said.order_by().annotate(seq=Subquery(offers.values("seq")[:1]))


# --- Those that count alike together --------------------------------------------------------------


def summed(scope: Scope, user: User, mql: str, groups_of: GroupsOf) -> list[Alike]:
    """Return the same as `told`, with the moves that count alike added up; `groups_of` tells the groups of leads.

    Only moves of KINDS have groups and reasons. A fixed number of queries, none of which reads a row per move.
    """
    undone = _undone()
    listed = [*_listed(scope, user, undone), *_listed_feedback(scope, user)]
    groups = _grouped([one.leads for one in listed if one.verb in KINDS], groups_of)
    became = _became(_joined([one.leads for one in listed]), undone)
    return [
        Alike(one.verb, one.reason, one.grade, WHICH[which], keys, number)
        for one in listed
        for (which, keys), number in _counted(one, _so_far(became, one.places), groups).items()
        if mql in ("", WHICH[which])
    ]


def by_period(scopes: Sequence[Scope], user: User) -> list[Counter[tuple[str, str]]]:
    """Return for each of these periods, which follow one another, {(verb, one of WHICH): moves} as `told` tells them.

    Without feedback. A fixed number of queries, none of which reads a row per move.
    """
    whole = replace(scopes[0], end=scopes[-1].end)
    later = [When(at__lt=midnight(scope.end + timedelta(days=1)), then=n) for n, scope in enumerate(scopes)]
    moves = _moves(whole, user, [verb for verb in STEPS if verb != FEEDBACK])
    which = Case(*later, output_field=BigIntegerField())
    listed = by_group(moves.annotate(which=which).values_list("verb", "which").annotate(places=_places("lead_id")))
    undone = _undone()
    found = [(verb, nth, np.sort(_without(integers(places), undone))) for verb, nth, places in listed]
    became = _became(_joined([places >> BITS for _verb, _nth, places in found]), undone)
    counts: list[Counter[tuple[str, str]]] = [Counter() for _scope in scopes]
    for verb, nth, places in found:
        times = np.bincount(_so_far(became, places), minlength=len(WHICH)).tolist()
        counts[nth].update({(verb, mql): number for mql, number in zip(WHICH, times, strict=True) if number})
    return counts


def _joined(leads: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.array([], np.int64), *leads])


def _grouped(leads: Sequence[np.ndarray], groups_of: GroupsOf) -> Groups:
    every = np.sort(_joined(leads))
    return groups_of(every[np.diff(every, prepend=-1) > 0])


def _counted(one: _Listed, times: np.ndarray, groups: Groups) -> dict[tuple[int, tuple[str, ...]], int]:
    """Return {(index of WHICH, groups of the lead): moves}."""
    if one.verb not in KINDS:
        return {(which, ()): n for which, n in enumerate(np.bincount(times).tolist()) if n}
    pairs, numbers = np.unique(times * len(groups.keys) + groups.of(one.leads), return_counts=True)
    which, places = np.divmod(pairs, max(1, len(groups.keys)))
    told = zip(which.tolist(), places.tolist(), numbers.tolist(), strict=True)
    return {(nth, groups.keys[place]): number for nth, place, number in told}


def _listed(scope: Scope, user: User, undone: np.ndarray) -> list[_Listed]:
    """Return the moves of the period that stand; reasons and grades only of KINDS, which are the fewest."""
    steps, ends = [verb for verb in STEPS if verb not in KINDS], [verb for verb in KINDS if verb != FEEDBACK]
    # One by one: PostgreSQL would read the whole log for all of them together, but each from the index alone.
    listed = [(verb, of_all(_moves(scope, user, [verb]), places=_places("lead_id"))["places"]) for verb in steps]
    found = [_Listed(verb, NONE, "", integers(places)) for verb, places in listed if places is not None]
    reasons = _moves(scope, user, ends).values_list("verb", "reason_id", "grade")
    rows = by_group(reasons.annotate(places=_places("lead_id")))
    found += [
        _Listed(verb, str(reason) if reason else NONE, grade, integers(places)) for verb, reason, grade, places in rows
    ]
    return [replace(one, places=np.sort(_without(one.places, undone))) for one in found]


def _listed_feedback(scope: Scope, user: User) -> list[_Listed]:
    rows = _feedback(scope, user).values_list("verdict", KeyTextTransform("grade", "handoff__packet"))
    listed = by_group(rows.annotate(places=_places("handoff__lead_id")))
    return [_Listed(FEEDBACK, verdict, grade or "", np.sort(integers(places))) for verdict, grade, places in listed]


def _places(lead: str, seq: str = "seq") -> Listed:
    return Listed(whole(F(lead) * 2**BITS + Coalesce(F(seq), 0)))


def _undone() -> np.ndarray:
    """Return the places of all moves that were undone. Few: asked of every move, it would cost more than the rest."""
    undos = StageChange.objects.filter(verb=Verb.UNDO, reverses__isnull=False)
    return integers(of_all(undos, places=_places("lead_id", "reverses__seq"))["places"])


def _without(places: np.ndarray, undone: np.ndarray) -> np.ndarray:
    return places[~np.isin(places, undone)] if len(undone) else places


# --- The how-many-th MQL --------------------------------------------------------------------------


def _times(places: np.ndarray) -> np.ndarray:
    """Return how often the lead of each place had become an MQL by then, as an index of WHICH."""
    order = np.argsort(places)
    times = np.empty_like(places)
    times[order] = _so_far(_became(places >> BITS, _undone()), places[order])
    return times


def _so_far(became: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the same of places in order, which are found ten times faster; `became` tells of their leads or more."""
    so_far = np.searchsorted(became, places, "right") - np.searchsorted(became, places >> BITS << BITS)
    return np.minimum(so_far, len(WHICH) - 1)


def _became(leads: np.ndarray, undone: np.ndarray) -> np.ndarray:
    """Return the places at which leads became MQLs, sorted: of `leads` or more; what a file told counts once."""
    moves = StageChange.objects.filter(verb__in=[Verb.QUALIFY_FOR_MARKETING, Verb.ENTER_AS]).order_by()
    moves = moves if len(leads) > SOME else moves.filter(lead__in=np.unique(leads).tolist())
    elsewhere = Q(verb=Verb.ENTER_AS) & ~Q(to_stage__in=ENTERED)
    rows = by_group(moves.exclude(elsewhere).values_list("verb").annotate(places=_places("lead_id")))
    found = {verb: np.sort(_without(integers(places), undone)) for verb, places in rows}
    by_file = found.pop(Verb.ENTER_AS, np.array([], np.int64))
    _leads, first = np.unique(by_file >> BITS, return_index=True)
    return np.sort(np.concatenate([by_file[first], *found.values()]))
