"""One chunk of a pass over all leads: read scores and signals in one snapshot, compute unlocked, write what differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from scoring import chunks, engine, failures, pointer, storing
from scoring.chunks import Stored
from scoring.compiler import compiled
from scoring.models import PublishRun
from scoring.packing import pack_points
from scoring.storing import TELLING, WORTH_TELLING, is_postgres

CHANGED_ON_SQLITE = 1_000


@dataclass(frozen=True)
class Step:
    """How far a chunk came: its last contact, leads read, rows changed, and whether nobody is left."""

    last: int = 0
    read: int = 0
    changed: int = 0
    was_last: bool = True


def step(run: PublishRun) -> Step | None:
    """Do the next chunk of `run`; None when the pointer has moved on and the pass is overtaken."""
    current = pointer.read()
    if current is None or (current.version_id, current.day) != (run.version_id, run.day):
        return None
    version = compiled(current.version_id, current.catalogue)
    chunk = chunks.read(run.cursor, version.width)
    failures.set_aside(chunk)
    stored = chunk.stored
    scores = engine.score(version, run.day, stored.signals)
    chosen = np.flatnonzero(differ(stored, scores))
    if len(chosen) and not _write(run, stored, scores, chosen):
        return None
    return Step(chunk.last, len(chunk), len(chosen), chunk.is_last)


def differ(stored: Stored, scores: engine.Scores) -> np.ndarray:
    """Return which leads have another score than what is stored: bool[n]."""
    width = max(stored.points.shape[1], scores.points.shape[1])
    return (
        (stored.seq < 0)
        | (_widened(stored.points, width) != _widened(scores.points, width)).any(axis=1)
        | (stored.fit != scores.fit)
        | (stored.engagement != scores.engagement)
        | (stored.grade != scores.grade)
        | (stored.at_bar != scores.at_bar)
    )


def _widened(points: np.ndarray, width: int) -> np.ndarray:
    return points if points.shape[1] == width else np.pad(points, ((0, 0), (0, width - points.shape[1])))


# --- Writing --------------------------------------------------------------------------------------


def told_by(cause: str, stored: Stored, scores: engine.Scores) -> np.ndarray:
    """Return which changed leads get a row of history: bool[n] (the rule of storing.is_told for arrays)."""
    least = 1 if cause in TELLING else WORTH_TELLING
    jumped = np.abs(scores.total.astype(np.int32) - stored.told) >= least
    return (stored.seq < 0) | (stored.grade != scores.grade) | (stored.at_bar != scores.at_bar) | jumped


def _write(run: PublishRun, stored: Stored, scores: engine.Scores, chosen: np.ndarray) -> bool:
    """Write the chosen leads whose score nobody has touched since; False when the pointer has moved on."""
    told = told_by(run.cause, stored, scores)
    chosen = chosen[np.argsort(stored.lead[chosen])]
    size, write = (len(chosen), _write_postgres) if is_postgres() else (CHANGED_ON_SQLITE, _write_sqlite)
    with nullcontext() if is_postgres() else _one_checkpoint():
        for start in range(0, len(chosen), size):
            with transaction.atomic():
                current = pointer.read(share=True)
                if current is None or (current.version_id, current.day) != (run.version_id, run.day):
                    return False
                write(run, stored, scores, told, chosen[start : start + size])
    return True


# --- SQLite ---------------------------------------------------------------------------------------


@contextmanager
def _one_checkpoint() -> Iterator[None]:
    """Bring the journal into the database once, after all transactions of a chunk, not within each of them."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
        cursor.execute("PRAGMA wal_autocheckpoint = 0").fetchone()
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA wal_autocheckpoint = {int(usual)}").fetchone()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _write_sqlite(run: PublishRun, stored: Stored, scores: engine.Scores, told: np.ndarray, part: np.ndarray) -> None:
    seqs = storing.seqs(stored.lead[part].tolist())
    kept = [
        seqs.get(lead) == seq for lead, seq in zip(stored.lead[part].tolist(), stored.seq[part].tolist(), strict=True)
    ]
    part = part[np.array(kept, bool)]
    after = storing.rows_of(stored.lead[part].tolist(), scores.only(part))
    tells = told[part]
    new_told = np.where(tells, scores.total[part], stored.told[part]).tolist()
    storing.write_scores(after, new_told, run.version_id, run.day)
    before = np.where(stored.seq < 0, -1, stored.fit + stored.engagement)[part].tolist()
    storing.write_history(
        [
            (row.lead_id, None if was < 0 else was, row.total, row.grade)
            for row, tell, was in zip(after, tells.tolist(), before, strict=True) if tell
        ],
        run.version_id, run.day, run.cause,
    )  # fmt: skip
    storing.write_standings([(row.lead_id, row.total, row.grade) for row in after])


# --- PostgreSQL -----------------------------------------------------------------------------------

_COLUMNS = (
    ("lead_id", "bigint", ">i8"), ("seq", "int", ">i4"), ("fit", "smallint", ">i2"),
    ("engagement", "smallint", ">i2"), ("total", "smallint", ">i2"), ("grade", "varchar(2)", "S2"),
    ("at_bar", "boolean", "?"), ("told", "smallint", ">i2"), ("tell", "boolean", "?"), ("was", "smallint", ">i2"),
)  # fmt: skip
_STAGE = (
    "CREATE TEMP TABLE IF NOT EXISTS scoring_stage ("
    + ", ".join(f"{name} {kind}" for name, kind, _packed in _COLUMNS)
    + ", points bytea) ON COMMIT DELETE ROWS"
)


def _write_postgres(run: PublishRun, stored: Stored, scores: engine.Scores, told: np.ndarray, part: np.ndarray) -> None:
    import psycopg

    raw = psycopg.Cursor(connection.connection)
    raw.execute(_STAGE)
    raw.execute("TRUNCATE scoring_stage")
    _copy_in(raw, "COPY scoring_stage FROM STDIN BINARY", _stage_rows(stored, scores.only(part), told[part], part))
    raw.execute("ANALYZE scoring_stage (lead_id)")
    version, day = int(run.version_id), int(run.day)
    if (stored.seq[part] < 0).any():
        raw.execute(
            "INSERT INTO scoring_score (lead_id, version_id, fit, engagement, total, grade, at_bar, told, points,"
            f" scored_day, seq) SELECT g.lead_id, {version}, g.fit, g.engagement, g.total, g.grade, g.at_bar, g.told,"
            f" g.points, {day}, g.seq FROM scoring_stage g JOIN leads_standing st ON st.lead_id = g.lead_id"
            " WHERE g.seq < 0 ORDER BY g.lead_id ON CONFLICT (lead_id) DO NOTHING"
        )
    # Rows that a drain touched meanwhile are right already; they leave the stage. The bounds are said twice, so that
    # a chunk of a million leads reads no more than its own.
    bounds = f"BETWEEN {int(stored.lead[part].min())} AND {int(stored.lead[part].max())}"
    raw.execute(
        f"WITH written AS (UPDATE scoring_score s SET version_id = {version}, fit = g.fit, engagement = g.engagement,"
        " total = g.total, grade = g.grade, at_bar = g.at_bar, told = g.told, points = g.points,"
        f" scored_day = {day}, seq = s.seq + 1 FROM scoring_stage g WHERE s.lead_id = g.lead_id"
        f" AND s.seq = g.seq AND s.lead_id {bounds} RETURNING g.lead_id, g.was, g.total, g.grade, g.tell),"
        f" told AS (INSERT INTO {storing.HISTORY} SELECT lead_id, {version}, {day}, %s, %s, NULLIF(was, -1), total,"
        " grade FROM written WHERE tell)"
        " UPDATE leads_standing st SET score = w.total, grade = w.grade, rank = w.total, scored_at = %s FROM written w"
        f" WHERE st.lead_id = w.lead_id AND st.lead_id {bounds}"
        " AND (st.score IS DISTINCT FROM w.total OR st.grade <> w.grade)",
        [timezone.now(), str(run.cause), timezone.now()],
    )


def _stage_rows(stored: Stored, scores: engine.Scores, tell: np.ndarray, part: np.ndarray) -> bytes:
    """Return rows in COPY's binary layout: each value behind its length, the points last and of any length."""
    layout = [("columns", ">i2")]
    for name, _kind, packed in _COLUMNS:
        layout += [(f"{name} takes", ">i4"), (name, packed)]
    rows = np.zeros(len(part), np.dtype([*layout, ("points take", ">i4")]))
    joined, sizes = pack_points(scores.points)
    values = {
        "lead_id": stored.lead[part], "seq": stored.seq[part], "fit": scores.fit, "engagement": scores.engagement,
        "total": scores.total, "grade": scores.grade, "at_bar": scores.at_bar, "tell": tell,
        "told": np.where(tell, scores.total, stored.told[part]),
        "was": np.where(stored.seq[part] < 0, -1, (stored.fit + stored.engagement)[part]),
    }  # fmt: skip
    rows["columns"], rows["points take"] = len(_COLUMNS) + 1, sizes
    for name, value in values.items():
        rows[name], rows[f"{name} takes"] = value, rows.dtype[name].itemsize
    return _one_after_the_other(rows, joined, sizes)


def _one_after_the_other(rows: np.ndarray, joined: bytes, sizes: np.ndarray) -> bytes:
    """Return each of `rows` followed by its own bytes of `joined`."""
    fixed = rows.dtype.itemsize
    has = np.arange(sizes.max(initial=0)) < sizes[:, None]
    table = np.zeros((len(rows), fixed + has.shape[1]), np.uint8)
    table[:, :fixed] = rows.view(np.uint8).reshape(len(rows), fixed)
    table[:, fixed:][has] = np.frombuffer(joined, np.uint8)
    return table[np.hstack([np.ones((len(rows), fixed), bool), has])].tobytes()


def _copy_in(raw: object, sql: str, rows: bytes) -> None:
    with raw.copy(sql) as copy:  # type: ignore[attr-defined]
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(rows), 1 << 20):
            copy.write(rows[start : start + (1 << 20)])
        copy.write(b"\xff\xff")
