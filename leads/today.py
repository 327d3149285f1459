"""Today: what waits for this person, each number with the list behind it, and why the next lead is the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Sum
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import backlog
from crm.models import OutboxMessage, Role, User, Workspace
from crm.templatetags.formats import count, money, points, relative_day, span
from crm.workdays import local_date
from leads import boards, steps, work_next
from leads.board_filters import Filters
from leads.boards import MARKETING, SALES, Board
from leads.cards import Card, build, leads_of
from leads.models import Handoff, Lead, StageChange, Standing, Step
from leads.stages import Lane, Verb

SHOWN = 8
LISTED = 50
#: So many leads are weighed against each other; a rep has fewer.
COMPARED = 200


@dataclass(frozen=True)
class Tile:
    """A number that opens the list it counts. `number` is the length of that list (to 10,000)."""

    label: str
    number: int
    url: str
    tone: str = ""
    icon: str = ""

    @property
    def count(self) -> str:
        return boards.count_text(self.number)


@dataclass(frozen=True)
class Row:
    """One lead to do something about: why, in words, and by which verbs."""

    card: Card
    because: str
    more: str = ""
    tone: str = ""
    icon: str = ""
    does: str = ""
    step: Step | None = None


@dataclass(frozen=True)
class Part:
    """A section of the page: its rows, what orders them, and where the rest is."""

    title: str
    hint: str
    rows: Sequence[Row]
    number: int
    url: str
    ranked: bool = False
    empty: str = ""
    whole: str = ""
    whole_words: str = ""

    @property
    def left(self) -> int:
        return self.number - len(self.rows)


@dataclass(frozen=True)
class Today:
    """The page of one person."""

    tiles: list[Tile] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    month: list[tuple[str, str]] = field(default_factory=list)
    health: list[tuple[str, str, bool]] = field(default_factory=list)
    explains_order: bool = False


@dataclass(frozen=True)
class Question:
    """A filtered board, as a tile asks it."""

    board: Board
    user: User
    address: str

    @property
    def filters(self) -> Filters:
        return self.board.filters(QueryDict(self.address), self.user)

    @property
    def url(self) -> str:
        return f"{self.board.url}?{self.address}"

    def standings(self) -> Any:
        lanes = [lane for lane in self.board.lanes if lane not in boards.CLOSED_LANES]
        return self.filters.narrow(Standing.objects.filter(lane__in=lanes))

    def number(self) -> int:
        return self.standings()[: boards.COUNTED + 1].count()

    def cards(self, *order: Any, limit: int = SHOWN) -> list[Card]:
        """Return the first cards in that order."""
        first = list(self.standings().order_by(*order).values_list("pk", flat=True)[:limit])
        return self.built(first)

    def built(self, lead_ids: list[int]) -> list[Card]:
        cards = build(leads_of([Standing.objects.filter(pk__in=lead_ids)]), self.board.name, self.filters)
        return [cards[pk] for pk in lead_ids if pk in cards]


def today(user: User) -> Today:
    """Return what this person's role has to do today."""
    pages: dict[str, Callable[[User], Today]] = {
        Role.MARKETER: _for_marketer, Role.SALES_REP: _for_rep, Role.SALES_LEAD: _for_lead, Role.ADMIN: _for_admin,
    }  # fmt: skip
    return pages[user.role](user)


def _tile(question: Question, label: Callable[[int], str], tone: str = "", icon: str = "") -> Tile:
    number = question.number()
    return Tile(label(number), number, question.url, tone if number else "", icon if number else "")


# --- Tiles ----------------------------------------------------------------------------------------

OVERDUE: Callable[[int], str] = lambda n: ngettext("overdue handoff", "overdue handoffs", n)  # noqa: E731
NEW: Callable[[int], str] = lambda n: ngettext("new handoff", "new handoffs", n)  # noqa: E731
DUE: Callable[[int], str] = lambda n: ngettext("next step due", "next steps due", n)  # noqa: E731
NO_STEP: Callable[[int], str] = lambda n: _("without next step")  # noqa: E731
SILENT: Callable[[int], str] = lambda n: _("silent too long")  # noqa: E731
UNASSIGNED: Callable[[int], str] = lambda n: _("without an owner")  # noqa: E731
TO_HAND_OVER: Callable[[int], str] = lambda n: ngettext("MQL to hand over", "MQLs to hand over", n)  # noqa: E731
BACK: Callable[[int], str] = lambda n: _("back from sales")  # noqa: E731
WAKES: Callable[[int], str] = lambda n: ngettext("wakes within 7 days", "wake within 7 days", n)  # noqa: E731


def _sales(user: User, scope: str, only: str) -> Question:
    return Question(SALES, user, f"scope={scope}&only={only}")


def _marketing(user: User, only: str) -> Question:
    return Question(MARKETING, user, f"only={only}")


# --- Sales rep ------------------------------------------------------------------------------------


def _for_rep(user: User) -> Today:
    return Today(
        tiles=[
            _tile(_sales(user, "mine", "overdue"), OVERDUE, "late", "triangle-alert"),
            _tile(_sales(user, "mine", "in-time"), NEW),
            _tile(_sales(user, "mine", "due"), DUE),
            _tile(_sales(user, "mine", "no-next-step"), NO_STEP),
            _tile(_sales(user, "mine", "silent"), SILENT, "", "hourglass"),
        ],
        parts=[_handoffs(user, "mine"), _steps_due(user, SALES), _work_next(user), _no_next_step(user, "mine")],
        month=_month(user),
        explains_order=True,
    )


def _handoffs(user: User, scope: str) -> Part:
    question = _sales(user, scope, "offered")
    return Part(
        _("New handoffs"), _("by time left"), [_handoff_row(card) for card in _by_due(question)],
        question.number(), question.url,
        empty=_("Nothing is waiting for your answer."),
    )  # fmt: skip


def _by_due(question: Question, limit: int = SHOWN) -> list[Card]:
    """Return the offered cards, the most urgent first."""
    due = Handoff.objects.open().filter(lead__in=question.standings().values("pk")).order_by("due_at")
    return question.built(list(due.values_list("lead", flat=True)[:limit]))


def _handoff_row(card: Card) -> Row:
    reasons = ", ".join(reason.label for reason in card.reasons)
    return Row(card, "", more=reasons, tone="late" if card.is_overdue else "", does="answer")


def _work_next(user: User) -> Part:
    question = _sales(user, "mine", "working")
    pairs = work_next.ranked(_candidates(question))
    return Part(
        _("Work next"), _("by what is due, then by amount and score"), _work_rows(pairs[:SHOWN]), question.number(),
        question.url, ranked=True, empty=_("No accepted lead is yours yet."), whole=reverse("work_next"),
        whole_words=_("The whole list, with the handoffs that wait"),
    )  # fmt: skip


def work_list(user: User, scope: str) -> Part:
    """Return what to work on next with the handoffs that wait, in one order: the first `LISTED`."""
    offered, working = _sales(user, scope, "offered"), _sales(user, scope, "working")
    pairs = work_next.ranked([*_by_due(offered, LISTED), *_candidates(working)])
    return Part(
        _("All that waits"), _("by what is due, then by amount and score"), _work_rows(pairs[:LISTED]),
        offered.number() + working.number(), SALES.url, ranked=True, empty=_("No accepted lead is yours yet."),
    )  # fmt: skip


def _candidates(question: Question) -> list[Card]:
    """Return the leads to compare: those whose step is longest due, and the first by priority. Bounded."""
    due = question.standings().filter(lead__next_step_on__lte=local_date())
    first = list(due.order_by("lead__next_step_on", "pk").values_list("pk", flat=True)[:COMPARED])
    best = list(question.standings().order_by("-rank", "-pk").values_list("pk", flat=True)[:COMPARED])
    return question.built(list(dict.fromkeys([*first, *best])))


def _work_rows(pairs: Sequence[tuple[work_next.Urgency, Card]]) -> list[Row]:
    return [
        Row(
            card, urgency.because, more=_more(card), tone="late" if card.is_overdue else "",
            does="answer" if card.may_answer else "open",
        )
        for urgency, card in pairs
    ]  # fmt: skip


def _more(card: Card) -> str:
    """Say what else speaks for the lead: the next step, the checklist, the strongest reason."""
    told = [card.due.words] if card.due and not card.due.tone else []
    confirmed = [dimension.label for dimension in card.bant if dimension.counts]
    if confirmed:
        told.append(_("Confirmed: %(topics)s") % {"topics": ", ".join(confirmed)})
    told += [reason.label for reason in card.reasons[:1]]
    return " · ".join(told)


def _steps_due(user: User, board: Board) -> Part:
    """Return what this person has to do by today, on whosoever's lead."""
    due = steps.due(user)
    found = list(due[:SHOWN])
    question = _sales(user, "mine", "due") if board is SALES else Question(MARKETING, user, "")
    cards = {card.lead.pk: card for card in question.built([step.lead_id for step in found])}
    rows = [_step_row(cards[step.lead_id], step) for step in found if step.lead_id in cards]
    return Part(
        _("Next steps due"), _("the longest overdue first"), rows, due.count(), question.url,
        empty=_("No step is due today."),
    )  # fmt: skip


def _step_row(card: Card, step: Step) -> Row:
    assert step.due_on is not None
    away = (step.due_on - local_date(card.now)).days
    day = relative_day(step.due_on, local_date(card.now))
    at = time_format(step.at_time) if step.at_time else ""
    return Row(
        card, step.what or _("Next step"), more=", ".join(part for part in (day, at) if part),
        tone="late" if away < 0 else "", icon="calendar", does="step", step=step,
    )  # fmt: skip


def _no_next_step(user: User, scope: str) -> Part:
    question = _sales(user, scope, "no-next-step")
    rows = [
        Row(card, _in_stage(card), more=card.silence, icon="arrow-right", does="next-step")
        for card in question.cards("lane_since", "pk")
    ]
    return Part(
        _("No next step"), _("oldest first"), rows, question.number(), question.url,
        empty=_("Every lead has a next step."),
    )  # fmt: skip


def _in_stage(card: Card) -> str:
    days = (card.now - card.since).days
    lane = Lane(card.lane).label
    if not days:
        return _("In %(lane)s since today") % {"lane": lane}
    return ngettext("%(days)s day in %(lane)s", "%(days)s days in %(lane)s", days) % {"days": days, "lane": lane}


def _since_the_first() -> datetime:
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _month(user: User) -> list[tuple[str, str]]:
    """Return what this person did in sales since the first of the month, from the log."""
    since = _since_the_first()
    answered = Handoff.objects.filter(closed_by=user, closed_at__gte=since, outcome=Handoff.Outcome.ACCEPTED)
    moves = StageChange.objects.filter(by=user, at__gte=since, reversed_by=None)
    won = moves.filter(verb=Verb.WIN).aggregate(sum=Sum("lead__amount"))["sum"]
    return [
        (_("Accepted in time"), _of(answered.filter(closed_at__lte=F("due_at")).count(), answered.count())),
        (_("Sent back"), count(moves.filter(verb=Verb.SEND_BACK).count())),
        (_("Became SQL"), count(moves.filter(verb=Verb.QUALIFY_FOR_SALES).count())),
        (_("Won"), money(won, Workspace.objects.values_list("currency", flat=True)[0]) if won else "0"),
    ]


def _of(part: int, whole: int) -> str:
    return _("%(part)s of %(whole)s") % {"part": count(part), "whole": count(whole)}


# --- Marketer -------------------------------------------------------------------------------------


def _for_marketer(user: User) -> Today:
    return Today(
        tiles=[
            _tile(_marketing(user, "to-hand-over"), TO_HAND_OVER),
            _tile(_marketing(user, "back"), BACK),
            _tile(_marketing(user, "wakes"), WAKES, "", "sun"),
            _tile(_marketing(user, "overdue"), OVERDUE, "late", "triangle-alert"),
        ],
        parts=[
            _to_hand_over(user),
            _steps_due(user, MARKETING),
            _came_back(user),
            _wakes(user),
            _overdue(_marketing(user, "overdue")),
        ],
        month=_month_of_handoffs(user),
    )


def _month_of_handoffs(user: User) -> list[tuple[str, str]]:
    """Return what became of this person's handoffs since the first of the month."""
    offered = Handoff.objects.filter(offered_by=user, offered_at__gte=_since_the_first())
    offered = offered.exclude(outcome=Handoff.Outcome.UNDONE)
    number = offered.count()
    return [
        (_("Handed over"), count(number)),
        (_("Accepted"), _of(offered.filter(outcome=Handoff.Outcome.ACCEPTED).count(), number)),
        (_("Came back"), _of(offered.filter(outcome=Handoff.Outcome.SENT_BACK).count(), number)),
        (_("Waiting"), count(offered.open().count())),
    ]


def _to_hand_over(user: User) -> Part:
    question = _marketing(user, "to-hand-over")
    rows = [Row(card, _why(card), more=_waits(card), does="hand-over") for card in question.cards("-rank", "-pk")]
    return Part(
        _("To hand over"), _("by priority"), rows, question.number(), question.url, ranked=True,
        empty=_("No MQL is waiting. Whoever reaches the bar of the scorecard appears here."),
    )  # fmt: skip


def _why(card: Card) -> str:
    return ", ".join(f"{reason.label} {points(reason.points)}" for reason in card.reasons) or _("Made an MQL by hand")


def _waits(card: Card) -> str:
    days = (card.now - card.since).days
    return (
        ngettext("MQL for %(days)s day", "MQL for %(days)s days", days) % {"days": days}
        if days
        else _("MQL since today")
    )


def _came_back(user: User) -> Part:
    question = _marketing(user, "back")
    rows = [
        Row(
            card, str(card.sent_back.reason or "") if card.sent_back else "",
            more=card.sender, icon="corner-up-left", does="move",
        )
        for card in question.cards("-lane_since", "-pk")
    ]  # fmt: skip
    return Part(
        _("Came back from sales"), _("newest first"), rows, question.number(), question.url,
        empty=_("Sales has sent nothing back."),
    )  # fmt: skip


def _wakes(user: User) -> Part:
    question = _marketing(user, "wakes")
    rows = [
        Row(card, card.due.words if card.due else "", icon="sun", does="move")
        for card in question.cards("lead__wake_on", "pk")
    ]
    return Part(
        _("Waking soon"), _("by wake-up date"), rows, question.number(), question.url,
        empty=_("Nobody wakes within 7 days."), whole=reverse("nurture"),
        whole_words=_("All who rest, by topic and buying phase"),
    )  # fmt: skip


def _overdue(question: Question) -> Part:
    rows = [
        Row(card, "", more=card.addressee.name if card.addressee else card.queue, tone="late", does="open")
        for card in _by_due(question)
    ]
    return Part(
        _("Overdue at sales"), _("by time left"), rows, question.number(), question.url,
        empty=_("No handoff is overdue."),
    )  # fmt: skip


# --- Sales lead, admin ----------------------------------------------------------------------------


def _lead_tiles(user: User) -> list[Tile]:
    return [
        _tile(_sales(user, "all", "overdue"), OVERDUE, "late", "triangle-alert"),
        _tile(_sales(user, "all", "in-time"), NEW),
        _tile(_sales(user, "all", "unassigned"), UNASSIGNED),
        _tile(_sales(user, "all", "no-next-step"), NO_STEP),
        _tile(_sales(user, "all", "silent"), SILENT, "", "hourglass"),
    ]


def _for_lead(user: User) -> Today:
    return Today(
        tiles=_lead_tiles(user),
        parts=[
            _overdue_at_sales(user),
            _steps_due(user, SALES),
            _unassigned(user),
            _silent(user),
            _no_next_step(user, "all"),
        ],
        month=_month(user),
    )


def _overdue_at_sales(user: User) -> Part:
    question = _sales(user, "all", "overdue")
    rows = [
        Row(card, "", more=card.addressee.name if card.addressee else card.queue, tone="late", does="re-assign")
        for card in _by_due(question)
    ]
    return Part(
        _("Overdue handoffs"), _("by time left"), rows, question.number(), question.url,
        empty=_("No handoff is overdue."),
    )  # fmt: skip


def _unassigned(user: User) -> Part:
    question = _sales(user, "all", "unassigned")
    rows = [
        Row(card, card.queue or _("In no queue"), more=_in_stage(card), icon="user-round-x", does="re-assign")
        for card in question.cards("-rank", "-pk")
    ]
    return Part(
        _("Without an owner"), _("by priority"), rows, question.number(), question.url,
        empty=_("Every lead in sales has an owner."),
    )  # fmt: skip


def _silent(user: User) -> Part:
    question = _sales(user, "all", "silent")
    rows = [
        Row(card, card.silence, more=str(card.lead.owner or card.queue), icon="hourglass", does="open")
        for card in question.cards("lane_since", "pk")
    ]  # fmt: skip
    return Part(
        _("Silent too long"), _("longest in stage first"), rows, question.number(), question.url,
        empty=_("Somebody is in touch with every lead."),
    )  # fmt: skip


def _for_admin(user: User) -> Today:
    return Today(
        tiles=[_tile(_marketing(user, "to-hand-over"), TO_HAND_OVER), *_lead_tiles(user)],
        parts=[_overdue_at_sales(user), _unassigned(user), _to_hand_over(user)],
        health=_health(),
    )


def _health() -> list[tuple[str, str, bool]]:
    """Return (what, how it is in words, whether that is well) for what runs in the background."""
    age = backlog.heartbeat_age()
    alive = age is not None and age < backlog.LATE
    worker = _("running") if alive else _("silent for %(time)s") % {"time": span(age)} if age else _("never seen")
    found = [(_("Background worker"), worker, alive)]
    for queue, waited in backlog.waits():
        behind = waited > backlog.LATE
        words = _("%(time)s behind") % {"time": span(waited)} if behind else _("up to date")
        found.append((str(queue.label), words, not behind))
    failed = OutboxMessage.objects.filter(state=OutboxMessage.State.FAILED).count()
    found.append((_("Mail and webhooks given up"), count(failed), not failed))
    return found


def is_empty() -> bool:
    """Whether nobody has entered a lead yet."""
    return not Lead.objects.exists()
