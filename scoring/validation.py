"""What a criterion may say: closed keys, closed facts, fitting comparisons, and limits on everything.

The one door for forms, commands and the API: `criterion` takes plain data and returns plain data, or says at which
field what is wrong. Nothing here is ever a regular expression or an SQL lookup.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.activities import BY_MACHINE
from crm.models import ActivityKind
from crm.text import clean
from leads.models import Source
from scoring import special_categories
from scoring.facts import CUSTOM, Fact, fact
from scoring.models import HORIZON, MOST_POINTS, Criterion, Dimension
from scoring.operators import CHOICE, FLAG, JSON, NUMBER, OPERATORS, TEXT, Operator, is_number

Kind = Criterion.Kind
Errors = dict[str, list[str]]
KEYS = frozenset({
    "label", "kind", "group", "points", "fact", "operator", "value", "activity_kind_id", "where", "window",
    "half_life", "max_count", "cap",
})  # fmt: skip
CONDITION_KEYS = frozenset({"property", "operator", "value"})
ABOUT_FACTS, ABOUT_ACTIVITIES = {"fact", "operator", "value"}, {"activity_kind_id", "where", "window", "half_life"}
MOST_CRITERIA, MOST_GROUPS = 200, 30
MOST_VALUES, LONGEST_VALUE, MOST_CONDITIONS = 200, 200, 5
LARGEST_NUMBER = 10**12
_PROPERTY = re.compile(r"^[\w][\w .:/-]{0,59}$")


class _Refused(Exception):
    """One field's error."""


def criterion(said: Mapping[str, Any], *, groups: Collection[str]) -> dict[str, Any]:
    """Return the checked fields of a criterion, `group` as one of the keys `groups`; ValidationError by field name."""
    errors: Errors = {key: [_("Unknown field.")] for key in said if key not in KEYS}
    kind = said.get("kind")
    if kind not in Kind.values:
        raise ValidationError(errors | {"kind": [_("Unknown kind of criterion.")]})
    found: dict[str, Any] = {"kind": kind}
    of_facts = kind in Criterion.OF_FACTS or (kind == Kind.SALES_SIGNAL and not said.get("activity_kind_id"))
    if kind == Kind.SALES_SIGNAL:  # it is there or not: nothing fades, nothing is counted out
        for key in ("half_life", "max_count", "cap"):
            if said.get(key) is not None:
                errors[key] = [_("This does not go with this kind of criterion.")]
    for key in (ABOUT_ACTIVITIES | {"max_count"} if of_facts else ABOUT_FACTS) & said.keys():
        if said[key] not in (None, "", [], HORIZON):
            errors[key] = [_("This does not go with this kind of criterion.")]
    rules = _FACT_RULES if of_facts else _ACTIVITY_RULES
    for key, rule in rules.items():
        try:
            found[key] = rule(said.get(key), said)
        except _Refused as refused:
            errors.setdefault(key, []).append(str(refused))
    try:
        found["group"] = _group(said.get("group"), kind, groups)
    except _Refused as refused:
        errors["group"] = [str(refused)]
    if errors:
        raise ValidationError(errors)
    if of_facts and kind != Kind.SALES_SIGNAL:
        found["kind"] = Kind.MISSING if found["operator"] == "is_missing" else Kind.PROFILE
    return found


def condition(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return one checked comparison {fact, operator, value}; ValidationError by field name."""
    errors: Errors = {key: [_("Unknown field.")] for key in said if key not in ABOUT_FACTS}
    found: dict[str, Any] = {}
    for key, rule in (("fact", _fact), ("operator", _operator), ("value", _value)):
        try:
            found[key] = rule(said.get(key), said)
        except _Refused as refused:
            errors.setdefault(key, []).append(str(refused))
    if errors:
        raise ValidationError(errors)
    return found


def group(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked fields of a group; ValidationError by field name."""
    errors: Errors = {
        key: [_("Unknown field.")] for key in said if key not in {"label", "dimension", "minimum", "maximum"}
    }
    found: dict[str, Any] = {"dimension": said.get("dimension")}
    if found["dimension"] not in Dimension.values:
        errors["dimension"] = [_("Unknown dimension.")]
    for key, rule in (("label", _label), ("minimum", _points), ("maximum", _points)):
        try:
            found[key] = rule(said.get(key), said)
        except _Refused as refused:
            errors[key] = [str(refused)]
    if not errors and not found["label"]:
        errors["label"] = [_("A group needs a name.")]
    if not errors and found["minimum"] > found["maximum"]:
        errors["maximum"] = [_("“At most” is below “at least”.")]
    if errors:
        raise ValidationError(errors)
    return found


def bars(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked thresholds; ValidationError by field name. `said` holds every field of contents.BARS."""
    errors: Errors = {}
    found: dict[str, Any] = {}
    tops = {"bar_total": 200, "leave_total": 200}
    for key, value in said.items():
        if key == "skip_review":
            continue
        try:
            found[key] = _whole(value, 1 if key == "bar_total_fit" else 0, tops.get(key, 100))
        except _Refused as refused:
            errors[key] = [str(refused)]
    grades = [f"{letter}{digit}" for letter in "ABCD" for digit in "1234"]
    chosen = said.get("skip_review", [])
    if not isinstance(chosen, list) or any(grade not in grades for grade in chosen):
        errors["skip_review"] = [_("There is no such grade.")]
    if errors:
        raise ValidationError(errors)
    for names in (("letter_a", "letter_b", "letter_c"), ("digit_1", "digit_2", "digit_3")):
        for higher, lower in pairwise(names):
            if found[lower] >= found[higher]:
                errors[lower] = [_("This must be lower than the one before.")]
        if found[names[-1]] < 1:
            errors[names[-1]] = [_("This must be at least 1.")]
    least = min(found["bar_total"], found["bar_fit"] + found["bar_engagement"])
    if found["leave_total"] >= least:
        errors["leave_total"] = [
            _("A lead would leave as soon as it arrives: this must be lower than %(least)d.") % {"least": least}
        ]
    if errors:
        raise ValidationError(errors)
    return found | {"skip_review": [grade for grade in grades if grade in chosen]}


# --- One field each ---------------------------------------------------------------------------------


def text(value: Any, most: int = LONGEST_VALUE) -> str:
    """Return trimmed text of at most `most` characters; raises what `criterion` gathers."""
    if not isinstance(value, str):
        raise _Refused(_("This must be text."))
    try:
        trimmed = clean(value)
    except ValueError:
        raise _Refused(_("This holds a character that cannot be stored.")) from None
    if len(trimmed) > most:
        raise _Refused(ngettext("At most %(n)d character.", "At most %(n)d characters.", most) % {"n": most})
    return trimmed


def _label(value: Any, said: Mapping[str, Any]) -> str:
    return text(value or "", 120)


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Refused(_("This must be a whole number."))
    if not least <= value <= most:
        raise _Refused(_("This must be between %(least)d and %(most)d.") % {"least": least, "most": most})
    return value


def _points(value: Any, said: Mapping[str, Any]) -> int:
    return 1 if said.get("kind") == Kind.SALES_SIGNAL else _whole(value, -MOST_POINTS, MOST_POINTS)


def _optional(least: int, most: int) -> Any:
    return lambda value, said: None if value is None else _whole(value, least, most)


def _group(value: Any, kind: str, groups: Collection[str]) -> str:
    if kind == Kind.SALES_SIGNAL or (kind == Kind.HAND_RAISE and not value):
        return ""
    if not isinstance(value, str) or value not in groups:
        raise _Refused(_("Choose one of the groups."))
    return value


def known_fact(key: Any) -> Fact:
    """Return the fact named `key`; raises what `criterion` gathers for one the catalogue does not know."""
    if not isinstance(key, str) or len(key) > 80:
        raise _Refused(_("Unknown field."))
    try:
        found = fact(key)
    except KeyError:
        raise _Refused(_("Unknown field.")) from None
    if any(key.startswith(prefix) for prefix in CUSTOM):
        text(key)
        if why := special_categories.refusal(key.partition(".")[2]):
            raise _Refused(why)
    return found


def _fact(value: Any, said: Mapping[str, Any]) -> str:
    known_fact(value)
    return str(value)


def _operator(value: Any, said: Mapping[str, Any]) -> str:
    operator = OPERATORS.get(value) if isinstance(value, str) else None
    if operator is None:
        raise _Refused(_("Unknown comparison."))
    try:
        asked = known_fact(said.get("fact"))
    except _Refused:
        return operator.key
    if asked.type not in operator.types:
        raise _Refused(_("This comparison does not fit this field."))
    return operator.key


def _value(value: Any, said: Mapping[str, Any]) -> Any:
    operator = OPERATORS.get(said.get("operator", "")) if isinstance(said.get("operator"), str) else None
    try:
        asked = known_fact(said.get("fact"))
    except _Refused:
        return None
    if operator is None or asked.type not in operator.types:
        return None
    return _compared(value, operator, asked.type, choices(asked))


def choices(asked: Fact) -> dict[str, str]:
    """Return the values a fact with a closed list may have; sources are the workspace's own list."""
    if asked.key == "source":
        return {source.key: str(source) for source in Source.objects.all()}
    return {key: str(label) for key, label in asked.choices.items()}


def _compared(value: Any, operator: Operator, type_: str, known: Mapping[str, str]) -> Any:
    """Return what a value is compared with, in the shape of `operator` and of the fact's type."""
    if operator.takes == "none":
        if value not in (None, "", []):
            raise _Refused(_("This comparison takes no value."))
        return None
    if operator.takes == "pair":
        if not isinstance(value, list) or len(value) != 2:
            raise _Refused(_("This comparison takes a lowest and a highest number."))
        return [_number(one) for one in value]
    if operator.takes == "many":
        return _many(value, type_, known)
    one = _one(value, NUMBER if operator.types == (NUMBER, JSON) else type_, known)
    if type_ == JSON and operator.types == (TEXT, JSON) and not isinstance(one, str):
        raise _Refused(_("This comparison takes text."))
    return one


def _many(values: Any, type_: str, known: Mapping[str, str]) -> list[Any]:
    if not isinstance(values, list) or not values:
        raise _Refused(_("Name at least one value."))
    if len(values) > MOST_VALUES:
        raise _Refused(ngettext("At most %(n)d value.", "At most %(n)d values.", MOST_VALUES) % {"n": MOST_VALUES})
    checked = [_one(value, type_, known) for value in values]
    return list(dict.fromkeys(checked))


def _one(value: Any, type_: str, known: Mapping[str, str]) -> Any:
    if type_ == FLAG:
        if not isinstance(value, bool):
            raise _Refused(_("Choose yes or no."))
        return value
    if type_ == NUMBER or (type_ == JSON and not isinstance(value, str)):
        return _number(value)
    told = text(value)
    if not told:
        raise _Refused(_("This comparison needs a value."))
    if type_ == CHOICE and told not in known:
        raise _Refused(_("“%(value)s” is not in the list.") % {"value": told})
    return told


def _number(value: Any) -> int | float:
    if not is_number(value) or not math.isfinite(value):
        raise _Refused(_("This must be a number."))
    if abs(value) > LARGEST_NUMBER:
        raise _Refused(_("This number is too large."))
    return int(value) if float(value).is_integer() else float(value)


def _activity_kind(value: Any, said: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or not ActivityKind.objects.filter(key=value[:60]).exists():
        raise _Refused(_("Unknown activity."))
    if value in BY_MACHINE.values():
        raise _Refused(_("What programs do gives no points."))
    return value


def _where(value: Any, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(one, Mapping) for one in value):
        raise _Refused(_("This must be a list of comparisons."))
    if len(value) > MOST_CONDITIONS:
        raise _Refused(
            ngettext("At most %(n)d comparison.", "At most %(n)d comparisons.", MOST_CONDITIONS)
            % {"n": MOST_CONDITIONS}
        )
    return [where_one(one) for one in value]


def where_one(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return one checked comparison of an activity's property; raises what `criterion` gathers."""
    if set(said) - CONDITION_KEYS:
        raise _Refused(_("Unknown field."))
    name, operator = said.get("property"), said.get("operator")
    if not isinstance(name, str) or not _PROPERTY.match(name):
        raise _Refused(_("A property is named by letters, digits, blanks and _ . : / - only."))
    if why := special_categories.refusal(name):
        raise _Refused(why)
    known = OPERATORS.get(operator) if isinstance(operator, str) else None
    if known is None or JSON not in known.types:
        raise _Refused(_("Unknown comparison."))
    return {"property": name, "operator": known.key, "value": _compared(said.get("value"), known, JSON, {})}


_FACT_RULES: dict[str, Any] = {
    "label": _label, "points": _points, "fact": _fact, "operator": _operator, "value": _value,
    "cap": _optional(0, MOST_POINTS),
}  # fmt: skip
_ACTIVITY_RULES: dict[str, Any] = {
    "label": _label, "points": _points, "activity_kind_id": _activity_kind, "where": _where,
    "window": lambda value, said: _whole(HORIZON if value is None else value, 1, HORIZON),
    "half_life": _optional(1, 3650), "max_count": _optional(1, 1000), "cap": _optional(0, MOST_POINTS),
}  # fmt: skip
