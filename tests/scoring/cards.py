"""Scorecards for tests: drawn up, signed by two people and put in force; and the comparison with the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crm.models import Role, User
from leads.models import Lead, Standing
from scoring import publishing, reference
from scoring.facts import newest_leads
from scoring.models import (
    ActiveScoring,
    Criterion,
    CriterionGroup,
    PublishRun,
    Score,
    Scorecard,
    ScorecardVersion,
    Signature,
)
from scoring.packing import points_of

GROUPS: tuple[dict[str, Any], ...] = (
    {"key": "who", "dimension": "fit", "minimum": -100, "maximum": 100},
    {"key": "what", "dimension": "engagement", "minimum": -100, "maximum": 100},
)


def fact(fact: str, operator: str, value: Any = None, points: int = 10, **more: Any) -> dict[str, Any]:
    """Return a criterion about who somebody is."""
    return {
        "kind": "profile",
        "group": "who",
        "fact": fact,
        "operator": operator,
        "value": value,
        "points": points,
    } | more


def did(activity: str, points: int = 10, **more: Any) -> dict[str, Any]:
    """Return a criterion about what somebody did."""
    return {"kind": "engagement", "group": "what", "activity_kind_id": activity, "points": points} | more


def a_draft(
    criteria: Iterable[Mapping[str, Any]], groups: Iterable[Mapping[str, Any]] = GROUPS, **values: Any
) -> ScorecardVersion:
    """Return a new draft with these criteria."""
    card = Scorecard.objects.get()
    number = 1 + max(card.versions.values_list("number", flat=True))
    draft = ScorecardVersion.objects.create(scorecard=card, number=number, **values)
    drawn = {
        group["key"]: CriterionGroup.objects.create(version=draft, label=group["key"], **group) for group in groups
    }
    for place, criterion in enumerate(criteria):
        details = {"key": f"c{place}", "label": f"Criterion {place}", "position": place} | dict(criterion)
        Criterion.objects.create(version=draft, **details | {"group": drawn.get(details["group"])})
    return draft


def signer(side: str) -> User:
    """Return somebody who holds the key of `side`."""
    known = User.objects.filter(email=f"{side}.signs@example.com").first()
    return known or User.objects.create_user(
        f"{side}.signs@example.com", name=f"Signs for {side}", role=Role.ADMIN, **{f"signs_for_{side}": True}
    )


def sign(draft: ScorecardVersion) -> None:
    """Have marketing and sales sign, so that the version is approved."""
    draft.state = "in_review"
    draft.save(update_fields=["state"])
    for side in Signature.Side.values:
        Signature.objects.create(version=draft, side=side, by=signer(side))
    draft.state = "approved"
    draft.save(update_fields=["state"])


def in_force(draft: ScorecardVersion) -> PublishRun:
    """Sign and publish a draft, and wait for the pass."""
    sign(draft)
    run = publishing.publish(draft, by=None)
    assert publishing.carry_on(seconds=60)
    run.refresh_from_db()
    assert run.phase == PublishRun.Phase.DONE
    return run


def differences(leads: Iterable[Lead] | None = None) -> list[str]:
    """Return what differs between stored scores and a fresh reckoning of the newest leads."""
    active = ActiveScoring.objects.get()
    version = reference.whole(active.version_id)
    chosen = list(Lead.objects.all() if leads is None else leads)
    newest = {row["id"] for row in newest_leads({lead.contact_id for lead in chosen}).values()}
    chosen = [lead for lead in chosen if lead.pk in newest]
    told = reference.of_leads(chosen, version, active.as_of_day)
    scores = Score.objects.in_bulk([lead.pk for lead in chosen])
    standings = Standing.objects.in_bulk([lead.pk for lead in chosen])
    found = []
    for pk, reckoning in told.items():
        score, verdict = scores[pk], reckoning.verdict
        stored = {slot: points for slot, points in enumerate(points_of(bytes(score.points))) if points}
        if stored != reckoning.points_by_slot():
            found.append(f"lead {pk}: points {stored}, should be {reckoning.points_by_slot()}")
        have = (score.fit, score.engagement, score.total, score.grade, score.at_bar)
        want = (verdict.fit, verdict.engagement, verdict.total, verdict.grade, verdict.at_bar)
        if have != want:
            found.append(f"lead {pk}: {have}, should be {want}")
        if (standings[pk].score, standings[pk].grade, standings[pk].rank) != (want[2], want[3], want[2]):
            found.append(f"lead {pk}: its standing shows {standings[pk].score} {standings[pk].grade}")
    return found
