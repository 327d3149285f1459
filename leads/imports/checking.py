"""The check before an import: what every row would become, and what is wrong, grouped so that it can be put right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from leads.imports.plans import Outcome, Plan
from leads.imports.reading import as_text
from leads.imports.running import Import, Tally

MOST_GROUPS, MOST_CELLS = 60, 50
LEVELS = ("error", "warning", "note")
CUT_AT = 200  # a longer cell is shown cut, so it cannot be put right by what it says


@dataclass
class Group:
    """One thing to tell about one column: how many rows it concerns, and the cells that differ, the first 50."""

    level: str
    column: str
    text: str
    count: int = 0
    cells: dict[str, list[int]] = field(default_factory=dict)  # cell → [first row, how often]

    def add(self, row: int, value: str) -> None:
        """Count one row."""
        self.count += 1
        if value in self.cells:
            self.cells[value][1] += 1
        elif len(self.cells) < MOST_CELLS:
            self.cells[value] = [row, 1]

    def as_json(self) -> dict[str, Any]:
        """Return it for the batch's findings."""
        cells = [{"value": value, "row": row, "count": count} for value, (row, count) in self.cells.items()]
        return {"level": self.level, "column": self.column, "text": self.text, "count": self.count, "cells": cells}


def examine(job: Import) -> dict[str, Any]:
    """Return {"counts": the five-way count, "groups": what there is to tell, errors first}; nothing is written."""
    tally, groups = Tally(), dict[tuple[str, str, str], Group]()
    for plan in job.rehearsed():
        tally.rows += 1
        setattr(tally, plan.outcome, getattr(tally, plan.outcome) + 1)
        for message in plan.arrival.messages:
            name = (message.level, message.column, message.text)
            group = groups.setdefault(name, Group(*name)) if len(groups) < 10 * MOST_GROUPS else groups.get(name)
            if group:
                group.add(plan.arrival.number, message.as_json()["value"])
    told = sorted(groups.values(), key=lambda group: (LEVELS.index(group.level), -group.count))
    return {"counts": tally.counts(), "groups": [group.as_json() for group in told[:MOST_GROUPS]]}


def refused(job: Import) -> Iterator[tuple[int, list[str], str]]:
    """Yield (row, cells, reasons) of every row that would not come in, as the file has it."""
    lines = iter(job.table)
    for plan in job.rehearsed():
        if plan.outcome in {Outcome.FAILED, Outcome.SKIPPED}:
            line = next(line for line in lines if line.number == plan.arrival.number)
            yield line.number, [as_text(cell) for cell in line.cells], reasons(plan)


def reasons(plan: Plan) -> str:
    """Return why a row does not come in, as one text: column, value and remedy."""
    told = [message for message in plan.arrival.messages if message.level == "error"] or plan.arrival.messages
    return " ".join(f"{message.column}: {message.text}" if message.column else message.text for message in told)
