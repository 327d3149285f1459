"""Scoring: how long a publish, a night and an activity take, in ratio to reading the activities once (LIMIT)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from unittest import mock

from django.db import connection
from django.utils import timezone

from benchmarks import crowd, simulation
from benchmarks.figures import Figure, median_seconds, seconds
from crm.activities import Happening, record_many
from crm.models import Role, User
from leads import boards
from leads.board_filters import Filters
from leads.models import Standing
from leads.stages import Lane
from scoring import bringing_up, drain, pointer, publishing
from scoring.models import (
    ActiveScoring,
    Criterion,
    CriterionGroup,
    PublishRun,
    Score,
    ScorecardVersion,
    Signature,
)

ACTIVITIES_EACH = 20
BIG = 1_000_000  # leads
COUNTED = (
    "SELECT count(*), sum(n), max(m) FROM (SELECT contact_id, count(*) n, max(day) m FROM crm_activity"
    " GROUP BY contact_id) t"
)


def figures(leads: int) -> Iterator[Figure]:
    """Yield what passes over `leads` leads take, and what is stored of each."""
    big, postgres = leads >= BIG, connection.vendor == "postgresql"
    activities = crowd.fill(leads, ACTIVITIES_EACH)
    first = seconds(lambda: bringing_up.to_date(rebuild=True))
    yield Figure(f"{activities:,} activities counted anew", first, "s")
    _settle()
    yield from _sizes(leads)
    limit = _limit(leads)
    yield Figure("LIMIT", limit, "s")
    few, share = _publishes(_some_change)
    goal = (0.7 if big else 0.9) if postgres else 0.45
    yield _timed(f"publish, {share:.0%} of rows change", few, limit, goal)
    if not big:
        every, share = _publishes(_everybody_changes)
        yield _timed(f"publish, {share:.0%} of rows change", every, limit, 3.5)
    night, share = _nights()
    yield _timed(f"night, {share:.1%} of rows written", night, limit, 0.7)
    yield Figure("night, rows written", share * 100, "%", None, "≤ 8 %", share <= 0.08)
    memory = _memory()
    yield Figure("publish, largest memory", memory, "MB", None, "≤ 200 MB", memory <= 200)
    rate = _drained(min(leads, 20_000))
    goal = 3000 if postgres else 8000
    yield Figure("drain", rate, "leads/s", None, f"≥ {goal:,}", rate >= goal)
    if big:
        yield from simulation.previewed(leads)
        yield _deep_page(leads)


def _timed(name: str, took: float, limit: float, goal: float) -> Figure:
    return Figure(name, took, "s", took / limit, f"≤ {goal:g} LIMIT", took <= goal * limit)


def _limit(leads: int) -> float:
    """Return the seconds to count all activities once and to write one bare row per lead."""

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute(COUNTED)
            cursor.fetchall()

    return median_seconds(count) + median([_bare_write(leads) for _ in range(3)])


def _bare_write(leads: int) -> float:
    names = "lead_id, version_id, fit, engagement, total, grade, at_bar, told, points, scored_day, seq"
    rows = [(n, 1, 10, 10, 20, "D4", False, 20, bytes(48), 20_000, 0) for n in range(leads)]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare")
        kinds = (
            "bigint PRIMARY KEY",
            "bigint",
            *["smallint"] * 3,
            "varchar(2)",
            "boolean",
            "smallint",
            "{blob}",
            "int",
            "int",
        )
        blob = "bytea" if connection.vendor == "postgresql" else "blob"
        columns = ", ".join(f"{name.strip()} {kind}" for name, kind in zip(names.split(","), kinds, strict=True))
        cursor.execute(f"CREATE TABLE bare ({columns.format(blob=blob)})")
        start = time.perf_counter()
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY bare ({names}) FROM STDIN BINARY") as copy:
                copy.set_types(
                    ["int8", "int8", "int2", "int2", "int2", "varchar", "bool", "int2", "bytea", "int4", "int4"]
                )
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO bare VALUES ({', '.join(['%s'] * 11)})", rows)
            cursor.execute("COMMIT")
        took = time.perf_counter() - start
        cursor.execute("DROP TABLE bare")
    return took


def _draft() -> ScorecardVersion:
    """Return a draft that is a copy of the version in force."""
    active = ActiveScoring.objects.get().version
    criteria, groups = list(active.criteria.select_related("group")), list(active.groups.all())
    draft = ScorecardVersion.objects.create(scorecard=active.scorecard, number=active.number + 1)
    for group in groups:
        group.pk, group.version = None, draft
        group._state.adding = True
    drawn = {group.key: group for group in CriterionGroup.objects.bulk_create(groups)}
    for criterion in criteria:
        criterion.group = drawn.get(criterion.group.key) if criterion.group else None
        criterion.pk, criterion.version, criterion.slot = None, draft, None
        criterion._state.adding = True
    Criterion.objects.bulk_create(criteria)
    return draft


def _approved(change: Callable[[ScorecardVersion, int], object], n: int) -> ScorecardVersion:
    draft = _draft()
    change(draft, n)
    draft.state = "in_review"
    draft.save(update_fields=["state"])
    for side in Signature.Side.values:
        holder = {"name": side, f"signs_for_{side}": True}
        by, _new = User.objects.get_or_create(email=f"{side}@example.com", defaults=holder)
        Signature.objects.create(version=draft, side=side, by=by)
    draft.state = "approved"
    draft.save(update_fields=["state"])
    return draft


def _publishes(change: Callable[[ScorecardVersion, int], object]) -> tuple[float, float]:
    """Return (median seconds, share of rows changed) of three publishes."""
    took, changed = [], []
    for n in range(1, 4):
        draft = _approved(change, n)
        _settle()
        start = time.perf_counter()
        run = publishing.publish(draft, by=None)
        while not publishing.carry_on(seconds=600):
            time.sleep(0.1)
        took.append(time.perf_counter() - start)
        run.refresh_from_db()
        changed.append(run.changed / run.total)
    return median(took), median(changed)


def _some_change(draft: ScorecardVersion, n: int) -> None:
    draft.criteria.filter(key="large").update(points=15 + n % 2)


def _everybody_changes(draft: ScorecardVersion, n: int) -> None:
    group = draft.groups.get(key="role")
    draft.criteria.filter(key="everybody").delete()
    Criterion.objects.create(
        version=draft, group=group, key="everybody", label="Everybody", kind="profile", points=1 + n % 2,
        fact="has_email", operator="is", value=True, position=99,
    )  # fmt: skip


def _nights() -> tuple[float, float]:
    """Return (median seconds, share of rows written) of three nights."""
    took, changed, begun = [], [], ActiveScoring.objects.get().as_of_day
    for n in range(1, 4):
        _settle()
        with mock.patch.object(pointer, "today", return_value=begun + n):
            start = time.perf_counter()
            run = pointer.turn(cause=PublishRun.Cause.TIME)
            publishing.carry_on(seconds=600)
            took.append(time.perf_counter() - start)
        assert run is not None
        run.refresh_from_db()
        changed.append(run.changed / run.total)
    return median(took), median(changed)


def _drained(leads: int) -> float:
    """Return how many leads per second a drain scores, one new activity each."""
    rates = []
    for _ in range(3):
        now = timezone.now()
        record_many(Happening(contact, "white_paper", now) for contact in range(1, leads + 1))
        _settle()
        rates.append(leads / seconds(lambda: drain.drain(seconds=600)))
    return median(rates)


def _sizes(leads: int) -> Iterator[Figure]:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL scoring_score")
        cursor.execute("VACUUM FULL scoring_contactsignals")
        cursor.execute(
            "SELECT pg_total_relation_size('scoring_score'), pg_total_relation_size('scoring_contactsignals')"
        )
        score, signals = cursor.fetchone()
    whole = (score + signals) / leads
    yield Figure("explanation of a lead", score / Score.objects.count(), "B", None, "≤ 120 B", score <= 120 * leads)
    yield Figure("all state of a lead, history aside", whole, "B", None, "≤ 320 B", whole <= 320)


def _memory() -> float:
    """Return the largest memory of a worker that carries out a publish, in MB."""
    publishing.publish(_approved(_some_change, 4), by=None)
    work = (
        "import crm.celery, django; django.setup(); from scoring import publishing; publishing.carry_on(seconds=600)\n"
        "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    done = subprocess.run([sys.executable, "-c", work], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout) / 1024


def _deep_page(leads: int) -> Figure:
    """Return what a page in the middle of a lane takes in SQL."""
    reader = User(role=Role.ADMIN)
    filters = Filters(user=reader)
    deep = Standing.objects.filter(lane=Lane.NEW).order_by("-rank", "-lead")[leads // 2]
    took: list[float] = []

    def timed(execute: Callable[..., object], *arguments: object) -> object:
        start = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            took.append(time.perf_counter() - start)

    with connection.execute_wrapper(timed):
        for _ in range(21):
            boards.pages([Lane.NEW], filters, f"{deep.rank}~{deep.pk}")
    middle = median(took) * 1000
    return Figure(f"board page at {leads // 2:,}, SQL", middle, "ms", None, "≤ 3 ms", middle <= 3)


def _settle() -> None:
    """Let the database finish what it put off, so that no run pays for the one before."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE scoring_score")
            cursor.execute("VACUUM ANALYZE leads_standing")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.fetchall()
