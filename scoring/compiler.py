"""A version, made ready: numbers and arrays for the engine, SQL for asking a new question of everybody at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import connection

from crm.text import fold
from scoring.decay import FULL, booked, weights
from scoring.facts import fact
from scoring.grading import Bars
from scoring.models import HORIZON, Criterion, Dimension, ScorecardVersion
from scoring.operators import FLAG, NUMBER


@dataclass(frozen=True)
class Line:
    """One criterion as the engine reads it; `matcher` or `bit` says whom it asks."""

    slot: int
    points: int
    raises_hand: bool = False
    bit: int | None = None
    matcher: int | None = None
    window: int = HORIZON
    max_count: int | None = None
    cap: int | None = None
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Group:
    minimum: int
    maximum: int
    slots: tuple[int, ...]


@dataclass(frozen=True)
class Compiled:
    """A version for the engine: `width` slots, its lines, and the groups of either dimension."""

    version_id: int
    width: int
    lines: tuple[Line, ...]
    fit: tuple[Group, ...]
    engagement: tuple[Group, ...]
    bars: Bars
    skip_review: frozenset[str] = frozenset()


def compile_version(version: ScorecardVersion) -> Compiled:
    """Return `version` made ready; every criterion needs its slot and its matcher or predicate by now."""
    criteria = list(version.criteria.all())
    lines = tuple(_line(criterion) for criterion in criteria)
    slots_of: dict[int, list[int]] = {}
    for criterion in criteria:
        if criterion.is_summed and criterion.group_id is not None and criterion.slot is not None:
            slots_of.setdefault(criterion.group_id, []).append(criterion.slot)
    groups: dict[str, list[Group]] = {Dimension.FIT: [], Dimension.ENGAGEMENT: []}
    for group in version.groups.all():
        groups[group.dimension].append(Group(group.minimum, group.maximum, tuple(slots_of.get(group.pk, ()))))
    return Compiled(
        version_id=version.pk,
        width=max((line.slot for line in lines), default=-1) + 1,
        lines=lines,
        fit=tuple(groups[Dimension.FIT]),
        engagement=tuple(groups[Dimension.ENGAGEMENT]),
        bars=Bars.of(version),
        skip_review=frozenset(version.skip_review),
    )


def _line(criterion: Criterion) -> Line:
    if criterion.slot is None:
        raise ValueError(f"criterion {criterion.key} has no slot yet")
    if not criterion.is_of_activities:
        return Line(criterion.slot, booked(criterion.points, FULL, criterion.cap), bit=criterion.predicate_id)
    stored = bytes(criterion.weights) or weights(criterion.half_life, criterion.window)
    table = np.zeros(HORIZON, np.int64)
    known = np.frombuffer(stored, "<u4")[:HORIZON]
    table[: len(known)] = known
    return Line(
        slot=criterion.slot,
        points=criterion.points,
        raises_hand=criterion.kind == Criterion.Kind.HAND_RAISE,
        matcher=criterion.matcher_id,
        window=criterion.window,
        max_count=criterion.max_count,
        cap=criterion.cap,
        weights=table,
    )


@lru_cache(maxsize=16)
def _compiled(version_id: int, catalogue: int) -> Compiled:
    return compile_version(ScorecardVersion.objects.get(pk=version_id))


def compiled(version_id: int, catalogue: int) -> Compiled:
    """Return a published version made ready; it is frozen, so each process compiles it once.

    `catalogue` is the pointer's number.
    """
    return _compiled(version_id, catalogue)


# --- SQL ----------------------------------------------------------------------------------------


def sql_of(fact_key: str, operator: str, value: Any) -> tuple[str, list[Any]] | None:
    """Return a boolean SQL expression over facts.SQL_FROM with its parameters; None where only Python can tell."""
    asked = fact(fact_key)
    if asked.sql is None:
        return None
    column = asked.sql
    known = f"({column}) IS NOT NULL" if asked.type in {NUMBER, FLAG} else f"({column}) <> ''"
    if operator == "is_known":
        return f"COALESCE({known}, FALSE)", []
    if operator == "is_missing":
        return f"NOT COALESCE({known}, FALSE)", []
    compared = _comparison(column, asked.folded, operator, value, asked.type)
    if compared is None:
        return None
    sql, params = compared
    return f"COALESCE(({known}) AND ({sql}), FALSE)", params


def _comparison(column: str, folded: str | None, operator: str, value: Any, kind: str) -> tuple[str, list[Any]] | None:
    if kind == FLAG:
        if not isinstance(value, bool) or operator not in {"is", "is_not"}:
            return None
        return (f"({column})" if value == (operator == "is") else f"NOT ({column})"), []
    if operator in {"is", "is_not"}:
        return f"{column} {'=' if operator == 'is' else '<>'} %s", [value]
    if operator in {"in", "not_in"}:
        places = ", ".join(["%s"] * len(value))
        return f"{column} {'NOT IN' if operator == 'not_in' else 'IN'} ({places})", list(value)
    if operator == "between":
        return f"{column} BETWEEN %s AND %s", list(value)
    if operator in {"at_least", "at_most"}:
        return f"{column} {'>=' if operator == 'at_least' else '<='} %s", [value]
    if operator == "starts_with":
        return f"substr({column}, 1, {len(value)}) = %s", [value]
    if operator == "contains" and folded:
        find = "strpos" if connection.vendor == "postgresql" else "instr"
        return f"{find}({folded}, %s) > 0", [fold(value)]
    return None
