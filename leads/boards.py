"""The two boards: what stands in which lane, how much of it, and what the heads of the lanes say.

A page costs the same few queries for three leads and for a hundred thousand: one for all heads (counted to
10,000, then "10,000+"), one for the cards of all lanes by keyset, and the keyed reads of `leads.cards`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from crm.bounded import BoundedCount, bounded_count
from crm.models import Role, User, Workspace
from crm.templatetags.formats import count as figure
from leads.board_filters import FOLDING, ONLY, Filters, belongs_to, silent_in
from leads.cards import Card, build, leads_of
from leads.models import Checklist, Lead, StageChange, Standing
from leads.stages import MARKETING_LANES, SALES_LANES, Lane, Stage, Verb

COUNTED = 10_000
PAGE = 10
CLOSED_DAYS = 30
CLOSED_LANES = FOLDING
WORKED = {Lane.ACCEPTED: Stage.SALES_ACCEPTED, Lane.QUALIFIED: Stage.SALES_QUALIFIED}
CHECKLIST = ("dimensions", "must_confirm", "max_age_days")
CHANCE = {Lane.ACCEPTED: Decimal("0.3"), Lane.QUALIFIED: Decimal("0.6")}
HOLDERS = {
    Lane.NEW: "marketing", Lane.NURTURE: "resting", Lane.MQL: "marketing", Lane.OFFERED: "handing",
    Lane.BACK: "resting", Lane.ACCEPTED: "sales", Lane.QUALIFIED: "sales", Lane.WON: "sales", Lane.LOST: "nobody",
}  # fmt: skip
SHORT = {
    Lane.NEW: pgettext_lazy("short column name", "New"),
    Lane.NURTURE: pgettext_lazy("short column name", "Nurture"),
    Lane.MQL: pgettext_lazy("short column name", "MQL"),
    Lane.OFFERED: pgettext_lazy("short column name", "Offered"),
    Lane.BACK: pgettext_lazy("short column name", "Back"),
    Lane.ACCEPTED: pgettext_lazy("short column name", "Accepted"),
    Lane.QUALIFIED: pgettext_lazy("short column name", "Qualified"),
    Lane.WON: pgettext_lazy("short column name", "Won"),
    Lane.LOST: pgettext_lazy("short column name", "Lost"),
    Lane.GONE: pgettext_lazy("short column name", "Disqualified"),
}
EMPTY = {
    Lane.NEW: gettext_lazy("New leads arrive here by form, import or hand."),
    Lane.NURTURE: gettext_lazy("Who is not ready yet rests here until a wake-up date."),
    Lane.MQL: gettext_lazy("Whoever reaches the bar of the scorecard stands here, ready to hand over."),
    Lane.OFFERED: gettext_lazy("What marketing hands over stands here until sales accepts it."),
    Lane.BACK: gettext_lazy("What sales sends back stands here, with the reason."),
    Lane.ACCEPTED: gettext_lazy("What sales has accepted stands here."),
    Lane.QUALIFIED: gettext_lazy("Leads whose checklist is met stand here."),
}
# Into this lane a lead gets by this verb; where it comes from decides two of them.
ENTRY = {
    Lane.NEW: Verb.WAKE, Lane.NURTURE: Verb.NURTURE, Lane.MQL: Verb.QUALIFY_FOR_MARKETING, Lane.OFFERED: Verb.HAND_OFF,
    Lane.BACK: Verb.SEND_BACK, Lane.ACCEPTED: Verb.ACCEPT, Lane.QUALIFIED: Verb.QUALIFY_FOR_SALES, Lane.WON: Verb.WIN,
    Lane.LOST: Verb.LOSE,
}  # fmt: skip


@dataclass(frozen=True)
class Board:
    """One of the two boards. `scoped` has the switch mine, team, all."""

    name: str
    title: str | Promise
    lanes: tuple[Lane, ...]
    scoped: bool
    shown: Lane

    @property
    def url(self) -> str:
        return reverse(f"{self.name}_board")

    def filters(self, query: Any, user: User) -> Filters:
        return Filters.read(query, user, scoped=self.scoped)

    def admits(self, user: User) -> bool:
        """Marketing's board is not for reps; the sales board is for everybody."""
        return self.name == "sales" or user.role != Role.SALES_REP


MARKETING = Board("marketing", gettext_lazy("Marketing board"), MARKETING_LANES, False, Lane.MQL)
SALES = Board("sales", gettext_lazy("Sales board"), SALES_LANES, True, Lane.OFFERED)
BOARDS = {board.name: board for board in (MARKETING, SALES)}


def verb_into(lane: str, came_from: str) -> Verb:
    """Return the verb by which a lead in lane `came_from` gets into `lane`."""
    if lane == Lane.MQL and came_from == Lane.OFFERED:
        return Verb.WITHDRAW
    if lane == Lane.NEW and came_from == Lane.MQL:
        return Verb.DEMOTE
    return ENTRY[Lane(lane)]


# --- What stands in a lane ------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """How a lane is sorted: by `name`, then by lead, both falling or both rising."""

    name: str
    falling: bool
    label: str

    def sort(self, standings: QuerySet[Standing]) -> QuerySet[Standing]:
        sign = "-" if self.falling else ""
        return standings.order_by(f"{sign}{self.name}", f"{sign}pk")

    def after(self, standings: QuerySet[Standing], value: Any, lead_id: int) -> QuerySet[Standing]:
        """Keep what comes after (value, lead). The bound stands as a filter of its own, so that the index is used."""
        beyond, within = ("lt", "lte") if self.falling else ("gt", "gte")
        rest = Q(**{f"{self.name}__{beyond}": value}) | Q(**{f"pk__{beyond}": lead_id})
        return standings.filter(**{f"{self.name}__{within}": value}).filter(rest)

    def before(self, standings: QuerySet[Standing], value: Any, lead_id: int) -> QuerySet[Standing]:
        """Keep what comes before (value, lead)."""
        return Order(self.name, not self.falling, self.label).after(standings, value, lead_id)

    @property
    def key(self) -> str:
        """How the page finds the place of a card that comes in."""
        return f"{'rank' if self.name == 'rank' else 'since'}-{'falling' if self.falling else 'rising'}"

    def place(self, lead: Lead) -> tuple[Any, int]:
        return getattr(lead.standing, self.name), lead.pk

    def mark(self, lead: Lead) -> str:
        """Return the place of a card as it stands in an address."""
        value, pk = self.place(lead)
        return f"{value.isoformat() if isinstance(value, datetime) else value}~{pk}"

    def read(self, mark: str) -> tuple[Any, int] | None:
        """Return (value, lead id) of `mark`; None for one that makes no sense."""
        value, _sep, lead_id = mark.partition("~")
        try:
            return (int(value) if self.name == "rank" else datetime.fromisoformat(value).astimezone(UTC)), int(lead_id)
        except (ValueError, OverflowError):
            return None


def order_of(lane: str, filters: Filters) -> Order:
    if lane in CLOSED_LANES:
        return Order("lane_since", True, _("newest first"))
    if filters.sort == "age":
        return Order("lane_since", False, _("oldest first"))
    return Order("rank", True, _("by priority"))


def in_lane(lane: str, now: datetime) -> QuerySet[Standing]:
    """Return the Standings of a lane; of won and lost only the last 30 days."""
    standings = Standing.objects.filter(lane=lane)
    return standings.filter(lane_since__gte=now - timedelta(days=CLOSED_DAYS)) if lane in CLOSED_LANES else standings


def place(lead: Lead, filters: Filters) -> int:
    """Return the place of a lead in its lane, from 1; 0 when the filters leave it out."""
    mine = filters.narrow(in_lane(lead.standing.lane, filters.now), lead.standing.lane).filter(lead=lead)
    if not mine.exists():
        return 0
    order = order_of(lead.standing.lane, filters)
    everyone = filters.narrow(in_lane(lead.standing.lane, filters.now), lead.standing.lane)
    return order.before(everyone, *order.place(lead))[: COUNTED + 1].count() + 1


# --- All heads in one query -----------------------------------------------------------------------


class BoundedFigures(Subquery):
    """Figures over at most 10,001 rows that are read once, written with bars between them."""

    figures: tuple[str, ...] = ()
    template = "(SELECT %(figures)s FROM (%(subquery)s) bounded)"
    output_field = CharField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:  # type: ignore[override]
        return super().as_sql(compiler, connection, figures=" || '|' || ".join(self.figures), **extra)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Write instants as SQLite keeps them."""
        written = "to_char(MIN(bounded.lane_since) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        figures = (one.replace("MIN(bounded.lane_since)", written) for one in self.figures)
        return super().as_sql(compiler, connection, figures=" || '|' || ".join(figures))


class Standings(BoundedFigures):
    """How many stand in a lane, and since when the first of them."""

    figures = ("COUNT(*)", "COALESCE(MIN(bounded.lane_since), '')")


class Sums(BoundedFigures):
    """The sum of `money`, how many have one, and how many have a `fact`."""

    figures = ("COALESCE(SUM(bounded.money), 0)", "COUNT(bounded.money)", "COUNT(bounded.fact)")


class StandingsAndSums(BoundedFigures):
    """Both at once, for leads that have to be looked at anyway."""

    figures = Standings.figures + Sums.figures


def _oldest_first(standings: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Cut a lane so that the one who has stood there longest is among those that are read."""
    return standings.order_by("lane_since")[: COUNTED + 1]


def _with_sums(lane: Lane, standings: QuerySet[Standing], fact: Fact | None) -> StandingsAndSums:
    if lane in WORKED:
        standings = standings.filter(lead__stage=WORKED[lane])  # true of each of them; it names the index
    told = _told(standings, "lead__", fact.asks if fact else None)
    return StandingsAndSums(_oldest_first(told.values("lane_since", "money", "fact")))


def _whole_sums(lane: Lane, fact: Fact | None) -> Sums:
    """Return the sums of a lane nobody has narrowed: its leads are those of its stage, in an index of their own."""
    told = _told(Lead.objects.filter(stage=WORKED[lane]), "", fact.asks_lead if fact else None)
    return Sums(told.order_by().values("money", "fact")[: COUNTED + 1])


def _told(rows: QuerySet[Any], lead: str, asks: Q | None) -> QuerySet[Any]:
    """Give `rows` their `money` and `fact`; from one of them one comes to the lead by the path `lead`."""
    ours = When(**{f"{lead}currency__in": ["", OuterRef("currency")]}, then=F(f"{lead}amount"))
    concerned = Case(When(asks, then=Value(1))) if asks else Value(None, IntegerField())
    return rows.annotate(fact=concerned, money=Case(ours))


def bounded(standings: QuerySet[Standing]) -> BoundedCount:
    return bounded_count(standings, COUNTED)


def count_text(number: int) -> str:
    """Return 10,000+ for what was not counted to its end."""
    return f"{figure(COUNTED)}+" if number > COUNTED else figure(number)


@dataclass(frozen=True)
class Fact:
    """The one thing that matters about a lane: how many it concerns, said with a tone and an icon."""

    asks: Q
    words: Any
    tone: str = ""
    icon: str = ""
    asks_lead: Q | None = None  # the same asked of a Lead, where its own columns answer it


def _facts(now: datetime) -> dict[Lane, Fact]:
    return {
        Lane.NEW: Fact(
            Q(lane_since__gte=now - timedelta(days=7)),
            lambda n: ngettext("%(n)s this week", "%(n)s this week", n),
        ),
        Lane.NURTURE: Fact(ONLY["wakes"].asks(now), lambda n: ngettext("%(n)s wakes soon", "%(n)s wake soon", n)),
        Lane.OFFERED: Fact(
            ONLY["overdue"].asks(now), lambda n: ngettext("%(n)s late", "%(n)s late", n), "late", "triangle-alert"
        ),
        Lane.ACCEPTED: Fact(
            ONLY["no-next-step"].asks(now),
            lambda n: ngettext("%(n)s without next step", "%(n)s without next step", n),
            "soon",
            "plus",
            Q(next_step="", next_step_on=None),
        ),
        Lane.QUALIFIED: Fact(
            silent_in(Lane.QUALIFIED, now), lambda n: ngettext("%(n)s silent", "%(n)s silent", n), "soon", "hourglass"
        ),
    }


@dataclass
class Head:
    """What the head of a lane says."""

    lane: Lane
    label: str
    number: int = 0
    total: int = 0
    oldest: datetime | None = None
    limit: int | None = None
    fact: str = ""
    fact_tone: str = ""
    fact_icon: str = ""
    amount: Decimal | None = None
    filtered: bool = False
    folded: bool = False
    fold_url: str = ""

    @property
    def short(self) -> str:
        return str(SHORT[self.lane])

    @property
    def count(self) -> str:
        return count_text(self.number)

    @property
    def total_text(self) -> str:
        return count_text(self.total)

    @property
    def over(self) -> int:
        return max(0, self.total - self.limit) if self.limit else 0

    @property
    def holder(self) -> str:
        return HOLDERS[self.lane]

    @property
    def weighted(self) -> Decimal | None:
        chance = CHANCE.get(self.lane)
        return self.amount * chance if self.amount is not None and chance else None

    @property
    def chance(self) -> Decimal | None:
        return CHANCE.get(self.lane)

    @property
    def closed(self) -> bool:
        return self.lane in CLOSED_LANES


def lane_label(lane: str, board: Board) -> str:
    return _("New for us") if board is SALES and lane == Lane.OFFERED else str(Lane(lane).label)


@dataclass
class Heads:
    """The heads of all lanes, and what else the top of a board says."""

    by_lane: dict[Lane, Head]
    scopes: list[tuple[str, int]]
    currency: str
    since: str
    exists: bool
    names: dict[str, Any] = field(default_factory=dict)
    rules: Checklist | None = None

    @property
    def shown(self) -> int:
        return sum(head.number for head in self.by_lane.values() if not head.closed)

    @property
    def total(self) -> int:
        return sum(head.total for head in self.by_lane.values() if not head.closed)

    @property
    def amount(self) -> Decimal | None:
        known = [head.amount for head in self.by_lane.values() if head.amount is not None and not head.closed]
        return sum(known, Decimal(0)) if known else None

    @property
    def shown_words(self) -> str:
        return self._words(self.shown, [head.number for head in self.by_lane.values() if not head.closed])

    @property
    def total_words(self) -> str:
        return self._words(self.total, [head.total for head in self.by_lane.values() if not head.closed])

    @staticmethod
    def _words(total: int, parts: list[int]) -> str:
        """Return the sum, with a plus when a part of it was not counted to its end."""
        open_ended = sum(part > COUNTED for part in parts)
        return f"{figure(total - open_ended)}+" if open_ended else figure(total)


def heads(board: Board, filters: Filters, lanes: Iterable[Lane] | None = None) -> Heads:
    """Read the heads of `lanes` (all by default) in one query."""
    wanted = tuple(lanes or board.lanes)
    facts = _facts(filters.now)
    columns: dict[str, Any] = filters.names() | (_checklist() if board is SALES else {})
    for lane in wanted:
        columns |= _columns(lane, board, filters, facts.get(lane))
    scopes = filters.scopes if lanes is None else ()
    for scope in scopes:
        if scope == filters.scope and not filters.active:
            continue  # the heads say it
        everyone = Standing.objects.filter(belongs_to(scope, filters.user))
        working = everyone.filter(lane__in=[lane for lane in board.lanes if lane not in CLOSED_LANES])
        columns[f"scope_{scope}"] = bounded(working)
    columns["last_change"] = Subquery(StageChange.objects.order_by("-pk").values("pk")[:1])
    columns["last_lead"] = Subquery(Lead.objects.order_by("-pk").values("pk")[:1])
    row: Any = Workspace.objects.values("column_limits", "currency", **columns).get(pk=1)
    found = Heads(
        by_lane={lane: _head(lane, board, filters, row, facts.get(lane)) for lane in wanted},
        scopes=[],
        currency=row["currency"],
        since=f"{row['last_change'] or 0}.{row['last_lead'] or 0}",
        exists=row["last_lead"] is not None,
        names=row,
        rules=_rules(row),
    )
    found.scopes = [(scope, row.get(f"scope_{scope}", found.shown)) for scope in scopes]
    return found


def _checklist() -> dict[str, Any]:
    """Return the qualification checklist as columns; the cards want it, and it is one row like the workspace."""
    rules = Checklist.objects.filter(pk=1)
    return {f"checklist_{name}": Subquery(rules.values(name)) for name in CHECKLIST}


def _rules(row: dict[str, Any]) -> Checklist | None:
    if row.get("checklist_must_confirm") is None:
        return None
    return Checklist(**{name: row[f"checklist_{name}"] for name in CHECKLIST})


def _columns(lane: Lane, board: Board, filters: Filters, fact: Fact | None) -> dict[str, Any]:
    everyone = in_lane(lane, filters.now)
    standings = filters.narrow(everyone, lane)
    amounts, whole = _has_amounts(lane, board), lane in WORKED and filters.whole
    stand = f"{lane}_stand"
    columns: dict[str, Any] = {}
    if amounts and not whole:
        columns[stand] = _with_sums(lane, standings, fact)
    else:
        columns[stand] = Standings(_oldest_first(standings.values("lane_since")))
    if amounts and whole:
        columns[f"{lane}_sums"] = _whole_sums(lane, fact)
    if filters.active:
        columns[f"{lane}_total"] = bounded(filters.cleared().narrow(everyone))
    if fact and (not amounts or (whole and fact.asks_lead is None)):
        asked = standings.filter(fact.asks)
        columns[f"{lane}_fact"] = bounded(asked.filter(lead__stage=WORKED[lane]) if lane in WORKED else asked)
    return columns


def _has_amounts(lane: Lane, board: Board) -> bool:
    return board is SALES and lane not in {Lane.OFFERED, Lane.LOST}


def _head(lane: Lane, board: Board, filters: Filters, row: dict[str, Any], fact: Fact | None) -> Head:
    stand, since, *sums = row[f"{lane}_stand"].split("|")
    amount, known, counted = sums or row.get(f"{lane}_sums", "0|0|0").split("|")
    number = int(stand)
    concerned = row.get(f"{lane}_fact") or int(counted)
    return Head(
        lane=lane,
        label=lane_label(lane, board),
        number=number,
        total=row.get(f"{lane}_total", number),
        oldest=_moment(since),
        limit=row["column_limits"].get(lane),
        fact=fact.words(concerned) % {"n": count_text(concerned)} if fact and concerned else "",
        fact_tone=fact.tone if fact else "",
        fact_icon=fact.icon if fact else "",
        amount=round(Decimal(amount), 2) if int(known) and number <= COUNTED else None,
        filtered=filters.active,
        folded=lane in FOLDING and lane not in filters.unfolded,
        fold_url=board.url + _folding(lane, filters).query() if lane in FOLDING else "",
    )


def _moment(written: str) -> datetime | None:
    """Return an instant written as text, without its zone, which is UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC) if written else None


def _folding(lane: Lane, filters: Filters) -> Filters:
    """Return the filters with this lane folded if it is open, and opened if it is folded."""
    return filters.also(unfolded=tuple(other for other in FOLDING if (other == lane) != (other in filters.unfolded)))


# --- The cards of all lanes -----------------------------------------------------------------------


@dataclass
class Column:
    """One lane as the page shows it: its head, a page of cards and how to get more."""

    head: Head
    cards: list[Card] = field(default_factory=list)
    more: str = ""
    left: int = 0
    order: Order | None = None
    shown: bool = False
    switch_url: str = ""

    @property
    def lane(self) -> Lane:
        return self.head.lane

    @property
    def empty_text(self) -> Any:
        return EMPTY.get(self.lane, "")

    @property
    def asks(self) -> bool:
        """Whether a move into this lane asks for something first."""
        return self.lane not in {Lane.ACCEPTED, Lane.QUALIFIED, Lane.NEW}


def pages(lanes: Sequence[Lane], filters: Filters, after: str = "") -> dict[Lane, list[Lead]]:
    """Return the next page of each lane, one lead more than fits, in one query; `after` is a place."""
    found: dict[Lane, list[Lead]] = {lane: [] for lane in lanes}
    for lead in leads_of([_page(lane, filters, after) for lane in lanes]):
        found[Lane(lead.standing.lane)].append(lead)
    for lane, leads in found.items():
        order = order_of(lane, filters)
        leads.sort(key=order.place, reverse=order.falling)
    return found


def _page(lane: Lane, filters: Filters, after: str) -> QuerySet[Standing]:
    standings, order = filters.narrow(in_lane(lane, filters.now), lane), order_of(lane, filters)
    place = order.read(after)
    return order.sort(order.after(standings, *place) if place else standings)[: PAGE + 1]


def columns(board: Board, filters: Filters, top: Heads, *, shown: str = "") -> list[Column]:
    """Return the lanes of the board with their first cards; on a phone only `shown` is seen."""
    open_lanes = [lane for lane in board.lanes if not top.by_lane[lane].folded]
    leads = pages(open_lanes, filters)
    cards = build([lead for page in leads.values() for lead in page[:PAGE]], board.name, filters, top.rules)
    shown = shown if shown in board.lanes else board.shown
    found = []
    for lane in board.lanes:
        column = Column(top.by_lane[lane], shown=lane == shown)
        _fill(column, leads.get(lane, []), cards, filters, board)
        unfolded = tuple(other for other in FOLDING if other in {*filters.unfolded, lane})
        column.switch_url = filters.also(unfolded=unfolded).query(("column", lane))
        found.append(column)
    return found


def _fill(column: Column, page: list[Lead], cards: dict[int, Card], filters: Filters, board: Board) -> None:
    order = order_of(column.lane, filters)
    column.order = order
    column.cards = [cards[lead.pk] for lead in page[:PAGE]]
    column.left = column.head.number - len(column.cards)
    if len(page) > PAGE:
        address = reverse("board_column", args=[board.name, column.lane])
        column.more = f"{address}{filters.query(('after', order.mark(page[PAGE - 1])))}"


def column_page(board: Board, lane: Lane, filters: Filters, after: str) -> Column:
    """Return one lane from the place `after` on, for "N more"."""
    top = heads(board, filters, [lane])
    leads = pages([lane], filters, after)[lane]
    column = Column(top.by_lane[lane], shown=True)
    _fill(column, leads, build(leads[:PAGE], board.name, filters, top.rules), filters, board)
    here = order_of(lane, filters).read(after)
    if here and column.more:
        rest = order_of(lane, filters).after(filters.narrow(in_lane(lane, filters.now), lane), *here)
        column.left = rest[: COUNTED + 1].count() - len(column.cards)
    return column
