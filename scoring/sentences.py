"""A criterion as a sentence: the third reading of the same rule, after SQL and Python."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.templatetags.formats import count
from scoring.facts import as_read, fact
from scoring.models import HORIZON, Criterion
from scoring.operators import OPERATORS


def asks(criterion: Criterion, mark: Callable[[str], str] = str) -> str:
    """Return what the criterion asks: "Company size is 50 to 999", "Downloaded a white paper".

    `mark` is applied to each value and to the activity, so that a page can let them stand out.
    """
    if not criterion.is_of_activities:
        label = str(fact(criterion.fact).label)
        return _comparison(label, criterion.operator, criterion.value, criterion.fact, mark)
    done = mark(str(criterion.activity_kind))
    if not criterion.where:
        return done
    where = ", ".join(_comparison(w["property"], w["operator"], w.get("value"), "", mark) for w in criterion.where)
    return _("%(what)s, where %(where)s") % {"what": done, "where": where}


def _comparison(name: str, operator: str, value: object, key: str, mark: Callable[[str], str]) -> str:
    sentence = str(OPERATORS[operator].sentence)
    if isinstance(value, list) and operator == "between":
        return sentence % {"fact": name, "low": mark(_number(value[0])), "high": mark(_number(value[1]))}
    return sentence % {"fact": name, "value": mark(_shown(value, key))}


def _shown(value: object, key: str) -> str:
    if value is None:
        return ""
    if key:
        return as_read(key, value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: object) -> str:
    return count(value)


def conditions(criterion: Criterion) -> list[str]:
    """Return how an activity counts: "10 each", "newest 3", "within 30 days", "halves in 90 days", "at most 25"."""
    if not criterion.is_of_activities:
        return []
    told = [_("%(points)s each") % {"points": count(abs(criterion.points))}] if criterion.max_count != 1 else []
    if criterion.max_count:
        told.append(ngettext("counted once", "only the newest %(n)d", criterion.max_count) % {"n": criterion.max_count})
    if criterion.window < HORIZON:
        told.append(ngettext("of today", "within %(n)d days", criterion.window) % {"n": criterion.window})
    if criterion.half_life:
        told.append(
            ngettext("halves in a day", "halves in %(n)d days", criterion.half_life) % {"n": criterion.half_life}
        )
    if criterion.cap is not None:
        told.append(ngettext("at most %(n)d point", "at most %(n)d points", criterion.cap) % {"n": criterion.cap})
    return told
