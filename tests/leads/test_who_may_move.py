"""The verb table of product.md, column “Who”, as one test: role × verb."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from crm.models import User
from leads.lifecycle import Refused, advance
from leads.models import Lead, StageChange
from tests.cast import Cast, a_lead, accepted, an_mql, confirm, next_month, offered, qualified, reason

pytestmark = pytest.mark.django_db

PEOPLE = ("mia", "max", "sam", "jana", "rosa", "lena", "ava", None)
SAM_ALONE, SALES_LEADS, MARKETING = {"sam"}, {"lena", "ava"}, {"mia", "max", "ava"}


def ready_for_sql(cast: Cast) -> Lead:
    lead = accepted(cast)
    confirm(lead, cast.sam)
    return lead


def asleep(cast: Cast) -> Lead:
    lead = a_lead(owner=cast.mia)
    advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    return lead


# verb, the lead it starts from, what it brings along, who may: mia max marketing, sam owner, jana his team-mate,
# rosa another team, lena sales lead, ava admin (stands in for marketing and sales lead), None the system
MATRIX: list[tuple[str, Callable[[Cast], Lead], dict[str, Any], set[str | None]]] = [
    (
        "qualify_for_marketing",
        lambda cast: a_lead(owner=cast.mia),
        {"reason": "qualify_for_marketing"},
        {*MARKETING, None},
    ),
    ("demote", an_mql, {}, {None}),
    ("hand_off", an_mql, {"assignee": "sam"}, {*MARKETING, None}),
    ("withdraw", offered, {}, {"mia", *SALES_LEADS}),
    ("reassign", accepted, {"assignee": "jana"}, {*SALES_LEADS, None}),
    ("accept", offered, {}, {"sam", "jana", *SALES_LEADS}),
    ("send_back", offered, {"reason": "send_back", "wake_on": "next month"}, {"sam", "jana", *SALES_LEADS}),
    ("send_back", accepted, {"reason": "send_back", "wake_on": "next month"}, {*SAM_ALONE, *SALES_LEADS}),
    ("qualify_for_sales", ready_for_sql, {}, {*SAM_ALONE, *SALES_LEADS}),
    ("win", qualified, {"amount": Decimal(1), "date": "today"}, {*SAM_ALONE, *SALES_LEADS}),
    ("lose", qualified, {"reason": "lose"}, {*SAM_ALONE, *SALES_LEADS}),
    ("nurture", an_mql, {"wake_on": "next month"}, MARKETING),
    ("wake", asleep, {}, MARKETING),
    ("disqualify", an_mql, {"reason": "disqualify"}, MARKETING),
    ("disqualify", accepted, {"reason": "disqualify"}, {*SAM_ALONE, *SALES_LEADS}),
    ("undo", accepted, {}, {*SAM_ALONE, *SALES_LEADS}),
    ("enter_as", a_lead, {"to_stage": "won"}, set()),
    ("absorb", an_mql, {}, set()),
]


def brought_along(cast: Cast, wanted: dict[str, Any]) -> dict[str, Any]:
    made = {
        "reason": lambda kind: reason(kind),
        "assignee": lambda name: getattr(cast, name),
        "wake_on": lambda _word: next_month(),
        "date": lambda _word: timezone.localdate(),
    }
    return {name: made.get(name, lambda value: value)(value) for name, value in wanted.items()}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("verb", "start", "details", "may"), MATRIX, ids=[f"{m[0]}-{i}" for i, m in enumerate(MATRIX)])
def test_who_may_move(
    cast: Cast, verb: str, start: Callable[..., Lead], details: dict[str, Any], may: set[str | None], who: str | None
) -> None:
    lead = start() if start is a_lead else start(cast)
    by: User | None = getattr(cast, who) if who else None
    before = Lead.objects.values().get(pk=lead.pk), StageChange.objects.filter(lead=lead).count()
    if who in may:
        advance(lead, verb, by=by, **brought_along(cast, details))
        assert StageChange.objects.filter(lead=lead).count() == before[1] + 1
        return
    with pytest.raises(Refused):
        advance(lead, verb, by=by, **brought_along(cast, details))
    assert (Lead.objects.values().get(pk=lead.pk), StageChange.objects.filter(lead=lead).count()) == before


def test_a_team_that_switched_auto_accept_on_accepts_at_once(cast: Cast) -> None:
    cast.north.auto_accept = True
    cast.north.save(update_fields=["auto_accept"])
    lead = an_mql(cast)
    advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    lead = Lead.objects.get(pk=lead.pk)
    change = lead.changes.get(verb="accept")
    assert (change.actor, change.by, lead.stage, lead.owner) == ("system", None, "sal", cast.sam)


def test_a_deactivated_person_can_move_nothing(cast: Cast) -> None:
    lead = offered(cast)
    cast.sam.is_active = False
    with pytest.raises(Refused):
        advance(lead, "accept", by=cast.sam)
