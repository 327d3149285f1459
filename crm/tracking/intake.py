"""Taking in a batch: each message read, joined to a person, and stored once, all in one transaction.

The number of queries does not grow with the batch; only a person whose profile changes costs one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from crm import activities, consents, signals
from crm.activities import Happening, Recorded
from crm.models import Activity, TrackingReceipt, WriteKey
from crm.tracking import identities, introductions, messages, profiles, receipts, rules, visits
from crm.tracking.identities import People
from crm.tracking.messages import Message
from crm.tracking.profiles import Wish
from crm.tracking.receipts import Line
from crm.tracking.refusals import Refused


@dataclass
class Batch:
    """The messages of one request: a line for each, and those that can be taken so far."""

    key: WriteKey
    lines: list[Line] = field(default_factory=list)
    good: list[tuple[Line, Message]] = field(default_factory=list)

    @property
    def told(self) -> list[Message]:
        return [message for _line, message in self.good]

    def refuse(self, line: Line, error: Refused) -> None:
        """Take a message out, saying why."""
        line.outcome, line.reason, line.detail = receipts.REFUSED, error.reason, error.detail
        self.good = [pair for pair in self.good if pair[0] is not line]


def take(
    key: WriteKey, bodies: Sequence[Any], *, sent_at: Any = None, sender: str = "", privacy_signal: bool = False
) -> TrackingReceipt:
    """Store what is new and right among `bodies` (decoded messages); the receipt says what became of each.

    `sent_at` is the sender's clock as it sent, an ISO 8601 text. With `privacy_signal` the browser forbids it all.
    """
    received = timezone.now()
    batch = Batch(key)
    for body in bodies:
        line = Line.of(body)
        batch.lines.append(line)
        try:
            if privacy_signal:
                raise Refused("privacy_signal")
            message = messages.read(body, received=received, sent_at=sent_at)
        except Refused as error:
            line.kept = None if privacy_signal else receipts.masked(body)
            batch.refuse(line, error)
        else:
            line.id = line.id or message.message_id
            batch.good.append((line, message))
    with transaction.atomic():
        if batch.good:
            _store(batch)
        return receipts.write(key, batch.lines, sender=sender, at=received)


def _store(batch: Batch) -> None:
    people = _known(batch)
    _leave_out_repeats(batch, people)
    found = introductions.read(batch.good, people, batch.refuse)
    _leave_out_objectors(batch, people, found.wishes)
    owners = _settle(batch, people, found.wishes)
    meaning = rules.read()
    if owners:
        _hear_what_was_said_before(activities.give_to(owners), batch.key)
    recorded = activities.record_many(_happening(batch.key, one, people, meaning) for one in batch.told)
    fresh = {one.message_id for one in recorded}
    for line, message in batch.good:
        line.outcome = receipts.ACCEPTED if message.message_id in fresh else receipts.DUPLICATE
        fresh.discard(message.message_id)
    _announce(batch.key, people, found.wishes)


def _known(batch: Batch) -> People:
    """Return who is known, read under the lock that keeps two batches from introducing one person twice."""
    if connection.vendor == "postgresql":
        before = identities.find(batch.key.system, batch.told)
        identities.lock(alone=identities.introduces(before, batch.told))
    return identities.find(batch.key.system, batch.told)


def _leave_out_repeats(batch: Batch, people: People) -> None:
    """A message that came before has no effect again. Where nobody is introduced, storing it finds that out."""
    if not identities.introduces(people, batch.told):
        return
    ids = [message.message_id for message in batch.told]
    seen = set(Activity.objects.filter(feed=batch.key.feed, message_id__in=ids).values_list("message_id", flat=True))
    fresh = []
    for line, message in batch.good:
        if message.message_id in seen:
            line.outcome = receipts.DUPLICATE
        else:
            seen.add(message.message_id)
            fresh.append((line, message))
    batch.good = fresh


def _leave_out_objectors(batch: Batch, people: People, wishes: dict[int, Wish]) -> None:
    """Nothing is kept of a person who does not want to be tracked."""
    named = {contact for message in batch.told if (contact := people.contact_of(message)) and contact > 0}
    objectors = consents.refusers(named, "tracking")
    if not objectors:
        return
    for line, message in list(batch.good):
        if people.contact_of(message) in objectors:
            batch.refuse(line, Refused("objected"))
    for contact in objectors:
        wishes.pop(contact, None)


def _settle(batch: Batch, people: People, wishes: dict[int, Wish]) -> dict[str, int]:
    """Write people and profiles; return {id under which activities waited: contact} of who is known by now."""
    if wishes:
        source = f"{profiles.OWN}{batch.key.pk}"
        stored = profiles.apply(wishes, system=batch.key.system, source=source)
        people.settle(stored)
        for number, contact in stored.items():
            wishes[contact] = wishes.pop(number)
    return people.write()


def _hear_what_was_said_before(joined: list[Recorded], key: WriteKey) -> None:
    """Fill profiles with what people said of themselves before anybody knew who they were."""
    wishes: dict[int, Wish] = {}
    for one in joined:
        if one.contact_id and (told := one.properties.get("said")):
            wish = Wish(told.get("fields", {}), told.get("company", {}), told.get("company_key", ""))
            wishes.setdefault(one.contact_id, Wish()).add(wish)
    if wishes:
        profiles.apply(wishes, system=key.system, source=f"{profiles.OWN}{key.pk}")


def _happening(key: WriteKey, message: Message, people: People, meaning: rules.Rules) -> Happening:
    contact = people.contact_of(message)
    kind = meaning.kind(message)
    return Happening(
        contact_id=contact,
        anonymous_id=message.anonymous_id if contact else people.waits_as(message),
        kind=kind,
        occurred_at=message.at,
        properties=_properties(message, kind, waits=contact is None),
        source=key.name,
        feed=key.feed,
        message_id=message.message_id,
    )


def _properties(message: Message, kind: str, *, waits: bool) -> dict[str, Any]:
    """Return what the activity keeps. Traits are in the profile; of the unknown they wait here."""
    kept: dict[str, Any] = {"clock": message.claim} if message.claim else {}
    if message.type in {"track", "page", "screen"}:
        kept |= visits.properties(message)
        if kind == rules.GENERIC["track"]:
            kept["event"] = message.name
        return kept
    if waits and message.type in {"identify", "group"}:
        spoken = Line(message.type, "", "")
        wish = (introductions.said if message.type == "identify" else introductions.employer)(spoken, message)
        kept["said"] = {"fields": wish.fields, "company": wish.company, "company_key": wish.company_key}
    return kept


def _announce(key: WriteKey, people: People, wishes: dict[int, Wish]) -> None:
    found = {contact: wish.at for contact, wish in wishes.items() if wish.at}
    if found and key.opens_leads:
        signals.people_identified.send(sender=Activity, found=found)
