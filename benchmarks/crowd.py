"""A crowd for measuring: companies, contacts, leads and their activities, synthetic and the same for the same seed.

Written with COPY or executemany past the ORM: what is measured is what comes after.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from crm.job_titles import function, seniority
from crm.models import Team
from crm.text import fold
from crm.workdays import EPOCH, today
from leads.models import Source

# kind, properties, share
DOINGS: tuple[tuple[str, dict[str, Any], float], ...] = (
    *(("page_view", {"path": f"/blog/post-{n}", "title": f"Beitrag Nr. {n}"}, 0.02) for n in range(6)),
    *(("product_view", {"path": f"/products/{n}"}, 0.03) for n in range(5)),
    *(("pricing_view", {"path": f"/pricing/{n}"}, 0.04) for n in range(3)),
    *(("email_opened", {"campaign": n}, 0.03) for n in range(4)),
    *(("email_clicked", {"campaign": n}, 0.05) for n in range(4)),
    ("newsletter_signup", {}, 0.04), ("white_paper", {"title": "Kälte ohne Lücken"}, 0.08),
    ("case_study", {}, 0.05), ("video_view", {"minutes": 4}, 0.07), ("webinar_registered", {}, 0.02),
    ("webinar_attended", {"minutes": 52}, 0.02), ("contact_form", {}, 0.006), ("demo_request", {}, 0.001),
    ("careers_view", {}, 0.03), ("unsubscribed", {}, 0.004), ("call_out", {}, 0.02), ("social_like", {}, 0.04),
    ("intent", {"topic": "cooling"}, 0.03), ("question", {"text": "Ab wann?"}, 0.01),
)  # fmt: skip
TITLES = (
    "Head of Sales", "Geschäftsführer", "GESCHÄFTSFÜHRERIN", "Student", "CTO", "Marketing Manager", "Werkstudent",
    "VP Marketing", "Einkäuferin", "", "Leiterin Marketing", "Sachbearbeiter", "Engineer",
)  # fmt: skip
INDUSTRIES = ("Maschinenbau", "Software", "Retail", "Logistik", "Gambling", "")
COUNTRIES = ("DE", "AT", "CH", "US", "GB", "FR", "")
LOADED = 1 << 20


def fill(leads: int, each: int = 20, seed: int = 42) -> int:
    """Store `leads` people with one lead and about `each` activities on average; return how many activities."""
    dice = np.random.default_rng(seed)
    now = datetime.now(UTC)
    companies = max(1, leads // 5)
    with _loading():
        _load("crm_company", _company_columns(), _companies(companies, dice, now))
        _load("crm_contact", _contact_columns(), _contacts(leads, companies, dice, now))
        _load("leads_lead", _lead_columns(), _leads(leads, now))
        _load("leads_standing", ("lead_id", "lane", "lane_since", "rank", "grade", "team_id"), _standings(leads, now))
        done = _when(leads, each, dice)
        if connection.vendor == "postgresql":
            _activities_in_one(*done)
        else:
            _load("crm_activity", _activity_columns(), _activities(*done))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return len(done[0])


def _company_columns() -> tuple[str, ...]:
    return (
        "id", "name", "name_key", "domain", "website", "industry", "employees", "street", "postcode", "city", "region",
        "country", "phone", "custom", "version", "is_demo", "created_at", "updated_at",
    )  # fmt: skip


def _companies(count: int, dice: np.random.Generator, now: datetime) -> Iterable[Sequence[Any]]:
    sizes = dice.lognormal(4, 2, count).astype(int)
    industry, country = dice.integers(0, len(INDUSTRIES), count), dice.integers(0, len(COUNTRIES), count)
    for n in range(count):
        size = int(sizes[n]) if n % 17 else None
        place = INDUSTRIES[industry[n]], size, "", "", "", "", COUNTRIES[country[n]]
        yield (n + 1, f"Company {n}", f"company {n}", "", "", *place, "", "{}", 0, False, now, now)


def _contact_columns() -> tuple[str, ...]:
    return (
        "id", "first_name", "last_name", "name_key", "email", "email_key", "phone", "phone_key", "job_title",
        "job_title_key", "seniority", "function", "company_id", "street", "postcode", "city", "region", "country",
        "language", "linkedin", "custom", "version", "is_demo", "created_at", "updated_at",
    )  # fmt: skip


def _contacts(count: int, companies: int, dice: np.random.Generator, now: datetime) -> Iterable[Sequence[Any]]:
    known = [(title, fold(title), seniority(title), function(title)) for title in TITLES]
    title, country = dice.integers(0, len(TITLES), count), dice.integers(0, len(COUNTRIES), count)
    company = dice.integers(0, companies + companies // 20 + 1, count)
    for n in range(count):
        mail = f"user{n}@example.com"
        employer = int(company[n]) + 1 if company[n] < companies else None
        who = f"Vorname{n}", f"Nachname{n}", f"nachname{n} vorname{n}", mail, mail, "", "", *known[title[n]], employer
        yield (n + 1, *who, "", "", "", "", COUNTRIES[country[n]], "", "", "{}", 0, False, now, now)


def _lead_columns() -> tuple[str, ...]:
    return (
        "id", "contact_id", "episode", "stage", "version", "round", "round_open", "source_id", "source_detail",
        "currency", "next_step", "counts_from", "entered_at", "stage_since", "imported", "is_demo", "created_at",
        "changed_at", "edits",
        "team_id",
    )  # fmt: skip


def _leads(count: int, now: datetime) -> Iterable[Sequence[Any]]:
    # Their round is closed: what is measured is scoring, not the moves that follow from it.
    # What is asked is asked now: while COPY runs nothing else can be.
    return _lead_rows(count, Source.objects.values_list("pk", flat=True).first(), _queue().pk, now)


def _queue() -> Team:
    return Team.objects.get_or_create(name="Marketing")[0]


def _lead_rows(count: int, source: int | None, team: int, now: datetime) -> Iterable[Sequence[Any]]:
    for n in range(count):
        yield n + 1, n + 1, 1, "lead", 0, 1, False, source, "", "EUR", "", 0, now, now, False, False, now, now, 0, team


def _standings(count: int, now: datetime) -> Iterable[Sequence[Any]]:
    team = _queue().pk
    return ((n + 1, "new", now, -1, "", team) for n in range(count))


def _when(leads: int, each: int, dice: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (contact, kind, day) per activity: visits of about four, each person with a last touch of its own."""
    many = np.minimum(dice.lognormal(np.log(max(1, each * 0.55)), 1.1, leads), 10_000)
    count = np.maximum(0, np.round(many * (leads * each / many.sum()))).astype(np.int64)
    contact = np.repeat(np.arange(1, leads + 1), count)
    start = np.repeat(np.cumsum(count) - count, count)
    visit = start + (np.arange(len(contact)) - start) // 4
    age = np.minimum(dice.exponential(160, len(contact)), 729).astype(np.int64)[visit]
    away = np.minimum(dice.exponential(60, leads + 1), 400).astype(np.int64)[contact]
    share = np.array([one[2] for one in DOINGS])
    kind = dice.choice(len(DOINGS), len(contact), p=share / share.sum())
    day = today() - np.minimum(age + away, 729)
    order = np.lexsort((contact, day))
    return contact[order], kind[order], day[order]


def _activity_columns() -> tuple[str, ...]:
    return (
        "contact_id", "anonymous_id", "kind_id", "occurred_at", "received_at", "day", "feed", "message_id", "source",
        "properties",
    )  # fmt: skip


def _activities(contact: np.ndarray, kind: np.ndarray, day: np.ndarray) -> Iterable[Sequence[Any]]:
    told = [(key, json.dumps(properties)) for key, properties, _share in DOINGS]
    noon: dict[int, datetime] = {}
    for n, (who, what, on) in enumerate(zip(contact.tolist(), kind.tolist(), day.tolist(), strict=True)):
        if on not in noon:
            noon[on] = datetime.fromordinal(on + EPOCH).replace(tzinfo=UTC) + timedelta(hours=11)
        key, properties = told[what]
        yield who, "", key, noon[on], noon[on], on, "crowd", str(n), "", properties


def _activities_in_one(contact: np.ndarray, kind: np.ndarray, day: np.ndarray) -> None:
    """Store the same activities as `_activities`, from numbers, by one statement; the index is built afterwards."""
    numbers = {"n": np.arange(len(contact)), "contact": contact, "kind": kind, "day": day}
    layout: list[tuple[str, str]] = [("columns", ">i2")]
    for name in numbers:
        layout += [(f"{name} takes", ">i4"), (name, ">i4")]
    rows = np.empty(len(contact), np.dtype(layout))
    rows["columns"] = len(numbers)
    for name, values in numbers.items():
        rows[f"{name} takes"], rows[name] = 4, values
    told = [(n, key, json.dumps(properties)) for n, (key, properties, _share) in enumerate(DOINGS)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE doing (n int, kind text, properties jsonb) ON COMMIT DROP")
        cursor.executemany("INSERT INTO doing VALUES (%s, %s, %s)", told)
        cursor.execute("CREATE TEMP TABLE done (n int, contact int, kind int, day int) ON COMMIT DROP")
        with cursor.copy("COPY done FROM STDIN BINARY") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for start in range(0, len(rows), LOADED):
                copy.write(rows[start : start + LOADED].tobytes())
            copy.write(b"\xff\xff")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'crm_activity_timeline'")
        ((timeline,),) = cursor.fetchall()
        cursor.execute("DROP INDEX crm_activity_timeline")
        noon = "timestamptz '1970-01-01 11:00+00' + done.day * interval '1 day'"
        cursor.execute(
            f"INSERT INTO crm_activity ({', '.join(_activity_columns())}) SELECT contact, '', doing.kind, {noon},"
            f" {noon}, day, 'crowd', done.n::text, '', properties FROM done JOIN doing ON doing.n = done.kind"
            " ORDER BY done.n"
        )
        cursor.execute(timeline)


# --- Loading ---------------------------------------------------------------------------------------


class _loading:
    """Load without foreign key checks and without waiting for the disk."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.alone = not connection.in_atomic_block
        if connection.vendor == "sqlite" and self.alone:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = OFF")
        self.block.__enter__()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")

    def __exit__(self, *problem: Any) -> None:
        if connection.vendor == "postgresql" and problem[0] is None:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = origin")
                for table in ("crm_company", "crm_contact", "leads_lead"):
                    cursor.execute(
                        f"SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT max(id) FROM {table}))", [table]
                    )
        self.block.__exit__(*problem)
        if connection.vendor == "sqlite" and self.alone:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = NORMAL")


def _load(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(columns)
    if connection.vendor == "sqlite":
        places = ", ".join(["%s"] * len(columns))
        adapt = connection.ops.adapt_datetimefield_value
        written = ([adapt(v) if isinstance(v, datetime) else v for v in row] for row in rows)
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", written)
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        text = io.StringIO()
        for row in rows:
            text.write("\t".join(map(_copied, row)) + "\n")
            if text.tell() > LOADED:
                copy.write(text.getvalue())
                text = io.StringIO()
        copy.write(text.getvalue())


def _copied(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    return value.isoformat() if isinstance(value, datetime) else str(value)
