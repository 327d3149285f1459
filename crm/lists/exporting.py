"""Writing an export: chunk by chunk into a file of plain lines, at the end turned into CSV or a workbook, row by row.

Never more than a chunk is held in memory, and a killed worker goes on behind the last chunk that was sure.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import spreadsheet_cells
from crm.deletion import before_removal
from crm.lists import files
from crm.lists.kinds import KINDS, Column
from crm.models import ListJob

KEPT = timedelta(hours=24)
CHUNK = 500
MOST_IN_WORKBOOK = 100_000
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def columns_of(job: ListJob) -> list[Column]:
    """Return the columns of an export that the list still has."""
    kind = KINDS[job.kind]
    return [column for key in job.params["columns"] if (column := kind.column(key))]


def gather(job: ListJob, ids: Sequence[int]) -> tuple[int, int]:
    """Put the rows `ids` behind what is gathered; return (how many were there, bytes written in all)."""
    kind, columns = KINDS[job.kind], columns_of(job)
    found = {row.pk: row for row in kind.related(kind.rows(job.by)).filter(pk__in=ids)}
    rows = [found[pk] for pk in ids if pk in found]
    kind.prepare(rows, job.by)
    lines = "".join(f"{json.dumps([_packed(column.value(row)) for column in columns])}\n" for row in rows)
    return len(rows), files.append(job.stored_as, job.written, lines.encode())


def finish(job: ListJob) -> None:
    """Turn what is gathered into the file asked for; doing it twice changes nothing."""
    path = files.folder() / job.stored_as
    coming = files.coming(job.stored_as)
    coming.touch(mode=0o600)
    heads = [str(column.label) for column in columns_of(job)]
    write = _workbook if job.params["format"] == "xlsx" else _csv
    write(coming, heads, _gathered(job), job.by.language)
    coming.replace(path)


def tidy(job: ListJob) -> None:
    """Delete what was gathered, once the file is there."""
    files.part_of(job.stored_as).unlink(missing_ok=True)


def _gathered(job: ListJob) -> Iterator[list[Any]]:
    with files.part_of(job.stored_as).open(encoding="utf-8") as lines:
        for line in lines:
            yield [_unpacked(cell, job.by.zone) for cell in json.loads(line)]


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"d": value.isoformat()} if isinstance(value, date) else str(value)


def _unpacked(cell: Any, zone: Any) -> Any:
    """Return a cell as a file gets it; an instant as the local time of who asked, without a zone."""
    if not isinstance(cell, dict):
        return cell
    ((mark, text),) = cell.items()
    if mark == "n":
        return Decimal(text)
    return timezone.make_naive(datetime.fromisoformat(text), zone) if mark == "t" else date.fromisoformat(text)


def _csv(path: Path, heads: list[str], rows: Iterable[list[Any]], language: str) -> None:
    german = language == "de"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";" if german else ",")
        writer.writerow(heads)
        for row in rows:
            writer.writerow([_text(cell, comma=german) for cell in row])


def _text(cell: Any, *, comma: bool) -> Any:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, Decimal):
        return str(cell).replace(".", ",") if comma else str(cell)
    return spreadsheet_cells.safe(cell)


def _workbook(path: Path, heads: list[str], rows: Iterable[list[Any]], language: str) -> None:
    from openpyxl import Workbook  # only now: it costs memory that most workers never need
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Baton")
    sheet.freeze_panes = "B2"
    sheet.append(heads)
    for row in rows:
        sheet.append([
            ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell := spreadsheet_cells.safe(value), str) else cell
            for value in row
        ])  # fmt: skip
    book.save(path)


def file_name(job: ListJob) -> str:
    """Return what a download is called: the list and the day, nothing a person typed."""
    return f"baton-{job.kind}-{job.created_at:%Y-%m-%d}-{job.pk}.{job.params['format']}"


# --- Erasure --------------------------------------------------------------------------------------


def forget(kind: str, ids: Sequence[int]) -> None:
    """Delete every export of the list that holds one of these rows; it says why and can be made anew."""
    gone = set(ids)
    for job in ListJob.objects.filter(kind=kind).exclude(stored_as="").select_related("selection"):
        if gone.isdisjoint(map(int, filter(None, job.selection.ids.split(",")))):
            continue
        text = _("The file was deleted because somebody in it was erased. Export anew.")
        ListJob.objects.filter(pk=job.pk).update(
            stored_as="", state=ListJob.State.FAILED, trouble=text, finished_at=timezone.now(), claimed_until=None
        )
        transaction.on_commit(lambda name=job.stored_as: files.discard(name))  # type: ignore[misc]


@before_removal
def forget_contacts(contact_ids: Sequence[int]) -> None:
    """Who is erased leaves the exported files too."""
    forget("contacts", contact_ids)
