"""Counting that ends: nobody needs to know that 83,412 rows wait, and the database need not read them all."""

from __future__ import annotations

from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery


class BoundedCount(Subquery):
    """How many rows a query has that was cut at a limit, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) bounded)"
    output_field = IntegerField()


def bounded_count(rows: QuerySet[Any], most: int) -> BoundedCount:
    """Return the number of `rows` as a column; `most` + 1 stands for more than `most`."""
    return BoundedCount(rows.order_by().values("pk")[: most + 1])
