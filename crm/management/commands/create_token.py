"""`manage.py create_token --user E --scope S…`: one token of the API, alone on the last line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm import api_tokens
from crm.models import User


class Command(BaseCommand):
    help = "Print a token of the API that acts as a person, narrowed by scopes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="E", help="e-mail address of the person")
        parser.add_argument("--scope", required=True, nargs="+", action="extend", metavar="S", help="e.g. leads:read")
        parser.add_argument("--days", type=int, default=api_tokens.DAYS, help="valid for so many days, 1 to 730")
        parser.add_argument("--name", default="create_token", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["user"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody with the address {options['user']} works here.")
        try:
            _token, text = api_tokens.issue(user, options["scope"], name=options["name"], days=options["days"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text)
