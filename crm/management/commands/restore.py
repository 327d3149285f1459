"""Bring a backup back, into an empty place only."""

from __future__ import annotations

import sqlite3
import subprocess
from argparse import ArgumentParser
from os import environ
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection


class Command(BaseCommand):
    """Restore what `backup` wrote, then bring the tables up to this version."""

    help = "Restore the backup at PATH into an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file to read."""
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """Restore; CommandError when the file is missing or the place is not empty."""
        if not path.is_file():
            raise CommandError(f"There is no backup at {path}.")
        if connection.introspection.table_names():
            raise CommandError("The database is not empty; restore into a new DATA_DIR or a new database.")
        (_restore_sqlite if connection.vendor == "sqlite" else _restore_postgresql)(path)
        connection.close()
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write(f"Restored from {path}.")


def _restore_sqlite(path: Path) -> None:
    connection.ensure_connection()
    with sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True) as source:
        try:
            source.execute("SELECT count(*) FROM django_migrations")
        except sqlite3.DatabaseError:
            raise CommandError(f"{path} is not a backup of Baton on SQLite.") from None
        source.backup(connection.connection)


def _restore_postgresql(path: Path) -> None:
    arguments, environment = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    name, options = arguments[-1], arguments[1:-1]
    command = ["pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", f"--dbname={name}", *options]
    try:
        done = subprocess.run(  # nosec B603
            [*command, str(path)], env={**environ, **(environment or {})}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CommandError("pg_restore is not installed; it comes with PostgreSQL's client programs.") from None
    if done.returncode:
        raise CommandError(f"pg_restore: {done.stderr.strip()}")
