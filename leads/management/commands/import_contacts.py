"""manage.py import_contacts: bring a list in, by a mapping file."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leads.imports import Import, Mapping, MappingError, ReadingError, Table, Tally, batches
from leads.models import ImportBatch

MOST_GROUPS = 30
LEVELS = {"error": "Error", "warning": "Warning", "note": "Note"}


class Command(BaseCommand):
    help = "Import people, companies, activities and leads from a CSV or XLSX file. Ends with one line of JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", nargs="?", help="the list: .csv in any usual writing, or .xlsx"
        )
        parser.add_argument("--mapping", type=Path, metavar="M.json", help="what each column means")
        parser.add_argument("--source", default="", metavar="S", help="where the list comes from: the key of a source")
        parser.add_argument("--legal-basis", default="", metavar="B", help="why you may hold these data")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, print what would happen")
        parser.add_argument("--resume", type=int, metavar="BATCH", help="carry on with an import that was interrupted")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            tally, batch = self._resume(options["resume"]) if options["resume"] else self._import(options)
        except (MappingError, ReadingError, batches.NotPossible) as error:
            raise CommandError(str(error)) from error
        seconds = time.monotonic() - started
        self._tell(tally)
        self.stdout.write(f"{tally.rows:,} rows in {seconds:.1f} s, {tally.rows / max(seconds, 0.001):,.0f} rows/s.")
        counts = tally.counts()
        if batch:
            batch.refresh_from_db()
            counts = {name: getattr(batch, name) for name in counts}
        self.stdout.write(json.dumps(counts | {"batch": batch.pk if batch else None}))

    def _import(self, options: dict[str, Any]) -> tuple[Tally, ImportBatch | None]:
        if not options["file"] or not options["mapping"]:
            raise CommandError("Name the FILE and its --mapping, or an import to --resume.")
        mapping = Mapping.load(options["mapping"])
        table = Table(options["file"], **mapping.file)
        job = Import(table, mapping, source=options["source"], basis=options["legal_basis"])
        self._introduce(table, mapping)
        if options["dry_run"]:
            self.stdout.write("Nothing is written (--dry-run).")
            return job.rehearse(), None
        batch, tally = batches.from_file(job, file_name=options["file"].name), Tally()
        batches.run(job, batch, tell=tally.add)
        return tally, batch

    def _resume(self, pk: int) -> tuple[Tally, ImportBatch]:
        batch = ImportBatch.objects.filter(pk=pk).first()
        if batch is None:
            raise CommandError(f"There is no import {pk}.")
        if batch.state == ImportBatch.State.STOPPED:
            batches.resume(batch, by=None)
        if batch.state != ImportBatch.State.RUNNING:
            raise CommandError(f"Import {pk} is not interrupted; it is {batch.state}.")
        claimed, tally = batches.claimed(pk), Tally()
        if claimed is None:
            raise CommandError(f"Import {pk} is in the hands of another process, or was until half a minute ago.")
        self.stdout.write(f"Import {pk} stood at row {claimed.cursor}.")
        batches.write(batches.open_import(claimed), claimed, tell=tally.add)
        return tally, claimed

    def _introduce(self, table: Table, mapping: Mapping) -> None:
        written = "workbook" if table.is_workbook else f"{table.encoding}, columns split by {table.delimiter!r}"
        self.stdout.write(f"{table.path.name}: {written}, {len(table.columns)} columns.")
        left_out = mapping.unmapped(table.columns)
        if left_out:
            self.stdout.write(f"Columns the mapping leaves out: {', '.join(left_out)}.")

    def _tell(self, tally: Tally) -> None:
        for (level, column, text), (count, examples) in list(tally.told.items())[:MOST_GROUPS]:
            where = f" in column “{column}”" if column else ""
            rows = ", ".join(f"row {number}" + (f" “{value}”" if value else "") for number, value in examples)
            more = f" and {count - len(examples):,} more" if count > len(examples) else ""
            self.stdout.write(f"{LEVELS[level]}{where}: {text} ({rows}{more})")
        if len(tally.told) > MOST_GROUPS:
            self.stdout.write(f"… and {len(tally.told) - MOST_GROUPS} other kinds; every row is kept with its batch.")
