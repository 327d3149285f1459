"""The version in force as a person reads it: sentences by dimension and group, bars, grades, signatures."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from leads.models import Standing
from leads.stages import OPEN
from scoring import glossary, pointer, reference, sentences
from scoring.models import (
    Criterion,
    CriterionGroup,
    Dimension,
    PublishRun,
    Scorecard,
    ScorecardVersion,
    Signature,
)
from scoring.publishing import under_way


@dataclass(frozen=True)
class Rule:
    """One criterion in words."""

    criterion: Criterion
    asks: str
    conditions: str

    @property
    def is_more(self) -> bool:
        """Whether the sentence says more than the name does: not "Industry is missing: Industry is missing"."""
        return bool(self.conditions) or self.asks.casefold() != str(self.criterion).casefold()


@dataclass(frozen=True)
class Axis:
    """One dimension: its groups with their rules."""

    key: str
    label: str
    groups: list[tuple[CriterionGroup, list[Rule]]]


@dataclass(frozen=True)
class Cell:
    """One grade: how many open leads have it, and whether it reaches the bar by itself."""

    grade: str
    leads: int
    reaches: bool
    shade: str


@dataclass(frozen=True)
class Card:
    """A whole version on one page."""

    version: ScorecardVersion
    axes: list[Axis]
    hands: list[Rule]
    signals: list[Rule]
    bars: tuple[str, ...]
    signatures: list[Signature]
    digits: list[tuple[str, int | None]]
    matrix: list[tuple[str, int | None, list[Cell]]]
    others: list[ScorecardVersion]
    run: PublishRun | None


def in_force() -> Card | None:
    """Return the version in force, None before there is one."""
    current = pointer.read()
    return of(reference.whole(current.version_id)) if current else None


def of(version: ScorecardVersion) -> Card:
    """Return a version in words, with the leads it grades now."""
    rules = [
        Rule(criterion, sentences.asks(criterion), "; ".join(sentences.conditions(criterion)))
        for criterion in version.criteria.all()
    ]
    card: Scorecard = version.scorecard
    return Card(
        version=version,
        axes=[_axis(version, dimension, rules) for dimension in Dimension.values],
        hands=[rule for rule in rules if rule.criterion.kind == Criterion.Kind.HAND_RAISE],
        signals=[rule for rule in rules if rule.criterion.kind == Criterion.Kind.SALES_SIGNAL],
        bars=glossary.bar_sentences(version),
        signatures=list(version.signatures.filter(voided_at=None).select_related("by").order_by("side")),
        digits=list(zip("1234", (*version.digits, None), strict=True)),
        matrix=_matrix(version),
        others=list(card.versions.exclude(pk=version.pk).order_by("-number")),
        run=under_way(),
    )


def _axis(version: ScorecardVersion, dimension: str, rules: list[Rule]) -> Axis:
    groups = [
        (group, [rule for rule in rules if rule.criterion.group_id == group.pk])
        for group in version.groups.all()
        if group.dimension == dimension
    ]
    return Axis(dimension, str(Dimension(dimension).label), groups)


def _matrix(version: ScorecardVersion) -> list[tuple[str, int | None, list[Cell]]]:
    """Return rows A to D of cells 1 to 4."""
    rows = Standing.objects.filter(~Q(grade=""), lead__stage__in=OPEN).values_list("grade").annotate(n=Count("pk"))
    leads = dict(rows.order_by())
    found = []
    for rank, (letter, least) in enumerate(zip("ABCD", (*version.letters, 0), strict=True)):
        cells = []
        for place, (digit, from_) in enumerate(zip("1234", (*version.digits, 0), strict=True)):
            grade = f"{letter}{digit}"
            reaches = least >= version.bar_fit and from_ >= version.bar_engagement
            shade = f"in-{rank + place + 1}" if rank + place < 3 else ""
            cells.append(Cell(grade, leads.get(grade, 0), reaches, shade))
        found.append((letter, least or None, cells))
    return found
