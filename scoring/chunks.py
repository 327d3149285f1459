"""What is stored of the next leads, scores and signals of one moment, as arrays.

Where something stored is torn, the leads of that chunk are read one by one: whose signals are torn is left out and
named, torn points count as none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from crm.binary_arrays import elements
from scoring import engine
from scoring.models import ContactSignals, Score
from scoring.packing import Torn, are_torn, lengths_of, matrix_of, points_of, unpack_points
from scoring.storing import is_postgres

log = logging.getLogger("baton.scoring")
LEADS_ON_POSTGRES = 40_000
LEADS_ON_SQLITE = 20_000
_WANTED = "cs.contact_id > %s AND cs.lead_id IS NOT NULL AND NOT cs.objected"


@dataclass(frozen=True)
class Stored:
    """What is stored of n leads, as arrays; seq is −1 where there is no score yet. points: int16[n, width or more]."""

    contact: np.ndarray
    lead: np.ndarray
    seq: np.ndarray
    fit: np.ndarray
    engagement: np.ndarray
    told: np.ndarray
    grade: np.ndarray
    at_bar: np.ndarray
    points: np.ndarray
    signals: engine.Batch

    def __len__(self) -> int:
        return len(self.lead)


@dataclass(frozen=True)
class Chunk:
    """Some leads in the order of their contacts: `last` is the contact the next chunk begins after.

    `torn` are the contacts left out because their signals are torn, `pointless` the leads whose stored points are.
    """

    stored: Stored
    last: int
    is_last: bool
    torn: tuple[int, ...] = ()
    pointless: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.stored) + len(self.torn)


def read(after: int, width: int, most: int | None = None) -> Chunk:
    """Return the next leads with a contact id above `after`; `width` is how many slots the points have at least.

    `most` is how many leads, by default as many as are quickest at once.
    """
    limit = most or at_once()
    try:
        return (_read_postgres if is_postgres() else _read_sqlite)(after, width, limit)
    except Torn:
        return _read_one_by_one(after, width, limit)


def at_once() -> int:
    """Return how many leads make a chunk."""
    return LEADS_ON_POSTGRES if is_postgres() else LEADS_ON_SQLITE


# --- PostgreSQL -----------------------------------------------------------------------------------

# One statement, so one moment; all aggregates see the rows in one order, which nothing here depends on.
# The bounds stand in it as numbers, so that the planner knows how much it joins. They are a moment older: a lead that
# has come to a contact since is read as one without a score, and what a drain has written stays (see _write_postgres).
_NUMBERS = (
    ("contact", "cs.contact_id", ">i8"), ("lead", "cs.lead_id", ">i8"), ("from", "cs.counts_from", ">i4"),
    ("seq", "COALESCE(s.seq, -1)", ">i4"), ("fit", "COALESCE(s.fit, 0::int2)", ">i2"),
    ("engagement", "COALESCE(s.engagement, 0::int2)", ">i2"), ("told", "COALESCE(s.told, 0::int2)", ">i2"),
    ("at_bar", "COALESCE(s.at_bar, FALSE)", "?"), ("bits", "octet_length(cs.fit_bits)", ">i4"),
    ("data", "octet_length(cs.data)", ">i4"), ("points", "COALESCE(octet_length(s.points), 0)", ">i4"),
)  # fmt: skip
_STRINGS = ("COALESCE(s.grade, '--')", "cs.fit_bits", "cs.data", "s.points")
_BOUNDS = (
    "SELECT count(*), max(contact_id), min(lead_id), max(lead_id) FROM (SELECT contact_id, lead_id"
    f" FROM scoring_contactsignals cs WHERE {_WANTED} ORDER BY contact_id LIMIT %s) n"
)
_CHUNK = (
    " FROM scoring_contactsignals cs LEFT JOIN scoring_score s ON s.lead_id = cs.lead_id"
    f" AND s.lead_id BETWEEN {{first}} AND {{final}} WHERE {_WANTED} AND cs.contact_id <= %s"
)


def _read_postgres(after: int, width: int, limit: int) -> Chunk:
    import psycopg

    connection.ensure_connection()
    raw = psycopg.ClientCursor(connection.connection)
    found, last, first_lead, last_lead = raw.execute(_BOUNDS, [after, limit]).fetchone() or (0, 0, 0, 0)
    if not found:
        return Chunk(_nothing(width), after, is_last=True)
    columns = [f"array_agg({sql})" for _name, sql, _kind in _NUMBERS]
    columns += [f"string_agg({sql}, {chr(39) * 2}{'::bytea' if n else ''})" for n, sql in enumerate(_STRINGS)]
    chunk = _CHUNK.format(first=int(first_lead), final=int(last_lead)) % (int(after), int(last))
    binary = psycopg.Cursor(connection.connection)
    binary.execute(f"SELECT {', '.join(columns)}{chunk}", binary=True)
    assert binary.pgresult is not None
    return Chunk(_parsed(binary.pgresult, width), last, is_last=found < limit)


def _parsed(result: Any, width: int) -> Stored:
    if result.get_value(0, 0) is None:
        return _nothing(width)
    number = {name: elements(result.get_value(0, n), kind) for n, (name, _sql, kind) in enumerate(_NUMBERS)}
    grade, bits, data, points = (result.get_value(0, len(_NUMBERS) + n) or b"" for n in range(len(_STRINGS)))
    return Stored(
        contact=number["contact"].astype(np.int64),
        lead=number["lead"].astype(np.int64),
        seq=number["seq"].astype(np.int32),
        fit=number["fit"].astype(np.int16),
        engagement=number["engagement"].astype(np.int16),
        told=number["told"].astype(np.int16),
        grade=np.frombuffer(grade, "S2"),
        at_bar=number["at_bar"],
        points=unpack_points(points, number["points"].astype(np.int64), width),
        signals=engine.batch_of(
            number["from"].astype(np.int64),
            matrix_of(bits, number["bits"].astype(np.int64), "u1", 1),
            lengths_of(number["data"].astype(np.int64), number["bits"]),
            data,
        ),
    )


def _nothing(width: int) -> Stored:
    none, short = np.zeros(0, np.int64), np.zeros(0, np.int16)
    nobody = engine.batch([], [], [])
    return Stored(
        none, none, none, short, short, short, np.zeros(0, "S2"), np.zeros(0, bool), np.zeros((0, width), "<i2"), nobody
    )


# --- SQLite ---------------------------------------------------------------------------------------

# The small numbers of a score travel in one: a column costs more than the rest of the query.
_PACKED = "COALESCE((s.fit << 17) | (s.engagement << 9) | (s.told << 1) | s.at_bar, 0)"


def _read_sqlite(after: int, width: int, limit: int) -> Chunk:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT cs.contact_id, cs.lead_id, cs.counts_from, COALESCE(s.seq, -1), {_PACKED},"
            " COALESCE(s.grade, '--'), COALESCE(s.points, x''), cs.fit_bits, cs.data FROM scoring_contactsignals cs"
            f" LEFT JOIN scoring_score s ON s.lead_id = cs.lead_id WHERE {_WANTED} ORDER BY cs.contact_id LIMIT %s",
            [after, limit],
        )
        rows = cursor.fetchall()
    if not rows:
        return Chunk(_nothing(width), after, is_last=True)
    cells = list(chain.from_iterable(rows))
    *numbers, grades, points, bits, data = (cells[place::9] for place in range(9))
    contact, lead, first, seq, small = (np.array(column, np.int64) for column in numbers)
    stored = Stored(
        contact, lead, seq, (small >> 17).astype(np.int16), (small >> 9 & 255).astype(np.int16),
        (small >> 1 & 255).astype(np.int16), np.frombuffer("".join(grades).encode(), "S2"), (small & 1).astype(bool),
        points_matrix(points, width), engine.batch(first.tolist(), bits, data),
    )  # fmt: skip
    return Chunk(stored, int(contact[-1]), is_last=len(rows) < limit)


def points_matrix(blobs: Sequence[bytes], width: int) -> np.ndarray:
    """Return stored points as rows of int16, `width` or more columns."""
    return unpack_points(b"".join(blobs), np.fromiter(map(len, blobs), np.int64, len(blobs)), width)


# --- Where something is torn ----------------------------------------------------------------------


def few(lead_ids: Sequence[int]) -> Stored:
    """Return what is stored of a few leads; whose signals are torn is left out."""
    stored, _torn, _pointless = _assembled(_wanted().filter(lead_id__in=lead_ids), 1)
    return stored


def _read_one_by_one(after: int, width: int, limit: int) -> Chunk:
    ids = list(_wanted().filter(pk__gt=after).values_list("pk", flat=True)[:limit])
    if not ids:
        return Chunk(_nothing(width), after, is_last=True)
    stored, torn, pointless = _assembled(_wanted().filter(pk__gt=after, pk__lte=ids[-1]), width)
    return Chunk(stored, ids[-1], len(ids) < limit, torn, pointless)


def _wanted() -> QuerySet[ContactSignals]:
    return ContactSignals.objects.filter(lead_id__isnull=False, objected=False).order_by("pk")


def _assembled(wanted: QuerySet[ContactSignals], width: int) -> tuple[Stored, tuple[int, ...], tuple[int, ...]]:
    """Return (what is sound, contacts with torn signals, leads with torn points).

    Scores are read before the signals, so that what a drain writes in between is never written over: its seq is newer.
    """
    known = Score.objects.in_bulk(list(wanted.values_list("lead_id", flat=True)))
    rows, torn = [], []
    for row in wanted:
        if are_torn(bytes(row.data), bytes(row.fit_bits)):
            torn.append(row.contact_id)
            log.warning("the packed signals of contact %d, lead %s are torn: left out", row.contact_id, row.lead_id)
        else:
            rows.append(row)
    scores = [known.get(row.lead_id or 0) for row in rows]
    points = [_points(score) for score in scores]
    pointless = tuple(score.pk for score, blob in zip(scores, points, strict=True) if score and blob is None)

    def numbers(name: str, missing: int, kind: type) -> np.ndarray:
        return np.array([missing if score is None else getattr(score, name) for score in scores], kind)

    stored = Stored(
        np.array([row.contact_id for row in rows], np.int64), np.array([row.lead_id for row in rows], np.int64),
        numbers("seq", -1, np.int32), numbers("fit", 0, np.int16), numbers("engagement", 0, np.int16),
        numbers("told", 0, np.int16),
        np.array(["--" if score is None else score.grade for score in scores]).astype("S2"),
        numbers("at_bar", 0, bool), points_matrix([blob or b"" for blob in points], width),
        engine.batch(
            [row.counts_from for row in rows], [bytes(row.fit_bits) for row in rows], [bytes(row.data) for row in rows]
        ),
    )  # fmt: skip
    return stored, tuple(torn), pointless


def _points(score: Score | None) -> bytes | None:
    """Return the stored points of a score, nothing for none; None when they are torn."""
    if score is None:
        return b""
    try:
        points_of(bytes(score.points))
    except Torn:
        log.warning("the stored points of lead %d are torn", score.pk)
        return None
    return bytes(score.points)
