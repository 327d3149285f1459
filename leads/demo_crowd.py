"""Many demo lives at once: the same moves as through the door, in waves, under the same triggers.

For worlds that are made to be measured. Nobody asks the guards here; the stories keep them, and a test compares
what comes out with the lives that went through the door one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone

from crm import bulk
from crm.models import Contact
from crm.workdays import local_day, workspace_zone
from leads import capture, clock, lifecycle, milestones, steps
from leads import handoff as handoffs
from leads.demo_stories import Found, Opened, Step
from leads.models import Finding, Handoff, Lead, Move, StageChange, Standing
from leads.stages import PAIRS, Stage, Verb, lane_of

if TYPE_CHECKING:
    from leads.demo import Book, Life

LOG = (
    "lead_id", "seq", "verb", "from_stage", "to_stage", "at", "logged_at", "actor", "by_id", "reason_id", "handoff_id",
    "round", "grade", "details", "before",
)  # fmt: skip
CHANGED = ("stage", *lifecycle.PROJECTED)
EMPTY_PACKET: dict[str, Any] = {"score": None, "grade": "", "reasons": [], "touches": [], "questions": []}


@dataclass(slots=True)
class Course:
    """How far one life has come while it is walked."""

    life: Life
    contact: Contact
    events: list[tuple[datetime, Any]]
    lead: Lead | None = None
    handoff: Handoff | None = None
    returned: bool = False
    lane: str = ""
    lane_since: datetime | None = None
    leads: list[tuple[Lead, str, datetime]] = field(default_factory=list)

    def settle(self, at: datetime) -> None:
        """Note the lane the lead is in now."""
        assert self.lead is not None
        offered = self.handoff is not None and self.handoff.closed_at is None
        lane = lane_of(self.lead.stage, offered=offered, returned=self.returned)
        if lane != self.lane:
            self.lane, self.lane_since = lane, at


@dataclass(slots=True)
class Made:
    """One move as it was made in memory: what it was before, which handoff it opened, closed or concerned."""

    lead: Lead
    move: Move
    came_from: str
    before: dict[str, Any]
    handoff: Handoff | None = None
    offered: Handoff | None = None
    closed: Handoff | None = None


class Crowd:
    """Walks a slice of lives in waves: first everybody's first event, then everybody's second, …"""

    def __init__(self, book: Book) -> None:
        self.book, self.queue, self.zone = book, capture.marketing_queue(), workspace_zone()
        self.now = timezone.now()

    def walk(self, lives: Sequence[Life], contacts: Sequence[Contact]) -> None:
        """Open the leads, make their moves and leave their standings right, in the caller's transaction."""
        courses = [
            Course(
                life, contact, [(at, event) for at, event in life.events if isinstance(event, Opened | Step | Found)]
            )
            for life, contact in zip(lives, contacts, strict=True)
        ]
        for wave in count():
            now = [(course, *course.events[wave]) for course in courses if wave < len(course.events)]
            if not now:
                break
            self._open([one for one in now if isinstance(one[2], Opened)])
            self._find([one for one in now if isinstance(one[2], Found)])
            self._move([one for one in now if isinstance(one[2], Step)])
        self._stand(courses)

    def _open(self, opened: Sequence[tuple[Course, datetime, Any]]) -> None:
        for course, at, event in opened:
            self._leave(course)
            owner = self.book.who(event.owner)
            episode = len(course.leads) + 1
            course.lead = Lead(
                contact=course.contact, episode=episode, source=self.book.sources[event.source], owner=owner,
                team=owner.team if owner else self.queue, entered_at=at, stage_since=at, is_demo=True,
                counts_from=local_day(at, self.zone) if episode > 1 else 0, referrer=self.book.referrer(course.life),
                source_detail=event.detail,
            )  # fmt: skip
            course.handoff, course.returned, course.lane = None, False, ""
            course.settle(at)
        capture.open_many([course.lead for course, _at, _event in opened if course.lead])

    def _leave(self, course: Course) -> None:
        if course.lead is not None and course.lane_since is not None:
            course.leads.append((course.lead, course.lane, course.lane_since))

    def _find(self, found: Sequence[tuple[Course, datetime, Any]]) -> None:
        names = ("lead_id", "dimension", "status", "evidence", "dated_on", "author_id", "at")
        rows = [
            (course.lead.pk, event.topic, event.status, event.evidence, timezone.localdate(at), who.pk, self.now)
            for course, at, event in found
            if course.lead is not None and (who := self.book.who(event.by))
        ]
        bulk.insert_values(Finding, names, rows)

    def _move(self, moves: Sequence[tuple[Course, datetime, Any]]) -> None:
        ids = [course.lead.pk for course, _at, _step in moves if course.lead]
        Lead.objects.filter(pk__in=ids).update(version=F("version") + 1)
        made = [self._made(course, at, step) for course, at, step in moves]
        bulk.insert([one.offered for one in made if one.offered])
        closed = [one.closed for one in made if one.closed]
        bulk.update_values(
            Handoff,
            ("closed_at", "outcome", "closed_by_id", "took"),
            [(one.closed_at, str(one.outcome), one.closed_by_id, one.took, one.pk) for one in closed],
        )
        bulk.insert_values(StageChange, LOG, (self._logged(one) for one in made))
        leads = [one.lead for one in made]
        values = ([_plain(getattr(lead, name)) for name in CHANGED] + [lead.pk] for lead in leads)
        bulk.update_values(Lead, CHANGED, list(values))

    def _made(self, course: Course, at: datetime, step: Step) -> Made:
        """Make one move in memory, by the lead's own transition."""
        lead = course.lead
        assert lead is not None
        move = Move(step.verb, by=self.book.who(step.by), at=at, **self.book.brings(step, at))
        one = Made(lead, move, str(lead.stage), {"lead": lifecycle.snapshot(lead)})
        lead.__dict__["last_handoff"] = course.handoff
        lead.version += 1
        lead.move = move
        answer = getattr(Lead, step.verb).__wrapped__(lead)
        lead.__dict__["stage"] = answer or dict(PAIRS[step.verb])[one.came_from]
        if lead.stage != one.came_from:
            lead.stage_since = at
        self._hand_over(course, one)
        if lead.stage == Stage.NURTURE and one.came_from != Stage.NURTURE:
            course.returned = step.verb == Verb.SEND_BACK
        if step.verb == Verb.WIN:
            self.book.customers.append(course.contact)
        course.settle(at)
        return one

    def _hand_over(self, course: Course, one: Made) -> None:
        lead, move = one.lead, one.move
        if move.verb == Verb.HAND_OFF:
            belonged = one.before["lead"]
            course.handoff = one.offered = one.handoff = Handoff(
                lead=lead, round=lead.round, offered_at=move.at, offered_by=move.by, from_owner_id=belonged["owner_id"],
                from_team_id=belonged["team_id"], assignee=move.assignee, team=lead.team,
                told_at=move.at, packet=EMPTY_PACKET | {"note": move.note},
                **clock.started(lead.team, None, "", move.at) | {"way": []},
            )  # fmt: skip
        elif course.handoff is not None and course.handoff.closed_at is None:
            one.handoff = course.handoff
            one.before["handoff"] = handoffs._state(course.handoff)
            if move.verb in handoffs.CLOSES:
                one.closed = course.handoff
                course.handoff.closed_at, course.handoff.closed_by = move.at, move.by
                course.handoff.took = clock.took(course.handoff, move.at)
                course.handoff.outcome = handoffs.CLOSES[move.verb]

    def _logged(self, one: Made) -> tuple[Any, ...]:
        lead, move = one.lead, one.move
        actor = StageChange.Actor.PERSON if move.by else StageChange.Actor.SYSTEM
        return (
            lead.pk, lead.version, str(move.verb), one.came_from, str(lead.stage), move.at, self.now, actor.value,
            move.by.pk if move.by else None, move.reason.pk if move.reason else None,
            one.handoff.pk if one.handoff else None, lead.round, "", lifecycle._details(move), one.before,
        )  # fmt: skip

    def _stand(self, courses: Sequence[Course]) -> None:
        """Bring the standings in line, and write down what sales plans."""
        rows, to_do = [], []
        for course in courses:
            self._leave(course)
            rows += [(lane, since, lead.owner_id, lead.team_id, lead.pk) for lead, lane, since in course.leads]
            planned = self.book.plan(course.life, course.lead) if course.lead else {}
            if course.lead and planned:
                Lead.objects.filter(pk=course.lead.pk).update(**planned)
                to_do.append(course.lead.pk)
        bulk.update_values(Standing, ("lane", "lane_since", "owner_id", "team_id"), rows)
        steps.follow(to_do)
        milestones.keep([lead.pk for course in courses for lead, _lane, _since in course.leads])


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Stage) else value
