"""Grouping who rests in nurture by topic of interest and buying phase, and what may be sent to each group.

The topic is the one whose words occur in most of the person's activities of the year before they fell asleep; of equal
ones the one that comes first by name. The phase is the furthest that any of these activities speaks for. Who does
something wakes, so a group holds while the lead sleeps; the sweep groups who fell asleep since, and everybody anew when
the list of topics has changed.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from crm.models import Activity, User
from crm.text import search_key
from leads.models import Lead, NurtureContent, NurtureTopic, Nurturing, Phase
from leads.stages import Stage

AT_ONCE = 500
YEAR = timedelta(days=365)
MOST = 100  # activities of a person that are looked at, the newest first
#: The furthest phase each kind speaks for; what is not named here speaks for finding out.
PHASES = {
    **dict.fromkeys(
        ("case_study", "video_view", "webinar_registered", "webinar_attended", "event_registered", "event_attended",
         "fair_talk", "product_view", "intent"),
        Phase.CONSIDERATION,
    ),
    **dict.fromkeys(
        ("pricing_view", "price_list", "demo_request", "contact_form", "question", "call_in", "meeting"), Phase.DECISION
    ),
}  # fmt: skip
ORDER = list(Phase)
Happened = tuple[str, Mapping[str, Any]]


def words_of(topic: NurtureTopic) -> list[str]:
    """Return the words of a topic as they are compared."""
    return [key for word in topic.words.split(",") if (key := search_key(word))]


def phase_of(kinds: Iterable[str]) -> Phase:
    """Return the furthest phase these kinds of activity speak for."""
    return max((PHASES.get(kind, Phase.AWARENESS) for kind in kinds), key=ORDER.index, default=Phase.AWARENESS)


def topic_of(happened: Iterable[Happened], topics: Sequence[NurtureTopic]) -> NurtureTopic | None:
    """Return the topic most of these activities speak of; None where none does. `topics` come in their order."""
    found: Counter[int] = Counter()
    known = [(place, words_of(topic)) for place, topic in enumerate(topics)]
    for _kind, told in happened:
        said = search_key(" ".join(str(value) for value in told.values() if isinstance(value, (str, int))))
        found.update(place for place, words in known if any(word in said for word in words))
    best = max(found, key=lambda place: (found[place], -place), default=None)
    return None if best is None else topics[best]


def basis(topics: Iterable[NurtureTopic]) -> str:
    """Return a print of the list of topics: another list, another print."""
    told = "\n".join(f"{topic.pk}:{topic.name}:{topic.words}" for topic in topics)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


# --- The sweep --------------------------------------------------------------------------------------


def asleep() -> QuerySet[Lead]:
    return Lead.objects.filter(stage=Stage.NURTURE)


def behind(stamp: str) -> QuerySet[Lead]:
    """Return the leads in nurture that are not grouped by this list of topics yet."""
    same = Nurturing.objects.filter(lead=OuterRef("pk"), since=OuterRef("stage_since"), basis=stamp)
    return asleep().filter(~Exists(same))


def group(limit: int = AT_ONCE) -> int:
    """Group who is not, and let go of who woke; return how many were grouped."""
    topics = list(NurtureTopic.objects.all())
    stamp = basis(topics)
    Nurturing.objects.exclude(lead__stage=Stage.NURTURE).delete()
    leads = list(behind(stamp).order_by("pk").only("pk", "contact_id", "stage_since")[:limit])
    happened = _happened(leads)
    rows = []
    for lead in leads:
        told = happened[lead.pk]
        topic = topic_of(told, topics)
        rows.append(
            Nurturing(
                lead=lead,
                topic=topic,
                phase=phase_of(kind for kind, _told in told),
                since=lead.stage_since,
                basis=stamp,
            )
        )
    with transaction.atomic():
        Nurturing.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["lead"], update_fields=["topic", "phase", "since", "basis"],
        )  # fmt: skip
    return len(rows)


def _happened(leads: Sequence[Lead]) -> dict[int, list[Happened]]:
    """Return lead → what the person did in the year before it fell asleep. One query."""
    by_contact = {lead.contact_id: lead for lead in leads}
    found: dict[int, list[Happened]] = defaultdict(list)
    if not leads:
        return found
    first = min(lead.stage_since for lead in leads) - YEAR
    rows = Activity.objects.filter(contact__in=by_contact, occurred_at__gte=first)
    rows = rows.filter(Q(kind__inbound=True) | Q(kind="intent")).order_by("-occurred_at", "-pk")
    for contact, kind, at, told in rows.values_list("contact_id", "kind_id", "occurred_at", "properties"):
        lead = by_contact[contact]
        if lead.stage_since - YEAR <= at <= lead.stage_since and len(found[lead.pk]) < MOST:
            found[lead.pk].append((kind, told if isinstance(told, dict) else {}))
    return found


# --- Reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One group: its phase, how many leads, and what may be sent to them."""

    phase: str
    label: str
    number: int
    contents: list[NurtureContent]


@dataclass(frozen=True)
class Line:
    """A topic (None: none recognised) with its groups, in the order of the journey."""

    topic: NurtureTopic | None
    cells: list[Cell]

    @property
    def number(self) -> int:
        return sum(cell.number for cell in self.cells)


def overview(user: User) -> list[Line]:
    """Return every topic with its groups, those this person may see. Three queries."""
    topics: list[NurtureTopic | None] = [*NurtureTopic.objects.all(), None]
    seen = Nurturing.objects.filter(lead__in=Lead.objects.visible_to(user).filter(stage=Stage.NURTURE))
    numbers = {
        (row["topic"], row["phase"]): row["n"]
        for row in seen.values("topic", "phase").annotate(n=Count("pk")).order_by()
    }
    contents: dict[tuple[int | None, str], list[NurtureContent]] = defaultdict(list)
    for content in NurtureContent.objects.all():
        contents[content.topic_id, content.phase].append(content)
    return [Line(topic, [_cell(topic, phase, numbers, contents) for phase in Phase]) for topic in topics]


def _cell(topic: NurtureTopic | None, phase: Phase, numbers: Any, contents: Any) -> Cell:
    key = topic.pk if topic else None
    fitting = contents[key, phase] + (contents[None, phase] if topic else [])
    return Cell(phase, str(phase.label), numbers.get((key, phase), 0), fitting)


def members(user: User, topic: NurtureTopic | None, phase: str) -> QuerySet[Lead]:
    """Return the leads of one group."""
    found = Lead.objects.visible_to(user).with_people().filter(stage=Stage.NURTURE)
    return found.filter(nurturing__topic=topic, nurturing__phase=phase)


# --- The lists ----------------------------------------------------------------------------------------


def save(row: NurtureTopic | NurtureContent, values: Mapping[str, Any]) -> bool:
    """Write `values` where nobody was faster, or add the row; return whether it was written."""
    for name, value in values.items():
        setattr(row, name, value)
    if row.pk is None:
        row.save()
        return True
    same = type(row)._default_manager.filter(pk=row.pk, version=row.version)
    return bool(same.update(**values, version=F("version") + 1))
