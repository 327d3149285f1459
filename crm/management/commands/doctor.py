"""manage.py doctor: every invariant; exit 0 when all hold, else 1 and one line each."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crm import doctor


class Command(BaseCommand):
    help = "Check every invariant of this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--full", action="store_true", help="ask every row instead of a sample")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for check, sentences in doctor.examine(full=options["full"]):
            wrong += len(sentences)
            for sentence in sentences:
                self.stdout.write(f"{check.name}: {sentence}")
            if not sentences and options["verbosity"] > 1:
                self.stdout.write(f"{check.name}: {check.title}.")
        if wrong:
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(f"{len(doctor.CHECKS)} invariants hold."))
