"""Field by field: what each of the two says, and which value stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from crm import research
from crm.contacts import CONTACT_FIELDS
from crm.models import Contact

KEPT, MERGED = "kept", "merged"
OWN = "custom."
RECKONED = {research.FIELD}  # own fields that nobody types: they follow from the activities


@dataclass(frozen=True)
class Line:
    """One field of the preview. `stays` is the side whose value stays unless somebody chooses otherwise."""

    name: str
    label: str | Promise
    kept: Any
    merged: Any
    stays: str

    @property
    def differs(self) -> bool:
        """Whether there is a choice: both say something, and not the same."""
        return bool(self.kept and self.merged) and self.kept != self.merged


def lines(kept: Contact, merged: Contact) -> list[Line]:
    """Return the fields in which at least one of the two says something.

    The kept contact's own value stays; where it has none, the other's fills it.
    """
    found = []
    for name in CONTACT_FIELDS:
        if name == "custom":
            found += _own(kept, merged)
        elif name == "company_id":
            found.append(_line(name, label(name), kept.company, merged.company))
        else:
            found.append(_line(name, label(name), getattr(kept, name), getattr(merged, name)))
    return [line for line in found if line.kept not in (None, "") or line.merged not in (None, "")]


def label(name: str) -> Any:
    """Return what the field of a contact is called."""
    return Contact._meta.get_field(name.removesuffix("_id")).verbose_name  # type: ignore[union-attr]


def _line(name: str, title: Any, one: Any, other: Any) -> Line:
    return Line(name, title, one, other, KEPT if one not in (None, "") else MERGED)


def _own(kept: Contact, merged: Contact) -> list[Line]:
    names = [name for name in dict.fromkeys([*kept.custom, *merged.custom]) if name not in RECKONED]
    return [_line(f"{OWN}{name}", name, kept.custom.get(name), merged.custom.get(name)) for name in names]


def chosen(kept: Contact, merged: Contact, choices: Mapping[str, str]) -> dict[str, Any]:
    """Return the values the kept contact gets; `choices` is {field: 'kept' | 'merged'}, the default for the rest.

    Raises ValueError with a sentence for a choice that is none.
    """
    known = {line.name: line for line in lines(kept, merged)}
    if strange := next((n for n, side in choices.items() if n not in known or side not in (KEPT, MERGED)), None):
        raise ValueError(_("“%(name)s” is no choice here.") % {"name": strange[:60]})
    values: dict[str, Any] = {}
    custom = dict(kept.custom)
    for name, line in known.items():
        if choices.get(name, line.stays) == KEPT:
            continue
        if name.startswith(OWN):
            _take(custom, merged.custom, name.removeprefix(OWN))
        else:
            values[name] = getattr(merged, name)
    return values | ({"custom": custom} if custom != kept.custom else {})


def _take(custom: dict[str, Any], other: Mapping[str, Any], name: str) -> None:
    if name in other:
        custom[name] = other[name]
    else:
        custom.pop(name, None)
