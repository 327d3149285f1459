"""The comparisons a criterion may make, as a table: key, label, lookup, sentence.

Form, compiler and explanation read the same rows; a new comparison is a new row. Every comparison but
`is missing` is false on a missing value (None or ''), `is not one of` too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.text import fold

Value = str | int | float | bool | None
TEXT, CHOICE, NUMBER, FLAG, JSON = "text", "choice", "number", "flag", "json"


@dataclass(frozen=True)
class Operator:
    """One comparison. `takes` is what stands on its right: nothing, one value, a list or a pair."""

    key: str
    label: str | Promise
    types: tuple[str, ...]
    takes: str
    lookup: Callable[[Any, Any], bool]
    sentence: str | Promise
    needs_value: bool = True

    def accepts(self, value: Any) -> bool:
        """Whether `value` has the shape this comparison needs."""
        if self.takes == "none":
            return value is None
        if self.takes == "many":
            return isinstance(value, list) and bool(value) and all(_is_scalar(one) for one in value)
        if self.takes == "pair":
            return isinstance(value, list) and len(value) == 2 and all(is_number(one) for one in value)
        return _is_scalar(value) and (self.types != (NUMBER, JSON) or is_number(value))


def is_number(value: Any) -> bool:
    """Whether `value` is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool)) and value != ""


def _equal(actual: Any, value: Any) -> bool:
    return isinstance(actual, bool) == isinstance(value, bool) and bool(actual == value)


def _among(actual: Any, values: Any) -> bool:
    return any(_equal(actual, value) for value in values)


def _contains(actual: Any, value: Any) -> bool:
    return isinstance(actual, str) and isinstance(value, str) and fold(value) in fold(actual)


def _starts_with(actual: Any, value: Any) -> bool:
    return isinstance(actual, str) and isinstance(value, str) and actual.startswith(value)


def _between(actual: Any, value: Any) -> bool:
    return is_number(actual) and bool(value[0] <= actual <= value[1])


ALL = (TEXT, CHOICE, NUMBER, FLAG, JSON)
OPERATORS: dict[str, Operator] = {
    row.key: row
    for row in (
        Operator("is", _("is"), ALL, "one", _equal, _("%(fact)s is %(value)s")),
        Operator(
            "is_not", _("is not"), ALL, "one", lambda a, v: not _equal(a, v), _("%(fact)s is not %(value)s")
        ),
        Operator("in", _("is one of"), (TEXT, CHOICE, JSON), "many", _among, _("%(fact)s is one of %(value)s")),
        Operator(
            "not_in", _("is not one of"), (TEXT, CHOICE, JSON), "many", lambda a, v: not _among(a, v),
            _("%(fact)s is not one of %(value)s"),
        ),
        Operator("between", _("is between"), (NUMBER, JSON), "pair", _between, _("%(fact)s is %(low)s to %(high)s")),
        Operator(
            "at_least", _("is at least"), (NUMBER, JSON), "one", lambda a, v: is_number(a) and a >= v,
            _("%(fact)s is at least %(value)s"),
        ),
        Operator(
            "at_most", _("is at most"), (NUMBER, JSON), "one", lambda a, v: is_number(a) and a <= v,
            _("%(fact)s is at most %(value)s"),
        ),
        Operator("contains", _("contains"), (TEXT, JSON), "one", _contains, _("%(fact)s contains “%(value)s”")),
        Operator(
            "starts_with", _("starts with"), (TEXT, JSON), "one", _starts_with, _("%(fact)s starts with “%(value)s”")
        ),
        Operator("is_missing", _("is missing"), ALL, "none", lambda a, v: False, _("%(fact)s is missing")),
        Operator("is_known", _("is known"), ALL, "none", lambda a, v: True, _("%(fact)s is known")),
    )
}  # fmt: skip


def is_missing(actual: Any) -> bool:
    """Whether a value counts as missing: None or ''."""
    return actual is None or actual == ""


def holds(operator: str, actual: Any, value: Any) -> bool:
    """Whether the comparison is true of `actual`; KeyError for an unknown comparison."""
    if is_missing(actual):
        return operator == "is_missing"
    return OPERATORS[operator].lookup(actual, value)


def scalar(value: Any) -> Value:
    """Return a JSON value that can be compared (a string or a number), else None."""
    return value if isinstance(value, str) or is_number(value) else None


def where_holds(where: list[dict[str, Any]], properties: Any) -> bool:
    """Whether every property comparison of `where` ({property, operator, value}) is true of `properties`."""
    known = properties if isinstance(properties, dict) else {}
    return all(holds(one["operator"], scalar(known.get(one["property"])), one.get("value")) for one in where)
