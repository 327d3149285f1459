"""Three rules of assignment of the demo world, until somebody makes them their own, and whose turn it is in it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from crm import demo
from crm.demo import World
from crm.models import Workspace
from leads import rota
from leads.models import AssignmentRule, Handoff, Seat

# name in each language, conditions, the demo person who gets such leads
RULES: tuple[tuple[dict[str, str], dict[str, Any], str], ...] = (
    ({"en": "Large companies", "de": "Große Unternehmen"}, {"size": [1000, None], "countries": ["DE"]}, "sam"),
    ({"en": "French and Italian", "de": "Französisch und Italienisch"}, {"languages": ["fr", "it"]}, "rosa"),
    ({"en": "Recommended to us", "de": "Uns empfohlen"}, {"sources": ["referral"]}, "jana"),
)


@demo.chapter
def keep_rules(world: World) -> None:
    """Keep the rules where none is kept yet."""
    if AssignmentRule.objects.exists():
        return
    language = Workspace.objects.values_list("language", flat=True).first() or "en"
    for place, (names, conditions, person) in enumerate(RULES):
        AssignmentRule.objects.create(
            name=names.get(language, names["en"]), conditions=conditions, position=place * 10,
            person=world.people[person],
        )  # fmt: skip


@demo.chapter
def take_seats(world: World) -> None:
    """Put everybody in the row where their newest lead puts them; the stories are not told in the order of days."""
    newest = (
        Handoff.objects.filter(assignee__is_demo=True).order_by().values_list("assignee").annotate(Max("offered_at"))
    )
    with transaction.atomic():
        rota.take_turn()
        Seat.objects.filter(user__is_demo=True).delete()
        for person, at in sorted(newest, key=lambda given: given[1]):
            Seat.objects.create(user_id=person, turn=rota.take_turn(), given_at=at)


@demo.after_removal
def drop_rules() -> None:
    """Take the rules away that still name demo people; a rule that somebody gave to others stays."""
    invented = [name for names, _conditions, _person in RULES for name in names.values()]
    AssignmentRule.objects.filter(person__is_demo=True, name__in=invented).delete()
