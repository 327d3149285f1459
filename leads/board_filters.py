"""What a board is narrowed to. All of it stands in the address, so that a link shows a colleague the same."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, Lookup, OuterRef, Q, QuerySet, Subquery
from django.db.models.sql import Query
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from crm import roles
from crm.lists.asking import Chip
from crm.models import Activity, Company, Contact, Role, User
from crm.text import search_key
from crm.workdays import local_date
from leads.models import Handoff, Lead, Source, Standing
from leads.stages import Lane, Stage

NAMED = 10_000
FITS = "ABCD"
FOLDING = (Lane.WON, Lane.LOST)
SORTS = {"priority": gettext_lazy("By priority"), "age": gettext_lazy("By age")}
SCOPES = {
    "mine": pgettext_lazy("whose leads", "Mine"),
    "team": pgettext_lazy("whose leads", "Team"),
    "all": pgettext_lazy("whose leads", "All"),
}
TOUCHES = ("email_out", "email_replied", "call_in", "call_out", "meeting", "note")
SILENCE = {Lane.ACCEPTED: 10, Lane.QUALIFIED: 14}


@dataclass(frozen=True)
class Ids:
    """Keys as one value: of a list Django looks at each one, which takes as long as the question itself."""

    told: Sequence[int]


@Lead._meta.pk.register_lookup
@Contact._meta.pk.register_lookup
@Standing._meta.pk.register_lookup
class Among(Lookup):  # type: ignore[type-arg]
    """`pk__among`: one of many ids.

    A list is one parameter however long it is, Ids the same without a look at each; queries, one or a list of them, are
    asked once, first: PostgreSQL would otherwise join a query of ten ids with the whole table.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        if not self._queries:
            ids = f"{column} IN (SELECT value FROM json_each(%s))"  # nosec B608  # a column of ours
            return ids, (*params, json.dumps(self._ids))
        asked, more = self._asked(compiler)
        united = " UNION ALL ".join(f"SELECT * FROM {query}" for query in asked)  # nosec B608  # compiled by Django
        return f"{column} IN ({united})", (*params, *more)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        if not self._queries:
            return f"{column} = ANY(%s)", (*params, list(self._ids))
        asked, more = self._asked(compiler)
        united = " || ".join(f"ARRAY{query}" for query in asked)
        return f"{column} = ANY({united})", (*params, *more)

    @property
    def _ids(self) -> Sequence[int]:
        return self.rhs.told if isinstance(self.rhs, Ids) else self.rhs  # type: ignore[no-any-return]

    @property
    def _queries(self) -> list[Query]:
        several = self.rhs if isinstance(self.rhs, list) else [self.rhs]
        return [one for one in several if isinstance(one, Query)]

    def _asked(self, compiler: Any) -> tuple[list[str], list[Any]]:
        """Return each query in brackets, and the parameters of all; EmptyResultSet when none of them can find any."""
        compiled = []
        for query in self._queries:
            with suppress(EmptyResultSet):
                compiled.append(compiler.compile(query))
        if not compiled:
            raise EmptyResultSet
        return [asked for asked, _params in compiled], [param for _asked, params in compiled for param in params]


# --- Only: what needs somebody now --------------------------------------------------------------


@dataclass(frozen=True)
class Only:
    """A ready-made question to a board: its key in the address, its words, and what it asks of a Standing."""

    key: str
    label: str | Promise
    asks: Callable[[datetime], Q]


def _overdue(now: datetime) -> Q:
    return Q(lane=Lane.OFFERED, lead__in=Handoff.objects.overdue(now).values("lead"))


def _in_time(now: datetime) -> Q:
    return Q(lane=Lane.OFFERED, lead__in=Handoff.objects.open().filter(due_at__gte=now).values("lead"))


def _without_next_step(now: datetime) -> Q:
    return Q(lane__in=[Lane.ACCEPTED, Lane.QUALIFIED], lead__next_step="", lead__next_step_on=None)


def _due(now: datetime) -> Q:
    due = Lead.objects.filter(
        stage__in=[Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED], next_step_on__lte=local_date(now)
    )
    return Q(lane__in=[Lane.ACCEPTED, Lane.QUALIFIED], lead__in=due.values("pk"))


def silent_in(lane: Lane, now: datetime) -> Any:
    """Nobody has touched the lead for longer than `lane` allows."""
    since = now - timedelta(days=SILENCE[lane])
    touched = Activity.objects.filter(contact=OuterRef("lead__contact"), occurred_at__gte=since, kind_id__in=TOUCHES)
    return Q(lane=lane, lane_since__lt=since) & ~Exists(touched)


def _silent(now: datetime) -> Any:
    return silent_in(Lane.ACCEPTED, now) | silent_in(Lane.QUALIFIED, now)


def _wakes(now: datetime) -> Q:
    soon = local_date(now) + timedelta(days=7)
    asleep = Lead.objects.filter(stage=Stage.NURTURE, wake_on__lte=soon)
    return Q(lane__in=[Lane.NURTURE, Lane.BACK], lead__in=asleep.values("pk"))


def _unassigned(now: datetime) -> Q:
    return Q(owner=None) & ~Q(lane__in=[Lane.WON, Lane.LOST])


def _in_lanes(*lanes: str) -> Callable[[datetime], Q]:
    return lambda now: Q(lane__in=lanes)


ONLY = {
    only.key: only
    for only in (
        Only("overdue", gettext_lazy("overdue handoffs"), _overdue),
        Only("in-time", gettext_lazy("new handoffs"), _in_time),
        Only("offered", gettext_lazy("all handoffs"), _in_lanes(Lane.OFFERED)),
        Only("to-hand-over", gettext_lazy("MQLs to hand over"), _in_lanes(Lane.MQL)),
        Only("back", gettext_lazy("back from sales"), _in_lanes(Lane.BACK)),
        Only("working", gettext_lazy("accepted and qualified"), _in_lanes(Lane.ACCEPTED, Lane.QUALIFIED)),
        Only("due", gettext_lazy("next step due"), _due),
        Only("no-next-step", gettext_lazy("without next step"), _without_next_step),
        Only("silent", gettext_lazy("silent too long"), _silent),
        Only("wakes", gettext_lazy("waking within 7 days"), _wakes),
        Only("unassigned", gettext_lazy("unassigned"), _unassigned),
    )
}


# --- Whose ----------------------------------------------------------------------------------------


def scopes(user: User) -> tuple[str, ...]:
    """Return whose leads this person can look at, narrowest first."""
    may = {"mine": True, "team": user.team_id is not None, "all": roles.sees_everything(user)}
    return tuple(scope for scope in may if may[scope])


def _usual_scope(user: User, offered: tuple[str, ...]) -> str:
    if not offered:
        return "all"
    if user.board_scope in offered:
        return user.board_scope
    return "mine" if user.role == Role.SALES_REP else offered[-1]


def belongs_to(scope: str, user: User) -> Q:
    """Return what a Standing must fulfil: mine is assigned to me, or unassigned in my team's queue."""
    if scope == "mine":
        return Q(owner=user) | Q(owner=None, team=user.team_id) if user.team_id else Q(owner=user)
    return Q(team=user.team_id) if scope == "team" else Q()


# --- The whole ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What the address asks for, cleaned of what makes no sense. Immutable; `also` makes the next one."""

    user: User
    q: str = ""
    owner: str = ""
    source: str = ""
    grades: tuple[str, ...] = ()
    only: str = ""
    scope: str = "all"
    scopes: tuple[str, ...] = ()
    sort: str = "priority"
    unfolded: tuple[str, ...] = ()
    now: datetime = field(default_factory=timezone.now)

    @classmethod
    def read(cls, query: QueryDict, user: User, *, scoped: bool) -> Filters:
        """Read the address. `scoped` boards have the switch mine, team, all; the others show every lead."""
        offered = scopes(user) if scoped else ()
        owner = query.get("owner", "")
        wanted = query.get("scope", "")
        return cls(
            user=user,
            q=query.get("q", "").replace("\x00", "").strip()[:100],
            owner=owner if owner == "none" or (owner.isascii() and owner.isdigit() and len(owner) < 18) else "",
            source=query.get("source", "").replace("\x00", "")[:60],
            grades=tuple(fit for fit in FITS if fit in query.getlist("grade")),
            only=query.get("only", "") if query.get("only", "") in ONLY else "",
            scopes=offered,
            scope=wanted if wanted in offered else _usual_scope(user, offered),
            unfolded=tuple(lane for lane in FOLDING if lane in {*query.getlist("open"), query.get("column")}),
            sort="age" if query.get("sort") == "age" else "priority",
        )

    def also(self, **changes: Any) -> Filters:
        return replace(self, **changes)

    @property
    def active(self) -> bool:
        return bool(self.q or self.owner or self.source or self.grades or self.only)

    @property
    def whole(self) -> bool:
        """Whether every lead of a lane is shown."""
        return self.scope == "all" and not self.active

    def cleared(self) -> Filters:
        return self.also(q="", owner="", source="", grades=(), only="")

    def pairs(self) -> list[tuple[str, str]]:
        """Return what stands in the address, without what is usual there."""
        found = [("q", self.q), ("owner", self.owner), ("source", self.source), ("only", self.only)]
        found += [("grade", fit) for fit in self.grades]
        found += [("open", lane) for lane in self.unfolded]
        found += [("sort", self.sort if self.sort != "priority" else ""), ("scope", self.scope if self.scopes else "")]
        return [(name, value) for name, value in found if value]

    def query(self, *more: tuple[str, str]) -> str:
        """Return "?…", or "?" for nothing, so that a link always replaces the query it stands under."""
        return f"?{urlencode([*self.pairs(), *more])}"

    def narrow(self, standings: QuerySet[Standing], lane: str = "") -> QuerySet[Standing]:
        """Keep the Standings this address asks for, within what the person may see.

        Who knows that all of them stand in one `lane` says so: a search then looks through the names found there.
        """
        standings = standings.filter(belongs_to(self.scope, self.user))
        if self.owner:
            standings = standings.filter(owner=None if self.owner == "none" else int(self.owner))
        if self.source:
            standings = standings.filter(lead__source__key=self.source)
        if self.grades:
            standings = standings.filter(grade__in=[f"{fit}{place}" for fit in self.grades for place in "1234"])
        if self.only:
            standings = standings.filter(ONLY[self.only].asks(self.now))
        if not search_key(self.q):
            return standings
        if self.named_leads is None:
            return standings.filter(lead__contact__in=named(self.q))
        among = self.named_leads.get(lane, []) if lane else [pk for ids in self.named_leads.values() for pk in ids]
        return standings.filter(pk__among=among)

    @cached_property
    def named_leads(self) -> dict[str, list[int]] | None:
        """The leads the search finds, by lane, looked up once; None when more than `NAMED` people or leads are found.

        People first: asked for their leads at once, PostgreSQL walks all leads in the order of their people.
        """
        people: set[int] = set()
        found: dict[str, list[int]] = defaultdict(list)
        some = Contact.objects.filter(pk__among=named(self.q).order_by()[: NAMED + 1]).order_by()
        for count, (person, lane, pk) in enumerate(
            some.values_list("pk", "leads__standing__lane", "leads")[: NAMED + 1]
        ):
            people.add(person)
            if count == NAMED or len(people) > NAMED:
                return None
            if lane:
                found[lane].append(pk)
        return found

    def names(self) -> dict[str, Any]:
        """Return the names the chips tell, as columns of whatever statement is asked anyway."""
        found: dict[str, Any] = {}
        if self.owner not in {"", "none", str(self.user.pk)}:
            found["owner_name"] = Subquery(User.objects.filter(pk=int(self.owner)).values("name"))
        if self.source:
            source = Source.objects.filter(key=self.source)
            found["source_label"] = Subquery(source.values("label"))
            found["source_shipped"] = Subquery(source.values("shipped"))
        return found

    def chips(self, names: dict[str, Any]) -> list[Chip]:
        """Return what stands beside the search field; `names` holds what the columns of `names()` said."""
        found = []
        if self.only:
            found.append(Chip(_("Only"), str(ONLY[self.only].label), self.also(only="").query()))
        if self.owner:
            found.append(Chip(_("Owner"), self._owner_name(names), self.also(owner="").query()))
        if self.source:
            found.append(Chip(_("Source"), self._source_label(names), self.also(source="").query()))
        if self.grades:
            found.append(Chip(_("Fit"), ", ".join(self.grades), self.also(grades=()).query()))
        return found

    def _source_label(self, names: dict[str, Any]) -> str:
        label = names.get("source_label") or self.source
        return _(label) if names.get("source_shipped") else label

    def _owner_name(self, names: dict[str, Any]) -> str:
        if self.owner == "none":
            return _("nobody")
        if self.owner == str(self.user.pk):
            return _("me")
        return names.get("owner_name") or _("unknown")


def named(text: str) -> QuerySet[Contact, Any]:
    """Return the contacts whose name or company holds every word of `text`, or whose e-mail address begins so."""
    found = Q()
    for word in search_key(text).split()[:5]:
        companies = Company.objects.filter(name_key__contains=word)
        found &= Q(name_key__contains=word) | Q(company__in=companies.values("pk"))
    if "@" in text:
        found |= Q(email_key__startswith=text.strip().lower())
    return Contact.objects.filter(found).values("pk")
