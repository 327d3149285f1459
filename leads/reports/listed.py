"""Many whole numbers as one value: a hundred thousand of them cost a database one row instead of so many."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import Aggregate, TextField


class Listed(Aggregate):
    """All values that are not NULL as one text, in no order; `numbers` reads it."""

    function = "GROUP_CONCAT"
    output_field = TextField()
    name = "Listed"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        own = self.copy()
        own.template = "STRING_AGG((%(expressions)s)::text, ',')"
        return own.as_sql(compiler, connection, **context)


def numbers(listed: str | None) -> np.ndarray:
    """Return the numbers of a Listed as float64, none for NULL."""
    return np.fromstring(listed, float, sep=",") if listed else np.array([])
