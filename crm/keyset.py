"""Long lists page by page, by the last row seen instead of by counting: page 1,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404

Row = TypeVar("Row", bound=Model)
SIZE = 50


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, and the cursor of the next ('' at the end)."""

    rows: list[Row]
    next: str


def _pack(row: Model, order: tuple[str, ...]) -> str:
    values = [_read(row, name.lstrip("-")) for name in order]
    plain = [value.isoformat() if isinstance(value, (date, datetime)) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _read(row: Any, path: str) -> Any:
    """Return what `path` names, also across relations: "contact__name_key"."""
    for name in path.split("__"):
        row = getattr(row, name)
    return row


def _unpack(cursor: str, model: type[Model], order: tuple[str, ...]) -> list[Any]:
    """Return the values a cursor holds; Http404 when somebody made it up."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise Http404 from error
    if not isinstance(values, list) or len(values) != len(order):
        raise Http404
    return [_value(model, name.lstrip("-"), value) for name, value in zip(order, values, strict=True)]


def _value(model: type[Model], name: str, value: Any) -> Any:
    if not isinstance(value, (str, int)) or (isinstance(value, str) and "\x00" in value):
        raise Http404
    try:
        field = _field(model, name)
        return field.to_python(value) if field is not None else value
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise Http404 from error


def _field(model: type[Model], path: str) -> Any:
    """Return the column that `path` ends in; None for what is no column, such as "pk"."""
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    return next((field for field in model._meta.concrete_fields if name in {field.name, field.attname}), None)


def _beyond(order: tuple[str, ...], values: list[Any]) -> Q:
    """Return the condition "comes after these values in this order".

    The bound on the first field stands apart: along it a database finds the place in an index.
    """
    first = order[0].lstrip("-")
    bound = Q(**{f"{first}__{'lte' if order[0].startswith('-') else 'gte'}": values[0]}) if len(order) > 1 else Q()
    found, same = Q(), Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        found |= same & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= Q(**{field: value})
    return bound & found


def beyond(rows: QuerySet[Row], row: Row, order: tuple[str, ...]) -> QuerySet[Row]:
    """Return those of `rows` that come after `row` in this order."""
    return rows.filter(_beyond(order, [_read(row, name.lstrip("-")) for name in order]))


def page(rows: QuerySet[Row], after: str, *, order: tuple[str, ...], size: int = SIZE) -> Page[Row]:
    """Return the page of `rows` that follows the cursor `after` ('' = the first).

    `order` names fields without NULLs, "-" for descending; the last one is unique. Http404 for a cursor that is none.
    """
    rows = rows.order_by(*order)
    if after:
        rows = rows.filter(_beyond(order, _unpack(after, rows.model, order)))
    found = list(rows[: size + 1])
    return Page(found[:size], _pack(found[size - 1], order) if len(found) > size else "")
