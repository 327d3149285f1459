"""The database as its migrations leave it: made once a run, copied for each process of tests and each installation."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import sqlite3
import time
import traceback
import zoneinfo
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from crm import triggers
from crm.workdays import local_day

#: The process that hands out the tests tells those who run them which database it makes.
TOLD = "PYTEST_MIGRATED"
#: A file on SQLite, a database on PostgreSQL; nobody ever connects to it once it is made.
MIGRATED = os.environ.get(TOLD) or (
    str(settings.DATA_DIR / "migrated.sqlite3") if settings.SQLITE else f"baton_migrated_{os.getpid()}"
)
#: Here stands how the making ended, for those who wait for it: nothing, or the error.
ENDED = "PYTEST_MIGRATED_ENDED"
#: On PostgreSQL the rows that migrations made also stand here, beside the tables the tests write to.
KEPT = "kept"
#: Databases to drop in the end. Each drop waits for a checkpoint, which takes long while others write.
DONE_WITH: list[str] = []


def admin_connection() -> psycopg.Connection[Any]:
    """Return a connection to the PostgreSQL of the tests that may create databases."""
    base = settings.DATABASES["default"]
    server = {"host": base["HOST"], "port": base["PORT"], "user": base["USER"], "password": base["PASSWORD"]}
    return psycopg.connect(dbname="postgres", autocommit=True, **{k: v for k, v in server.items() if v})


def make() -> None:
    """Run all migrations. It takes ten seconds of the processor, most of it for models of the past."""
    if not settings.SQLITE:
        with admin_connection() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{MIGRATED}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{MIGRATED}"')
    _connect_to(MIGRATED)
    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    connection.close()


def begin(blocker: Any) -> None:
    """Make it in a process of its own, while those who will copy it still collect their tests."""
    os.environ |= {TOLD: MIGRATED, ENDED: str(settings.DATA_DIR / "migrated.ended")}
    multiprocessing.get_context("fork").Process(target=_make_for_others, args=[blocker]).start()


def _make_for_others(blocker: Any) -> None:
    said = ""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        with blocker.unblock():
            make()
    except BaseException:
        said = traceback.format_exc()
    part = Path(os.environ[ENDED] + ".part")
    part.write_text(said)
    part.rename(os.environ[ENDED])


def adopt(name: str) -> None:
    """Let this process work on a copy called `name`, and wait for the original as long as it is being made."""
    if TOLD in os.environ:
        _await_the_end(Path(os.environ[ENDED]))
    else:
        make()
    if settings.SQLITE:
        shutil.copy(MIGRATED, name)
        _connect_to(name)
        return
    with admin_connection() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{MIGRATED}"')
    DONE_WITH.append(name)
    _connect_to(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {KEPT}")
        for table in _filled("public"):
            cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE public."{table}"')


def _await_the_end(ended: Path) -> None:
    until = time.monotonic() + 600
    while not ended.exists():
        assert time.monotonic() < until, "nobody has made the database of the tests"
        time.sleep(0.05)
    assert not (said := ended.read_text()), said


def _connect_to(name: str) -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


@cache
def _day() -> int:
    """Return the day of which the migrated database has everybody scored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT as_of_day FROM scoring_activescoring")
        (day,) = cursor.fetchone()
    return int(day)


def bring_to_today() -> None:
    """Have everybody scored as of today: of a run begun yesterday the first drain would begin a pass of its own."""
    today = local_day(timezone.now(), zoneinfo.ZoneInfo(settings.TIME_ZONE))
    if _day() < today:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE scoring_activescoring SET as_of_day = %s", [today])


def put_back() -> None:
    """Make the rows of the test database those the migrations left, whatever a test has committed."""
    if settings.SQLITE:
        connection.ensure_connection()
        with closing(sqlite3.connect(MIGRATED)) as copy:
            copy.backup(connection.connection)
        return
    statements = [f'DELETE FROM public."{table}"' for table in _filled("public")]
    statements += [f'INSERT INTO public."{table}" TABLE {KEPT}."{table}"' for table in _filled(KEPT)]
    with _past_triggers(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(";".join(statements))


@contextmanager
def _past_triggers() -> Iterator[None]:
    """Go round triggers; PostgreSQL lets superusers do so for a session, others must take them away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        superuser = cursor.fetchone()[0]
        if superuser:
            cursor.execute("SET session_replication_role = replica")
        else:
            triggers.remove()
        yield
        if superuser:
            cursor.execute("SET session_replication_role = DEFAULT")
        else:
            triggers.install()


def _filled(schema: str) -> list[str]:
    """Return the tables of `schema` that have rows, the log of migrations apart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        tables = [name for (name,) in cursor.fetchall() if name != "django_migrations"]
        asked = " UNION ALL ".join(f"""(SELECT '{name}' FROM {schema}."{name}" LIMIT 1)""" for name in tables)
        cursor.execute(asked)
        return [name for (name,) in cursor.fetchall()]


def forget() -> None:
    """Drop what this process has copied, and, where it is this one that made it, the original."""
    connection.close()
    if not settings.SQLITE:
        with admin_connection() as admin:
            for name in (*DONE_WITH, *([] if _is_worker() else [MIGRATED])):
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ
