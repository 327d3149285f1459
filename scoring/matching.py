"""The questions that are answered once, when something happens: matchers over activities, predicates over profiles."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scoring.facts import Profile, fact
from scoring.models import Criterion, FitPredicate, Matcher
from scoring.operators import holds, where_holds


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def normal(where: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return property comparisons in one order, so that the same question has the same hash."""
    rows = [{"property": w["property"], "operator": w["operator"], "value": w.get("value")} for w in where]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def matcher_hash(kind: str, where: Iterable[Mapping[str, Any]]) -> str:
    """Return the content address of a question about activities."""
    return _hash("activity", kind, normal(where))


def predicate_hash(fact_key: str, operator: str, value: Any) -> str:
    """Return the content address of a question about a profile."""
    return _hash("profile", fact_key, operator, value)


def ask(criteria: Sequence[Criterion]) -> None:
    """Give each criterion the matcher or predicate that answers it, made where the question is new; not saved."""
    of_activities = {_of_activity(c): c for c in criteria if c.is_of_activities}
    of_profiles = {_of_profile(c): c for c in criteria if not c.is_of_activities}
    matchers = Matcher.objects.in_bulk(list(of_activities), field_name="hash")
    predicates = FitPredicate.objects.in_bulk(list(of_profiles), field_name="hash")
    for key, criterion in of_activities.items():
        if key not in matchers:
            kind, where = str(criterion.activity_kind_id), normal(criterion.where)
            matchers[key] = Matcher.objects.create(hash=key, kind=kind, where=where)
    for key, criterion in of_profiles.items():
        if key not in predicates:
            predicates[key] = FitPredicate.objects.create(
                hash=key, fact=criterion.fact, operator=criterion.operator, value=criterion.value
            )
    for criterion in criteria:
        if criterion.is_of_activities:
            criterion.matcher = matchers[_of_activity(criterion)]
        else:
            criterion.predicate = predicates[_of_profile(criterion)]


def _of_activity(criterion: Criterion) -> str:
    return matcher_hash(str(criterion.activity_kind_id), criterion.where)


def _of_profile(criterion: Criterion) -> str:
    return predicate_hash(criterion.fact, criterion.operator, criterion.value)


@dataclass(frozen=True)
class Catalogue:
    """Every question known: matchers by activity kind, predicates by bit."""

    matchers: Mapping[str, tuple[tuple[int, list[dict[str, Any]]], ...]]
    predicates: tuple[FitPredicate, ...]

    def hits(self, kind: str, properties: Any) -> list[int]:
        """Return the ids of the matchers that say yes to one activity."""
        return [pk for pk, where in self.matchers.get(kind, ()) if not where or where_holds(where, properties)]

    def bits(self, profile: Profile) -> list[int]:
        """Return the bits of the predicates that say yes to one profile."""
        return [p.bit for p in self.predicates if holds(p.operator, fact(p.fact).read(profile), p.value)]


def catalogue_of(matchers: Iterable[Matcher], predicates: Iterable[FitPredicate]) -> Catalogue:
    """Return a catalogue of these questions only."""
    by_kind: dict[str, list[tuple[int, list[dict[str, Any]]]]] = defaultdict(list)
    for matcher in matchers:
        by_kind[matcher.kind].append((matcher.pk, matcher.where))
    return Catalogue({kind: tuple(rows) for kind, rows in by_kind.items()}, tuple(predicates))


@lru_cache(maxsize=4)
def _read(number: int) -> Catalogue:
    return catalogue_of(Matcher.objects.order_by("pk"), FitPredicate.objects.order_by("bit"))


def catalogue(number: int) -> Catalogue:
    """Return every question known; `number` is the pointer's, another one after each addition."""
    return _read(number)
