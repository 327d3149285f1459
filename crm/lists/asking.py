"""What an address asks of a list: words, filters, order, columns. All of it stands in the address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import formats
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from crm import listing
from crm.lists.kinds import Column, Filter, ListKind
from crm.models import User

LONGEST_VALUE = 120
OWN = ("q", "sort", "cols", "view", "after")


@dataclass(frozen=True)
class Chip:
    """One active filter in words, and the address without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True)
class Asked:
    """What somebody asks of a list, cleaned of what makes no sense. Immutable; `also` makes the next one."""

    kind: ListKind
    user: User
    q: str = ""
    values: dict[str, str] = field(default_factory=dict)
    sort: str = ""
    columns: tuple[str, ...] = ()
    view: str = ""
    remembered: tuple[str, ...] = ()

    @classmethod
    def read(cls, kind: ListKind, query: QueryDict, user: User, *, remembered: Iterable[str] = ()) -> Asked:
        """Read an address; `remembered` are the columns this person chose, for when it names none."""
        values = {}
        for one in kind.filters:
            value = query.get(one.key, "").replace("\x00", "").strip()[:LONGEST_VALUE]
            if value and _fits(one, value):
                values[one.key] = value
        sort, view = query.get("sort", ""), query.get("view", "")
        return cls(
            kind, user, q=listing.asked(query.get("q", "")), values=values,
            sort=sort if sort.removeprefix("-") in {column.key for column in kind.orders} else "",
            columns=_known(kind, query.get("cols", "").split(",")), view=view if listing.row_id(view) else "",
            remembered=_known(kind, remembered),
        )  # fmt: skip

    def also(self, **changes: Any) -> Asked:
        return replace(self, **changes)

    # --- The address ------------------------------------------------------------------------------

    def pairs(self) -> list[tuple[str, str]]:
        """Return what stands in the address, without what is usual there."""
        found = [("view", self.view), ("q", self.q), *self.values.items(), ("sort", self.sort)]
        return [(name, value) for name, value in [*found, ("cols", ",".join(self.columns))] if value]

    @property
    def query(self) -> str:
        return urlencode(self.pairs())

    @property
    def address(self) -> str:
        """Return the list's address with all that is asked."""
        return f"{self.kind.url}?{self.query}" if self.pairs() else self.kind.url

    @property
    def origin(self) -> str:
        """Return the list as a lead's page names where one came from."""
        return f"{self.kind.key}?{self.query}" if self.pairs() else self.kind.key

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.values)

    def cleared(self) -> Asked:
        return self.also(q="", values={}, view="")

    def chips(self) -> list[Chip]:
        """Return the active filters as words."""
        found = []
        for one in self.kind.filters:
            if one.key in self.values:
                left = {key: value for key, value in self.values.items() if key != one.key}
                found.append(Chip(str(one.label), self.said(one), self.also(values=left).address))
        return found

    def said(self, one: Filter) -> str:
        """Return the value of a filter in words."""
        value = self.values[one.key]
        if one.said:
            return one.said(value, self.user)
        if one.day and (day := parse_date(value)):
            return formats.date_format(day, "SHORT_DATE_FORMAT")
        return str(dict(one.choices(self.user)).get(value, value)) if one.choices else value

    def words(self) -> str:
        """Return in one line what the list is narrowed to; '' for everything."""
        parts = [f"{chip.label}: {chip.value}" for chip in self.chips()]
        return " · ".join([*([_("Search: %(words)s") % {"words": self.q}] if self.q else []), *parts])

    # --- Rows -------------------------------------------------------------------------------------

    @property
    def order(self) -> tuple[str, ...]:
        """Return the fields the rows are ordered by, "-" for falling ones."""
        names = self._sorts_by.order
        return tuple(f"-{name}" for name in names) if (self.sort or self.kind.sort).startswith("-") else names

    @property
    def _sorts_by(self) -> Column:
        column = self.kind.column((self.sort or self.kind.sort).removeprefix("-"))
        assert column is not None  # read() has seen to it, and a kind's own order exists
        return column

    def whole(self) -> QuerySet[Any]:
        """Return the rows asked for with what their cells need, to be read in `order`."""
        rows = self.kind.related(self.rows())
        along = self._sorts_by.along
        return rows.filter(along) if along and connection.vendor == "sqlite" else rows

    def sorted_by(self, column: Column) -> str:
        """Return "ascending", "descending" or '' for the head of a column."""
        sort = self.sort or self.kind.sort
        if sort.removeprefix("-") != column.key:
            return ""
        return "descending" if sort.startswith("-") else "ascending"

    def resorted(self, column: Column) -> str:
        """Return the address that sorts by `column`, the other way round where it is sorted by it already."""
        now = self.sorted_by(column)
        falling = now == "ascending" if now else column.falls_first
        return self.also(sort=f"-{column.key}" if falling else column.key).address

    @property
    def shown(self) -> list[Column]:
        """Return the columns shown: those of the address, else the person's own, else the usual; the first always."""
        keys = self.columns or self.remembered or self.kind.usual_columns
        first = self.kind.columns[0]
        return [first, *(column for key in keys if key != first.key and (column := self.kind.column(key)))]

    def everything(self) -> QuerySet[Any]:
        return self.kind.rows(self.user)

    def rows(self) -> QuerySet[Any]:
        """Return the rows asked for, within what the person may see, in no order yet."""
        rows = self.everything()
        for one in self.kind.filters:
            if one.key in self.values:
                rows = one.narrow(rows, self.values[one.key], self.user)
        return self.kind.search(rows, self.q) if self.q else rows


def _fits(one: Filter, value: str) -> bool:
    if one.day:
        try:
            return parse_date(value) is not None
        except ValueError:
            return False
    return one.fits(value)


def _known(kind: ListKind, keys: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and kind.column(key)))
