"""Instants as whole seconds since 1970, in SQL: to set activities and leads against milestones."""

from __future__ import annotations

from django.db.models import BigIntegerField, Func


class Epoch(Func):
    """An instant as whole seconds since 1970, cut off as milestones are."""

    output_field = BigIntegerField()
    # Not EXTRACT, which reckons with decimals and takes eight times as long. A double is exact to a millionth here.
    template = "CAST(FLOOR(DATE_PART('epoch', %(expressions)s)) AS bigint)"

    def as_sqlite(self, compiler, connection, **context):  # type: ignore[no-untyped-def]
        quick = connection.Database.sqlite_version_info >= (3, 38)
        # Without its fraction, which SQLite would round to the nearest thousandth: .9995 to the next second.
        whole = "SUBSTR(%(expressions)s, 1, 19)"
        template = f"unixepoch({whole})" if quick else f"CAST(strftime('%%%%s', {whole}) AS integer)"
        return self.as_sql(compiler, connection, template=template, **context)
