"""Trying a draft out: over all leads without writing, and on twenty real leads while somebody types."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from benchmarks import crowd
from benchmarks.figures import Figure, median_seconds
from scoring import bringing_up, simulation
from scoring.models import Criterion, CriterionGroup, Score, ScorecardVersion

ACTIVITIES_EACH = 20
PREVIEW = {100_000: 1.0, 1_000_000: 5.0}


def figures(leads: int) -> Iterator[Figure]:
    """Yield the figures of docs/backtest.md at `leads` leads."""
    crowd.fill(leads, ACTIVITIES_EACH)
    bringing_up.to_date(rebuild=True)
    yield from previewed(leads)


def previewed(leads: int) -> Iterator[Figure]:
    """Yield the figures for a draft of the version in force over the leads that are there."""
    draft = _draft()
    goal = PREVIEW.get(leads) if connection.vendor == "postgresql" else None
    took = median_seconds(lambda: simulation.preview(draft.pk))
    told = simulation.preview(draft.pk)
    share = told.changed / max(1, Score.objects.count())
    yield Figure(
        f"preview, {share:.0%} of the scores differ", took, "s", None, f"≤ {goal:g} s" if goal else "",
        took <= goal if goal else None,
    )  # fmt: skip
    few = median_seconds(lambda: simulation.around_the_bar(draft.pk), 5)
    yield Figure("twenty real leads", few * 1000, "ms", None, "≤ 1,000 ms", few <= 1)
    Criterion.objects.create(
        version=draft, key="new", label="New", kind="engagement", activity_kind_id="page_view", points=5,
        group=draft.groups.get(key="website"),
        where=[{"property": "path", "operator": "starts_with", "value": "/blog/"}],
    )  # fmt: skip
    new = median_seconds(lambda: simulation.preview(draft.pk))
    yield Figure("preview with a question never asked before", new, "s")


def _draft() -> ScorecardVersion:
    """Return a copy of the version in force in which large companies count more and the bar lies lower."""
    live = ScorecardVersion.objects.get(state="published")
    groups, criteria = list(live.groups.all()), list(live.criteria.select_related("group"))
    draft = ScorecardVersion.objects.create(scorecard=live.scorecard, number=live.number + 1, bar_total=100)
    for group in groups:
        group.pk, group.version = None, draft
    by_key = {group.key: group for group in CriterionGroup.objects.bulk_create(groups)}
    for criterion in criteria:
        criterion.pk, criterion.version, criterion.slot = None, draft, None
        criterion.group = by_key[criterion.group.key] if criterion.group else None
        criterion.weights, criterion.matcher, criterion.predicate = b"", None, None
        criterion.points += 4 if criterion.key == "large" else 0
    Criterion.objects.bulk_create(criteria)
    return draft
