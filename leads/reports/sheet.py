"""What the tables of the reports are made of: figures with the rows behind them, comparable and writable as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import get_script_prefix, reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm.charts import Chart
from crm.intervals import wilson
from crm.spreadsheet_cells import safe
from crm.templatetags.formats import count, span

FEWEST = 5  # cases; of fewer no share and no typical time is shown, as it would tell of single people
SHARE = ("share", "low", "high")


@dataclass(frozen=True)
class Cell:
    """One figure: what is written, the rows it opens, a second figure below it, and its plain values for the CSV."""

    text: str
    url: str = ""
    small: str = ""
    values: tuple[Any, ...] = ()
    before: Cell | None = None


@dataclass(frozen=True)
class Column:
    """`names` head the columns of the CSV, one per plain value of a cell."""

    label: str | Promise
    names: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """`key` finds the same row in the period compared with, and names it in the CSV."""

    key: str
    label: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """`tells` says in a sentence each what the figures mean."""

    key: str
    title: str
    names: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    foot: Row | None = None
    tells: str = ""

    def lines(self) -> Iterable[list[Any]]:
        """Yield the lines of the CSV, its head first; the period compared with stands behind, "_before"."""
        compares = any(cell.before for row in self.rows for cell in row.cells)
        head = [name for column in self.columns for name in column.names]
        yield ["key", "name", *head, *([f"{name}_before" for name in head] if compares else [])]
        for row in [*self.rows, *([self.foot] if self.foot else [])]:
            now = [value for cell in row.cells for value in cell.values]
            then = [
                value for cell, column in zip(row.cells, self.columns, strict=True)
                for value in (cell.before.values if cell.before else ("",) * len(column.names))
            ] if compares else []  # fmt: skip
            yield [safe(value) for value in (row.key, row.label, *now, *then)]


@dataclass(frozen=True)
class Sheet:
    """One report for one scope: the sentence that sums it up, a chart, and its tables; `cases` 0 is an empty one."""

    cases: int
    figures: Sequence[Chart] = ()
    tables: Sequence[Table] = field(default_factory=tuple)


def compared(now: Table, then: Table) -> Table:
    """Return `now` with the figures of the same rows in `then` beside its own."""
    known = {row.key: row for row in then.rows}
    feet = replace(now.foot, cells=_beside(now.foot, then.foot)) if now.foot else None
    return replace(
        now, rows=[replace(row, cells=_beside(row, known.get(row.key))) for row in now.rows], foot=feet
    )  # fmt: skip


def _beside(row: Row, before: Row | None) -> list[Cell]:
    if before is None:
        return list(row.cells)
    return [replace(cell, before=other) for cell, other in zip(row.cells, before.cells, strict=True)]


def link(report: str, step: str, query: Mapping[str, Any], **more: Any) -> str:
    """Return the address of the rows behind a figure."""
    return f"{_page(report, step, get_script_prefix())}?{urlencode({**query, **more})}"


@lru_cache(maxsize=256)
def _page(report: str, step: str, prefix: str) -> str:
    return reverse("report_rows", args=[report, step])


# --- Figures ----------------------------------------------------------------------------------------


def number(value: int, url: str = "") -> Cell:
    """A count; nothing opens behind 0."""
    return Cell(count(value), url if value else "", values=(value,))


def share(hits: int, cases: int) -> Cell:
    """`hits` of `cases` as a share, with the interval that holds the true one in 95 of 100 such samples below it."""
    if cases < FEWEST:
        return Cell("–", small=few(cases), values=("", "", ""))
    low, high = wilson(hits, cases)
    small = f"{decimal(low)}–{percentage(high)}"
    return Cell(percentage(hits / cases), small=small, values=(hits / cases, round(low, 6), round(high, 6)))


def number_of(hits: int, cases: int, url: str = "") -> Cell:
    """A count with the share it is of `cases` below it, as (count, share, low, high)."""
    part = share(hits, cases)
    small = part.small if cases < FEWEST else f"{part.text} ({part.small})"
    return Cell(count(hits), url if hits else "", small, (hits, *part.values))


def time(seconds: float | None, cases: int, *, least: float | None = None, url: str = "") -> Cell:
    """A length of time; where it is not known yet because too many are under way, that it is longer than `least`."""
    if cases < FEWEST:
        return Cell("–", small=few(cases), values=("",))
    if seconds is None:
        return Cell("–" if least is None else f"> {span(timedelta(seconds=least))}", values=("",))
    sign = "−" if seconds < 0 else ""
    return Cell(sign + span(timedelta(seconds=seconds)), url, values=(round(seconds),))


def few(cases: int) -> str:
    """Return that there are too few cases to say more, '' for none at all."""
    return _("fewer than %(number)s") % {"number": FEWEST} if cases else ""


def decimal(value: float) -> str:
    """0.10525 → "10.5" (English), "10,5" (German)."""
    return formats.number_format(round(100 * value, 1), 1)


def percentage(value: float) -> str:
    """0.10525 → "10.5 %" (English), "10,5 %" (German)."""
    return pgettext("percentage", "%(number)s %%") % {"number": decimal(value)}
