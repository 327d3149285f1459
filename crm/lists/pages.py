"""One page of a list: read by keyset in any order a column offers, with its cells and its count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from crm import keyset
from crm.listing import MOST_COUNTED, counted
from crm.lists.asking import Asked
from crm.lists.kinds import Column, Told

SIZE = 50


@dataclass(frozen=True)
class Cell:
    """One cell as the page shows it."""

    column: Column
    html: Any


@dataclass(frozen=True)
class Line:
    """One row with its cells; the first cell is the row's head."""

    row: Any
    name: str
    head: Any
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Page:
    """One page: its lines, how many fit of how many (counted to 10,000), and the cursor of the next ('' at the end)."""

    asked: Asked
    rows: Sequence[Any]
    lines: Sequence[Line]
    matching: int
    total: int
    next: str
    is_first: bool

    @property
    def counts_on(self) -> bool:
        """Whether there are more than were counted."""
        return self.matching > MOST_COUNTED

    @property
    def shown_matching(self) -> int:
        return min(self.matching, MOST_COUNTED)

    @property
    def shown_total(self) -> int:
        return min(self.total, MOST_COUNTED)

    @property
    def counted(self) -> str:
        """Return "1,243 contacts"."""
        return self.asked.kind.counted(self.shown_matching)

    @property
    def next_url(self) -> str:
        return f"{self.asked.address}{'&' if self.asked.pairs() else '?'}after={self.next}" if self.next else ""


def read(asked: Asked, after: str) -> Page:
    """Return the page that follows the cursor `after`; '' (or one that makes no sense) is the first page."""
    rows = asked.rows()
    related = asked.whole()
    try:
        found = keyset.page(related, after, order=asked.order, size=SIZE)
    except Http404:
        after, found = "", keyset.page(related, "", order=asked.order, size=SIZE)
    asked.kind.prepare(found.rows, asked.user)
    matching = 0 if after else counted(rows)
    total = matching if after or not asked.narrowed else counted(asked.everything())
    return Page(asked, found.rows, lines_of(asked, found.rows), matching, total, found.next, not after)


def lines_of(asked: Asked, rows: Sequence[Any]) -> list[Line]:
    """Return the prepared `rows` with their cells."""
    told = Told(asked.q, asked.origin, asked.user)
    first, *others = asked.shown
    return [
        Line(
            row, asked.kind.name_of(row), first.cell(row, told),
            [Cell(column, column.cell(row, told)) for column in others],
        )
        for row in rows
    ]  # fmt: skip
