"""Taking in the events of a webhook: joined to people, judged, stored once, and acted on, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from crm import activities, consents
from crm.activities import BY_MACHINE, Happening, Recast
from crm.mail_events import machines, reading
from crm.mail_events.machines import Look
from crm.mail_events.reading import BOUNCED, CLICKED, COMPLAINED, DELIVERED, OPENED, UNSUBSCRIBED, MailEvent
from crm.models import Activity, Channel, ConsentEvent, Contact, Purpose, TrackingReceipt, Workspace
from crm.tracking import receipts
from crm.tracking.receipts import Line
from crm.tracking.refusals import Refused

BY_PERSON = {machine: person for person, machine in BY_MACHINE.items()}
WHAT = {DELIVERED: "delivered", OPENED: "opened", CLICKED: "clicked"}
AROUND = timedelta(minutes=5)
MAIL_PURPOSES = (Purpose.NEWSLETTER, Purpose.OFFER)
LASTING = {COMPLAINED: "complaint", UNSUBSCRIBED: "unsubscribed", BOUNCED: "hard_bounce"}


@dataclass
class Batch:
    """The events of one request: a line for each, and those that can be taken so far."""

    provider: str
    lines: list[Line] = field(default_factory=list)
    good: list[tuple[Line, MailEvent]] = field(default_factory=list)
    people: dict[str, list[Contact]] = field(default_factory=lambda: defaultdict(list))

    @property
    def feed(self) -> str:
        return f"mail:{self.provider}"

    @property
    def source(self) -> str:
        return self.provider

    def refuse(self, line: Line, reason: str, detail: str = "") -> None:
        """Take an event out, saying why."""
        line.outcome, line.reason, line.detail = receipts.REFUSED, reason, detail
        self.good = [pair for pair in self.good if pair[0] is not line]


def take(provider: str, events: Sequence[Any]) -> TrackingReceipt:
    """Store what is new among `events` (anymail's tracking events); the receipt says what became of each."""
    received = timezone.now()
    batch = Batch(provider)
    for event in events:
        line = Line(str(event.event_type or "?")[:40], receipts.masked_text(str(event.recipient or ""))[:100], "")
        batch.lines.append(line)
        try:
            told = reading.read(event, received=received)
        except Refused as error:
            batch.refuse(line, error.reason, error.detail)
        else:
            line.id = told.id
            batch.good.append((line, told))
    with transaction.atomic():
        if batch.good:
            _in_turn({event.address for _line, event in batch.good})
            _store(batch)
        return receipts.write(None, batch.lines, sender="", at=received, provider=provider)


def unreadable(provider: str, detail: str) -> TrackingReceipt:
    """Note a request that was signed, but holds nothing that can be read."""
    line = Line("?", "", "", outcome=receipts.REFUSED, reason="unreadable", detail=detail)
    return receipts.write(None, [line], sender="", at=timezone.now(), provider=provider)


def _in_turn(addresses: Iterable[str]) -> None:
    """Let requests about one address pass one by one: three clicks that come by three requests are still a burst."""
    if connection.vendor == "postgresql":
        keys = sorted(int(consents.fingerprint(address)[:15], 16) for address in addresses)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS t(key)", [keys])


def _store(batch: Batch) -> None:
    addresses = {event.address for _line, event in batch.good}
    for contact in Contact.objects.filter(email_key__in=addresses).exclude(email_key="").order_by("pk"):
        batch.people[contact.email_key].append(contact)
    _leave_out_unknown(batch)
    _leave_out_private(batch)
    happenings, owners = _happenings(batch)
    recasts = _judged(batch, happenings)
    fresh = {one.message_id for one in activities.record_many(happenings.values())}
    if recasts:
        activities.recast(recasts, why="mail scanner")
    new = []
    for line, event in batch.good:
        mine = owners[line.id]
        is_new = any(key in fresh for key in mine)
        fresh.difference_update(mine)
        line.outcome = receipts.ACCEPTED if is_new else receipts.DUPLICATE
        if is_new and happenings[mine[0]].kind in BY_PERSON:
            line.outcome, line.reason = receipts.QUARANTINED, str(happenings[mine[0]].properties["machine"])
        if is_new:
            new.append(event)
    _act(batch, new)


# --- Who it is about ------------------------------------------------------------------------------


def _leave_out_unknown(batch: Batch) -> None:
    """Nobody has the address: the event is refused, but a lasting no is kept under the address's keyed hash."""
    lasting: list[MailEvent] = []
    for line, event in list(batch.good):
        people = batch.people.get(event.address, [])
        if len(people) > 1 and event.kind in WHAT:
            batch.refuse(line, "shared_address")
        elif not people:
            lasts = _lasts(event)
            batch.refuse(line, "unknown_suppressed" if lasts else "unknown_address")
            lasting += [event] if lasts else []
    for event in lasting:
        consents.suppress(event.address, LASTING[event.kind], at=event.at)


def _lasts(event: MailEvent) -> bool:
    return event.kind in LASTING and (event.kind != BOUNCED or event.is_hard)


def _leave_out_private(batch: Batch) -> None:
    """Openings count only where the workspace says so, and nobody is watched who forbade it (P27)."""
    looks = [(line, event) for line, event in batch.good if event.kind in BY_MACHINE]
    if not looks:
        return
    counts_opens = Workspace.objects.values_list("counts_opens", flat=True).first()
    objectors = consents.refusers({batch.people[event.address][0].pk for _line, event in looks}, "tracking")
    for line, event in looks:
        if event.kind == OPENED and not counts_opens:
            batch.refuse(line, "opens_off")
        elif batch.people[event.address][0].pk in objectors:
            batch.refuse(line, "objected")


def _happenings(batch: Batch) -> tuple[dict[str, Happening], dict[str, list[str]]]:
    """Return the activities by message id, and {event: its message ids}: one for each who has the address."""
    found: dict[str, Happening] = {}
    owners: dict[str, list[str]] = {}
    for _line, event in batch.good:
        keys = []
        for place, contact in enumerate(batch.people[event.address]):
            key = event.id if not place else f"{event.id}:{contact.pk}"
            keys.append(key)
            found[key] = Happening(
                contact.pk, event.kind, event.at, event.properties(), batch.source, batch.feed, key
            )  # fmt: skip
        owners[event.id] = keys
    return found, owners


# --- People or machines ---------------------------------------------------------------------------


def _judged(batch: Batch, happenings: dict[str, Happening]) -> list[Recast]:
    """Mark what a machine did among the new; return what was taken for a person's before and is a machine's."""
    evidence = {event.id: event.machine for _line, event in batch.good}
    wanted = {(one.contact_id, one.properties.get("mail", key)) for key, one in happenings.items() if one.kind in WHAT}
    rows = _earlier(happenings, {contact for contact, _mail in wanted if contact})
    known = {row.pk: row for row in rows}
    stored = {row.message_id for row in rows if row.feed == batch.feed}
    looks: dict[tuple[int | None, str], list[Look]] = defaultdict(list)
    for row in rows:
        mail = row.properties.get("mail", row.message_id)
        if (row.contact_id, mail) in wanted:
            kind = BY_PERSON.get(row.kind_id, row.kind_id)
            why = row.properties.get("machine", "")
            looks[row.contact_id, mail].append(_look(row.pk, kind, row.occurred_at, row.properties, why))
    for new, one in happenings.items():
        if one.kind in WHAT and new not in stored:
            mail = one.properties.get("mail", new)
            look = _look(new, one.kind, one.occurred_at, one.properties, evidence.get(new, ""))
            looks[one.contact_id, mail].append(look)
    recasts: list[Recast] = []
    for of_one_mail in looks.values():
        for key, reason in machines.judge(of_one_mail).items():
            if isinstance(key, str):
                seen = happenings[key]
                told = seen.properties | {"machine": reason}
                happenings[key] = replace(seen, kind=BY_MACHINE[seen.kind], properties=told)
            elif isinstance(key, int) and known[key].kind_id in BY_MACHINE:
                recasts.append(
                    Recast(known[key], BY_MACHINE[known[key].kind_id], {"machine": reason, "taken_back": True})
                )
    return recasts


def _look(key: Any, kind: str, at: Any, told: dict[str, Any], why: str) -> Look:
    return Look(key, WHAT[kind], at, told.get("link", ""), why)


def _earlier(happenings: dict[str, Happening], contacts: set[int]) -> list[Activity]:
    """Return what is known of mails to these people around the time of what is new."""
    if not contacts:
        return []
    times = [one.occurred_at for one in happenings.values() if one.kind in WHAT]
    near = Q(occurred_at__gte=min(times) - AROUND, occurred_at__lte=max(times) + AROUND)
    rows = Activity.objects.filter(near, contact_id__in=contacts, kind_id__in=[*WHAT, *BY_PERSON])
    return list(rows.order_by("pk").select_for_update() if connection.vendor == "postgresql" else rows.order_by("pk"))


# --- What follows ---------------------------------------------------------------------------------


def _act(batch: Batch, new: Iterable[MailEvent]) -> None:
    """A complaint, a hard bounce and an unsubscribing take effect at once, for everybody with the address."""
    words: list[ConsentEvent] = []
    for event in new:
        if event.kind == COMPLAINED or (event.kind == BOUNCED and event.is_hard):
            consents.suppress(event.address, LASTING[event.kind], at=event.at)
        if event.kind in {COMPLAINED, UNSUBSCRIBED}:
            said = ConsentEvent.Kind.OBJECTED if event.kind == COMPLAINED else ConsentEvent.Kind.WITHDRAWN
            words += [
                ConsentEvent(
                    contact=contact, kind=said, purpose=purpose, channel=Channel.EMAIL, at=event.at, source=batch.feed,
                    evidence={"provider": batch.provider, "event": event.kind, "mail": event.mail},
                )
                for contact in batch.people[event.address]
                for purpose in MAIL_PURPOSES
            ]  # fmt: skip
    if words:
        consents.note_many(words)
