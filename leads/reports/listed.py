"""Many whole numbers as one value: a hundred thousand of them cost a database one row instead of so many."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import Aggregate, Func, TextField


class Listed(Aggregate):
    """All values that are not NULL as one text, in no order; `numbers` reads it."""

    function = "GROUP_CONCAT"
    output_field = TextField()
    name = "Listed"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        own = self.copy()
        own.template = "STRING_AGG((%(expressions)s)::text, ',')"
        return own.as_sql(compiler, connection, **context)


class Row(Func):
    """Whole numbers, none of them NULL, as one text; `rows` reads a Listed of it."""

    output_field = TextField()
    template = "%(expressions)s"
    arg_joiner = " || ',' || "

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CONCAT_WS(',', %(expressions)s)", arg_joiner=", ")


def numbers(listed: str | None) -> np.ndarray:
    """Return the numbers of a Listed as float64, none for NULL."""
    return np.fromstring(listed, float, sep=",") if listed else np.array([])


def integers(listed: str | None) -> np.ndarray:
    """Return the whole numbers of a Listed as int64, none for NULL."""
    return np.fromstring(listed, np.int64, sep=",") if listed else np.array([], np.int64)


def rows(listed: str | None, columns: int) -> np.ndarray:
    """Return a Listed of Row as int64[columns, n]."""
    return integers(listed).reshape(-1, columns).T
