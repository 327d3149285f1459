"""The lists the admin keeps: reasons, sources and rules of assignment are added, renamed, put in order and hidden."""

from __future__ import annotations

from typing import Literal, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from crm import audit
from crm.models import User
from crm.text import search_key
from leads.models import AssignmentRule, Reason, Source

Row = TypeVar("Row", Reason, Source, AssignmentRule)
LONGEST_KEY = 60


def key_for(label: str, taken: set[str]) -> str:
    """Return a key made from `label` that is not `taken`; '' when the label has no letters."""
    stem = slugify(search_key(label)).replace("-", "_")[: LONGEST_KEY - 4]
    if not stem:
        return ""
    return next(key for key in (stem, *(f"{stem}_{number}" for number in range(2, 999))) if key not in taken)


def siblings(row: Row) -> QuerySet[Row]:
    """Return the rows that stand in one list with `row`, in order."""
    model = type(row)
    found = model._default_manager.order_by("position", "id")
    return found.filter(kind=row.kind) if isinstance(row, Reason) else found


def step(row: Row, direction: Literal["up", "down"], *, by: User) -> bool:
    """Move `row` one place; False at the end of the list. The list is numbered anew, ten apart."""
    with transaction.atomic():
        rows = list(siblings(row).select_for_update())
        here = [one.pk for one in rows].index(row.pk)
        there = here + (1 if direction == "down" else -1)
        if not 0 <= there < len(rows):
            return False
        rows[here], rows[there] = rows[there], rows[here]
        for place, one in enumerate(rows):
            one.position = place * 10
        type(row)._default_manager.bulk_update(rows, ["position"])
        audit.record(by, f"{_what(row)}.moved", f"{_what(row)}:{row.pk}", place=[here, there])
    return True


def set_active(row: Row, active: bool, *, by: User) -> None:
    """Offer a row for choice, or hide it; what it was used for keeps it."""
    with transaction.atomic():
        row.active = active
        row.save(update_fields=["active"])
        audit.record(by, f"{_what(row)}.{'shown' if active else 'hidden'}", f"{_what(row)}:{row.pk}")


def _what(row: Row) -> str:
    return type(row).__name__.lower()
