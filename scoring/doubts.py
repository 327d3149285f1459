"""What is doubtful about a version: bars out of reach, criteria that contradict themselves, never hold, ask too much.

A doubt never keeps a draft from being saved. One that `blocks` keeps the version from being signed and published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scoring import own_fields, special_categories
from scoring.contents import BESIDE_THE_POINT, of_criterion, seal
from scoring.decay import FULL, booked
from scoring.facts import CUSTOM, fact
from scoring.models import Criterion, CriterionGroup, Dimension, ScorecardVersion
from scoring.operators import CHOICE, holds, is_number
from scoring.validation import choices

MOST_OF_A_DIMENSION = 100
Kind = Criterion.Kind


@dataclass(frozen=True)
class Doubt:
    """One sentence about a criterion, or about the whole version (`criterion` is None)."""

    sentence: str
    mark: str  # two or three words beside the criterion
    criterion: int | None = None
    blocks: bool = False


def of(version: ScorecardVersion, hits: Mapping[int, int] | None = None) -> list[Doubt]:
    """Return what is doubtful; `hits` says for how many leads a criterion holds, where that is known."""
    criteria = list(version.criteria.select_related("group", "activity_kind").order_by("position", "id"))
    groups = list(version.groups.all())
    found = list(_of_bars(version, groups, criteria))
    for criterion in criteria:
        found += _of_criterion(criterion)
        found += _of_nobody(criterion, hits or {})
    return found + list(_asked_twice(criteria)) + list(_of_groups(groups, criteria))


def blocking(version: ScorecardVersion) -> list[Doubt]:
    """Return what keeps the version from going live."""
    return [doubt for doubt in of(version) if doubt.blocks]


# --- The bars ---------------------------------------------------------------------------------------


def reachable(groups: Iterable[CriterionGroup], criteria: Sequence[Criterion]) -> dict[str, int]:
    """Return the most points either dimension can have, whoever somebody is and whatever they do."""
    most = dict.fromkeys(Dimension.values, 0)
    for group in groups:
        best = sum(_most(c) for c in criteria if c.group_id == group.pk and c.is_summed)
        most[group.dimension] += max(group.minimum, min(group.maximum, best))
    return {dimension: max(0, min(MOST_OF_A_DIMENSION, points)) for dimension, points in most.items()}


def _most(criterion: Criterion) -> int:
    """Return the most points a criterion can give; without a count or cap its group alone is the limit."""
    if criterion.points <= 0:
        return 0
    if not criterion.is_of_activities:
        return booked(criterion.points, FULL, criterion.cap)
    if criterion.max_count is None:
        return criterion.cap if criterion.cap is not None else 10**6
    return booked(criterion.points, FULL * criterion.max_count, criterion.cap)


def _of_bars(
    version: ScorecardVersion, groups: Sequence[CriterionGroup], criteria: Sequence[Criterion]
) -> Iterator[Doubt]:
    most = reachable(groups, criteria)
    fit, engagement = most[Dimension.FIT], most[Dimension.ENGAGEMENT]
    by_both = fit >= version.bar_fit and engagement >= version.bar_engagement
    by_total = fit + engagement >= version.bar_total and fit >= version.bar_total_fit
    told = {"fit": fit, "engagement": engagement, "total": fit + engagement}
    if not by_both and not by_total:
        yield Doubt(
            _("Nobody can reach the MQL bar: the criteria give at most %(fit)d for fit and %(engagement)d for "
              "engagement.") % told, _("out of reach"), blocks=True,
        )  # fmt: skip
    elif not by_total:
        yield Doubt(
            _("Nobody can reach the bar by the score alone: the criteria give at most %(total)d.") % told,
            _("out of reach"),
        )
    elif not by_both:
        yield Doubt(
            _("Nobody can reach the bar by fit and engagement: the criteria give at most %(fit)d and %(engagement)d.")
            % told, _("out of reach"),
        )  # fmt: skip
    if version.leave_total >= min(version.bar_total, version.bar_fit + version.bar_engagement):
        yield Doubt(
            _("A lead would leave the MQLs as soon as it arrives: the leave bar is not below the bar."),
            _("too high"), blocks=True,
        )  # fmt: skip


# --- One criterion ------------------------------------------------------------------------------------


def _of_criterion(criterion: Criterion) -> Iterator[Doubt]:
    def doubt(sentence: str, mark: str, *, blocks: bool = False) -> Doubt:
        return Doubt(sentence, mark, criterion.pk, blocks)

    if criterion.is_of_activities:
        if _contradicts_itself(criterion.where):
            yield doubt(_("Its comparisons exclude each other."), _("never true"), blocks=True)
        for one in criterion.where:
            yield from _of_name(one["property"], doubt)
    else:
        yield from _of_fact(criterion, doubt)
    if criterion.kind == Kind.ENGAGEMENT or criterion.kind == Kind.PROFILE:
        if criterion.points == 0:
            yield doubt(_("It gives no points."), _("no points"))
        elif criterion.cap == 0:
            yield doubt(_("Its cap leaves no points."), _("no points"))


def _of_name(name: str, doubt: Any) -> Iterator[Doubt]:
    if why := special_categories.refusal(name):
        yield doubt(why, _("forbidden"), blocks=True)
    elif why := special_categories.warning(name):
        yield doubt(why, _("delicate"))


def _of_fact(criterion: Criterion, doubt: Any) -> Iterator[Doubt]:
    try:
        asked = fact(criterion.fact)
    except KeyError:
        yield doubt(_("It asks for a field that does not exist."), _("unknown field"), blocks=True)
        return
    if any(criterion.fact.startswith(prefix) for prefix in CUSTOM):
        yield from _of_name(criterion.fact.partition(".")[2], doubt)
        if not own_fields.exists(criterion.fact):
            yield doubt(
                _("It asks for the own field “%(name)s”, which nobody has any more.")
                % {"name": criterion.fact.partition(".")[2]},
                _("field is gone"), blocks=True,
            )  # fmt: skip
    elif asked.warning:
        yield doubt(str(asked.warning), _("delicate"))
    if _is_empty_span(criterion.operator, criterion.value):
        yield doubt(_("No number lies between the lowest and the highest."), _("never true"), blocks=True)
    if asked.type == CHOICE and criterion.operator in {"is", "in"}:
        wanted = criterion.value if isinstance(criterion.value, list) else [criterion.value]
        if not set(wanted) & set(choices(asked)):
            yield doubt(_("What it asks for is not in the list any more."), _("never true"), blocks=True)


def _is_empty_span(operator: str, value: Any) -> bool:
    return operator == "between" and isinstance(value, list) and len(value) == 2 and value[0] > value[1]


def _contradicts_itself(where: Sequence[Mapping[str, Any]]) -> bool:
    """Whether comparisons of one property exclude each other: tried with every value any of them names."""
    by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in where:
        by_name[one["property"]].append(one)
    return any(not _has_a_value(comparisons) for comparisons in by_name.values())


def _has_a_value(comparisons: Sequence[Mapping[str, Any]]) -> bool:
    named: list[Any] = [None]
    for one in comparisons:
        value = one.get("value")
        if _is_empty_span(one["operator"], value):
            return False
        named += value if isinstance(value, list) else [value]
    numbers = [value for value in named if is_number(value)]
    tried = named + [n + step for n in numbers for step in (-1, 1)] + [f"{v}…" for v in named if isinstance(v, str)]
    tried += ["…", -(10**13), 10**13, *_joined(comparisons)]
    return any(all(holds(one["operator"], value, one.get("value")) for one in comparisons) for value in tried)


def _joined(comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a text that starts as asked and contains what is asked, in case that is all there is to it."""
    starts = [str(one["value"]) for one in comparisons if one["operator"] == "starts_with"]
    parts = [str(one["value"]) for one in comparisons if one["operator"] == "contains"]
    return [max(starts, key=len, default="") + "".join(parts)]


def _of_nobody(criterion: Criterion, hits: Mapping[int, int]) -> Iterator[Doubt]:
    if hits.get(criterion.pk) == 0:
        yield Doubt(_("At the moment it holds for nobody."), _("never true"), criterion.pk)


# --- Criteria beside each other ---------------------------------------------------------------------------


def _asked_twice(criteria: Sequence[Criterion]) -> Iterator[Doubt]:
    seen: dict[str, Criterion] = {}
    for criterion in criteria:
        if not criterion.is_summed:
            continue
        said = of_criterion(criterion)
        left_out = {*BESIDE_THE_POINT, "key", "group", "points", "cap", "max_count", "half_life", "kind"}
        question = seal({name: value for name, value in said.items() if name not in left_out})
        first = seen.setdefault(question, criterion)
        if first is not criterion:
            against = (first.points > 0) != (criterion.points > 0) and first.points and criterion.points
            sentence = _("It takes back what “%(other)s” gives.") if against else _("It asks the same as “%(other)s”.")
            yield Doubt(
                sentence % {"other": str(first)}, _("contradicts") if against else _("asked twice"), criterion.pk
            )


def _of_groups(groups: Iterable[CriterionGroup], criteria: Sequence[Criterion]) -> Iterator[Doubt]:
    for group in groups:
        inside = [c for c in criteria if c.group_id == group.pk and c.is_summed and c.points]
        stopped = (group.maximum <= 0 and all(c.points > 0 for c in inside)) or (
            group.minimum >= 0 and all(c.points < 0 for c in inside)
        )
        if inside and stopped:
            n = len(inside)
            yield Doubt(
                ngettext(
                    "The group “%(group)s” lets none of the points of its criterion through.",
                    "The group “%(group)s” lets none of the points of its %(n)d criteria through.", n,
                ) % {"group": str(group), "n": n}, _("no effect"),
            )  # fmt: skip
