"""`make bench`: run every benchmark on every database at hand, print a table, write benchmarks/latest.json.

SCALE=10k,100k (default) or 1m (PostgreSQL, scoring only); DATABASES=sqlite,postgresql;
ONLY=boards,reports,scoring,simulation,activities,tracking,imports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = ("boards", "reports", "scoring", "simulation", "activities", "tracking", "imports")
SCALES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
POSTGRES = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"


@contextmanager
def fresh_database(kind: str) -> Iterator[tuple[str, str]]:
    """Yield (DATABASE_URL, DATA_DIR) of a database that is thrown away after."""
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/bench.sqlite3", folder
            return
        import psycopg

        name, server = f"baton_bench_{uuid.uuid4().hex[:8]}", POSTGRES.rsplit("/", 1)[0]
        with psycopg.connect(f"{server.replace('postgres://', 'postgresql://')}/postgres", autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
            try:
                yield f"{server}/{name}", folder
            finally:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def measure(module: str, kind: str, scale: str) -> list[dict[str, object]]:
    """Run one module in a process of its own and return its figures as rows."""
    with fresh_database(kind) as (url, folder):
        env = os.environ | {
            "DATABASE_URL": url, "DATA_DIR": folder, "REDIS_URL": "", "DJANGO_SETTINGS_MODULE": "crm.settings",
            "DEBUG": "0",
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks", "--inside", module, str(SCALES[scale])]
        done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE, check=False, cwd=HERE.parent)
    if done.returncode:
        print(f"{module} on {kind} failed", file=sys.stderr)
        return [
            {"name": f"{module}, {kind}, {scale}", "value": 0, "unit": "", "ratio": None, "goal": "runs", "ok": False}
        ]
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [row | {"name": f"{module}: {row['name']}, {kind}, {scale}"} for row in rows]


def inside(module: str, leads: int) -> None:
    """Migrate the fresh database and print one JSON line per figure."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for figure in import_module(f"benchmarks.{module}").figures(leads):
        print(json.dumps(asdict(figure)), flush=True)


def table(rows: list[dict[str, object]]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| Figure | Value | Ratio | Goal | |", "| --- | ---: | ---: | --- | --- |"]
    for row in rows:
        value = f"{row['value']:,.4g} {row['unit']}".strip()
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
        verdict = {True: "reached", False: "missed", None: ""}[row["ok"]]  # type: ignore[index]
        lines.append(f"| {row['name']} | {value} | {ratio} | {row['goal']} | {verdict} |")
    return "\n".join(lines)


def main() -> None:
    scales = os.environ.get("SCALE", "10k,100k").lower().split(",")
    if not set(scales) <= set(SCALES):
        sys.exit(f"SCALE must be some of {', '.join(SCALES)}, but it is {','.join(scales)!r}.")
    rows = [row for scale in scales for kind in _kinds(scale) for module in _modules(scale)
            for row in measure(module, kind, scale)]  # fmt: skip
    (HERE / "latest.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    if any(row["ok"] is False for row in rows):
        print("\nSome figures missed their goal.")


def _kinds(scale: str) -> list[str]:
    return os.environ.get("DATABASES", "postgresql" if scale == "1m" else "sqlite,postgresql").split(",")


def _modules(scale: str) -> list[str]:
    return os.environ.get("ONLY", "scoring" if scale == "1m" else ",".join(MODULES)).split(",")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2], int(sys.argv[3]))
    else:
        main()
