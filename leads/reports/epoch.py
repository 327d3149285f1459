"""Instants as whole seconds since 1970, in SQL: to set activities and leads against milestones."""

from __future__ import annotations

from django.db.models import BigIntegerField, Func


class Epoch(Func):
    """An instant as whole seconds since 1970, cut off as milestones are."""

    output_field = BigIntegerField()
    template = "CAST(FLOOR(EXTRACT(EPOCH FROM %(expressions)s)) AS bigint)"

    def as_sqlite(self, compiler, connection, **context):  # type: ignore[no-untyped-def]
        quick = connection.Database.sqlite_version_info >= (3, 38)
        template = "unixepoch(%(expressions)s)" if quick else "CAST(strftime('%%%%s', %(expressions)s) AS integer)"
        return self.as_sql(compiler, connection, template=template, **context)
