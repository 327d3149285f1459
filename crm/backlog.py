"""Background work in words, for the frame of every page: how far it is behind (T06, H6), what is under way (K7).

Each queue says since when its oldest entry waits, each job how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import Heartbeat, OutboxMessage, Workspace

LATE = timedelta(seconds=60)
REMEMBERED = 5
WORKER = "worker"
Oldest = Callable[[], QuerySet[Any, Any]]


@dataclass(frozen=True)
class Queue:
    """Work that waits in the database: what it is, and the query for since when its oldest entry is due.

    `oldest` returns at most one row of one datetime, so that all queues can be asked in one statement.
    """

    key: str
    label: str | Promise
    oldest: Oldest


QUEUES: list[Queue] = []


def queue(key: str, label: str | Promise) -> Callable[[Oldest], Oldest]:
    """Register a queue under `key`."""

    def registered(oldest: Oldest) -> Oldest:
        QUEUES.append(Queue(key, label, oldest))
        return oldest

    return registered


@queue("outbox", gettext_lazy("Mail and webhooks"))
def _oldest_delivery() -> QuerySet[Any, Any]:
    due = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING, attempts=0, next_try_at__lte=timezone.now())
    return due.order_by("next_try_at").values("next_try_at")[:1]


@dataclass(frozen=True)
class Job:
    """Work over everything that anybody may watch: how far it is, in words, and the page that tells more.

    `percent` returns at most one row of one whole number; none says that nothing is under way. The page answers
    `?line=1` with the line alone, nothing once the work has ended.
    """

    key: str
    percent: Oldest
    words: Callable[[int], str]
    page: str


@dataclass(frozen=True)
class Line:
    """One job as the frame shows it."""

    words: str
    percent: int
    url: str


@dataclass(frozen=True)
class Told:
    """What the frame says of background work: how far it is behind ('' when it is not), and what is under way."""

    behind: str
    lines: tuple[Line, ...] = ()


JOBS: list[Job] = []


def columns() -> dict[str, Subquery]:
    """Return what `told` needs to know, as columns for a statement about the workspace; {} while it knows."""
    if cache.get("backlog") is not None:
        return {}
    alive = Heartbeat.objects.filter(name=WORKER).values("at")[:1]
    jobs = {f"job_{one.key}": Subquery(one.percent()) for one in JOBS}
    return {"alive_at": Subquery(alive)} | _oldest_entries() | jobs


def _oldest_entries() -> dict[str, Subquery]:
    return {f"oldest_{one.key}": Subquery(one.oldest()) for one in QUEUES}


def _waits_in(row: dict[str, Any]) -> list[tuple[Queue, timedelta]]:
    now = timezone.now()
    return [(one, now - (row.get(f"oldest_{one.key}") or now)) for one in QUEUES]


def waits() -> list[tuple[Queue, timedelta]]:
    """Return each queue with how long its oldest entry has waited; nothing waiting is zero."""
    row: Any = Workspace.objects.filter(pk=1).values(**_oldest_entries()).first()
    return _waits_in(row or {})


def heartbeat_age(name: str = WORKER) -> timedelta | None:
    """Return how long ago the worker said that it is alive; None when it never did."""
    at = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    return timezone.now() - at if at else None


def _delay(row: dict[str, Any]) -> int:
    """Return by how many whole minutes background work is behind; 0 when it is not."""
    longest = max((wait for _queue, wait in _waits_in(row)), default=timedelta())
    age = timezone.now() - row["alive_at"] if row["alive_at"] else timedelta()
    silent = age if age > LATE else timedelta()
    behind = max(longest, silent)
    return int(behind.total_seconds() // 60) if behind > LATE else 0


def told(row: dict[str, Any]) -> Told:
    """Return what the frame says; `row` holds what `columns` asked for, if it did. Remembered for five seconds."""
    if "alive_at" in row:
        percents = {one.key: row[f"job_{one.key}"] for one in JOBS if row.get(f"job_{one.key}") is not None}
        minutes = _delay(row)
        cache.set("backlog", (minutes, percents), REMEMBERED)
    else:
        minutes, percents = cache.get("backlog") or (0, {})
    return Told(_sentence(minutes), tuple(line(one, percents[one.key]) for one in JOBS if one.key in percents))


def line(job: Job, percent: int) -> Line:
    """Return how far a job is, as the frame shows it."""
    return Line(job.words(percent), percent, reverse(job.page))


def _sentence(minutes: int) -> str:
    """Return "Background work is 2 min behind." when it is, else ''."""
    if not minutes:
        return ""
    return ngettext(
        "Background work is %(minutes)d minute behind: scores and mail come later, nothing is lost.",
        "Background work is %(minutes)d minutes behind: scores and mail come later, nothing is lost.",
        minutes,
    ) % {"minutes": minutes}


def worker_words() -> tuple[str, str]:
    """Return ("green" | "yellow" | "red", a sentence) about the worker."""
    age = heartbeat_age()
    if age is None:
        return "red", _("No worker has said that it is alive. Start it with: manage.py up.")
    if age > LATE:
        return "red", _("The worker has been silent for %(minutes)d min.") % {"minutes": age.total_seconds() // 60}
    return "green", _("Alive %(seconds)d s ago.") % {"seconds": age.total_seconds()}
