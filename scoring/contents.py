"""What a version says, as plain data: the digest people sign, the copy a draft starts from, what differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from scoring.matching import normal
from scoring.models import Criterion, CriterionGroup, ScorecardVersion

BARS = (
    "letter_a", "letter_b", "letter_c", "digit_1", "digit_2", "digit_3", "bar_fit", "bar_engagement", "bar_total",
    "bar_total_fit", "leave_total", "skip_review",
)  # fmt: skip
GROUP = ("key", "label", "dimension", "minimum", "maximum", "position")
CRITERION = (
    "key", "label", "kind", "position", "points", "fact", "operator", "value", "activity_kind_id", "where", "window",
    "half_life", "max_count", "cap",
)  # fmt: skip
BESIDE_THE_POINT = ("position", "label")  # may differ without anybody's score differing
LABELS = {
    "group": _("Group"), "points": _("Points"), "fact": _("Fact"), "operator": _("Comparison"), "value": _("Value"),
    "activity_kind_id": _("Activity"), "where": _("Only where"), "window": _("Window in days"),
    "half_life": _("Halves in days"), "max_count": _("Only the newest"), "cap": _("At most, points"),
    "label": _("Name"), "kind": _("Kind"), "position": _("Order"), "dimension": _("Dimension"),
    "minimum": _("At least"), "maximum": _("At most"),
}  # fmt: skip
Content = dict[str, Any]


def of_bars(version: ScorecardVersion) -> Content:
    """Return thresholds, bars and the grades that skip review."""
    return {name: getattr(version, name) for name in BARS} | {"skip_review": sorted(version.skip_review)}


def of_group(group: CriterionGroup) -> Content:
    return {name: getattr(group, name) for name in GROUP}


def of_criterion(criterion: Criterion) -> Content:
    """Return what a criterion asks and gives; `group` is the group's key, '' for none."""
    told = {name: getattr(criterion, name) for name in CRITERION}
    group = criterion.group.key if criterion.group else ""
    return told | {"where": normal(criterion.where), "group": group}


def of_version(version: ScorecardVersion) -> Content:
    """Return everything a version says, read anew from the database."""
    groups = CriterionGroup.objects.filter(version=version).order_by("key")
    criteria = Criterion.objects.filter(version=version).select_related("group").order_by("key")
    return {
        "bars": of_bars(version),
        "groups": [of_group(group) for group in groups],
        "criteria": [of_criterion(criterion) for criterion in criteria],
    }


def seal(said: Any) -> str:
    """Return a digest (64 hex digits) of plain data: what was seen when something was changed or signed."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def digest(version: ScorecardVersion) -> str:
    """Return the digest of what `version` says and of the note that goes with it: this is what is signed."""
    return seal([version.number, version.note, of_version(version)])


def copy(source: ScorecardVersion, target: ScorecardVersion) -> None:
    """Write groups and criteria of `source` into the empty draft `target`; equal keys get equal slots at publish."""
    groups = {
        group.pk: CriterionGroup.objects.create(version=target, **of_group(group)) for group in source.groups.all()
    }
    criteria = Criterion.objects.filter(version=source).order_by("position", "id")
    Criterion.objects.bulk_create(
        Criterion(
            version=target, group=groups[one.group_id] if one.group_id else None,
            **{name: getattr(one, name) for name in CRITERION},
        )
        for one in criteria
    )  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One thing in which two versions differ. `before` is None for what is new, `after` for what is gone."""

    what: str  # criterion, group or bar
    key: str
    before: Any
    after: Any
    fields: tuple[str, ...] = ()

    @property
    def sort(self) -> str:
        """Return 'new', 'gone' or 'changed'."""
        return "new" if self.before is None else "gone" if self.after is None else "changed"


def differences(before: ScorecardVersion, after: ScorecardVersion) -> list[Change]:
    """Return what `after` says otherwise than `before`: bars, then groups, then criteria, each by key.

    A place in the order alone is no difference.
    """
    one, other = of_version(before), of_version(after)
    found = [
        Change("bar", name, value, other["bars"][name], (name,))
        for name, value in one["bars"].items()
        if value != other["bars"][name]
    ]
    for what in ("group", "criterion"):
        plural = "groups" if what == "group" else "criteria"
        found += _by_key(what, {r["key"]: r for r in one[plural]}, {r["key"]: r for r in other[plural]})
    return found


def _by_key(what: str, before: Mapping[str, Content], after: Mapping[str, Content]) -> list[Change]:
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        names = changed_fields(old, new) if old and new else ()
        if names or old is None or new is None:
            found.append(Change(what, key, old, new, names))
    return found


def changed_fields(old: Content, new: Content) -> tuple[str, ...]:
    """Return the names of the fields that differ, the place in the order left out."""
    return tuple(name for name in new if name != "position" and old.get(name) != new[name])
