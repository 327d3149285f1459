"""What a merge does to each relation to a contact. One without a rule is a fault: a test and the doctor look.

A rule moves rows (`Moved`), puts them aside (`Shelved`), or drops what is reckoned anew anyway (`Derived`); leads have
one of their own. What it returns is kept in ContactMerge.moved and given back to it when the two are parted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import models

from crm.models import Contact, ContactMerge, User
from crm.models.base import concrete_field

AT_ONCE = 500


@dataclass
class Merging:
    """One merge, or its undoing, while it is under way. `shelf` takes {relation: rows as plain values}."""

    kept: Contact
    merged: Contact
    by: User | None
    at: datetime
    shelf: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: the log entry; None until the merge has been written
    entry: ContactMerge | None = None


class Rule:
    """What happens to one relation; `key` names it, such as 'crm.Activity.contact'."""

    def __init__(self, model: type[models.Model], name: str) -> None:
        self.model, self.name = model, name
        self.key = f"{model._meta.label}.{name}"

    def rows(self, contact_id: int) -> models.QuerySet[Any]:
        return self.model._base_manager.filter(**{self.name: contact_id}).order_by()

    def merge(self, merging: Merging) -> Any:
        """Do it, and return what parting needs to know (JSON, ids only)."""
        raise NotImplementedError

    def part(self, merging: Merging, known: Any) -> None:
        """Take it back; `known` is what `merge` returned."""
        raise NotImplementedError


class Moved(Rule):
    """The merged contact's rows become the kept one's, and go back."""

    def merge(self, merging: Merging) -> list[int]:
        ids = list(self.rows(merging.merged.pk).order_by("pk").values_list("pk", flat=True))
        self.rows(merging.merged.pk).update(**{self.name: merging.kept.pk})
        return ids

    def part(self, merging: Merging, known: list[int]) -> None:
        for start in range(0, len(known), AT_ONCE):
            back = self.rows(merging.kept.pk).filter(pk__in=known[start : start + AT_ONCE])
            back.update(**{self.name: merging.merged.pk})


class Shelved(Rule):
    """The rows would be wrong of the kept contact: they are put aside as they are, and come back as they were."""

    def merge(self, merging: Merging) -> list[int]:
        found = list(self.rows(merging.merged.pk).order_by("pk"))
        merging.shelf[self.key] = [plain(row) for row in found]
        rows = self.rows(merging.merged.pk)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
        return [row.pk for row in found]

    def part(self, merging: Merging, known: list[int]) -> None:
        shelf = merging.shelf.get(self.key, [])
        self.model._base_manager.bulk_create([built(self.model, values) for values in shelf if self.fits(values)])

    def fits(self, values: dict[str, Any]) -> bool:
        """Whether a row still has its place here."""
        return True


class Derived(Rule):
    """The rows are reckoned from others: they go, and whoever reckons them is told by a signal."""

    def merge(self, merging: Merging) -> None:
        rows = self.rows(merging.merged.pk)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]

    def part(self, merging: Merging, known: Any) -> None:
        pass


RULES: dict[str, Rule] = {}
#: What is done before anything else, when merging and when parting: waiting for whoever works on the two.
BEFORE: list[Callable[[Sequence[int]], None]] = []
#: (kept, merged) → sentences about what a merge would bring, beside the fields
FORETOLD: list[Callable[[Contact, Contact], Iterator[str]]] = []
#: Reasons, as sentences, why a merge cannot be taken back now.
CONTRADICTIONS: list[Callable[[ContactMerge], Iterator[str]]] = []


def rule(given: Rule) -> Rule:
    """Register the rule of a relation."""
    RULES[given.key] = given
    return given


def relations() -> set[str]:
    """Return the names of all relations to a contact in all apps, such as 'crm.Activity.contact'."""
    found = Contact._meta.get_fields(include_hidden=True)
    return {
        f"{relation.related_model._meta.label}.{relation.field.name}"  # type: ignore[union-attr]
        for relation in found
        if relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)
    }


def without_rule() -> set[str]:
    """Return the relations to a contact that nobody has said anything about."""
    return relations() - RULES.keys()


def plain(row: models.Model) -> dict[str, Any]:
    """Return all columns of `row` as JSON can hold them, instants to the microsecond."""
    return {one.attname: _json(getattr(row, one.attname)) for one in row._meta.concrete_fields}


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def built(model: type[models.Model], values: dict[str, Any]) -> Any:
    """Return the unsaved row that `plain` was made of; columns that are gone since are left out."""
    columns = {one.attname for one in model._meta.concrete_fields}
    known = {name: value for name, value in values.items() if name in columns}
    return model(**{
        name: value if isinstance(column := concrete_field(model, name), models.JSONField) else column.to_python(value)
        for name, value in known.items()
    })  # fmt: skip
