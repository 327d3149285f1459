"""Database triggers: rules that hold for raw SQL too.

They are not migrations: SQLite remakes a table on a later AddField and forgets its triggers. So each app
keeps one `triggers` module; all are dropped before a migration and created after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import connection

GATE_CLOSED = "NOT EXISTS (SELECT 1 FROM crm_deletion_gate)"


@dataclass(frozen=True)
class Trigger:
    """Refuse `event` on `table` with `message` whenever `refuse` (SQL over OLD and NEW) holds."""

    name: str
    table: str
    event: str
    refuse: str
    message: str

    def create(self, vendor: str) -> list[str]:
        """Return the statements that install this trigger on 'sqlite' or 'postgresql'."""
        if vendor == "sqlite":
            return [
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW WHEN {self.refuse}"
                f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            ]
        row = "NULL" if self.event == "TRUNCATE" else ("OLD" if self.event == "DELETE" else "NEW")
        level = "STATEMENT" if self.event == "TRUNCATE" else "ROW"
        return [
            (
                f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN"
                f" IF ({self.refuse}) THEN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'check_violation'; END IF;"
                f" RETURN {row}; END $body$"
            ),
            (
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}"
                f" FOR EACH {level} EXECUTE FUNCTION {self.name}()"
            ),
        ]

    def drop(self, vendor: str) -> str:
        """Return the statement that removes this trigger."""
        if vendor == "sqlite":
            return f"DROP TRIGGER IF EXISTS {self.name}"
        return f"DROP FUNCTION IF EXISTS {self.name}() CASCADE"


def append_only(table: str, columns: str = "", *, erasable: bool = True) -> list[Trigger]:
    """Return triggers that refuse changing (`columns`, default any) and deleting rows of `table`.

    With `erasable` an open deletion gate lets a change pass, so that erasure can empty the row in place.
    """
    of = f" OF {columns}" if columns else ""
    return [
        Trigger(
            f"{table}_no_update", table, f"UPDATE{of}", GATE_CLOSED if erasable else "TRUE",
            f"rows of {table} are never changed",
        ),
        *no_delete(table),
    ]  # fmt: skip


def no_delete(table: str) -> list[Trigger]:
    """Return triggers that let rows of `table` go only while the deletion gate is open."""
    message = f"rows of {table} are deleted through the deletion gate only"
    return [
        Trigger(f"{table}_no_delete", table, "DELETE", GATE_CLOSED, message),
        Trigger(f"{table}_no_truncate", table, "TRUNCATE", GATE_CLOSED, message),
    ]


def wanted() -> list[Trigger]:
    """Return every trigger the apps of this installation declare for the database in use."""
    found: list[Trigger] = []
    for config in apps.get_app_configs():
        name = f"{config.name}.guarded_tables"
        if config.name in {"crm", "leads", "scoring"} and find_spec(name):
            found += import_module(name).TRIGGERS
    return [t for t in found if not (connection.vendor == "sqlite" and t.event == "TRUNCATE")]


def install() -> None:
    """Create every wanted trigger whose table exists, anew."""
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for trigger in wanted():
            if trigger.table in tables:
                cursor.execute(trigger.drop(connection.vendor))
                for statement in trigger.create(connection.vendor):
                    cursor.execute(statement)


def remove() -> None:
    """Drop every wanted trigger."""
    with connection.cursor() as cursor:
        for trigger in wanted():
            cursor.execute(trigger.drop(connection.vendor))


def _normal(sql: str) -> str:
    return " ".join(sql.split())


def differences() -> list[str]:
    """Return one sentence for each trigger that is missing or reads otherwise than its source."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            installed = {name: _normal(sql) for name, sql in cursor.fetchall()}
            expected = {t.name: _normal(t.create("sqlite")[0]) for t in wanted()}
        else:
            cursor.execute(
                "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
                " WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'"
            )
            installed = {name: _normal(source) for name, source in cursor.fetchall()}
            expected = {t.name: _normal(t.create("postgresql")[0].split("$body$")[1]) for t in wanted()}
    missing = [f"trigger {name} is missing" for name in expected if name not in installed]
    changed = [f"trigger {n} differs from its source" for n, sql in expected.items() if installed.get(n, sql) != sql]
    return missing + changed
