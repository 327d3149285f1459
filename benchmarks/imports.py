"""How fast lists come in: rows per second of the whole command, with stages, and the longest lock it takes."""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.figures import Figure, seconds

STAGES = ("lead",) * 5 + ("mql", "sql", "won", "lost", "nurture", "disqualified")
HEADER = ("No", "First", "Last", "Mail", "Title", "Firm", "City", "Source", "Seen", "Stage", "Asked")
MAPPING: dict[str, Any] = {
    "system": "bench", "identity": {"column": "No"}, "source": "import", "legal_basis": "request",
    "columns": {
        "First": "contact.first_name", "Last": "contact.last_name", "Mail": "contact.email",
        "Title": "contact.job_title",
        "Firm": "company.name", "City": "contact.city", "Source": "lead.source",
        "Seen": {"to": "lead.entered_at", "format": "%d.%m.%Y %H:%M"}, "Stage": "lead.stage",
        "Asked": {"to": "activity", "kind": "question", "property": "text"},
    },
}  # fmt: skip


def figures(leads: int) -> Iterator[Figure]:
    """Import a tenth of `leads` rows (1,000 to 100,000), and the same list again."""
    from django.core.management import call_command
    from django.db import connection

    from leads.imports.writing import Writer

    rows = min(100_000, max(1_000, leads // 10))
    spent: list[float] = []
    write = Writer.write

    def timed(self: Writer, plans: Any, batch: Any) -> None:
        spent.append(seconds(lambda: write(self, plans, batch)))

    Writer.write = timed  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as folder:
            path, mapping = _list(Path(folder), rows)
            for name, goal in (("import", 2_000), ("the same list again", 4_000)):
                spent.clear()
                started = time.perf_counter()
                with redirect_stdout(StringIO()):
                    call_command("import_contacts", str(path), "--mapping", str(mapping))
                speed = rows / (time.perf_counter() - started)
                wanted = goal if connection.vendor == "sqlite" else None
                told = f"≥ {goal:,} rows/s" if wanted else ""
                yield Figure(f"{name}, {rows:,} rows", speed, "rows/s", None, told, speed >= goal if wanted else None)
                longest = max(spent) * 1000
                yield Figure(f"{name}, longest transaction", longest, "ms", None, "≤ 100 ms" if wanted else "",
                             longest <= 100 if wanted else None)  # fmt: skip
    finally:
        Writer.write = write  # type: ignore[method-assign]


def _list(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write a list of invented people and its mapping."""
    dice = Random(1)
    path, mapping = folder / "list.csv", folder / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            day, month = dice.randint(1, 28), dice.randint(1, 6)
            writer.writerow(
                (
                    number, "Jörg", f"Müller{number}", f"m{number}@list.example.org", "Head of Procurement",
                    f"Firma {number % max(1, rows // 4)} GmbH", "Köln", "webinar", f"{day:02}.{month:02}.2026 10:00",
                    dice.choice(STAGES), "How much?" if number % 3 else "",
                )
            )  # fmt: skip
    return path, mapping
