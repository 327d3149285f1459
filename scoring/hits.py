"""For how many leads a criterion holds now: from the stored scores where it is unchanged, by one scan where new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from django.core.cache import cache
from django.db import connection

from crm.models import Contact
from leads.models import Lead
from scoring import contents, facts, pointer
from scoring.compiler import sql_of
from scoring.matching import predicate_hash
from scoring.models import Criterion, PublishRun, Score, ScorecardVersion
from scoring.operators import holds
from scoring.packing import BOOKED

KEPT = 300  # seconds
AT_ONCE = 5_000
BY_HAND = 20_000  # leads whose own fields are read for the page; with more of them only the preview tells
SAME = ("kind", "fact", "operator", "value", "activity_kind_id", "where", "window", "half_life", "max_count", "cap")


def of(version: ScorecardVersion) -> dict[int, int]:
    """Return {criterion: leads it holds for}; criteria are left out where only the preview can tell."""
    criteria = list(version.criteria.select_related("group"))
    live = _in_force()
    found, new = {}, []
    for criterion in criteria:
        said = contents.of_criterion(criterion)
        slot, before = live.get(criterion.key, (None, None))
        if slot is not None and before and before["points"] and all(said[name] == before[name] for name in SAME):
            found[criterion.pk] = slot
        elif not criterion.is_of_activities:
            new.append(criterion)
    return found | _scanned(new)


def _in_force() -> dict[str, tuple[int, contents.Content]]:
    """Return {key: (leads whose score it moves, what it says)} of the version in force."""
    current = pointer.read()
    if current is None:
        return {}
    moved = _moved(current.version_id, current.day)
    rows = Criterion.objects.filter(version_id=current.version_id).select_related("group")
    return {
        row.key: (moved[row.slot] if row.slot < len(moved) else 0, contents.of_criterion(row))
        for row in rows
        if row.slot is not None
    }


def _moved(version: int, day: int) -> list[int]:
    """Return for each slot how many scores it moves."""
    last = PublishRun.objects.order_by("-pk").values_list("pk", flat=True).first()
    key = f"scoring:hits:{version}:{day}:{last}"
    known = cache.get(key)
    if known is None:
        counts = np.zeros(0, np.int64)
        stored = Score.objects.order_by().values_list("points", flat=True).iterator(chunk_size=AT_ONCE)
        while rows := list(islice(stored, AT_ONCE)):
            moved = np.bincount(np.frombuffer(b"".join(rows), BOOKED)["slot"])
            width = max(len(moved), len(counts))
            counts = np.pad(counts, (0, width - len(counts))) + np.pad(moved, (0, width - len(moved)))
        known = counts.tolist()
        cache.set(key, known, KEPT)
    return list(known)


def _scanned(criteria: Iterable[Criterion]) -> dict[int, int]:
    """Return {criterion: leads} of criteria about facts, counted in one scan over the newest leads."""
    asked = {c.pk: _question(c) for c in criteria}
    keys = {pk: f"scoring:hit:{question}" for pk, question in asked.items()}
    known = cache.get_many(keys.values())
    wanted = [c for c in criteria if keys[c.pk] not in known]
    statements = [(c, sql) for c in wanted if (sql := sql_of(c.fact, c.operator, c.value))]
    if statements:
        columns = ", ".join(f"sum(CASE WHEN {sql} THEN 1 ELSE 0 END)" for _c, (sql, _params) in statements)
        params = [value for _c, (_sql, values) in statements for value in values]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {facts.SQL_FROM} WHERE l.id IS NOT NULL", params)
            row = cursor.fetchone()
        fresh = {keys[c.pk]: int(n or 0) for (c, _sql), n in zip(statements, row, strict=True)}
        cache.set_many(fresh, KEPT)
        known |= fresh
    by_hand = [c for c in wanted if sql_of(c.fact, c.operator, c.value) is None]
    if by_hand and Lead.objects.count() <= BY_HAND:
        fresh = {keys[pk]: n for pk, n in _read_one_by_one(by_hand).items()}
        cache.set_many(fresh, KEPT)
        known |= fresh
    return {pk: known[key] for pk, key in keys.items() if key in known}


def _read_one_by_one(criteria: Sequence[Criterion]) -> dict[int, int]:
    """Return {criterion: leads} of criteria about the workspace's own fields, which only Python can read."""
    found = dict.fromkeys((c.pk for c in criteria), 0)
    asked = [(c, facts.fact(c.fact).read) for c in criteria]
    columns = [column for column, _label in facts.CUSTOM.values()]
    people = Contact.objects.filter(pk__in=Lead.objects.values("contact")).order_by()
    for profile in people.values(*columns).iterator(chunk_size=2000):
        for criterion, read in asked:
            found[criterion.pk] += holds(criterion.operator, read(profile), criterion.value)
    return found


def _question(criterion: Criterion) -> str:
    return predicate_hash(criterion.fact, criterion.operator, criterion.value)
