"""The life of an import: kept with its file, claimed, written chunk by chunk, resumed after a crash, put to rest.

What is to be done stands in the batch's row. A chunk's rows, their record and how far the batch has come are one
transaction, so a killed worker loses at most a chunk, and nothing comes in twice. One import writes at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import audit
from crm.models import User
from crm.wake import wake
from leads.imports import files, undoing
from leads.imports.mapping import Mapping, MappingError
from leads.imports.plans import Plan
from leads.imports.reading import ReadingError, Table
from leads.imports.running import Import, display_name
from leads.imports.writing import CLAIM, Overtaken
from leads.models import ImportBatch, ImportRow

log = logging.getLogger("baton.imports")
State = ImportBatch.State
FOREVER = float("inf")
KEPT_UNPREPARED = timedelta(days=7)


class NotPossible(Exception):
    """The batch is in no state for this; the message is a sentence for the person. Nothing was written."""


# --- Opening ------------------------------------------------------------------------------------


def table_of(batch: ImportBatch) -> Table:
    """Return the kept list as its mapping says it is to be read; ReadingError when that is not possible."""
    try:
        path = files.path_of(batch.stored_as)
    except FileNotFoundError as error:
        raise ReadingError(_("The uploaded file is no longer here. Upload it again.")) from error
    return Table(path, **batch.mapping.get("file", {}))


def open_import(batch: ImportBatch) -> Import:
    """Return the import of a batch, ready to check or to write; ReadingError or MappingError says why not."""
    return Import(
        table_of(batch), Mapping.from_dict(batch.mapping), source=batch.source, basis=batch.legal_basis,
        now=batch.started_at, corrections=batch.corrections, lenient=batch.choices.get("lenient", ()),
    )  # fmt: skip


def from_file(job: Import, *, file_name: str, by: User | None = None) -> ImportBatch:
    """Record an import that is to begin now, with a copy of its list."""
    stored_as, digest = files.copy(job.table.path)
    return ImportBatch.objects.create(
        file_name=display_name(file_name), file_sha256=digest, stored_as=stored_as, mapping=job.mapping.raw,
        source=job.source, legal_basis=job.basis, created_by=by, started_at=job.now, state=State.CHECKING,
    )  # fmt: skip


# --- Deciding -----------------------------------------------------------------------------------


def ask_check(batch: ImportBatch) -> None:
    """Have a prepared list checked by the worker; NotPossible when it has begun."""
    _change(batch, ImportBatch.PREPARED, _("This import has begun meanwhile."), "", None,
            state=State.CHECKING, claimed_until=None, trouble="", findings={})  # fmt: skip


def start(batch: ImportBatch, *, by: User | None) -> None:
    """Let a checked batch be written by the worker; NotPossible when it has been changed since its check."""
    total = batch.findings.get("counts", {}).get("rows", 0)
    _change(batch, (State.CHECKED,), _("Check the list again before it is imported."), "import.started", by,
            state=State.RUNNING, started_at=timezone.now(), total=total)  # fmt: skip


def stop(batch: ImportBatch, *, by: User | None) -> None:
    """Stop a running import after its present chunk; what is written stays, and it can be resumed or undone."""
    _change(batch, (State.RUNNING,), _("This import is not running."), "import.stopped", by,
            state=State.STOPPED, finished_at=timezone.now(), claimed_until=None)  # fmt: skip


def resume(batch: ImportBatch, *, by: User | None) -> None:
    """Carry on with a stopped import where it stood."""
    _change(batch, (State.STOPPED,), _("This import is not stopped."), "import.resumed", by,
            state=State.RUNNING, finished_at=None)  # fmt: skip


def undo(batch: ImportBatch, *, by: User | None) -> None:
    """Have everything taken back that the batch wrote; NotPossible when it is too late."""
    batch.refresh_from_db()
    if not batch.may_be_undone:
        raise NotPossible(_("This import can no longer be undone: seven days have passed, or it wrote nothing."))
    _change(batch, ImportBatch.ENDED, _("This import cannot be undone now."), "import.undone", by,
            state=State.UNDOING, cursor=batch.cursor + 1, worked=0, claimed_until=None, trouble="")  # fmt: skip


def _change(
    batch: ImportBatch, states: tuple[State, ...], otherwise: str, action: str, by: User | None, **values: Any
) -> None:
    with transaction.atomic():
        if not ImportBatch.objects.filter(pk=batch.pk, state__in=states).update(**values):
            raise NotPossible(otherwise)
        if action:
            audit.record(by, action, f"import:{batch.pk}")
        wake("jobs")
    batch.refresh_from_db()


# --- Working ------------------------------------------------------------------------------------


def carry_on(seconds: float) -> None:
    """Work on the imports under way for at most about `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        batch = claimed()
        if batch is None or not work(batch, until):
            break
    if ImportBatch.objects.filter(state__in=ImportBatch.AT_WORK, trouble="", claimed_until=None).exists():
        wake("jobs")


def claimed(pk: int | None = None) -> ImportBatch | None:
    """Take the oldest import that is under way (or number `pk`) for this process; a killed worker's claim runs out.

    While one writes, others are only checked: two that write at once would make the same company twice.
    """
    now = timezone.now()
    under_way = ImportBatch.objects.filter(state__in=ImportBatch.AT_WORK)
    writing = under_way.exclude(state=State.CHECKING)
    free = under_way.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
    if writing.filter(claimed_until__gte=now).exists():
        free = free.filter(state=State.CHECKING)
    for batch in free.filter(pk=pk) if pk else free.order_by("trouble", "id"):
        if not free.filter(pk=batch.pk, cursor=batch.cursor).update(claimed_until=now + CLAIM):
            continue
        if batch.state != State.CHECKING and writing.filter(claimed_until__gte=now, pk__lt=batch.pk).exists():
            _release(batch)  # two were claimed at the same moment: the older one goes first
            continue
        return batch
    return None


def work(batch: ImportBatch, until: float = FOREVER) -> bool:
    """Carry on with a claimed batch until monotonic `until`; False when something outside is in the way.

    What cannot be helped ends the batch; what may pass (a full disk, a database that restarts) pauses it.
    """
    does: dict[str, Callable[[ImportBatch, float], None]] = {
        State.CHECKING: _check, State.RUNNING: _write, State.UNDOING: undoing.carry_on,
    }  # fmt: skip
    try:
        with spoken_to(batch.created_by):
            does[batch.state](batch, until)
    except Overtaken:
        return True
    except (ReadingError, MappingError) as error:
        _end(batch, _fails_as(batch), trouble=str(error)[:300])
    except (DatabaseError, OSError) as error:
        log.warning("import %s paused at row %s: %s", batch.pk, batch.cursor, type(error).__name__)
        _pause(batch, error)
        return False
    return True


def _fails_as(batch: ImportBatch) -> str:
    return State.DRAFT if batch.state == State.CHECKING and batch.choices else State.FAILED


@contextmanager
def spoken_to(person: User | None) -> Any:
    """Speak the language of the person whose import it is: what rows have to tell is kept as a sentence."""
    with translation.override(person.language if person else settings.LANGUAGE_CODE):
        yield


def _check(batch: ImportBatch, until: float) -> None:
    """Look at every row without writing, and note what would happen."""
    from leads.imports import checking

    findings = checking.examine(open_import(batch))
    _end(batch, State.CHECKED, findings=findings, total=findings["counts"]["rows"], finished_at=None)


def _write(batch: ImportBatch, until: float) -> None:
    write(open_import(batch), batch, until)


def write(job: Import, batch: ImportBatch, until: float = FOREVER, tell: Callable[[Plan], None] | None = None) -> None:
    """Write the rows that are left, chunk by chunk, until monotonic `until`; `tell` hears of each row."""
    job.writer.ensure_queue()
    for part in job.slices(after=batch.cursor):
        for plan in job.store(part, batch):
            if tell:
                tell(plan)
        if time.monotonic() >= until:
            _release(batch)
            return
    _end(batch, State.DONE)


def run(job: Import, batch: ImportBatch, tell: Callable[[Plan], None] | None = None) -> None:
    """Check a batch that is just made and write it, in this process; it ends done, or failed with nothing written."""
    try:
        total = job.check()
    except BaseException as error:
        _end(batch, State.FAILED, trouble=str(error)[:300])
        raise
    now = timezone.now()
    ImportBatch.objects.filter(pk=batch.pk).update(state=State.RUNNING, total=total, claimed_until=now + CLAIM)
    batch.refresh_from_db()
    write(job, batch, tell=tell)


def _end(batch: ImportBatch, state: str, **values: Any) -> None:
    ended = {"state": state, "claimed_until": None, "finished_at": timezone.now(), "trouble": ""} | values
    ImportBatch.objects.filter(pk=batch.pk, state=batch.state, cursor=batch.cursor).update(**ended)


def _release(batch: ImportBatch) -> None:
    ImportBatch.objects.filter(pk=batch.pk, cursor=batch.cursor).update(claimed_until=None)


def _pause(batch: ImportBatch, error: Exception) -> None:
    """Note why it waits, so that the page says so; where even that cannot be written, the claim runs out."""
    told = {"row": batch.cursor, "error": type(error).__name__}
    text = _("Paused at row %(row)d (%(error)s); it carries on by itself.") % told
    try:
        ImportBatch.objects.filter(pk=batch.pk).update(trouble=text, claimed_until=None)
    except DatabaseError:
        log.warning("import %s: the pause could not be noted", batch.pk)


# --- Progress -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far a batch is: rows done of all, rows per second, seconds left (None while that is unknown)."""

    done: int
    total: int
    speed: int
    left: int | None

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def progress(batch: ImportBatch) -> Progress:
    """Return how far the writing, or the undoing, of a batch is."""
    undoing_now = batch.state == State.UNDOING
    done = batch.taken_back + batch.left if undoing_now else batch.rows
    total = batch.created + batch.updated if undoing_now else batch.total
    speed = done / batch.worked if batch.worked else 0
    return Progress(done, total, round(speed), round((total - done) / speed) if speed else None)


# --- Putting to rest ------------------------------------------------------------------------------


def put_to_rest() -> int:
    """Delete the lists, and what stood before, of imports that can no longer be undone; return how many there were.

    Lists that were uploaded and never imported go as well.
    """
    now = timezone.now()
    late = Q(finished_at__lt=now - KEPT_UNPREPARED) | Q(finished_at=None, created_at__lt=now - KEPT_UNPREPARED)
    resting = ImportBatch.objects.filter(late).exclude(stored_as="").exclude(state__in=ImportBatch.AT_WORK)
    rested = 0
    for batch in resting.order_by("id")[:100]:
        files.discard(batch.stored_as)
        with transaction.atomic():
            ImportRow.objects.filter(batch=batch).update(before={}, after={}, messages=[])
            ImportBatch.objects.filter(pk=batch.pk).update(stored_as="", corrections={}, findings={})
            if batch.state in ImportBatch.PREPARED:
                ImportBatch.objects.filter(pk=batch.pk).delete()
        rested += 1
    return rested
