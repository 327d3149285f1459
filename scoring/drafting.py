"""Changing a draft: criteria, groups, bars and the note. Each change says what was seen before, and is logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.models import User
from crm.text import search_key
from scoring import contents, sentences, validation
from scoring.models import Criterion, CriterionGroup, ScorecardVersion
from scoring.versions import Refused, Stale, edit

Row = Criterion | CriterionGroup


class Conflict(Stale):
    """Somebody changed the same thing meanwhile. `current` is what it is now, None when it is gone."""

    def __init__(self, current: Row | ScorecardVersion | None) -> None:
        super().__init__(_("Somebody else changed this meanwhile. Nothing of yours was written."))
        self.current = current


def seal_of(row: Row | ScorecardVersion) -> str:
    """Return what was seen of a criterion, a group or the bars: to be given back when it is changed."""
    if isinstance(row, Criterion):
        return contents.seal(contents.of_criterion(row) | {"position": 0})
    if isinstance(row, CriterionGroup):
        return contents.seal(contents.of_group(row) | {"position": 0})
    return contents.seal([contents.of_bars(row), row.note])


def save_criterion(
    version: ScorecardVersion, said: Mapping[str, Any], *, by: User, pk: int | None = None, seen: str = ""
) -> Criterion:
    """Add a criterion, or change the one with `pk` as it was `seen`. ValidationError by field, Conflict, Refused."""
    written: list[Criterion] = []

    def change(locked: ScorecardVersion) -> dict[str, Any] | None:
        groups = {group.key: group for group in locked.groups.all()}
        values = validation.criterion(said, groups=groups)
        group = groups.get(values.pop("group"))
        row = _seen(locked.criteria, pk, seen) if pk else Criterion(version=locked, position=_next(locked.criteria))
        before = contents.of_criterion(row) if pk else None
        _keep_label(row, values)
        for name, value in (_EMPTY | values | {"group": group}).items():
            setattr(row, name, value)
        row.label = row.label or sentences.asks(row)[:120]
        if not pk:
            if locked.criteria.count() >= validation.MOST_CRITERIA:
                raise ValidationError(_("A scorecard has at most %(n)d criteria.") % {"n": validation.MOST_CRITERIA})
            row.key = _new_key(locked, row.label, "criteria")
            row.save(force_insert=True)
        else:
            row.save(update_fields=[*_EMPTY, *values, "group", "label"])
        written.append(row)
        after = contents.of_criterion(row)
        return None if before == after else _told("criterion", row.key, before, after)

    edit(version, change, by=by)
    return written[0]


# Whatever a kind of criterion does not use is as if it was never said.
_EMPTY: dict[str, Any] = {
    "label": "", "fact": "", "operator": "", "value": None, "activity_kind_id": None, "where": [], "window": 730,
    "half_life": None, "max_count": None, "cap": None,
}  # fmt: skip


def save_group(
    version: ScorecardVersion, said: Mapping[str, Any], *, by: User, pk: int | None = None, seen: str = ""
) -> CriterionGroup:
    """Add a group, or change the one with `pk` as it was `seen`. ValidationError by field, Conflict, Refused."""
    checked = validation.group(said)
    written: list[CriterionGroup] = []

    def change(locked: ScorecardVersion) -> dict[str, Any] | None:
        row = _seen(locked.groups, pk, seen) if pk else CriterionGroup(version=locked, position=_next(locked.groups))
        before = contents.of_group(row) if pk else None
        values = dict(checked)
        _keep_label(row, values)
        for name, value in values.items():
            setattr(row, name, value)
        if not pk:
            if locked.groups.count() >= validation.MOST_GROUPS:
                raise ValidationError(_("A scorecard has at most %(n)d groups.") % {"n": validation.MOST_GROUPS})
            row.key = _new_key(locked, row.label, "groups")
            row.save(force_insert=True)
        else:
            row.save(update_fields=list(values))
        written.append(row)
        after = contents.of_group(row)
        return None if before == after else _told("group", row.key, before, after)

    edit(version, change, by=by)
    return written[0]


def save_bars(version: ScorecardVersion, said: Mapping[str, Any], *, note: str, by: User, seen: str) -> None:
    """Change thresholds, bars, grades that skip review, and the note. ValidationError by field, Conflict, Refused."""
    values = validation.bars(said) | {"note": note.strip()[:2000]}

    def change(locked: ScorecardVersion) -> dict[str, Any] | None:
        if seal_of(locked) != seen:
            raise Conflict(locked)
        changed = {name: [getattr(locked, name), new] for name, new in values.items() if getattr(locked, name) != new}
        for name, value in values.items():
            setattr(locked, name, value)
        if not changed:
            return None
        locked.save(update_fields=list(changed))
        return {"what": "bars", "changed": changed}

    edit(version, change, by=by)


def remove(version: ScorecardVersion, what: str, pk: int, *, by: User, seen: str) -> None:
    """Remove a criterion, or a group without criteria, as it was seen. Conflict, Refused."""

    def change(locked: ScorecardVersion) -> dict[str, Any]:
        rows = locked.criteria if what == "criterion" else locked.groups
        row = _seen(rows, pk, seen)
        if isinstance(row, CriterionGroup) and row.criteria.exists():
            raise Refused(_("Criteria belong to this group. Remove or move them first."))
        before = _content(row)
        row.delete()
        return _told(what, before["key"], before, None)

    edit(version, change, by=by)


def move(version: ScorecardVersion, what: str, pk: int, step: int, *, by: User) -> None:
    """Move a criterion in its group, or a group in its dimension, one place up (−1) or down (1)."""

    def change(locked: ScorecardVersion) -> dict[str, Any] | None:
        rows: list[Row] = list((locked.criteria if what == "criterion" else locked.groups).order_by("position", "id"))
        row = next((one for one in rows if one.pk == pk), None)
        if row is None:
            raise Conflict(None)
        beside = [one for one in rows if _belongs(one) == _belongs(row)]
        place = beside.index(row)
        if not 0 <= place + step < len(beside):
            return None
        other = beside[place + step]
        here, there = rows.index(row), rows.index(other)
        rows[here], rows[there] = rows[there], rows[here]
        _number(rows)
        return {"what": what, "key": row.key, "moved": step}

    edit(version, change, by=by)


def _belongs(row: Row) -> Any:
    return (row.group_id, row.kind if row.group_id is None else "") if isinstance(row, Criterion) else row.dimension


def _number(rows: Iterable[Row]) -> None:
    for place, row in enumerate(rows):
        if row.position != place:
            row.position = place
            row.save(update_fields=["position"])


def _seen(rows: Any, pk: int, seen: str) -> Any:
    """Return the row of the version, when it still is what was seen."""
    row = rows.filter(pk=pk).first()
    if row is None or seal_of(row) != seen:
        raise Conflict(row)
    return row


def _keep_label(row: Row, values: dict[str, Any]) -> None:
    """A shipped label that comes back as the reader saw it, in their language, was not changed."""
    if row.pk and values["label"] == str(row):
        values["label"] = row.label


def _content(row: Row) -> contents.Content:
    return contents.of_criterion(row) if isinstance(row, Criterion) else contents.of_group(row)


def _next(rows: Any) -> int:
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1


def _new_key(version: ScorecardVersion, label: str, rows: str) -> str:
    """Return a key that no version of this scorecard has used for anything else."""
    taken = set(version.scorecard.versions.values_list(f"{rows}__key", flat=True))
    stem = slugify(search_key(label)).replace("-", "_")[:50].strip("_") or rows
    tried = (stem if n == 1 else f"{stem}_{n}" for n in range(1, 10**6))
    return next(key for key in tried if key not in taken)


def _told(what: str, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the log says: new, gone, or old and new of each field that changed."""
    if before and after:
        changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        return {"what": what, "key": key, "label": after["label"], "changed": changed}
    label = (before or after or {}).get("label", "")
    return {"what": what, "key": key, "label": label, "before": before, "after": after}
