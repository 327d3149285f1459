"""manage.py undo_import: take an import back, within seven days."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.models import User
from leads.imports import batches, undoing
from leads.models import ImportBatch

MOST_TOLD = 30


class Command(BaseCommand):
    help = "Take back what an import wrote. What people or later imports have changed since is left and listed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch", type=int, metavar="BATCH", help="the import's number")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = ImportBatch.objects.filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no import {options['batch']}.")
        if batch.state != ImportBatch.State.UNDOING:
            try:
                batches.undo(batch, by=None)
            except batches.NotPossible as error:
                raise CommandError(str(error)) from error
        self._work(batch)
        batch.refresh_from_db()
        rows = undoing.left_rows(batch)
        people = User.objects.in_bulk()
        for row in rows[:MOST_TOLD]:
            self.stdout.write(f"Left: row {row.number}, {'; '.join(undoing.sentences(row, people))}.")
        told = {"batch": batch.pk, "undone": batch.taken_back, "left": batch.left, "state": batch.state}
        self.stdout.write(json.dumps(told))

    def _work(self, batch: ImportBatch) -> None:
        """Undo it here, or wait while a worker does."""
        while batch.state == ImportBatch.State.UNDOING:
            claimed = batches.claimed(batch.pk)
            if claimed is None:
                time.sleep(0.5)
            elif not batches.work(claimed):
                claimed.refresh_from_db()
                raise CommandError(claimed.trouble or "The undo was interrupted; it carries on by itself.")
            batch.refresh_from_db()
