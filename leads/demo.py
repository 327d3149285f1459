"""The leads of the demo world: every story walks through the one door, with the date it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from crm import bulk, demo
from crm.activities import Happening, record_many, slices
from crm.demo import World
from crm.models import ConsentEvent, Contact, ContactKey, LegalBasis
from crm.workdays import local_day, workspace_zone
from leads import capture, demo_spend, explanations, lifecycle, sla, steps
from leads.demo_crowd import Crowd
from leads.demo_stories import (
    BY_NAME,
    TWICE,
    Event,
    Found,
    Opened,
    Plot,
    Step,
    Tale,
    Touch,
    by_daylight,
    fresh,
    programme,
    touch,
)
from leads.explanations import Explanation
from leads.models import Finding, Lead, Reason, Source, Standing

FEED = "demo"
Happened = list[tuple[int, str, int, Any]]  # id, kind, day, properties
Reckoner = Callable[[Lead, Happened, int], Explanation | None]
_reckoner: Reckoner | None = None
REPS = {"North": ("sam", "jana"), "South": ("rosa", "piet")}
BACKGROUND = (
    ("email_delivered", 14), ("email_opened", 26), ("page_view", 36), ("email_clicked", 6), ("social_like", 6),
    ("product_view", 7), ("social_follow", 1), ("video_view", 3), ("careers_view", 1),
)  # fmt: skip


@dataclass
class Life:
    """One invented person with their dated story."""

    number: int
    person: dict[str, Any]
    tale: Tale
    events: list[tuple[datetime, Event]]
    background: list[tuple[datetime, Touch]] = field(default_factory=list)

    @property
    def episodes(self) -> int:
        return sum(isinstance(event, Opened) for _at, event in self.events)

    @property
    def touches(self) -> list[tuple[datetime, Touch]]:
        return [(at, event) for at, event in self.events if isinstance(event, Touch)] + self.background


def reckoned_by(reckoner: Reckoner) -> Reckoner:
    """Register who says what a lead scored at the end of a day, so that every move carries its score."""
    global _reckoner
    _reckoner = reckoner
    return reckoner


@demo.chapter
def live(world: World) -> None:
    """Tell `world.leads` stories with about `world.activities` activities."""
    book = Book(world)
    for part in slices(lives(world), demo.SLICE):
        with transaction.atomic():
            book.write(part)
    while sla.look(tell=False):
        pass


def lives(world: World) -> Iterator[Life]:
    """Yield stories until they make `world.leads` leads; the activities that are left are spread by heat."""
    plots, zone = programme(world.chance("programme")), workspace_zone()
    left, per_lead = world.leads, world.activities / max(1, world.leads)
    owed = 0.0
    for number, person in zip(count(), demo.people(world), strict=False):
        if left <= 0:
            return
        plot = BY_NAME[person["story"]] if person["story"] else plots[number % len(plots)]
        life = _life(world, number, person, plot if left > 1 or plot not in TWICE else fresh, zone)
        left -= life.episodes
        owed += per_lead * life.episodes - len(life.touches)
        share = min(1.0, life.tale.heat) if left > 0 else 1.0
        owed -= _add_background(world, life, max(0, int(owed * share)), zone)
        yield life


def _life(world: World, number: int, person: dict[str, Any], plot: Plot, zone: ZoneInfo) -> Life:
    dice = world.chance("life", number)
    abroad = person["contact"].get("country") in world.teams["South"].territory
    team = "South" if abroad or (not person["story"] and dice.random() < 0.25) else "North"
    rep = REPS[team][number % 3 == 2] if person["story"] else dice.choice(REPS[team])
    size = (person["company"] or {}).get("employees") or 50
    tale = Tale(dice, dice.choice(("mia", "mia", "max")), rep, team, size)
    plot(tale)
    demo_spend.tag(tale, world.chance("campaign", number))
    return Life(number, person, tale, tale.dated(world.now, zone))


def _add_background(world: World, life: Life, wanted: int, zone: ZoneInfo) -> int:
    """Add `wanted` small activities between the first event and the last quiet moment; return how many."""
    dice = world.chance("background", life.number)
    first, last = life.events[0][0], life.events[-1][0]
    until = last if any(isinstance(event, Step) for _at, event in life.events) else world.now - timedelta(hours=3)
    kinds, weights = zip(*BACKGROUND, strict=True)
    scratch = Tale(dice, life.tale.marketer, life.tale.rep, life.tale.team, life.tale.size)
    for kind in dice.choices(kinds, weights, k=wanted):
        touch(scratch, kind)
        event = scratch.events[-1][1]
        assert isinstance(event, Touch)
        at = by_daylight(first + (until - first) * dice.random(), zone)
        life.background.append((min(max(at, first), until), event))
    return wanted


class Book:
    """Writes lives down, a slice at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reasons = {(reason.kind, reason.key): reason for reason in Reason.objects.all()}
        self.sources = {source.key: source for source in Source.objects.all()}
        self.customers: list[Contact] = []

    def write(self, lives: Sequence[Life]) -> None:
        """Store the people, what they did, and what became of them."""
        for life in lives:
            if life.tale.hidden:
                life.person["contact"] |= {"email": "", "phone": ""}
        stored = demo.store([life.person for life in lives], [life.events[0][0] for life in lives])
        self._note_permissions(lives, stored)
        record_many(self._happenings(lives, stored), history=True)
        if self.world.is_large:
            Crowd(self).walk(lives, stored)
            return
        for life, contact in zip(lives, stored, strict=True):
            self._walk(life, contact)

    def _happenings(self, lives: Sequence[Life], stored: Sequence[Contact]) -> Iterator[Happening]:
        for life, contact in zip(lives, stored, strict=True):
            for place, (at, event) in enumerate(life.touches):
                by = self.world.people[event.by].pk if event.by else None
                name = f"{self.world.seed}:{life.number}:{place}"
                yield Happening(
                    contact.pk, event.kind, at, event.properties, feed=FEED, message_id=name, by_id=by, received_at=at
                )

    def _note_permissions(self, lives: Sequence[Life], stored: Sequence[Contact]) -> None:
        """Note why we may hold each person's data, what they allowed and what they forbade."""
        bases: list[tuple[Any, ...]] = []
        events: list[ConsentEvent] = []
        keys: list[ContactKey] = []
        for life, contact in zip(lives, stored, strict=True):
            since, dice = life.events[0][0], self.world.chance("permission", life.number)
            basis = dice.choice(("consent", "consent", "request", "legitimate_interest"))
            bases.append((contact.pk, "offer", basis, timezone.localdate(since), FEED, ""))
            proof = {"form": "Newsletter", "text_version": 4}
            for purpose in ("newsletter", "offer")[: 1 + (dice.random() < 0.5)] if basis == "consent" else ():
                events.append(_said(contact, "confirmed", purpose, "email", since + timedelta(minutes=7), proof))
            if life.tale.objection is not None:
                last = life.events[-1][0] + timedelta(minutes=30)
                events.append(_said(contact, "objected", "offer", life.tale.objection, last, {"said": "by e-mail"}))
            if life.tale.hidden:
                keys.append(ContactKey(contact=contact, system="Badge scanner", key=f"{self.world.seed}-{life.number}"))
        bulk.insert_values(LegalBasis, ("contact_id", "purpose", "basis", "since", "source", "note"), bases)
        bulk.insert(events)
        bulk.insert(keys)

    # --- One life, through the door -----------------------------------------------------------------

    def _walk(self, life: Life, contact: Contact) -> None:
        lead: Lead | None = None
        zone = workspace_zone()
        happened = [
            (n, touch.kind, local_day(at, zone), touch.properties) for n, (at, touch) in enumerate(life.touches)
        ]
        for at, event in life.events:
            if isinstance(event, Opened):
                lead = self._open(life, contact, event, at)
            elif isinstance(event, Step) and lead is not None:
                with self._as_of(lead, happened, local_day(at, zone)):
                    lifecycle.advance(lead, event.verb, by=self.who(event.by), at=at, **self.brings(event, at))
                if event.verb == "win":
                    self.customers.append(contact)
            elif isinstance(event, Found) and lead is not None:
                self._find(lead, event, at)
        planned = self.plan(life, lead) if lead else {}
        if lead and planned:
            Lead.objects.filter(pk=lead.pk).update(**planned)
            steps.follow([lead.pk])

    @contextmanager
    def _as_of(self, lead: Lead, happened: Happened, day: int) -> Iterator[None]:
        """Let the lead show the score it had at the end of `day`."""
        then = _reckoner(lead, happened, day) if _reckoner else None
        if then is None:
            yield
            return
        Standing.objects.filter(lead=lead).update(score=then.score, grade=then.grade, rank=then.score)
        with explanations.standing_in(lambda _ids: {lead.pk: then}):
            yield

    def _open(self, life: Life, contact: Contact, event: Opened, at: datetime) -> Lead:
        return capture.open_lead(
            contact, source=self.sources[event.source], at=at, owner=self.who(event.owner),
            referrer=self.referrer(life), source_detail=event.detail,
        )  # fmt: skip

    def referrer(self, life: Life) -> Contact | None:
        """Return the customer who sent this person, where the story says so."""
        dice = self.world.chance("referrer", life.number)
        return dice.choice(self.customers) if life.tale.referred and self.customers else None

    def who(self, first: str) -> Any:
        return self.world.people[first] if first else None

    def brings(self, step: Step, at: datetime) -> dict[str, Any]:
        brings = dict(step.brings)
        day = timezone.localdate(at)
        for name, value in brings.items():
            if name == "reason":
                brings[name] = self.reasons[step.verb, value]
            elif name == "assignee":
                brings[name] = self.world.people[value]
            elif name == "team":
                brings[name] = self.world.teams[value]
            elif name == "amount":
                brings[name] = Decimal(value)
            elif callable(value):
                brings[name] = value(day)
        return brings

    def _find(self, lead: Lead, event: Found, at: datetime) -> None:
        Finding.objects.create(
            lead=lead, dimension=event.topic, status=event.status, evidence=event.evidence,
            dated_on=timezone.localdate(at), author=self.world.people[event.by],
        )  # fmt: skip

    def plan(self, life: Life, lead: Lead) -> dict[str, Any]:
        """Return what sales plans with the lead: the next step, the amount at stake."""
        dice = self.world.chance("plan", life.number)
        planned: dict[str, Any] = {}
        if lead.is_sales_owned and life.tale.next_step:
            planned["next_step"] = life.tale.next_step
            planned["next_step_on"] = timezone.localdate(self.world.now) + timedelta(days=dice.randint(-4, 12))
        if lead.amount is None and (lead.stage == "sql" or (lead.stage == "sal" and dice.random() < 0.4)):
            planned["amount"] = Decimal(int(dice.lognormvariate(10.2, 0.6) / 500) * 500)
        return planned


def _said(
    contact: Contact, kind: str, purpose: str, channel: str, at: datetime, evidence: dict[str, Any]
) -> ConsentEvent:
    return ConsentEvent(
        contact=contact, kind=kind, purpose=purpose, channel=channel, at=at, source=FEED, evidence=evidence
    )
