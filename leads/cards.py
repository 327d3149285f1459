"""What a card says. Everything a template shows stands here ready, read for all cards of a page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote_plus

from django.db.models import Case, Model, OuterRef, QuerySet, Subquery, When
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import Activity, Company, Contact, Team, User
from crm.templatetags.formats import relative_day
from crm.workdays import local_date
from leads import clock, guards
from leads.board_filters import SILENCE, TOUCHES, Filters
from leads.explanations import Explanation, Hint, Reason, explain
from leads.models import Checklist, Finding, Handoff, Lead, Source, StageChange, Standing
from leads.qualification import Dimension, checklist, summarise
from leads.stages import SALES_OWNED, Lane, Verb

SOON = timedelta(days=3)
# What a card tells of those beside its lead. Their rows are long, and a board would read hundreds of them whole.
OF_PEOPLE = ("name", "email")
OF_CONTACTS = ("first_name", "last_name", "email", "phone", "job_title", "company", "custom")
OF_SOURCES = ("key", "label", "shipped")


@lru_cache(maxsize=32)
def _pattern(name: str, *rest: str) -> str:
    return reverse(name, args=[0, *rest])


def address(name: str, lead_id: int, *rest: str) -> str:
    """Return the address of a lead's page; resolved once, because a board writes hundreds of them."""
    return _pattern(name, *rest).replace("/0/", f"/{lead_id}/", 1)


@dataclass(frozen=True)
class Due:
    """What is due, at the foot of a card; `tone` is "", soon or late."""

    words: str
    tone: str = ""
    icon: str = ""
    title: str = ""


@dataclass
class Card:
    """One lead on a board."""

    lead: Lead
    lane: Lane
    since: datetime
    score: int | None
    grade: str
    rank: int
    board: str
    origin: str = ""
    explanation: Explanation | None = None
    handoff: Handoff | None = None
    sent_back: StageChange | None = None
    bant: list[Dimension] = field(default_factory=list)
    silent: int = 0
    silence_limit: int = 0
    may_answer: bool = False
    now: datetime = field(default_factory=timezone.now)
    note: str = ""
    note_tone: str = ""
    moved: str = ""

    @property
    def attributes(self) -> SafeString:
        """What the page's own script reads: numbers as they are, not as people write them."""
        return format_html(
            'id="card-{}" data-lead="{}" data-version="{}" data-lane="{}" data-rank="{}" data-since="{}"'
            ' data-scored="{}"',
            self.lead.pk, self.lead.pk, self.lead.version, str(self.lane), self.rank, int(self.since.timestamp()),
            self.scored,
        )  # fmt: skip

    @property
    def scored(self) -> str:
        """The score it shows, as `scored` writes it."""
        return _scored(self.score, self.grade)

    @property
    def version(self) -> str:
        return str(self.lead.version)

    @property
    def name(self) -> str:
        return self.lead.contact.name

    @property
    def job(self) -> str:
        return self.lead.contact.job_title

    @property
    def company(self) -> str:
        company = self.lead.contact.company
        return company.name if company else self.lead.contact.email

    @cached_property
    def url(self) -> str:
        """The lead's page, which knows the list one came from."""
        return f"{address('lead', self.lead.pk)}?from={self.origin}"

    @cached_property
    def score_url(self) -> str:
        return address("lead_score", self.lead.pk)

    @property
    def clock_url(self) -> str:
        return address("lead_clock", self.lead.pk)

    @cached_property
    def moves_url(self) -> str:
        return address("lead_moves", self.lead.pk)

    @property
    def accept_url(self) -> str:
        return address("lead_move", self.lead.pk, Verb.ACCEPT)

    @property
    def send_back_url(self) -> str:
        return address("lead_move", self.lead.pk, Verb.SEND_BACK)

    @property
    def hand_off_url(self) -> str:
        return address("lead_move", self.lead.pk, Verb.HAND_OFF)

    @property
    def reassign_url(self) -> str:
        return address("lead_move", self.lead.pk, Verb.REASSIGN)

    @cached_property
    def change(self) -> int | None:
        return self.explanation.change if self.explanation else None

    @cached_property
    def curve(self) -> list[int]:
        return [score for _day, score in self.explanation.curve] if self.explanation else []

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        return self.explanation.reasons[:2] if self.explanation else ()

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        """Sales signals of a lead that sales has accepted: for reading, nothing follows from them."""
        working = self.lane in {Lane.ACCEPTED, Lane.QUALIFIED}
        return self.explanation.hints if self.explanation and working else ()

    @property
    def is_deal(self) -> bool:
        """Whether the card shows amount, checklist and owner in the place of the reasons."""
        return self.board == "sales" and self.lane != Lane.OFFERED

    @cached_property
    def is_overdue(self) -> bool:
        return self.handoff is not None and self.handoff.due_at < self.now

    @cached_property
    def left(self) -> timedelta | None:
        """Working time until sales should have answered; negative once it is over."""
        return clock.left(self.handoff, self.now) if self.handoff else None

    @property
    def allowed(self) -> timedelta:
        return clock.allowed(self.handoff) if self.handoff else timedelta()

    @property
    def addressee(self) -> User | None:
        return self.handoff.assignee if self.handoff else None

    @cached_property
    def queue(self) -> str:
        """The team that holds what no person does."""
        team = (self.handoff.team if self.handoff else None) or self.lead.team
        return _("Team %(name)s") % {"name": team.name} if team else ""

    @property
    def offered_by(self) -> str:
        by = self.handoff.offered_by if self.handoff else None
        return by.name if by else "Baton"

    @property
    def amount(self) -> Decimal | None:
        return self.lead.amount

    @property
    def sender(self) -> str:
        return self.sent_back.by.name if self.sent_back and self.sent_back.by else ""

    @cached_property
    def due(self) -> Due | None:
        if self.lane in {Lane.NURTURE, Lane.BACK}:
            return _wakes(self.lead, self.now)
        if self.lane in {Lane.ACCEPTED, Lane.QUALIFIED}:
            return _next_step(self.lead, self.now)
        missing = self.explanation.missing if self.explanation else None
        if self.lane == Lane.NEW and missing:
            return Due(ngettext("Needs %(points)s more", "Needs %(points)s more", missing) % {"points": missing})
        if self.lane == Lane.MQL and self.lead.owner_id is None:
            return Due(_("No owner"), "soon", "user-round-x")
        return None

    @property
    def lacks_next_step(self) -> bool:
        return self.lane in {Lane.ACCEPTED, Lane.QUALIFIED} and not (self.lead.next_step or self.lead.next_step_on)

    @cached_property
    def silence(self) -> str:
        """How long nobody has touched the lead, once that is longer than its stage allows."""
        if self.silent <= self.silence_limit:
            return ""
        return _("%(days)s d silent, limit %(limit)s") % {"days": self.silent, "limit": self.silence_limit}


def _wakes(lead: Lead, now: datetime) -> Due | None:
    if lead.wake_on is None:
        return None
    left = lead.wake_on - local_date(now)
    words = _("Wakes %(day)s") % {"day": relative_day(lead.wake_on, local_date(now))}
    return Due(words, "soon", "clock") if left <= SOON else Due(words)


def _next_step(lead: Lead, now: datetime) -> Due | None:
    if not lead.next_step and lead.next_step_on is None:
        return None
    step = lead.next_step or _("Next step")
    if lead.next_step_on is None:
        return Due(_("%(step)s, no day yet") % {"step": step}, "soon", "calendar", step)
    away = (lead.next_step_on - local_date(now)).days
    if away < 0:
        late = ngettext("%(step)s, %(days)s d late", "%(step)s, %(days)s d late", -away)
        return Due(late % {"step": step, "days": -away}, "late", "triangle-alert", step)
    words = _("%(step)s, %(day)s") % {"step": step, "day": relative_day(lead.next_step_on, local_date(now))}
    return Due(words, "soon" if away == 0 else "", "calendar", step)


# --- Reading them -------------------------------------------------------------------------------


def leads_of(where: Iterable[QuerySet[Standing]]) -> QuerySet[Lead]:
    """Return the leads behind those Standings with everything a card needs of them, in one query."""
    touches = Activity.objects.filter(contact=OuterRef("contact"), kind_id__in=TOUCHES)
    found = (
        Lead.objects.filter(pk__among=[standings.values("pk") for standings in where])
        .order_by()
        .annotate(
            last_touch=Case(
                When(stage__in=SALES_OWNED, then=Subquery(touches.order_by("-occurred_at").values("occurred_at")[:1]))
            )
        )
    )
    return found.select_related("standing", "contact__company", "owner", "team", "source").defer(
        *beside(Contact, "contact", OF_CONTACTS), *beside(Company, "contact__company", ("name",)),
        *beside(User, "owner", OF_PEOPLE), *beside(Team, "team", ("name",)), *beside(Source, "source", OF_SOURCES),
    )  # fmt: skip


@cache
def beside(model: type[Model], path: str, kept: tuple[str, ...]) -> tuple[str, ...]:
    """Return what `defer` takes so that of `model`, related by `path`, only the fields `kept` are read."""
    left = {field.name for field in model._meta.concrete_fields if not field.primary_key}.difference(kept)
    return tuple(sorted(f"{path}__{name}" for name in left))


def build(leads: Iterable[Lead], board: str, filters: Filters, rules: Checklist | None = None) -> dict[int, Card]:
    """Return the cards of `leads` (from `leads_of`) by lead id, in a fixed number of queries.

    `rules` is the qualification checklist, where it has been read before.
    """
    found = list(leads)
    explanations = explain([lead.pk for lead in found])
    origins = {lane: _origin(board, lane, filters) for lane in {lead.standing.lane for lead in found}}
    cards = {
        lead.pk: Card(
            lead=lead, lane=Lane(lead.standing.lane), since=lead.standing.lane_since, score=lead.standing.score,
            grade=lead.standing.grade, rank=lead.standing.rank, board=board, explanation=explanations.get(lead.pk),
            origin=origins[lead.standing.lane], now=filters.now,
        )
        for lead in found
    }  # fmt: skip
    _add_handoffs(_of(cards, Lane.OFFERED), filters.user)
    _add_returns(_of(cards, Lane.BACK, Lane.LOST))
    if board == "sales":
        working = _of(cards, Lane.ACCEPTED, Lane.QUALIFIED)
        _add_bant(working, rules)
        _add_silence(working)
    return cards


def _origin(board: str, lane: str, filters: Filters) -> str:
    """Return lane and filters as the address of a card carries them: the lead's page then knows its neighbours."""
    return quote_plus(f"{board}:{lane}{filters.query()}")


def _of(cards: dict[int, Card], *lanes: Lane) -> dict[int, Card]:
    return {pk: card for pk, card in cards.items() if card.lane in lanes}


def _add_handoffs(cards: dict[int, Card], user: User) -> None:
    if not cards:
        return
    opened = Handoff.objects.open().filter(lead__in=list(cards))
    unread = ["packet", *beside(User, "assignee", OF_PEOPLE), *beside(User, "offered_by", OF_PEOPLE)]
    for handoff in opened.select_related("assignee", "team", "offered_by").defer(*unread):
        card = cards[handoff.lead_id]
        card.handoff = card.lead.last_handoff = card.lead.open_handoff = handoff
        card.may_answer = guards.by_who_was_offered(card.lead, user)


def _add_returns(cards: dict[int, Card]) -> None:
    """Add who sent a lead back or lost it, and why: the newest such move."""
    if not cards:
        return
    moves = StageChange.objects.filter(lead__in=list(cards), verb__in=[Verb.SEND_BACK, Verb.LOSE])
    for change in moves.select_related("reason", "by").defer(*beside(User, "by", OF_PEOPLE)).order_by("seq"):
        cards[change.lead_id].sent_back = change


def _add_bant(cards: dict[int, Card], rules: Checklist | None) -> None:
    if not cards:
        return
    rules, found = rules or checklist(), Finding.objects.filter(lead__in=list(cards)).select_related("author")
    found = found.defer(*beside(User, "author", OF_PEOPLE))
    by_lead: dict[int, list[Finding]] = {pk: [] for pk in cards}
    for finding in found:
        by_lead[finding.lead_id].append(finding)
    for pk, card in cards.items():
        card.bant = summarise(by_lead[pk], rules)


def _add_silence(cards: dict[int, Card]) -> None:
    for card in cards.values():
        since = max(card.since, getattr(card.lead, "last_touch", None) or card.since)
        card.silent, card.silence_limit = (card.now - since).days, SILENCE[card.lane]


def _scored(score: int | None, grade: str) -> str:
    return f"{'' if score is None else score}_{grade}"


def scored(standing: Standing) -> str:
    """Return score and grade in a form that can be compared: "84_B2", "_" for neither."""
    return _scored(standing.score, standing.grade)


def rescored(standings: Iterable[Standing], board: str, filters: Filters) -> list[Card]:
    """Return cards that can tell score and reasons, and nothing else, of standings read with their lead."""
    found = list(standings)
    explanations = explain([standing.pk for standing in found])
    return [
        Card(
            lead=standing.lead, lane=Lane(standing.lane), since=standing.lane_since, score=standing.score,
            grade=standing.grade, rank=standing.rank, board=board, explanation=explanations.get(standing.pk),
            now=filters.now,
        )
        for standing in found
    ]  # fmt: skip


def one(lead: Lead, board: str, filters: Filters, **words: Any) -> Card:
    """Return the card of one lead, with what just happened to it (`note`, `note_tone`, `moved`)."""
    card = build(leads_of([Standing.objects.filter(pk=lead.pk)]), board, filters)[lead.pk]
    for name, value in words.items():
        setattr(card, name, value)
    return card
