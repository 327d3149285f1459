"""Writing signals, scores, history and standings in bulk, in each database's quickest way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from crm.bulk import instant
from scoring.engine import Scores
from scoring.models import ScoreHistory

Cause = ScoreHistory.Cause
TELLING = {Cause.ACTIVITY, Cause.PROFILE, Cause.PUBLISH}  # every change of the total is worth a row then
WORTH_TELLING = 5  # otherwise so many points since the last row


@dataclass(frozen=True, slots=True)
class Before:
    """What was stored of one lead's score: None in `seq` when there was none."""

    lane: str
    seq: int | None = None
    total: int | None = None
    grade: str = ""
    at_bar: bool = False
    told: int | None = None


@dataclass(frozen=True, slots=True)
class After:
    """One lead's new score."""

    lead_id: int
    fit: int
    engagement: int
    total: int
    grade: str
    at_bar: bool
    points: bytes


def rows_of(lead_ids: Sequence[int], scores: Scores) -> list[After]:
    """Return the engine's arrays as rows."""
    return [
        After(*row)
        for row in zip(
            lead_ids, scores.fit.tolist(), scores.engagement.tolist(), scores.total.tolist(),
            [grade.decode() for grade in scores.grade.tolist()], scores.at_bar.tolist(), scores.blobs(), strict=True,
        )
    ]  # fmt: skip


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def execute_rows(sqlite: str, postgres: str, types: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for many rows.

    `sqlite` is run per row; `postgres` names `{rows}`, the rows as a set with columns of `types`.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        if is_postgres():
            unnested = "unnest(" + ", ".join(f"%s::{kind}[]" for kind in types) + ")"
            cursor.execute(postgres.replace("{rows}", unnested), [list(column) for column in zip(*rows, strict=True)])
        else:
            cursor.executemany(sqlite, rows)


def write_pending_activities(rows: Sequence[tuple[int, int]]) -> None:
    """Queue (activity, contact) pairs in the caller's transaction."""
    into = "INSERT INTO scoring_pendingactivity (activity_id, contact_id)"
    execute_rows(f"{into} VALUES (%s, %s)", f"{into} SELECT * FROM {{rows}}", ("bigint", "bigint"), rows)


def write_pending_contacts(contact_ids: Iterable[int], *, rebuild: bool = False) -> None:
    """Queue contacts to be looked at anew in the caller's transaction."""
    into = "INSERT INTO scoring_pendingcontact (contact_id, rebuild)"
    rows = [(contact_id, rebuild) for contact_id in contact_ids]
    execute_rows(f"{into} VALUES (%s, %s)", f"{into} SELECT * FROM {{rows}}", ("bigint", "boolean"), rows)


_SIGNALS = "scoring_contactsignals (contact_id, lead_id, counts_from, objected, fit_bits, data)"
_SIGNALS_SET = (
    "ON CONFLICT (contact_id) DO UPDATE SET lead_id = excluded.lead_id, counts_from = excluded.counts_from,"
    " objected = excluded.objected, fit_bits = excluded.fit_bits, data = excluded.data"
)


def write_signals(rows: Sequence[tuple[int, int | None, int, bool, bytes, bytes]]) -> None:
    """Store (contact, lead, counts_from, objected, fit_bits, data) rows."""
    execute_rows(
        f"INSERT INTO {_SIGNALS} VALUES (%s, %s, %s, %s, %s, %s) {_SIGNALS_SET}",
        f"INSERT INTO {_SIGNALS} SELECT * FROM {{rows}} {_SIGNALS_SET}",
        ("bigint", "bigint", "int", "boolean", "bytea", "bytea"),
        rows,
    )


_SCORE = "scoring_score (lead_id, version_id, fit, engagement, total, grade, at_bar, told, points, scored_day, seq)"
_SCORE_SET = "ON CONFLICT (lead_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}"
    for name in ("version_id", "fit", "engagement", "total", "grade", "at_bar", "told", "points", "scored_day")
)


def write_scores(after: Sequence[After], told: Sequence[int], version_id: int, day: int) -> None:
    """Store scores of new or locked leads, whatever is there; their seq grows by one."""
    rows = [
        (a.lead_id, version_id, a.fit, a.engagement, a.total, a.grade, a.at_bar, t, a.points, day)
        for a, t in zip(after, told, strict=True)
    ]
    grown = f"{_SCORE_SET}, seq = scoring_score.seq + 1"
    execute_rows(
        f"INSERT INTO {_SCORE} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0) {grown}",
        f"INSERT INTO {_SCORE} SELECT r.*, 0 FROM {{rows}} r {grown}",
        ("bigint", "bigint", "smallint", "smallint", "smallint", "text", "boolean", "smallint", "bytea", "int"),
        rows,
    )


HISTORY = "scoring_scorehistory (lead_id, version_id, day, at, cause, before, after, grade)"


def is_told(before: Before, after: After, cause: str) -> bool:
    """Whether the history gets a row: grade or bar changed, a person or a publish changed the total, or 5 points."""
    if before.seq is None or before.grade != after.grade or before.at_bar != after.at_bar:
        return True
    told = after.total if before.told is None else before.told
    return abs(after.total - told) >= (1 if cause in TELLING else WORTH_TELLING)


def write_history(
    rows: Sequence[tuple[int, int | None, int | None, str]], version_id: int, day: int, cause: str
) -> None:
    """Append (lead, before, after, grade) rows."""
    now = instant(timezone.now())
    full = [(lead, version_id, day, now, str(cause), before, after, grade) for lead, before, after, grade in rows]
    execute_rows(
        f"INSERT INTO {HISTORY} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        f"INSERT INTO {HISTORY} SELECT * FROM {{rows}}",
        ("bigint", "bigint", "int", "timestamptz", "text", "smallint", "smallint", "text"),
        full,
    )


def write_standings(rows: Sequence[tuple[int, int | None, str]]) -> None:
    """Show (lead, score or None, grade) on the boards, where it differs."""
    now = instant(timezone.now())
    differs = "(score IS NOT %s OR grade <> %s)"
    execute_rows(
        "UPDATE leads_standing SET score = %s, grade = %s, rank = %s, scored_at = %s"
        f" WHERE lead_id = %s AND {differs}",
        "UPDATE leads_standing st SET score = r.score, grade = r.grade, rank = COALESCE(r.score, -1), scored_at = r.at"
        " FROM {rows} AS r(lead_id, score, grade, at) WHERE st.lead_id = r.lead_id"
        " AND (st.score IS DISTINCT FROM r.score OR st.grade <> r.grade)",
        ("bigint", "smallint", "text", "timestamptz"),
        [(lead, score, grade, now) for lead, score, grade in rows]
        if is_postgres()
        else [(score, grade, -1 if score is None else score, now, lead, score, grade) for lead, score, grade in rows],
    )  # fmt: skip


_BEFORE = (
    "SELECT st.lead_id, st.lane, s.seq, s.total, s.grade, s.at_bar, s.told FROM leads_standing st"
    " LEFT JOIN scoring_score s ON s.lead_id = st.lead_id WHERE st.lead_id "
)


def among(ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Return an SQL condition "is one of `ids`" with its parameters; one parameter on PostgreSQL."""
    if is_postgres():
        return "= ANY(%s)", [list(ids)]
    return f"IN ({', '.join(['%s'] * len(ids))})", list(ids)


def seqs(lead_ids: Sequence[int]) -> dict[int, int]:
    """Return {lead: how often its score was written, −1 without one} for the leads that exist."""
    condition, params = among(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT st.lead_id, COALESCE(s.seq, -1) FROM leads_standing st"
            f" LEFT JOIN scoring_score s ON s.lead_id = st.lead_id WHERE st.lead_id {condition}",
            params,
        )
        return dict(cursor.fetchall())


def before(lead_ids: Sequence[int]) -> dict[int, Before]:
    """Return {lead: what is stored of its score} for the leads that exist."""
    if not lead_ids:
        return {}
    condition, params = among(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE + condition, params)
        return {
            lead: Before(lane, seq, total, grade or "", bool(at_bar), told)
            for lead, lane, seq, total, grade, at_bar, told in cursor.fetchall()
        }
