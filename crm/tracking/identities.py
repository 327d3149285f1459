"""Who a message is about: user ids (keys in another system), anonymous ids, and whom they wait for.

A user id is a ContactKey of the system its write key names. An anonymous id has a TrackedId: of a contact, or of a user
id that nobody has introduced yet. Activities of the unknown stand under their anonymous id until somebody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import connection

from crm import bulk, consents
from crm.models import Contact, ContactKey, TrackedId
from crm.tracking.messages import LONGEST_ID, Message

INTRODUCING = ("identify", "alias", "group")
_LOCK = 724_503_118  # one number for all of tracking, in PostgreSQL's space of advisory locks


def unknown_user(system: str, user_id: str) -> str:
    """Return the name under which activities of a user id wait. It does not show the id, which may be an address."""
    return f"user:{consents.fingerprint(f'{system}|{user_id}')[:48]}"


def _as_device(previous_id: str) -> str:
    """Return an id as an anonymous one, '' when it is too long to have been one."""
    return previous_id if len(previous_id) <= LONGEST_ID else ""


@dataclass
class People:
    """Who is known among those a batch names; what the batch adds is kept here until it is written."""

    system: str
    users: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    _new_users: dict[str, int] = field(default_factory=dict)
    _new_devices: dict[str, int] = field(default_factory=dict)
    _new_waiting: dict[str, str] = field(default_factory=dict)

    def contact_of(self, message: Message) -> int | None:
        """Return the contact a message is about: by its user id, else by its anonymous id."""
        if message.user_id in self.users:
            return self.users[message.user_id]
        return self.devices.get(message.anonymous_id)

    def waits_as(self, message: Message) -> str:
        """Return the id under which an activity of somebody unknown waits."""
        return message.anonymous_id or unknown_user(self.system, message.user_id)

    def bind_user(self, user_id: str, contact_id: int) -> None:
        """Say that a user id is this contact's, unless it is somebody's already."""
        if user_id and user_id not in self.users:
            self.users[user_id] = self._new_users[user_id] = contact_id

    def bind_device(self, value: str, contact_id: int) -> None:
        """Say that an anonymous id is this contact's, unless it is somebody's already."""
        if value and value not in self.devices:
            self.devices[value] = self._new_devices[value] = contact_id
            self._new_waiting.pop(value, None)

    def let_wait(self, value: str, user_id: str) -> None:
        """Say that an anonymous id belongs to a user id that nobody has introduced."""
        wanted = unknown_user(self.system, user_id)
        if value and value not in self.devices and value != wanted and self.waiting.get(value) != wanted:
            self.waiting[value] = self._new_waiting[value] = wanted

    def join(self, message: Message) -> None:
        """Take from a message that names both what it says about who belongs together."""
        if not (message.user_id and message.anonymous_id):
            return
        if message.user_id in self.users:
            self.bind_device(message.anonymous_id, self.users[message.user_id])
        elif message.anonymous_id not in self.devices:
            self.let_wait(message.anonymous_id, message.user_id)

    def rename(self, message: Message) -> None:
        """Take from an alias message that two ids are one person's."""
        old, new = message.previous_id, message.user_id
        if new in self.users:
            self._bind_either(old, self.users[new])
        elif old in self.users:
            self.bind_user(new, self.users[old])
        elif old in self.devices:
            self.bind_user(new, self.devices[old])
        else:
            self.let_wait(_as_device(old), new)
            self.let_wait(unknown_user(self.system, old), new)

    def _bind_either(self, old: str, contact_id: int) -> None:
        self.bind_device(_as_device(old), contact_id)
        self.bind_device(unknown_user(self.system, old), contact_id)

    def settle(self, stored: Mapping[int, int]) -> None:
        """Put the numbers of stored contacts in place of the negative ones they had before."""
        for known in (self.users, self.devices, self._new_users, self._new_devices):
            known.update({key: stored[contact] for key, contact in known.items() if contact in stored})

    def write(self) -> dict[str, int]:
        """Store what is new and return {id under which activities waited: contact} of those who are known by now."""
        found = dict(self._new_devices)
        kept = dict(found)
        if self._new_users:
            bulk.insert([ContactKey(system=self.system, key=key, contact_id=c) for key, c in self._new_users.items()])
            users = {unknown_user(self.system, key): contact for key, contact in self._new_users.items()}
            waited = self._who_waited_for(users)
            kept |= waited
            found |= users | waited
        self._store_ids({**dict.fromkeys(self._new_waiting), **kept})
        self._new_users, self._new_devices, self._new_waiting = {}, {}, {}
        return found

    def _who_waited_for(self, wanted: dict[str, int]) -> dict[str, int]:
        """Return {id: contact} of everybody who waited for the users in `wanted`, and for those in turn."""
        found: dict[str, int] = {}
        while wanted:
            rows = TrackedId.objects.filter(contact=None, waits_for__in=list(wanted)).values_list("value", "waits_for")
            told = {**dict(rows), **self._new_waiting}
            wanted = {value: wanted[to] for value, to in told.items() if to in wanted and value not in found}
            found |= wanted
        return found

    def _store_ids(self, values: dict[str, int | None]) -> None:
        known = (
            set(TrackedId.objects.filter(value__in=list(values)).values_list("value", flat=True)) if values else set()
        )
        bulk.insert(
            [
                TrackedId(value=value, contact_id=contact, waits_for="" if contact else self.waiting.get(value, ""))
                for value, contact in values.items()
                if value not in known
            ]
        )
        changed = list(TrackedId.objects.filter(value__in=list(known), contact=None)) if known else []
        for row in changed:
            row.contact_id = values[row.value]
            row.waits_for = "" if row.contact_id else self.waiting.get(row.value, row.waits_for)
        TrackedId.objects.bulk_update(changed, ["contact_id", "waits_for"])


def find(system: str, messages: Iterable[Message]) -> People:
    """Return who is known among the people `messages` name; two queries."""
    people = People(system)
    users, values = set(), set()
    for message in messages:
        for user in (message.user_id, message.previous_id):
            if user:
                users.add(user)
                values.add(unknown_user(system, user))
        values |= {message.anonymous_id, _as_device(message.previous_id)}
    keys = ContactKey.objects.filter(system=system, key__in=list(users - {""}))
    people.users = dict(keys.values_list("key", "contact_id")) if users else {}
    rows = TrackedId.objects.filter(value__in=list(values - {""}))
    for value, contact_id, waits_for in rows.values_list("value", "contact_id", "waits_for"):
        if contact_id:
            people.devices[value] = contact_id
        else:
            people.waiting[value] = waits_for
    _users_known_by_alias(people, users)
    return people


def _users_known_by_alias(people: People, users: Iterable[str]) -> None:
    """Let a user id count that an alias gave to somebody before anybody introduced it."""
    for user in users:
        contact = people.devices.get(unknown_user(people.system, user))
        if contact and user not in people.users:
            people.users[user] = contact


def introduces(people: People, messages: Iterable[Message]) -> bool:
    """Whether the batch says something new about who belongs together."""
    return any(
        m.type in INTRODUCING or (m.user_id and m.anonymous_id and m.anonymous_id not in people.devices)
        for m in messages
    )


def lock(*, alone: bool) -> None:
    """Let batches that introduce somebody pass one by one, the others side by side (SQLite has one writer anyway)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s)" if alone else "SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK]
            )


def by_email(addresses: Iterable[str]) -> dict[str, int]:
    """Return {e-mail key: the oldest contact that has it}."""
    wanted = [address for address in set(addresses) if address]
    rows = Contact.objects.filter(email_key__in=wanted).exclude(email_key="") if wanted else Contact.objects.none()
    return dict(rows.order_by("-id").values_list("email_key", "pk"))
