"""Storing many new rows quickly: one INSERT for hundreds, straight from attributes or tuples.

Django's own bulk_create prepares every value of every row through its field and sends a few dozen rows at a time
to SQLite; here the way of each column is chosen once. No save() is called and no signal is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)
MOST_PARAMETERS = 30_000
_JSON = DjangoJSONEncoder()
Adapter = Callable[[Any], Any]
ColumnPlan = tuple[Any, Adapter | None, str]  # field, how its values are adapted, placeholder


def build(model: type[Row], values: Mapping[str, Any]) -> Row:
    """Return a new row of `model`, not stored, from `values` by attribute name (`owner_id`); KeyError for any other.

    The model itself takes twice as long: it asks of each column whether a relation or a default is meant.
    """
    defaults = _defaults(model)
    if not values.keys() <= defaults.keys():
        raise KeyError(f"{model.__name__} has no column {', '.join(sorted(values.keys() - defaults.keys()))}")
    return model(*(values[name] if name in values else default() for name, default in defaults.items()))


@lru_cache(maxsize=64)
def _defaults(model: type[models.Model]) -> dict[str, Callable[[], Any]]:
    return {field.attname: field.get_default for field in model._meta.concrete_fields}


def insert(rows: Sequence[Row]) -> list[Row]:
    """Store new `rows` of one model in the caller's transaction, set their keys, and return them.

    What is dated by itself keeps a date it was given. A column whose value is left to the database in the first
    row is left to it in all.
    """
    if not rows:
        return []
    model = type(rows[0])
    plans = [
        plan
        for plan in _plans(model, connection.vendor).values()
        if not hasattr(getattr(rows[0], plan[0].attname), "resolve_expression")
    ]
    _date(rows, [plan[0] for plan in plans])
    names = [plan[0].attname for plan in plans]
    automatic = isinstance(model._meta.pk, models.AutoField | models.BigAutoField)
    keys = _store(model, plans, ([getattr(row, name) for name in names] for row in rows), returning=automatic)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
    if automatic:
        for row, key in zip(rows, keys, strict=True):
            row.pk = key
    return list(rows)


def insert_values(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store rows given as tuples of the columns `names` (attribute names); the rest is left to the database."""
    known = _plans(model, connection.vendor)
    _store(model, [known[name] for name in names], rows, returning=False)


def update_values(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns `names` of existing rows, given as tuples of the new values and the key."""
    _update(model, names, rows)


def update_versions(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Do as `update_values`, for a model with a version: only rows that still have it, which goes up by one.

    A row is a tuple of the new values, the key and the version. Return how many rows were still at their version.
    """
    return _update(model, names, rows, sets=', "version" = "version" + 1', where=' AND "version" = %s')


def _update(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]], *, sets: str = "", where: str = ""
) -> int:
    known = _plans(model, connection.vendor)
    plans = [known[name] for name in names]
    told = ", ".join(f'"{field.column}" = {placeholder}' for field, _adapter, placeholder in plans)
    meta = model._meta
    sql = f'UPDATE "{meta.db_table}" SET {told}{sets} WHERE "{meta.pk.column}" = %s{where}'  # nosec B608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_adapted(plans, row) for row in rows])
        return cursor.rowcount


def _adapted(plans: Sequence[ColumnPlan], row: Sequence[Any]) -> list[Any]:
    cells = list(row)
    for place, (_field, adapter, _placeholder) in enumerate(plans):
        if adapter is not None and cells[place] is not None:
            cells[place] = adapter(cells[place])
    return cells


def _date(rows: Sequence[models.Model], fields: Iterable[Any]) -> None:
    now = timezone.now()
    for field in fields:
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            for row in rows:
                if field.auto_now or getattr(row, field.attname) is None:
                    setattr(row, field.attname, now)


@lru_cache(maxsize=64)
def _plans(model: type[models.Model], vendor: str) -> dict[str, ColumnPlan]:
    """Return the plan of every column but an automatic key, by attribute name."""
    found: dict[str, ColumnPlan] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField | models.BigAutoField):
            continue
        json_column = isinstance(field, models.JSONField)
        placeholder = "%s::jsonb" if json_column and vendor == "postgresql" else "%s"
        found[field.attname] = (field, _adapter(field), placeholder)
    return found


def _adapter(field: Any) -> Adapter | None:
    if isinstance(field, models.DateTimeField):
        return instant
    if isinstance(field, models.DateField):
        return connection.ops.adapt_datefield_value
    if isinstance(field, models.JSONField):
        return _JSON.encode
    if isinstance(field, models.DecimalField):
        digits, places = field.max_digits, field.decimal_places
        return lambda value: connection.ops.adapt_decimalfield_value(value, digits, places)
    return None


@lru_cache(maxsize=2048)
def instant(value: datetime) -> Any:
    """Return an instant as the database in use takes it; the rows of one statement share few."""
    return connection.ops.adapt_datetimefield_value(value)


def _store(
    model: type[models.Model], plans: Sequence[ColumnPlan], rows: Iterable[Sequence[Any]], *, returning: bool
) -> list[Any]:
    meta = model._meta
    names = ", ".join(f'"{field.column}"' for field, _adapter, _placeholder in plans)
    one = f"({', '.join(placeholder for _field, _adapter, placeholder in plans)})"
    adapted = [(place, adapter) for place, (_field, adapter, _placeholder) in enumerate(plans) if adapter is not None]
    tail = f' RETURNING "{meta.pk.column}"' if returning else ""
    most = max(1, MOST_PARAMETERS // len(plans))
    keys: list[Any] = []
    values: list[Any] = []
    count = 0
    with connection.cursor() as cursor:

        def send() -> None:
            # Names of tables and columns come from the models, every value is a parameter.
            sql = f'INSERT INTO "{meta.db_table}" ({names}) VALUES {", ".join([one] * count)}{tail}'  # nosec B608
            cursor.execute(sql, values)
            if returning:
                keys.extend(key for (key,) in cursor.fetchall())

        for row in rows:
            cells = list(row)
            for place, adapter in adapted:
                if cells[place] is not None:
                    cells[place] = adapter(cells[place])
            values += cells
            count += 1
            if count == most:
                send()
                values, count = [], 0
        if count:
            send()
    return keys
