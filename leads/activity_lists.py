"""Lists of what people did elsewhere: who came to a webinar, who researched a topic, who followed or liked.

Nobody is created, no stage goes backwards: each row becomes activities of somebody known, or is refused with a reason.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any

from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import activities, audit, consents, research
from crm.activities import Happening
from crm.email_address import email_key
from crm.models import Activity, Contact, User
from crm.text import clean, fold
from crm.workdays import workspace_zone
from leads.imports.targets import plain
from leads.models import Lead

MOST_ROWS, MOST_BYTES, MOST_LIKES = 5_000, 2_000_000, 50
#: What happened longer ago counts, but wakes nobody and begins nothing.
NEWS = timedelta(days=30)
EARLIEST = date(2000, 1, 1)
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
         "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")  # fmt: skip
HEADERS = {
    word: name
    for name, words in {
        "email": "email emailaddress mail mailadresse emailadresse teilnehmer attendeeemail",
        "domain": "domain companydomain website firmendomain webseite",
        "date": "date day when datum tag am jointime joindate eventdate zeitpunkt observedat",
        "topic": "topic title webinar event thema titel veranstaltung keyword topicname",
        "provider": "provider source anbieter quelle network netzwerk platform plattform",
        "confidence": "confidence score konfidenz sicherheit strength staerke",
        "minutes": "minutes duration minuten dauer timeinsession attendedminutes",
        "status": "status attended teilnahme attendance anwesend action what was aktion",
        "count": "count number frequency anzahl haeufigkeit",
    }.items()
    for word in words.split()
}  # fmt: skip
YES = {"yes", "true", "1", "y", "ja", "j", "x", "attended", "teilgenommen", "anwesend", "present", "joined"}
NO = {"no", "false", "0", "n", "nein", "registered", "angemeldet", "noshow", "no-show", "no show", "absent", "abwesend"}
FOLLOWS = {"follow", "followed", "follower", "folgt", "gefolgt", "abonniert"}
LIKES = {"like", "liked", "gefaellt mir", "gefällt mir", "reaction", "reaktion"}


class About(TextChoices):
    WEBINAR = "webinar", gettext_lazy("Webinar: who came, who registered")
    INTENT = "intent", gettext_lazy("Intent: who researches a topic elsewhere")
    SOCIAL = "social", gettext_lazy("Social media: who follows, who likes")


STORED, KNOWN, REFUSED = "stored", "known", "refused"
REASONS: dict[str, str | Promise] = {
    "no_address": gettext_lazy("The row names no e-mail address. Fill it in."),
    "unknown": gettext_lazy("Nobody here has this address. Import the person first."),
    "unknown_domain": gettext_lazy("No open lead works for a company with this domain."),
    "shared": gettext_lazy("Several people share this address. Give a personal one."),
    "objected": gettext_lazy("The person does not want to be tracked."),
    "no_date": gettext_lazy("The row has no date, and none is given for the whole list."),
    "bad_date": gettext_lazy("Not a date written as 2026-05-04 or 04.05.2026."),
    "future": gettext_lazy("The date lies in the future."),
    "no_topic": gettext_lazy("The row has no topic or title, and none is given for the whole list."),
    "bad_status": gettext_lazy("Write attended or registered."),
    "bad_action": gettext_lazy("Write follow or like."),
    "bad_minutes": gettext_lazy("Minutes are a whole number from 0 to 1440."),
    "bad_confidence": gettext_lazy("A confidence is a number from 0 to 100, or high, medium, low. Leave it empty when unknown."),  # noqa: E501
    "bad_count": gettext_lazy("A number from 1 to 50."),
    "bad_text": gettext_lazy("The row holds a character that cannot be stored. Remove it."),
}  # fmt: skip


class Unreadable(Exception):
    """The list cannot be read; the message says why."""


class Wrong(Exception):
    """One row cannot be taken; `reason` is a key of REASONS."""

    def __init__(self, reason: str, value: str = "") -> None:
        self.reason, self.value = reason, value
        super().__init__(reason)


@dataclass(frozen=True)
class Asked:
    """What the list is about, and what holds for rows that do not say it themselves."""

    about: str
    name: str = ""
    provider: str = ""
    on: date | None = None


@dataclass
class Line:
    """What became of one row."""

    number: int
    who: str
    outcome: str = ""
    reason: str = ""
    value: str = ""
    deeds: list[Happening] = field(default_factory=list)

    @property
    def why(self) -> str:
        return str(REASONS.get(self.reason, self.reason))


@dataclass(frozen=True)
class Result:
    """What becomes of a list; stored + known + refused are its rows."""

    lines: list[Line]

    def count(self, outcome: str) -> int:
        return sum(line.outcome == outcome for line in self.lines)

    @property
    def stored(self) -> int:
        return self.count(STORED)

    @property
    def known(self) -> int:
        return self.count(KNOWN)

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if line.outcome == REFUSED]


def table(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a list as (number in the file, {what: cell}); Unreadable when it has no usable head."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines:
        raise Unreadable(_("The list is empty."))
    delimiter = max(",;\t|", key=lines[0].count)
    rows = csv.reader(StringIO("\n".join(lines)), delimiter=delimiter)
    head = [HEADERS.get(plain(cell), "") for cell in next(rows, [])]
    if not {"email", "domain"} & set(head):
        raise Unreadable(_("No column is called “E-mail”. Name the columns in the first row."))
    found = []
    for number, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            told: dict[str, str] = {}
            for name, cell in zip(head, cells, strict=False):
                if name and not told.get(name):
                    told[name] = cell.strip()
            found.append((number, told))
    if len(found) > MOST_ROWS:
        raise Unreadable(_("A list has at most %(count)d rows. Split it into parts.") % {"count": MOST_ROWS})
    return found


def plan(text: str, asked: Asked) -> Result:
    """Return what would become of a list; nothing is written."""
    rows = table(text)
    people = _People.of([told for _number, told in rows])
    lines = []
    for number, told in rows:
        line = Line(number, (told.get("email") or told.get("domain") or "")[:100])
        try:
            told = {name: clean(cell) for name, cell in told.items()}
            contacts = people.whom(told, asked)
            line.deeds = [deed for contact in contacts for deed in _deeds(contact, told, asked)]
        except Wrong as error:
            line.outcome, line.reason, line.value = REFUSED, error.reason, error.value[:100]
        except ValueError:
            line.outcome, line.reason = REFUSED, "bad_text"
        lines.append(line)
    _mark_known(lines, _feed(asked))
    return Result(lines)


def take(text: str, asked: Asked, *, by: User) -> Result:
    """Store what is new in a list, in one transaction, and return what became of each row."""
    with transaction.atomic():
        result = plan(text, asked)
        fresh = [deed for line in result.lines if line.outcome == STORED for deed in line.deeds]
        line_of_news = timezone.now() - NEWS
        stored = activities.record_many([d for d in fresh if d.occurred_at >= line_of_news])
        stored += activities.record_many([d for d in fresh if d.occurred_at < line_of_news], history=True)
        new = {one.message_id for one in stored}
        for line in result.lines:
            if line.outcome == STORED and not any(deed.message_id in new for deed in line.deeds):
                line.outcome = KNOWN
        counts = {"stored": result.stored, "known": result.known, "refused": len(result.refused)}
        audit.record(by, "activities.imported", f"list:{asked.about}", **counts)
    return result


def _feed(asked: Asked) -> str:
    return f"list:{asked.about}"


def _mark_known(lines: Sequence[Line], feed: str) -> None:
    """Say of each row whether it is new; a repeat within the list is known as well."""
    ids = [deed.message_id for line in lines for deed in line.deeds]
    seen: set[str] = set()
    for part in activities.slices(ids):
        seen.update(Activity.objects.filter(feed=feed, message_id__in=part).values_list("message_id", flat=True))
    for line in lines:
        if line.outcome != REFUSED:
            mine = {deed.message_id for deed in line.deeds}
            line.outcome = KNOWN if mine <= seen else STORED
            seen |= mine


# --- Who ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _People:
    """Who is known under the addresses and domains of a list."""

    by_address: Mapping[str, list[int]]
    by_domain: Mapping[str, list[int]]
    objectors: frozenset[int]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, str]]) -> _People:
        addresses = {key for told in rows if (key := email_key(told.get("email", "")))}
        by_address: dict[str, list[int]] = defaultdict(list)
        for part in activities.slices(sorted(addresses)):
            known = Contact.objects.filter(email_key__in=part).exclude(email_key="").order_by("pk")
            for key, pk in known.values_list("email_key", "pk"):
                by_address[key].append(pk)
        domains = {_domain(told) for told in rows if not told.get("email")} - {""}
        by_domain: dict[str, list[int]] = defaultdict(list)
        for part in activities.slices(sorted(domains)):
            leads = Lead.objects.open().filter(contact__company__domain__in=part).order_by("contact_id")
            for domain, pk in leads.values_list("contact__company__domain", "contact_id"):
                by_domain[domain].append(pk)
        everybody = {pk for found in (by_address, by_domain) for people in found.values() for pk in people}
        return cls(by_address, by_domain, frozenset(consents.refusers(everybody, "tracking")))

    def whom(self, told: Mapping[str, str], asked: Asked) -> list[int]:
        """Return whom a row is about; Wrong when it is nobody. A domain stands for the open leads who work there."""
        if told.get("email"):
            found = self.by_address.get(email_key(told["email"]), [])
            if not found:
                raise Wrong("unknown")
            if len(found) > 1:
                raise Wrong("shared")
        elif asked.about == About.INTENT and _domain(told):
            found = self.by_domain.get(_domain(told), [])
            if not found:
                raise Wrong("unknown_domain")
        else:
            raise Wrong("no_address")
        willing = [pk for pk in found if asked.about == About.WEBINAR or pk not in self.objectors]
        if not willing:
            raise Wrong("objected")
        return willing


def _domain(told: Mapping[str, str]) -> str:
    host = fold(told.get("domain", "")).strip().partition("://")[2] or fold(told.get("domain", "")).strip()
    return host.partition("/")[0].removeprefix("www.")


# --- What -----------------------------------------------------------------------------------------


def _deeds(contact: int, told: Mapping[str, str], asked: Asked) -> list[Happening]:
    at = _at(told, asked)
    kind, said, times = _SAYS[About(asked.about)](told, asked)
    properties = {name: value for name, value in said.items() if value not in (None, "")}
    day = timezone.localtime(at, workspace_zone()).date().isoformat()
    named = "|".join([kind, str(contact), day, *(fold(str(said.get(n) or "")) for n in ("title", "topic", "provider"))])
    return [
        Happening(
            contact, kind, at, properties, str(said.get("provider") or asked.about)[:60], _feed(asked),
            hashlib.sha256(f"{named}|{n}".encode()).hexdigest()[:40],
        )
        for n in range(times)
    ]  # fmt: skip


def _at(told: Mapping[str, str], asked: Asked) -> datetime:
    text = told.get("date", "")
    if not text:
        if asked.on is None:
            raise Wrong("no_date")
        found = datetime.combine(asked.on, time(12))
    else:
        found = _read_date(text)
    at = found.replace(tzinfo=workspace_zone())
    if found.date() < EARLIEST:
        raise Wrong("bad_date", text)
    now = timezone.now()
    if at.date() > timezone.localtime(now, workspace_zone()).date():
        raise Wrong("future", text)
    return min(at, now)


def _read_date(text: str) -> datetime:
    for form in DATES:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 (the workspace's zone follows)
        except ValueError:
            continue
        return found if "%H" in form else found.replace(hour=12)
    raise Wrong("bad_date", text)


def _webinar(told: Mapping[str, str], asked: Asked) -> tuple[str, dict[str, Any], int]:
    minutes = _whole(told.get("minutes", ""), 0, 1440, "bad_minutes")
    word = fold(told.get("status", ""))
    if word and word not in YES | NO:
        raise Wrong("bad_status", told["status"])
    came = word in YES if word else minutes is None or minutes > 0
    title = _named(told, asked)
    if not came or minutes == 0:
        return "webinar_registered", {"title": title}, 1
    return "webinar_attended", {"title": title, "minutes": minutes}, 1


def _intent(told: Mapping[str, str], asked: Asked) -> tuple[str, dict[str, Any], int]:
    said = told.get("confidence", "")
    sure = research.confidence(said) if said else None
    if said and sure is None:
        raise Wrong("bad_confidence", said)
    provider = told.get("provider") or asked.provider
    account = True if not told.get("email") else None
    return "intent", {"topic": _named(told, asked), "provider": provider, "confidence": sure, "account": account}, 1


def _social(told: Mapping[str, str], asked: Asked) -> tuple[str, dict[str, Any], int]:
    word = fold(told.get("status", ""))
    if word and word not in FOLLOWS | LIKES:
        raise Wrong("bad_action", told["status"])
    times = _whole(told.get("count", ""), 1, MOST_LIKES, "bad_count") or 1
    said = {"provider": told.get("provider") or asked.provider, "title": told.get("topic") or asked.name}
    return ("social_follow", said, 1) if word in FOLLOWS else ("social_like", said, times)


_SAYS = {About.WEBINAR: _webinar, About.INTENT: _intent, About.SOCIAL: _social}


def _named(told: Mapping[str, str], asked: Asked) -> str:
    name = (told.get("topic") or asked.name).strip()
    if not name:
        raise Wrong("no_topic")
    return name[:200]


def _whole(text: str, least: int, most: int, reason: str) -> int | None:
    if not text:
        return None
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or not least <= int(digits[:6]) <= most or len(digits) > 6:
        raise Wrong(reason, text)
    return int(digits)
