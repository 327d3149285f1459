"""`manage.py create_write_key NAME`: make a tracking write key and print it, alone on the last line."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.models import WriteKey
from crm.tracking import keys


class Command(BaseCommand):
    help = "Make a write key for tracking and print it, alone on the last line. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what sends with it, such as 'Web site'")
        parser.add_argument("--system", default="tracking", help="the system the user ids belong to")
        parser.add_argument("--site", action="append", default=[], help="an origin such as https://www.example.com")

    def handle(self, *args: Any, name: str, system: str, site: list[str], **options: Any) -> None:
        row = WriteKey(name=name, system=system, origins="\n".join(site))
        try:
            row.full_clean(exclude=["hash", "hint"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(keys.create(row, by=None))
