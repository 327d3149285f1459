"""Why a lead scores what it scores: on cards in one keyed read, on its own page down to the activities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import F, QuerySet, Subquery
from django.utils.translation import gettext

from crm.workdays import date_of
from leads.explanations import Explanation, Hint, Reason
from scoring.grading import Bars, missing_to_bar
from scoring.models import ActiveScoring, Criterion, Score, ScorecardVersion, ScoreHistory
from scoring.packing import Torn, points_of, unpack
from scoring.pointer import Pointer

CURVE_DAYS = 30
CHANGE_DAYS = 7


@dataclass(frozen=True)
class Entry:
    """What a slot stands for."""

    label: str
    counts: bool
    hints: bool
    matcher: int | None
    window: int
    most: int | None


@dataclass(frozen=True)
class Legend:
    """The words for the numbers of a version: entries by slot, and its bars."""

    entries: dict[int, Entry]
    bars: Bars


@lru_cache(maxsize=16)
def legend(version_id: int, catalogue: int) -> Legend:
    """Return the words for the points of a published version; `catalogue` is the pointer's number."""
    criteria = list(Criterion.objects.filter(version=version_id, slot__isnull=False).select_related("version"))
    version = criteria[0].version if criteria else ScorecardVersion.objects.get(pk=version_id)
    return Legend({c.slot: _entry(c) for c in criteria if c.slot is not None}, Bars.of(version))


def _entry(criterion: Criterion) -> Entry:
    hints = criterion.kind == Criterion.Kind.SALES_SIGNAL
    counts = criterion.is_summed
    return Entry(criterion.label, counts, hints, criterion.matcher_id, criterion.window, criterion.max_count)


def cards(lead_ids: Sequence[int]) -> dict[int, Explanation]:
    """Return the explanations of the leads that have a score, in two queries however many they are.

    One more is asked the first time a process meets a version.
    """
    scores: list[Any] = list(_scores(lead_ids))
    if not scores or scores[0].in_force is None:
        return {}
    current = Pointer(scores[0].in_force, scores[0].as_of_day, scores[0].catalogue)
    history = _history([score.lead_id for score in scores], current.day)
    words = legend(current.version_id, current.catalogue)
    return {score.lead_id: _card(score, words, history.get(score.lead_id, []), current) for score in scores}


def unreadable() -> str:
    """Return the sentence for a score whose parts are stored, but torn."""
    return gettext("What is stored behind this score cannot be read; the next pass over all leads counts it anew.")


def _scores(lead_ids: Sequence[int]) -> QuerySet[Score]:
    """Return the scores of those leads, each with the pointer and with what is known of what the person did."""
    active = ActiveScoring.objects.filter(pk=1)
    return (
        Score.objects.filter(lead_id__in=lead_ids)
        .only("lead_id", "fit", "engagement", "total", "grade", "at_bar", "points")
        .annotate(
            in_force=Subquery(active.values("version_id")), as_of_day=Subquery(active.values("as_of_day")),
            catalogue=Subquery(active.values("catalogue")), signals=F("lead__contact__signals__data"),
            signals_from=F("lead__contact__signals__counts_from"),
        )
    )  # fmt: skip


def _card(score: Any, words: Legend, rows: list[ScoreHistory], current: Pointer) -> Explanation:
    recent = [row for row in rows if row.day > current.day - CHANGE_DAYS]
    before = recent[0].before if recent else score.total
    trouble = ""
    reasons: tuple[Reason, ...] = ()
    hints: tuple[Hint, ...] = ()
    try:
        booked = points_of(bytes(score.points))
        counted = Counted(words, score.signals, score.signals_from, current.day)
        reasons, hints = tuple(_reasons(booked, words, counted)), tuple(_hints(booked, words, counted))
    except Torn:
        trouble = unreadable()
    return Explanation(
        score=score.total,
        grade=score.grade,
        reasons=reasons,
        hints=hints,
        trouble=trouble,
        change=None if before is None else score.total - before,
        curve=tuple(curve(rows, score.total, current.day)),
        missing=None if score.at_bar else missing_to_bar(words.bars, score.fit, score.engagement),
    )


class Counted:
    """How many activities of one lead count for a slot, and on which day the newest was."""

    def __init__(self, words: Legend, signals: bytes | None, first: int | None, day: int) -> None:
        self._words, self._day, self._first = words, day, first or 0
        self._of: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for (matcher, on), n in (unpack(bytes(signals)) if signals else Counter[tuple[int, int]]()).items():
            self._of[matcher].append((on, n))

    def _within(self, slot: int) -> list[tuple[int, int]]:
        entry = self._words.entries[slot]
        if entry.matcher is None:
            return []
        return [
            (on, n)
            for on, n in self._of[entry.matcher]
            if 0 <= self._day - on < entry.window and on >= self._first
        ]  # fmt: skip

    def times(self, slot: int) -> int:
        n, most = sum(n for _on, n in self._within(slot)), self._words.entries[slot].most
        return n if most is None else min(n, most)

    def newest(self, slot: int) -> int | None:
        return max((on for on, _n in self._within(slot)), default=None)


def _reasons(booked_points: list[int], words: Legend, counted: Counted) -> list[Reason]:
    booked = [
        (points, slot)
        for slot, points in enumerate(booked_points)
        if points and slot in words.entries and words.entries[slot].counts
    ]
    return [
        Reason(_named(words.entries[slot], counted.times(slot)), points)
        for points, slot in sorted(booked, key=lambda pair: (-pair[0], pair[1]))
    ]


def _hints(booked_points: list[int], words: Legend, counted: Counted) -> list[Hint]:
    """Return the sales signals that hold: what was done first, the newest first, then who somebody is."""
    found = [
        (counted.newest(slot), slot)
        for slot, points in enumerate(booked_points)
        if points and slot in words.entries and words.entries[slot].hints
    ]
    return [
        Hint(_named(words.entries[slot], counted.times(slot)), None if on is None else date_of(on))
        for on, slot in sorted(found, key=lambda pair: (-(pair[0] or 0), pair[1]))
    ]


def _named(entry: Entry, times: int) -> str:
    label = gettext(entry.label)
    return gettext("%(what)s ×%(times)d") % {"what": label, "times": times} if times > 1 else label


def _history(lead_ids: list[int], day: int) -> dict[int, list[ScoreHistory]]:
    rows: dict[int, list[ScoreHistory]] = defaultdict(list)
    recent = ScoreHistory.objects.filter(lead_id__in=lead_ids, day__gt=day - CURVE_DAYS)
    for row in recent.order_by("lead_id", "id"):
        rows[row.lead_id].append(row)
    return rows


def curve(rows: Sequence[ScoreHistory], total: int, day: int, days: int = CURVE_DAYS) -> list[tuple[int, int]]:
    """Return (day, score at its end) for the last `days` days for which there was a score.

    `rows` are the lead's rows of these days in order; between them the score stays.
    """
    ends = {row.day: row.after for row in rows}
    value = rows[0].before if rows else total
    points = []
    for on in range(day - days + 1, day + 1):
        value = ends.get(on, value)
        if value is not None:
            points.append((on, total if on == day else value))
    return points
