"""Many whole numbers as one value: a hundred thousand of them cost a database one row instead of so many.

PostgreSQL gives them in its binary format, which numpy reads as they lie there; SQLite as a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

import numpy as np
from django.db import connection
from django.db.models import Aggregate, BigIntegerField, ExpressionWrapper, Func, QuerySet, TextField

from crm.binary_arrays import elements
from leads.reports.epoch import Epoch

#: What a database gives for a Listed; None where there was nothing to list.
Found: TypeAlias = np.ndarray | str | bytes | None
#: PostgreSQL counts from the year 2000, in microseconds; these lie between 1970 and then.
MILLENNIUM = 946_684_800_000_000


class Listed(Aggregate):
    """All values that are not NULL, in no order. Asked by `of_all` or `by_group`, read by `numbers` and the like."""

    function = "GROUP_CONCAT"
    output_field = TextField()
    name = "Listed"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        own = self.copy()
        if isinstance(self.source_expressions[0], Row):
            own.template = "STRING_AGG(%(expressions)s, ''::bytea)"
            return own.as_sql(compiler, connection, **context)
        own.template = "ARRAY_AGG((%(expressions)s)::bigint)"
        listed, params = own.as_sql(compiler, connection, **context)
        return f"ARRAY_REMOVE({listed}, NULL)", params


class Row(Func):
    """Whole numbers and instants, none of them NULL; `rows` reads a Listed of it.

    On PostgreSQL a text of eight bytes each, which takes a third less than an array; instants as they are stored there.
    """

    output_field = TextField()
    template = "%(expressions)s"
    arg_joiner = " || ',' || "

    def __init__(self, *columns: Any) -> None:
        super().__init__(*columns)
        self.instants = [n for n, told in enumerate(columns) if isinstance(told, Epoch)]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sent, params = [], []
        for place, told in enumerate(self.source_expressions):
            is_instant = place in self.instants
            sql, more = compiler.compile(told.get_source_expressions()[0] if is_instant else told)
            sent.append(f"timestamptz_send({sql})" if is_instant else f"int8send(({sql})::bigint)")
            params += more
        return " || ".join(sent), params


def whole(number: Any) -> ExpressionWrapper:
    """Return what is reckoned of whole numbers as one, of 64 bits; several that fit into one are read faster so."""
    return ExpressionWrapper(number, output_field=BigIntegerField())


def of_all(queryset: QuerySet[Any], **listed: Listed) -> dict[str, Found]:
    """Return the Listed of all rows there are, by name. One query, of one row."""
    with _as_it_lies():
        return queryset.order_by().aggregate(**listed)


def by_group(rows: QuerySet[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query that groups by texts and whole numbers and has a Listed for each group."""
    with _as_it_lies():
        return list(rows)


def numbers(listed: Found) -> np.ndarray:
    """Return the numbers of a Listed as float64, none for NULL."""
    return integers(listed).astype(float)


def integers(listed: Found) -> np.ndarray:
    """Return the whole numbers of a Listed as int64, none for NULL."""
    if isinstance(listed, np.ndarray):
        return listed
    assert not isinstance(listed, bytes), "a Listed of Row is read by rows()"
    return np.fromstring(listed, np.int64, sep=",") if listed else np.array([], np.int64)


def rows(listed: Found, told: Row) -> np.ndarray:
    """Return a Listed of `told` as int64[columns, n]; instants are whole seconds since 1970, cut off."""
    columns = len(told.source_expressions)
    if not isinstance(listed, bytes):
        return integers(listed).reshape(-1, columns).T
    found = np.ascontiguousarray(np.frombuffer(listed, ">i8").reshape(-1, columns).T, np.int64)
    for place in told.instants:
        found[place] = (found[place] + MILLENNIUM) // 1_000_000
    return found


# --- PostgreSQL's arrays --------------------------------------------------------------------------


@contextmanager
def _as_it_lies() -> Iterator[None]:
    """Ask PostgreSQL for what it would otherwise write out as text, digit by digit."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.execute_wrapper(_in_binary):
        yield


def _in_binary(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    from psycopg import ClientCursor, Cursor
    from psycopg.adapt import Loader
    from psycopg.postgres import types
    from psycopg.pq import Format

    class Numbers(Loader):
        format = Format.BINARY

        def load(self, data: Any) -> np.ndarray:
            return elements(data, ">i8").astype(np.int64)

    wrapper = context["cursor"]
    with closing(wrapper.cursor) as textual:
        if isinstance(textual, ClientCursor):  # it takes texts alone, and writes parameters out as we do here
            sql, params = textual.mogrify(sql, params), None
        wrapper.cursor = Cursor(textual.connection)
    wrapper.cursor.format = Format.BINARY
    wrapper.cursor.adapters.register_loader(types["int8"].array_oid, Numbers)
    return execute(sql, params, many, context)
