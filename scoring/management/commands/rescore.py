"""manage.py rescore: bring all scores up to date now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scoring import bringing_up


class Command(BaseCommand):
    help = "Bring all scores up to date now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="count all signals anew from the activities first")

    def handle(self, *args: Any, **options: Any) -> None:
        run = bringing_up.to_date(rebuild=options["rebuild"])
        if run is None:
            raise CommandError("No scorecard is in force.")
        self.stdout.write(
            f"{run.total} contacts looked at, {run.changed} scores changed,"
            f" {run.promoted} leads became MQL, {run.demoted} fell back."
        )
