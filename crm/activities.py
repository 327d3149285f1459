"""Recording what happened: once per (feed, message id), with its local day, announced in the same transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Case, When
from django.utils import timezone
from django.utils.translation import gettext_noop as shipped

from crm import audit, signals
from crm.bulk import instant
from crm.deletion import gate_open
from crm.models import Activity, ActivityKind, Contact, User
from crm.workdays import local_day, workspace_zone

Row = TypeVar("Row")
CHUNK = 500

# key, label, group, done by the contact, icon
SHIPPED_KINDS: tuple[tuple[str, str, str, bool, str], ...] = (
    ("page_view", shipped("Visited a page"), "web", True, "globe"),
    ("product_view", shipped("Visited a product page"), "web", True, "globe"),
    ("pricing_view", shipped("Visited the pricing page"), "web", True, "globe"),
    ("careers_view", shipped("Visited the careers page"), "web", False, "globe"),
    ("screen_view", shipped("Opened a screen of the app"), "web", True, "globe"),
    ("custom_event", shipped("Did something on the site"), "web", True, "mouse-pointer-click"),
    ("newsletter_signup", shipped("Signed up for the newsletter"), "form", True, "mail-plus"),
    ("white_paper", shipped("Downloaded a white paper"), "content", True, "download"),
    ("case_study", shipped("Downloaded a case study"), "content", True, "download"),
    ("price_list", shipped("Downloaded the price list"), "content", True, "download"),
    ("video_view", shipped("Watched a video"), "content", True, "play"),
    ("webinar_registered", shipped("Registered for a webinar"), "event", True, "calendar-plus"),
    ("webinar_attended", shipped("Attended a webinar"), "event", True, "calendar-check"),
    ("event_registered", shipped("Registered for an event"), "event", True, "calendar-plus"),
    ("event_attended", shipped("Attended an event"), "event", True, "calendar-check"),
    ("fair_talk", shipped("Talked to us at a fair"), "event", True, "store"),
    ("contact_form", shipped("Sent the contact form"), "form", True, "message-square"),
    ("demo_request", shipped("Asked for a demo"), "form", True, "hand"),
    ("question", shipped("Asked a question"), "form", True, "circle-question-mark"),
    ("email_delivered", shipped("Received an e-mail"), "mail", False, "mail"),
    ("email_opened", shipped("Opened an e-mail"), "mail", False, "mail-open"),
    ("email_clicked", shipped("Clicked in an e-mail"), "mail", True, "mouse-pointer-click"),
    ("email_replied", shipped("Answered an e-mail"), "mail", True, "reply"),
    ("email_bounced", shipped("E-mail came back"), "mail", False, "mail-x"),
    ("email_complained", shipped("Reported an e-mail as spam"), "mail", False, "mail-x"),
    ("email_opened_machine", shipped("E-mail opened by a program"), "mail", False, "bot"),
    ("email_clicked_machine", shipped("Link in an e-mail opened by a program"), "mail", False, "bot"),
    ("unsubscribed", shipped("Unsubscribed"), "mail", False, "mail-minus"),
    ("email_out", shipped("E-mail written"), "mail", False, "send"),
    ("call_in", shipped("Called us"), "call", True, "phone-incoming"),
    ("call_out", shipped("Called by us"), "call", False, "phone-outgoing"),
    ("meeting", shipped("Meeting"), "call", True, "users"),
    ("social_follow", shipped("Followed us"), "social", True, "user-plus"),
    ("social_like", shipped("Liked a post"), "social", True, "thumbs-up"),
    ("intent", shipped("Researched a topic elsewhere"), "intent", False, "radar"),
    ("note", shipped("Note"), "note", False, "sticky-note"),
    ("identify", shipped("Said who they are"), "data", False, "id-card"),
    ("group", shipped("Said where they work"), "data", False, "building-2"),
    ("alias", shipped("Got another user id"), "data", False, "link"),
)

#: What programs do with mails, by what people do with them; no criterion may ask for it.
BY_MACHINE = {"email_opened": "email_opened_machine", "email_clicked": "email_clicked_machine"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One activity before it is stored. Without `message_id` we make one; with it, a repeat is ignored."""

    contact_id: int | None
    kind: str
    occurred_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    feed: str = "baton"
    message_id: str = ""
    anonymous_id: str = ""
    by_id: int | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One activity that was new, as the signal announces it."""

    id: int
    contact_id: int | None
    kind: str
    day: int
    occurred_at: datetime
    properties: dict[str, Any]
    message_id: str = ""


def slices(rows: Iterable[Row], size: int = CHUNK) -> Iterator[list[Row]]:
    """Cut `rows` into lists of at most `size`."""
    iterator = iter(rows)
    while part := list(islice(iterator, size)):
        yield part


_COLUMNS = (
    ("contact_id", "bigint"), ("anonymous_id", "text"), ("kind_id", "text"), ("occurred_at", "timestamptz"),
    ("received_at", "timestamptz"), ("day", "int"), ("feed", "text"), ("message_id", "text"), ("source", "text"),
    ("properties", "jsonb"), ("by_id", "bigint"),
)  # fmt: skip


def _insert(rows: Sequence[Happening], now: datetime) -> list[Recorded]:
    zone = workspace_zone()
    values: list[tuple[Any, ...]] = []
    by_key: dict[tuple[str, str], Happening] = {}
    for row in rows:
        message_id = row.message_id or str(uuid.uuid4())
        if (row.feed, message_id) in by_key:
            continue
        by_key[row.feed, message_id] = row
        values.append(
            (
                row.contact_id, row.anonymous_id, row.kind, instant(row.occurred_at), instant(row.received_at or now),
                local_day(row.occurred_at, zone), row.feed, message_id, row.source, json.dumps(row.properties),
                row.by_id,
            )
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(*_inserting(values))
        new = cursor.fetchall()
    found = ((id_, by_key[feed, message_id], day, message_id) for id_, feed, message_id, day in new)
    return [Recorded(id_, h.contact_id, h.kind, day, h.occurred_at, h.properties, key) for id_, h, day, key in found]


def _inserting(values: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    """Return the statement that stores what is new among the rows, and its parameters.

    PostgreSQL gets one array per column: a thousand places in a statement take longer to fill than the rows to store.
    """
    params: list[Any]
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for _name, kind in _COLUMNS)
        params = [list(column) for column in zip(*values, strict=True)]
        rows = f"SELECT * FROM unnest({arrays})"  # nosec B608  # our own column kinds
    else:
        one = f"({', '.join(['%s'] * len(_COLUMNS))})"
        rows, params = f"VALUES {', '.join([one] * len(values))}", [cell for row in values for cell in row]
    names = ", ".join(name for name, _kind in _COLUMNS)
    return (
        f"INSERT INTO crm_activity ({names}) {rows}"  # nosec B608
        " ON CONFLICT (feed, message_id) DO NOTHING RETURNING id, feed, message_id, day",
        params,
    )


def record_many(happenings: Iterable[Happening], *, history: bool = False) -> list[Recorded]:
    """Store what is new among `happenings` in one transaction, announce it, and return it.

    A (feed, message id) that is known already is left out of the answer, and changes nothing. `history` says that
    a list tells of it afterwards: it counts, but nobody comes back or wakes because of it.
    """
    recorded: list[Recorded] = []
    with transaction.atomic():
        now = timezone.now()
        for part in slices(happenings):
            recorded += _insert(part, now)
        if recorded:
            signals.activity_recorded.send(sender=Activity, activities=recorded, history=history)
    return recorded


def record(
    contact: Contact, kind: str, *, at: datetime | None = None, by: User | None = None, **details: Any
) -> Recorded | None:
    """Store one activity of `contact`; None when (feed, message_id) was known already.

    `details` are the fields of Happening: properties, source, feed, message_id.
    """
    happening = Happening(contact.pk, kind, at or timezone.now(), by_id=by.pk if by else None, **details)
    new = record_many([happening])
    return new[0] if new else None


def give_to(owners: Mapping[str, int]) -> list[Recorded]:
    """Give the activities that wait under an anonymous id to the contacts they turned out to be of, and announce them.

    `owners` is {anonymous id: contact}. They count from now on, though they happened before.
    """
    joined: list[Recorded] = []
    with transaction.atomic():
        for part in slices(owners.items()):
            cases = [When(anonymous_id=value, then=contact) for value, contact in part]
            waiting = Activity.objects.filter(contact=None, anonymous_id__in=[value for value, _contact in part])
            rows = list(waiting.order_by("id").only("kind_id", "day", "occurred_at", "properties", "anonymous_id"))
            if not rows:
                continue
            Activity.objects.filter(pk__in=[row.pk for row in rows]).update(contact_id=Case(*cases))
            joined += [
                Recorded(row.pk, owners[row.anonymous_id], row.kind_id, row.day, row.occurred_at, row.properties)
                for row in rows
            ]
        if joined:
            signals.activity_recorded.send(sender=Activity, activities=joined, history=False)
    return joined


@dataclass(frozen=True, slots=True)
class Recast:
    """A stored activity that turned out to be of another kind, and what its properties say from now on."""

    activity: Activity
    kind: str
    properties: dict[str, Any]


def recast(changes: Sequence[Recast], *, why: str) -> None:
    """Let stored activities count as another kind, write that into the audit log, and have the people counted anew.

    The activity keeps its feed and message id, so that a repeat is still known.
    """
    contacts: dict[int, list[int]] = {}
    with gate_open(f"recast: {why}"):
        for change in changes:
            row = change.activity
            Activity.objects.filter(pk=row.pk).update(kind=change.kind, properties=row.properties | change.properties)
            if row.contact_id is not None:
                contacts.setdefault(row.contact_id, []).append(row.pk)
        for contact, rows in contacts.items():
            audit.record(None, "activities.taken_back", f"contact:{contact}", activities=rows, why=why)
        signals.activities_removed.send(sender=Activity, contact_ids=sorted(contacts))


def ship_kinds() -> None:
    """Add the shipped activity kinds that are missing; what a workspace changed stays as it is."""
    known = set(ActivityKind.objects.values_list("key", flat=True))
    ActivityKind.objects.bulk_create(
        ActivityKind(key=key, label=label, group=group, inbound=inbound, icon=icon, shipped=True)
        for key, label, group, inbound, icon in SHIPPED_KINDS
        if key not in known
    )
