"""What can be listed: each kind tells its rows, columns, filters and orders; apps on the right register theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise

from crm.models import User

Words = str | Promise
Choices = Sequence[tuple[str, Words]]


@dataclass(frozen=True)
class Told:
    """What a cell may need beside its row: the words searched for, the list as a lead's page names it, who reads."""

    query: str = ""
    origin: str = ""
    reader: User | None = None


@dataclass(frozen=True)
class Column:
    """One column: what the page shows of a row, what a file gets, and the order it offers.

    `order` names the fields of the rising order: none may be NULL, the last one is unique, and an index has them.
    `along` holds of every row: it tells SQLite, which knows no statistics, which index to walk along.
    """

    key: str
    label: Words
    cell: Callable[[Any, Told], Any]
    value: Callable[[Any], Any]
    order: tuple[str, ...] = ()
    along: Q | None = None
    falls_first: bool = False
    usual: bool = True
    numeric: bool = False


@dataclass(frozen=True)
class Filter:
    """One filter: its key in the address, and how a value narrows the rows; one that makes no sense (`fits`) does not.

    With `choices` it is chosen from a list; `day` asks for a date; otherwise it is typed.
    """

    key: str
    label: Words
    narrow: Callable[[QuerySet[Any], str, User], QuerySet[Any]]
    choices: Callable[[User], Choices] | None = None
    day: bool = False
    fits: Callable[[str], bool] = lambda value: True
    said: Callable[[str, User], str] | None = None


@dataclass
class ListKind:
    """One list of the product. `prepare` fetches what cells and files need, for the rows of a page or a chunk."""

    key: str
    title: Words
    url_name: str
    row_url: str
    hint: Words
    rows: Callable[[User], QuerySet[Any]]
    search: Callable[[QuerySet[Any], str], QuerySet[Any]]
    columns: list[Column]
    filters: list[Filter]
    sort: str
    name_of: Callable[[Any], str]
    counted: Callable[[int], str]
    related: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows
    prepare: Callable[[list[Any], User], None] = lambda rows, user: None
    empty: tuple[Words, Words] = ("", "")
    nobody: Words = ""
    head_actions: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return reverse(self.url_name)

    def column(self, key: str) -> Column | None:
        return next((column for column in self.columns if column.key == key), None)

    @property
    def orders(self) -> list[Column]:
        return [column for column in self.columns if column.order]

    @property
    def usual_columns(self) -> tuple[str, ...]:
        return tuple(column.key for column in self.columns if column.usual)


KINDS: dict[str, ListKind] = {}


def register(kind: ListKind) -> ListKind:
    """Add a list to the product."""
    KINDS[kind.key] = kind
    return kind


def find(key: str) -> ListKind:
    """Return the list `key`; Http404 when there is none."""
    if key not in KINDS:
        raise Http404
    return KINDS[key]
