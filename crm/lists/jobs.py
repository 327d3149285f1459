"""The life of a job on rows: frozen, claimed, worked chunk by chunk, stopped, resumed, undone, put to rest.

A chunk's effects, its results and how far the job has come are one transaction: a killed worker loses at most a
chunk, and no row is done twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import audit, bulk
from crm.jobs import job as long_job
from crm.lists import actions, exporting, files
from crm.lists.actions import Action, RowRefused
from crm.lists.asking import Asked
from crm.lists.kinds import KINDS
from crm.models import ListJob, ListJobRow, ListSelection, User
from crm.wake import wake

log = logging.getLogger("baton.lists")
State, Outcome = ListJob.State, ListJobRow.Outcome
CLAIM = timedelta(minutes=3)
CHUNK = 20
AT_ONCE_SECONDS = 1.5
REMEMBERED = timedelta(days=30)
FOREVER = float("inf")
COLUMNS = ("job_id", "number", "object_id", "outcome", "text", "before")


class NotPossible(Exception):
    """The job is in no state for this; the message is a sentence for the person. Nothing was written."""


class Overtaken(Exception):
    """Another worker carries on with this job, or somebody stopped it; what this one did is rolled back."""


# --- Beginning ------------------------------------------------------------------------------------


def selected(asked: Asked, ids: Sequence[int] | None) -> list[int]:
    """Return the rows meant, in the list's order: all that fit, or those of `ids` the person may see."""
    rows = asked.whole() if ids is None else asked.kind.rows(asked.user).filter(pk__in=list(ids))
    return list(rows.order_by(*asked.order).values_list("pk", flat=True))


def begin(
    asked: Asked,
    action: Action,
    params: dict[str, Any],
    ids: Sequence[int],
    *,
    token: str,
    words: str,
    everything: bool,
) -> ListJob:
    """Keep a new job with its frozen rows, and let the worker know; sent twice, it is the first one."""
    if action.key == actions.EXPORT:
        params = params | {"columns": [column.key for column in asked.shown]}
    job = ListJob(
        kind=asked.kind.key, action=action.key, params=params, words=words[:300], query=asked.query,
        everything=everything, by=asked.user, token=token, total=len(ids),
        stored_as=files.new_name() if action.key == actions.EXPORT else "",
    )  # fmt: skip
    try:
        with transaction.atomic():
            job.save()
            ListSelection.objects.create(job=job, ids=",".join(map(str, ids)))
            audit.record(asked.user, _noun(action), f"list_job:{job.pk}", **_told(asked, action, len(ids), params))
            wake("jobs")
    except IntegrityError:
        return ListJob.objects.get(token=token, by=asked.user)
    return job


def _noun(action: Action) -> str:
    return "export.made" if action.key == actions.EXPORT else "list_job.started"


def _told(asked: Asked, action: Action, rows: int, params: dict[str, Any]) -> dict[str, Any]:
    """Return what the audit log keeps: of words searched for only that there were some; they may name a person."""
    told: dict[str, Any] = {"list": asked.kind.key, "rows": rows, "filter": dict(asked.values)}
    if asked.q:
        told["filter"]["q"] = "…"
    return told | ({"columns": params["columns"]} if "columns" in params else {"does": action.key})


# --- Deciding -------------------------------------------------------------------------------------


def stop(job: ListJob) -> None:
    """Stop after the present chunk; what is done stays, and it can be resumed or undone."""
    _change(job, [State.RUNNING], _("This job is not running."), state=State.STOPPED, finished_at=timezone.now())


def resume(job: ListJob) -> None:
    """Carry on where it stood."""
    _change(job, [State.STOPPED], _("This job is not stopped."), state=State.RUNNING, finished_at=None)


def undo(job: ListJob) -> None:
    """Have what was done taken back, row by row from the last; NotPossible when it is too late."""
    job.refresh_from_db()
    if not may_be_undone(job):
        raise NotPossible(_("This job can no longer be undone."))
    audit.record(job.by, "list_job.undone", f"list_job:{job.pk}")
    _change(job, [State.DONE, State.STOPPED], _("This job cannot be undone now."), state=State.UNDOING,
            cursor=job.total + 1, worked=0)  # fmt: skip


def may_be_undone(job: ListJob) -> bool:
    action = actions.known(job.kind, job.action)
    return bool(action and action.undo and job.undo_until and timezone.now() < job.undo_until)


def _change(job: ListJob, states: list[str], otherwise: str, **values: Any) -> None:
    with transaction.atomic():
        if not ListJob.objects.filter(pk=job.pk, state__in=states).update(claimed_until=None, trouble="", **values):
            raise NotPossible(otherwise)
        wake("jobs")
    job.refresh_from_db()


# --- Working --------------------------------------------------------------------------------------


@long_job
def carry_on(seconds: float) -> None:
    """Work on the jobs under way for at most about `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = claimed()
        if job is None or not work(job, until):
            break
    if ListJob.objects.filter(state__in=ListJob.AT_WORK, claimed_until=None, trouble="").exists():
        wake("jobs")


def claimed(pk: int | None = None) -> ListJob | None:
    """Take the oldest job under way (or number `pk`) for this process; a killed worker's claim runs out."""
    now = timezone.now()
    free = ListJob.objects.filter(Q(claimed_until=None) | Q(claimed_until__lt=now), state__in=ListJob.AT_WORK)
    for job in (free.filter(pk=pk) if pk else free.order_by("trouble", "id")).select_related("by"):
        if free.filter(pk=job.pk, cursor=job.cursor).update(claimed_until=now + CLAIM):
            return job
    return None


def work(job: ListJob, until: float = FOREVER) -> bool:
    """Carry on with a claimed job until monotonic `until`; False when something outside is in the way."""
    try:
        with _spoken_to(job.by):
            _undo_rows(job, until) if job.state == State.UNDOING else _do_rows(job, until)
    except Overtaken:
        return True
    except (DatabaseError, OSError) as error:
        log.warning("job %s on rows paused at %s: %s", job.pk, job.cursor, type(error).__name__)
        _pause(job, error)
        return False
    return True


@contextmanager
def _spoken_to(person: User) -> Any:
    """Speak the language of the person whose job it is: results are kept as sentences."""
    with translation.override(person.language):
        yield


def _do_rows(job: ListJob, until: float) -> None:
    ids = [int(pk) for pk in job.selection.ids.split(",") if pk]
    size = exporting.CHUNK if job.is_export else CHUNK
    while job.cursor < len(ids):
        part = ids[job.cursor : job.cursor + size]
        began = time.monotonic()
        with transaction.atomic():
            told = _gathered(job, part) if job.is_export else _changed(job, part)
            _go_on(job, job.cursor + len(part), time.monotonic() - began, until, told)
        if time.monotonic() >= until and job.cursor < len(ids):
            return
    ended: dict[str, Any] = {}
    if job.is_export:
        exporting.finish(job)
        ended["expires_at"] = timezone.now() + exporting.KEPT
    _end(job, State.DONE, **ended)
    if job.is_export:
        exporting.tidy(job)


def _go_on(job: ListJob, cursor: int, worked: float, until: float, told: dict[str, Any]) -> None:
    """Note how far the job is, if it is still this worker's; the counts of `told` are added, `written` is set."""
    added = {name: F(name) + number for name, number in told.items() if name != "written"}
    claim = timezone.now() + CLAIM if time.monotonic() < until or cursor in {job.total, 0} else None
    values = added | {"cursor": cursor, "worked": F("worked") + worked, "claimed_until": claim, "trouble": ""}
    if "written" in told:
        values["written"] = told["written"]
    if not ListJob.objects.filter(pk=job.pk, state=job.state, cursor=job.cursor).update(**values):
        raise Overtaken
    job.cursor, job.written = cursor, told.get("written", job.written)


def _gathered(job: ListJob, ids: Sequence[int]) -> dict[str, Any]:
    there, written = exporting.gather(job, ids)
    return {"done": there, "refused": len(ids) - there, "written": written}


def _changed(job: ListJob, ids: Sequence[int]) -> dict[str, Any]:
    """Do the action to these rows and keep the result of each; the first statement makes other workers wait."""
    if not ListJob.objects.filter(pk=job.pk, state=job.state, cursor=job.cursor).update(cursor=F("cursor")):
        raise Overtaken
    action = actions.known(job.kind, job.action)
    rows = _rows(job, ids)
    allowed = action is not None and action.allowed(job.by)
    ready = action.ready(job.params) if action and allowed else None
    results = []
    for number, pk in enumerate(ids, start=job.cursor + 1):
        outcome, text, before = (
            _do(action, rows.get(pk), ready, job.by) if action and allowed
            else (Outcome.REFUSED, _("You may no longer do this."), {})
        )  # fmt: skip
        results.append((job.pk, number, pk, outcome.value, text[:500], before))
    bulk.insert_values(ListJobRow, COLUMNS, results)
    done = sum(result[3] == Outcome.DONE for result in results)
    return {"done": done, "refused": len(results) - done}


def _rows(job: ListJob, ids: Sequence[int]) -> dict[int, Any]:
    kind = KINDS[job.kind]
    return {row.pk: row for row in kind.related(kind.rows(job.by)).filter(pk__in=list(ids))}


def _do(action: Action, row: Any, ready: Any, by: User) -> tuple[ListJobRow.Outcome, str, dict[str, Any]]:
    if row is None:
        return Outcome.REFUSED, _("This row is no longer there, or you may no longer see it."), {}
    try:
        with transaction.atomic():
            return Outcome.DONE, "", action.apply(row, ready, by)
    except RowRefused as refused:
        return Outcome.REFUSED, str(refused), {}
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("action %s failed on row %s", action.key, row.pk)
        return (
            Outcome.REFUSED,
            _("An error stopped this row (%(error)s); nothing was changed.") % {"error": type(error).__name__},
            {},
        )


def _undo_rows(job: ListJob, until: float) -> None:
    action = actions.known(job.kind, job.action)
    while True:
        began = time.monotonic()
        lines = list(job.lines.filter(outcome=Outcome.DONE, number__lt=job.cursor).order_by("-number")[:CHUNK])
        if not lines or action is None:
            _end(job, State.UNDONE)
            return
        with transaction.atomic():
            if not ListJob.objects.filter(pk=job.pk, state=job.state, cursor=job.cursor).update(cursor=F("cursor")):
                raise Overtaken
            rows = _rows(job, [line.object_id for line in lines])
            for line in lines:
                _take_back(action, line, rows.get(line.object_id), job.by)
            ListJobRow.objects.bulk_update(lines, ["outcome", "text"])
            undone = sum(line.outcome == Outcome.UNDONE for line in lines)
            told = {"undone": undone, "left": len(lines) - undone}
            _go_on(job, lines[-1].number, time.monotonic() - began, until, told)
        if time.monotonic() >= until:
            return


def _take_back(action: Action, line: ListJobRow, row: Any, by: User) -> None:
    assert action.undo is not None  # undo() has seen to it
    line.outcome, line.text = Outcome.LEFT, _("This row is no longer there, or you may no longer see it.")
    if row is None:
        return
    try:
        with transaction.atomic():
            action.undo(row, line.before, by)
    except RowRefused as refused:
        line.text = str(refused)[:500]
    else:
        line.outcome, line.text = Outcome.UNDONE, ""


def _end(job: ListJob, state: str, **values: Any) -> None:
    ended = {"state": state, "claimed_until": None, "finished_at": timezone.now(), "trouble": ""} | values
    ListJob.objects.filter(pk=job.pk, state=job.state, cursor=job.cursor).update(**ended)


def _pause(job: ListJob, error: Exception) -> None:
    """Note why it waits, so that the page says so; where even that cannot be written, the claim runs out."""
    text = _("Paused at row %(row)d (%(error)s); it carries on by itself.")
    try:
        ListJob.objects.filter(pk=job.pk).update(
            trouble=text % {"row": job.cursor, "error": type(error).__name__}, claimed_until=None
        )
    except DatabaseError:
        log.warning("job %s on rows: the pause could not be noted", job.pk)


def at_once(job: ListJob) -> None:
    """Do what can be done within about a second and a half, so that a small job is over with its answer."""
    if mine := claimed(job.pk):
        work(mine, time.monotonic() + AT_ONCE_SECONDS)
    job.refresh_from_db()


# --- Telling --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far a job is: rows done with of all, percent, seconds left (None while that is unknown)."""

    done: int
    total: int
    percent: int
    left: int | None


def progress(job: ListJob) -> Progress:
    """Return how far the doing, or the undoing, is."""
    undoing = job.state == State.UNDOING
    done, total = (job.undone + job.left, job.done) if undoing else (job.cursor, job.total)
    speed = done / job.worked if job.worked else 0
    return Progress(done, total, 100 * done // total if total else 0, round((total - done) / speed) if speed else None)


# --- Putting to rest ------------------------------------------------------------------------------


def put_to_rest() -> int:
    """Delete files that expired and, after thirty days, jobs with their results; return how many files went."""
    now = timezone.now()
    expired = ListJob.objects.exclude(stored_as="").exclude(state__in=ListJob.AT_WORK)
    late = expired.filter(Q(expires_at__lt=now) | Q(expires_at=None, finished_at__lt=now - exporting.KEPT))
    gone = 0
    for job in late.order_by("id")[:200]:
        files.discard(job.stored_as)
        ListJob.objects.filter(pk=job.pk).update(stored_as="")
        gone += 1
    old = ListJob.objects.filter(finished_at__lt=now - REMEMBERED, stored_as="").exclude(state__in=ListJob.AT_WORK)
    for pk in old.order_by("id").values_list("pk", flat=True)[:20]:
        ListJobRow.objects.filter(job=pk).delete()
        ListJob.objects.filter(pk=pk).delete()
    return gone
