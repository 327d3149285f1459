"""One timeline of a contact for both sides: what they did, what was done, and what other apps add, newest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeVar

import lucide
from django.core import signing
from django.db.models import Count, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import calls, visibility
from crm.mail_events import machines
from crm.models import Activity, ActivityKind, Channel, Company, ConsentEvent, Contact, ProfileChange, Purpose, User
from crm.templatetags import icons

SIZE = 50
LONGEST = 512
Row = TypeVar("Row", bound=Model)

STAGE, PROFILE, CONSENT, CHECKLIST = "stage", "profile", "consent", "checklist"
#: What systems say about a person, again and again: shown when asked for.
QUIET = ActivityKind.Group.DATA
GROUPS: dict[str, Any] = dict(ActivityKind.Group.choices) | {
    STAGE: gettext_lazy("Stage"),
    CHECKLIST: gettext_lazy("Checklist"),
    PROFILE: gettext_lazy("Profile"),
    CONSENT: gettext_lazy("Consent"),
}


@dataclass(frozen=True)
class Cursor:
    """Where the last page ended: everything after it is older."""

    at: datetime
    source: str
    id: int

    def __str__(self) -> str:
        return signing.dumps([self.at.isoformat(), self.source, self.id], salt="crm.timeline")

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Return the cursor written in `text`; None for none and for one we did not write."""
        try:
            at, source, id_ = signing.loads(text, salt="crm.timeline")
        except signing.BadSignature:
            return None
        return cls(datetime.fromisoformat(at), source, id_)


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. Entries that share `fold` are one happening with several lines."""

    at: datetime
    source: str
    id: int
    group: str
    icon: str
    title: str
    lines: tuple[str, ...] = ()
    quote: str = ""
    points: int | None = None
    is_stage: bool = False
    fold: tuple[Any, ...] | None = None

    @property
    def place(self) -> tuple[datetime, str, int]:
        return self.at, self.source, self.id


@dataclass(frozen=True)
class Window:
    """What is asked of a source: the reader, whether they may read notes, one group or all, and from where on."""

    reader: User
    notes: bool
    group: str = ""
    before: Cursor | None = None
    size: int = SIZE

    def cut(self, rows: QuerySet[Row], at: str, source: str) -> QuerySet[Row]:
        """Return the newest rows of a source that are older than the cursor, one more than fits."""
        if self.before:
            older = Q(**{f"{at}__lt": self.before.at})
            if source == self.before.source:
                older |= Q(**{at: self.before.at, "pk__lt": self.before.id})
            elif source < self.before.source:
                older |= Q(**{at: self.before.at})
            rows = rows.filter(older, **{f"{at}__lte": self.before.at})
        return rows.order_by(f"-{at}", "-pk")[: self.size + 1]


@dataclass(frozen=True)
class Source:
    """One kind of fact on the timeline. `key` orders what happened at the same instant."""

    key: str
    groups: tuple[str, ...]
    read: Callable[[Contact, Window], Iterable[Entry]]
    count: Callable[[Contact, Window], dict[str, int]]


@dataclass(frozen=True)
class Day:
    date: date
    entries: list[Entry]
    is_whole: bool = True
    is_continued: bool = False


@dataclass(frozen=True)
class Page:
    """Up to 50 entries by day, with the cursor of the rest."""

    days: list[Day]
    group: str
    counts: dict[str, int] = field(default_factory=dict)
    next: str = ""
    is_first: bool = True

    @property
    def total(self) -> int:
        return sum(number for key, number in self.counts.items() if key != QUIET)

    @property
    def choices(self) -> list[tuple[str, str, int]]:
        """(group, label, number of entries) for the groups that have any, in a fixed order."""
        return [(key, str(label), self.counts[key]) for key, label in GROUPS.items() if self.counts.get(key)]


_sources: dict[str, Source] = {}


def add_source(source: Source) -> None:
    """Let another app add its facts to the timeline."""
    _sources[source.key] = source


def read(contact: Contact, reader: User, *, group: str = "", before: str = "") -> Page:
    """Return one page of the timeline of `contact`; the groups are counted on the first page only."""
    cursor = Cursor.read(before)
    group = group if group in GROUPS else ""
    window = Window(reader, visibility.may_read_notes(reader, contact), group, cursor)
    asked = [source for source in _sources.values() if not group or group in source.groups]
    streams = [sorted(source.read(contact, window), key=lambda e: e.place, reverse=True) for source in asked]
    found = list(heapq.merge(*streams, key=lambda e: e.place, reverse=True))
    shown, rest = found[:SIZE], found[SIZE:]
    last = shown[-1] if rest else None
    return Page(
        days=_by_day(shown, cursor, cut=bool(rest)),
        group=group,
        counts={} if cursor else _counts(contact, window),
        next=str(Cursor(*last.place)) if last else "",
        is_first=cursor is None,
    )


def _counts(contact: Contact, window: Window) -> dict[str, int]:
    every = replace(window, group="")
    counts: dict[str, int] = {}
    for source in _sources.values():
        for key, number in source.count(contact, every).items():
            counts[key] = counts.get(key, 0) + number
    return counts


def _by_day(entries: Sequence[Entry], cursor: Cursor | None, *, cut: bool) -> list[Day]:
    days = [
        Day(day, list(_folded(together)))
        for day, together in groupby(entries, key=lambda e: timezone.localtime(e.at).date())
    ]
    if days and cursor and timezone.localtime(cursor.at).date() == days[0].date:
        days[0] = replace(days[0], is_continued=True, is_whole=False)
    if days and cut:
        days[-1] = replace(days[-1], is_whole=False)
    return days


def _folded(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Join what was done in one go, such as six fields of one edit."""
    waiting: Entry | None = None
    for entry in entries:
        if waiting and waiting.fold is not None and waiting.fold == entry.fold:
            waiting = replace(waiting, lines=(*entry.lines, *waiting.lines))
            continue
        if waiting:
            yield waiting
        waiting = entry
    if waiting:
        yield waiting


# --- Activities -----------------------------------------------------------------------------------

TITLES = ("event", "title", "subject", "name", "asset", "topic")
FACTS = ("url", "path", "page", "campaign", "place", "provider", "utm_campaign", "utm_source", "referrer")


def cut(text: Any) -> str:
    """Return foreign text as it may stand on a page: at most 512 characters, with a mark where it was cut."""
    text = " ".join(str(text).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _first(properties: dict[str, Any], names: Iterable[str]) -> str:
    found = (properties.get(name) for name in names)
    return next((cut(value) for value in found if isinstance(value, (str, int, float)) and str(value).strip()), "")


def _activity(activity: Activity, window: Window) -> Entry:
    told = activity.properties if isinstance(activity.properties, dict) else {}
    title = _first(told, TITLES)
    by = activity.by.name if activity.by else ""
    lines = [_first(told, FACTS), calls.words(told), _minutes(told), _machine(told), by]
    return Entry(
        at=activity.occurred_at,
        source="activity",
        id=activity.pk,
        group=activity.kind.group,
        icon=_drawn(activity.kind.icon),
        title=_("%(kind)s: “%(title)s”") % {"kind": activity.kind, "title": title} if title else str(activity.kind),
        lines=tuple(line for line in lines if line),
        quote=cut(told.get("text", "")) if window.notes or activity.by_id is None else "",
    )


@lru_cache(maxsize=256)
def _drawn(icon: str) -> str:
    """Return `icon`, or a plain one when the set has none of that name (kinds are the workspace's own)."""
    try:
        icons.icon(icon)
    except lucide.IconDoesNotExist:
        return "activity"
    return icon


def _machine(told: dict[str, Any]) -> str:
    reason = machines.REASONS.get(str(told.get("machine", "")))
    if reason and told.get("taken_back"):
        return _("%(why)s It no longer counts.") % {"why": reason}
    return str(reason or "")


def _minutes(told: dict[str, Any]) -> str:
    minutes = told.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool):
        return ""
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def _activities(contact: Contact, window: Window) -> QuerySet[Activity]:
    rows = Activity.objects.filter(contact=contact)
    return rows if window.notes else rows.exclude(kind__group=ActivityKind.Group.NOTE)


def _read_activities(contact: Contact, window: Window) -> Iterator[Entry]:
    rows = _activities(contact, window).select_related("kind", "by")
    rows = rows.filter(kind__group=window.group) if window.group else rows.exclude(kind__group=QUIET)
    for activity in window.cut(rows, "occurred_at", "activity"):
        yield _activity(activity, window)


def _count_activities(contact: Contact, window: Window) -> dict[str, int]:
    rows = _activities(contact, window).order_by().values("kind__group").annotate(number=Count("pk"))
    return {row["kind__group"]: row["number"] for row in rows}


# --- What changed in the profile ------------------------------------------------------------------


def field_label(model: type[Contact | Company], name: str) -> str:
    """Return the words a person reads for a field, such as 'Job title'."""
    try:
        label = model._meta.get_field(name.removesuffix("_id")).verbose_name  # type: ignore[union-attr]
    except Exception:  # a field of an older version is shown under its own name
        return name
    return f"{str(label)[:1].upper()}{str(label)[1:]}"


def _companies(changes: Sequence[ProfileChange]) -> dict[Any, str]:
    ids = {value for change in changes if change.field == "company_id" for value in (change.old, change.new) if value}
    return dict(Company.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def change_line(model: type[Contact | Company], change: ProfileChange, companies: dict[Any, str]) -> str:
    """Return one change as a sentence: 'Phone: +49 30 1 → +49 30 2'."""
    old, new = change.old, change.new
    if change.field == "company_id":
        old, new = (companies.get(value, value) for value in (old, new))
    return _("%(field)s: %(old)s → %(new)s") % {
        "field": field_label(model, change.field),
        "old": _("empty") if old in (None, "") else cut(old),
        "new": _("empty") if new in (None, "") else cut(new),
    }


def _read_changes(contact: Contact, window: Window) -> Iterator[Entry]:
    changes = list(window.cut(contact.changes.select_related("by"), "at", "profile"))
    companies = _companies(changes)
    for change in changes:
        yield Entry(
            at=change.at,
            source="profile",
            id=change.pk,
            group=PROFILE,
            icon="pencil",
            title=_("Profile changed by %(name)s") % {"name": change.by.name} if change.by else _("Profile changed"),
            lines=(change_line(Contact, change, companies),),
            fold=(change.at, change.by_id, change.source),
        )


# --- Consent --------------------------------------------------------------------------------------


def _read_consents(contact: Contact, window: Window) -> Iterator[Entry]:
    for event in window.cut(contact.consent_events.all(), "at", "consent"):
        words = {
            "kind": ConsentEvent.Kind(event.kind).label,
            "purpose": Purpose(event.purpose).label,
            "channel": Channel(event.channel).label,
        }
        yield Entry(
            at=event.at,
            source="consent",
            id=event.pk,
            group=CONSENT,
            icon="shield-check",
            title=_("Consent: %(kind)s") % words,
            lines=(_("%(purpose)s, %(channel)s") % words,),
        )


add_source(Source("activity", tuple(key for key in ActivityKind.Group.values), _read_activities, _count_activities))
add_source(Source("profile", (PROFILE,), _read_changes, lambda contact, window: {PROFILE: contact.changes.count()}))
add_source(
    Source("consent", (CONSENT,), _read_consents, lambda contact, window: {CONSENT: contact.consent_events.count()})
)
