"""A version laid open for editing: each criterion as a sentence, what changed against the live one, what is odd."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.templatetags.formats import count
from scoring import contents, doubts, drafting, glossary, hits, pointer, sentences
from scoring.doubts import Doubt
from scoring.facts import as_read, fact
from scoring.models import Criterion, CriterionGroup, Dimension, ScorecardVersion

_BEGIN, _END = "\ue000", "\ue001"  # private use: nobody types them
_NUMBER = re.compile(r"(\d[\d.,\u202f]*)")
SHOWN_VALUES = 6


@dataclass(frozen=True)
class Piece:
    """A part of a sentence; `strong` is what can be turned, `changed` what the live version says otherwise."""

    text: str
    strong: bool = False
    changed: bool = False


@dataclass(frozen=True)
class Rule:
    """One criterion on the desk."""

    criterion: Criterion
    pieces: list[Piece]
    doubts: list[Doubt]
    hits: int | None
    state: str  # '', new, changed
    points_before: int | None
    seal: str


@dataclass(frozen=True)
class Shelf:
    """One group with its rules."""

    group: CriterionGroup
    rules: list[Rule]
    seal: str


@dataclass(frozen=True)
class Side:
    """One dimension with its groups, and the most points it can give."""

    key: str
    label: str
    shelves: list[Shelf]
    most: int


@dataclass(frozen=True)
class Desk:
    version: ScorecardVersion
    live: ScorecardVersion | None
    sides: list[Side]
    hands: list[Rule]
    signals: list[Rule]
    doubts: list[Doubt]
    bars: tuple[str, ...]
    digest: str
    bars_seal: str
    changes: int
    gone: list[contents.Change]

    @property
    def blocks(self) -> list[Doubt]:
        """What keeps the version from being signed."""
        return [doubt for doubt in self.doubts if doubt.blocks]

    @property
    def about_all(self) -> list[Doubt]:
        """What is doubtful about the version as a whole."""
        return [doubt for doubt in self.doubts if doubt.criterion is None]


def in_force() -> ScorecardVersion | None:
    """Return the version everything is scored by."""
    current = pointer.read()
    return ScorecardVersion.objects.get(pk=current.version_id) if current else None


def of(version: ScorecardVersion) -> Desk:
    """Return the desk of a version, compared with the one in force."""
    live = in_force()
    fires = hits.of(version)
    odd = doubts.of(version, fires)
    differing = contents.differences(live, version) if live else []
    changed = {one.key: one for one in differing if one.what == "criterion"}
    criteria = list(version.criteria.select_related("group", "activity_kind").order_by("position", "id"))
    before = {c.key: c for c in live.criteria.select_related("activity_kind")} if live else {}
    rules = [_rule(one, odd, fires.get(one.pk), changed.get(one.key), before.get(one.key)) for one in criteria]
    groups = list(version.groups.all())
    most = doubts.reachable(groups, criteria)
    shelves = [
        Shelf(group, [r for r in rules if r.criterion.group_id == group.pk], drafting.seal_of(group))
        for group in groups
    ]
    return Desk(
        version=version, live=live,
        sides=[
            Side(key, str(Dimension(key).label), [s for s in shelves if s.group.dimension == key], most[key])
            for key in Dimension.values
        ],
        hands=[r for r in rules if r.criterion.kind == Criterion.Kind.HAND_RAISE and r.criterion.group_id is None],
        signals=[r for r in rules if r.criterion.kind == Criterion.Kind.SALES_SIGNAL],
        doubts=odd, bars=glossary.bar_sentences(version), digest=contents.digest(version),
        bars_seal=drafting.seal_of(version), changes=len(differing),
        gone=[one for one in differing if one.what == "criterion" and one.after is None],
    )  # fmt: skip


def _rule(
    criterion: Criterion, odd: list[Doubt], fires: int | None, change: contents.Change | None, live: Criterion | None
) -> Rule:
    before = change.before["points"] if change and change.before else None
    return Rule(
        criterion=criterion, pieces=_compared(pieces(criterion), live),
        doubts=[doubt for doubt in odd if doubt.criterion == criterion.pk],
        hits=fires, state=change.sort if change else "",
        points_before=before if before != criterion.points else None, seal=drafting.seal_of(criterion),
    )  # fmt: skip


def _compared(now: list[Piece], live: Criterion | None) -> list[Piece]:
    """Return the pieces with those marked that do not stand so in the live version."""
    if live is None:
        return now
    then = pieces(live)
    known = {(before.text, piece.text) for before, piece in pairwise([Piece(""), *then]) if piece.strong}
    return [
        replace(piece, changed=piece.strong and (before.text, piece.text) not in known)
        for before, piece in pairwise([Piece(""), *now])
    ]


def pieces(criterion: Criterion) -> list[Piece]:
    """Return the sentence of a criterion, cut where something can be turned."""
    shown, left = _shortened(criterion)
    try:
        asks = sentences.asks(shown, lambda text: f"{_BEGIN}{text}{_END}")
    except KeyError:
        return [Piece(str(criterion))]
    cut = [Piece(part, bool(place % 2)) for place, part in enumerate(re.split(f"[{_BEGIN}{_END}]", asks)) if part]
    if left:
        cut.append(Piece(" " + ngettext("and %(n)d more", "and %(n)d more", left) % {"n": left}))
    each = _("%(points)s each") % {"points": count(abs(criterion.points))}
    for told in sentences.conditions(criterion):
        if told == each:
            cut += [Piece(", " + _("each"))] if criterion.is_summed and criterion.max_count is None else []
            continue
        cut.append(Piece(", "))
        cut += [Piece(part, bool(place % 2)) for place, part in enumerate(_NUMBER.split(told)) if part]
    return cut


def _shortened(criterion: Criterion) -> tuple[Criterion, int]:
    """Return the criterion with its first values only, and how many were left out."""
    values = criterion.value
    if not isinstance(values, list) or len(values) < SHOWN_VALUES + 2:
        return criterion, 0
    shown = copy.copy(criterion)
    shown.value = values[:SHOWN_VALUES]
    return shown, len(values) - SHOWN_VALUES


# --- Differences in words -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One line of the comparison of two versions."""

    what: str
    label: str
    sort: str
    fields: list[tuple[str, str, str]]  # label, before, after
    before: str = ""
    after: str = ""


def differences(before: ScorecardVersion, after: ScorecardVersion) -> list[Difference]:
    """Return what two versions differ in, as a person reads it."""
    words = {c.pk: c for c in Criterion.objects.filter(version__in=[before, after]).select_related("activity_kind")}
    by_key = {(c.version_id, c.key): c for c in words.values()}
    return [
        _difference(change, by_key.get((before.pk, change.key)), by_key.get((after.pk, change.key)))
        for change in contents.differences(before, after)
    ]


def _difference(change: contents.Change, old: Criterion | None, new: Criterion | None) -> Difference:
    if change.what == "bar":
        field = ScorecardVersion._meta.get_field(change.key)
        label = str(getattr(field, "verbose_name", change.key))
        return Difference(_("Bars and grades"), label, "changed", [], _shown(change.before), _shown(change.after))
    row = change.after or change.before
    label = str(new or old) if change.what == "criterion" else _(row["label"])
    fields = [
        (str(contents.LABELS.get(name, name)), _field(name, change.before), _field(name, change.after))
        for name in change.fields
    ]
    return Difference(
        _("Criterion") if change.what == "criterion" else _("Group"), label, change.sort, fields,
        _sentence(old), _sentence(new),
    )  # fmt: skip


def _sentence(criterion: Criterion | None) -> str:
    return "".join(piece.text for piece in pieces(criterion)) if criterion else ""


def _field(name: str, row: contents.Content) -> str:
    value = row[name]
    if name == "value" and row.get("fact"):
        try:
            return as_read(row["fact"], value) if value is not None else "–"
        except KeyError:
            return _shown(value)
    if name == "fact" and value:
        try:
            return str(fact(value).label)
        except KeyError:
            return str(value)
    if name == "kind":
        return str(Criterion.Kind(value).label)
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, list):
        return ", ".join(
            f"{one['property']} {one['operator']} {one['value']}" if isinstance(one, dict) else str(one)
            for one in value
        )
    return str(value)
