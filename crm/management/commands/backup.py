"""Write a copy of the database while people work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection


class Command(BaseCommand):
    """Back up into one file; it gets its name only when it is whole and was read back."""

    help = "Write a backup of the running installation to PATH."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file to write."""
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """Back up; CommandError when the file exists or the copy is not sound."""
        if path.exists():
            raise CommandError(f"{path} exists already; name a new file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        try:
            _copy(partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
        self.stdout.write(f"{path}: {path.stat().st_size} bytes")


def _copy(target: Path) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        with sqlite3.connect(target) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise CommandError(f"The copy is damaged: {verdict}.")
    else:
        arguments, environment = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
        _run(["pg_dump", "--format=custom", f"--file={target}", *arguments[1:]], environment)
        _run(["pg_restore", "--list", str(target)], None)


def _run(command: list[str], environment: dict[str, str] | None) -> None:
    try:
        done = subprocess.run(  # nosec B603
            command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CommandError(f"{command[0]} is not installed; it comes with PostgreSQL's client programs.") from None
    if done.returncode:
        raise CommandError(f"{command[0]}: {done.stderr.strip() or done.returncode}")
