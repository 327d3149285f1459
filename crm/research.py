"""Research surges: somebody looks up a topic elsewhere again and again, as intent providers tell. It ends by itself.

A pure function of the intent activities and the day: the confidences (0 to 100) of one topic within the last WINDOW
days add up to ENOUGH. A missing confidence counts as UNTOLD. The topic stands on the contact as the own field FIELD,
so that any past day can be reckoned, and ResearchSurge says on which day to look again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from crm import contacts
from crm.models import Activity, Contact, ResearchSurge
from crm.text import fold
from crm.workdays import day_of, local_date

KIND = "intent"
FIELD = "research_surge"
WINDOW, ENOUGH, UNTOLD = 14, 120, 50
WORDS = {"high": 90, "hoch": 90, "medium": 60, "mittel": 60, "low": 30, "niedrig": 30, "gering": 30}
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Surge:
    """What is researched, and the first day on which it no longer is one."""

    topic: str
    ends: int


def confidence(said: Any) -> int | None:
    """Return a confidence from 0 to 100 as providers write it (80, '80 %', 0.8, 'high'); None when it says nothing."""
    if isinstance(said, bool) or said is None:
        return None
    word = fold(str(said)).strip().removesuffix("%").strip()
    if word in WORDS:
        return WORDS[word]
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        return None
    if isinstance(said, float) or "." in word or "," in word:
        number = number * 100 if 0 <= number <= 1 else number
    return round(number) if 0 <= number <= 100 else None


def reckon(told: Iterable[tuple[int, str, int | None]], today: int) -> Surge | None:
    """Return the surge of one person: `told` are (day, topic, confidence) of their intents, in any order."""
    by_topic: dict[str, list[tuple[int, int]]] = defaultdict(list)
    names: dict[str, str] = {}
    for day, topic, sure in sorted(told, key=lambda one: one[0]):
        if today - WINDOW < day <= today:
            by_topic[fold(topic)].append((day, UNTOLD if sure is None else sure))
            names[fold(topic)] = topic
    found = [Surge(names[key][:LONGEST], end) for key, rows in by_topic.items() if (end := _end(rows)) > today]
    return max(found, key=lambda surge: (surge.ends, surge.topic), default=None)


def _end(rows: list[tuple[int, int]]) -> int:
    """Return the first day on which what is left within the window is too little, 0 for never enough."""
    left = sum(sure for _day, sure in rows)
    end = 0
    for day, sure in rows:
        if left < ENOUGH:
            break
        end = day + WINDOW
        left -= sure
    return end


def of(contact_ids: Iterable[int], today: int) -> dict[int, Surge]:
    """Return {contact: surge} as the activities say, for those who have one."""
    wanted = list(contact_ids)
    rows = Activity.objects.filter(contact_id__in=wanted, kind_id=KIND, day__gt=today - WINDOW, day__lte=today)
    told: dict[int, list[tuple[int, str, int | None]]] = defaultdict(list)
    for contact, day, said in rows.order_by().values_list("contact_id", "day", "properties"):
        if contact is not None and isinstance(said, dict) and str(said.get("topic") or "").strip():
            told[contact].append((day, str(said["topic"]).strip(), confidence(said.get("confidence"))))
    return {contact: surge for contact, intents in told.items() if (surge := reckon(intents, today))}


def look_again(contact_ids: Iterable[int]) -> None:
    """Bring the surges of these people up to date: the own field and the day to look again."""
    wanted = sorted(set(contact_ids))
    today = day_of(local_date())
    with transaction.atomic():
        found = of(wanted, today)
        for contact in Contact.objects.filter(pk__in=wanted).order_by("pk"):
            _write(contact, found.get(contact.pk))


def _write(contact: Contact, surge: Surge | None) -> None:
    if surge is None:
        ResearchSurge.objects.filter(contact=contact).delete()
    else:
        ResearchSurge.objects.update_or_create(contact=contact, defaults={"ends": surge.ends})
    topic = surge.topic if surge else None
    for _try in range(3):
        custom = {name: value for name, value in contact.custom.items() if name != FIELD}
        wanted = custom | ({FIELD: topic} if topic else {})
        try:
            contacts.update_contact(contact, {"custom": wanted}, by=None, source="research")
        except contacts.Stale:
            contact.refresh_from_db()
        else:
            return


def end_old(limit: int = 500) -> int:
    """Look again at the people whose surge may be over; return how many."""
    due = ResearchSurge.objects.filter(ends__lte=day_of(local_date())).order_by("ends", "pk")
    contacts_due = list(due.values_list("pk", flat=True)[:limit])
    if contacts_due:
        look_again(contacts_due)
    return len(contacts_due)
