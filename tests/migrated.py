"""The test database as its migrations left it: kept once, put back after each test that commits, and copied."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

from crm import triggers

#: A file on SQLite, a database on PostgreSQL; each process of pytest-xdist keeps one.
MIGRATED = str(settings.DATA_DIR / "migrated.sqlite3") if settings.SQLITE else f"baton_migrated_{os.getpid()}"
#: On PostgreSQL the rows that migrations made also stand here, beside the tables the tests write to.
KEPT = "kept"
#: Databases to drop in the end. Each drop waits for a checkpoint, which takes long while others write.
DONE_WITH: list[str] = []


def admin_connection() -> psycopg.Connection[Any]:
    """Return a connection to the PostgreSQL of the tests that may create databases."""
    base = settings.DATABASES["default"]
    server = {"host": base["HOST"], "port": base["PORT"], "user": base["USER"], "password": base["PASSWORD"]}
    return psycopg.connect(dbname="postgres", autocommit=True, **{k: v for k, v in server.items() if v})


def keep() -> None:
    """Copy the test database, which nobody else may use right now."""
    if settings.SQLITE:
        connection.ensure_connection()
        with closing(sqlite3.connect(MIGRATED)) as copy:
            connection.connection.backup(copy)
        return
    connection.close()
    with admin_connection() as admin:
        admin.execute(f'CREATE DATABASE "{MIGRATED}" TEMPLATE "{connection.settings_dict["NAME"]}"')
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {KEPT}")
        for table in _filled("public"):
            cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE public."{table}"')


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
    """Drop the copy, and the databases nobody needs any more."""
    if not settings.SQLITE:
        with admin_connection() as admin:
            for name in (*DONE_WITH, MIGRATED):
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
