"""Reading out of a batch who is who: identify finds or makes a contact, alias and shared ids join, group employs.

A new contact has a negative number here until it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crm import consents
from crm.email_address import email_key, is_shared
from crm.tracking import identities, traits
from crm.tracking.identities import People
from crm.tracking.messages import Message
from crm.tracking.profiles import Wish
from crm.tracking.receipts import Line
from crm.tracking.refusals import Refused

Refuse = Callable[[Line, Refused], None]


@dataclass
class Introductions:
    """What the batch says about people: {contact: wish}, negative numbers for new ones."""

    people: People
    wishes: dict[int, Wish] = field(default_factory=dict)
    by_email: dict[str, int] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    _made: int = 0
    _later: list[tuple[Line, Message]] = field(default_factory=list)

    def take(self, line: Line, message: Message) -> None:
        """Note what one message says; Refused when it names somebody who must not be created."""
        if message.type == "alias":
            self.people.rename(message)
        elif message.type == "identify":
            self._identify(line, message)
        else:
            self.people.join(message)
        if message.type == "group":
            self._later.append((line, message))

    def finish(self) -> None:
        """Hear once more what was said before the same batch told by whom."""
        for line, message in self._later:
            contact = self.people.contact_of(message)
            if contact is not None:
                earlier = said(line, message) if message.type == "identify" else employer(line, message)
                earlier.add(self.wishes.get(contact, Wish()))
                self.wishes[contact] = earlier

    def _identify(self, line: Line, message: Message) -> None:
        wish = said(line, message)
        address = email_key(wish.fields.get("email", ""))
        contact = self._find(message, address)
        if address and consents.fingerprint(address) in self.blocked:
            if contact is None:
                raise Refused("suppressed")
            del wish.fields["email"]
        if contact is None and _is_somebody(message, wish):
            contact = self._make(address)
        if contact is None:
            self.people.join(message)
            self._later.append((line, message))
            return
        self.people.bind_user(message.user_id, contact)
        self.people.bind_device(message.anonymous_id, contact)
        self.wishes.setdefault(contact, Wish()).add(wish)

    def _find(self, message: Message, address: str) -> int | None:
        """The user id decides, then the address, then (for who gives no address) the device."""
        if message.user_id in self.people.users:
            return self.people.users[message.user_id]
        if address:
            return self.by_email.get(address)
        return self.people.devices.get(message.anonymous_id)

    def _make(self, address: str) -> int:
        self._made -= 1
        if address and not is_shared(address):
            self.by_email[address] = self._made
        self.wishes[self._made] = Wish()
        return self._made


def read(batch: list[tuple[Line, Message]], people: People, refuse: Refuse) -> Introductions:
    """Return what the batch says about people; a message that must not create anybody is handed to `refuse`."""
    found = Introductions(people)
    addresses = {email_key(_address(message)) for _line, message in batch if message.type == "identify"} - {""}
    if addresses:
        found.by_email = identities.by_email(address for address in addresses if not is_shared(address))
        found.blocked = consents.suppressed_prints(consents.fingerprint(address) for address in addresses)
    for line, message in list(batch):
        try:
            found.take(line, message)
        except Refused as error:
            refuse(line, error)
    found.finish()
    return found


def _address(message: Message) -> str:
    email = message.traits.get("email")
    return email if isinstance(email, str) else message.user_id if "@" in message.user_id else ""


def said(line: Line, message: Message) -> Wish:
    """Return what an identify message says; Refused when its address is none."""
    told = dict(message.traits)
    if address := _address(message):
        told["email"] = address
    locale = message.context.get("locale")
    if isinstance(locale, str):
        told.setdefault("locale", locale)
    fields, dropped = traits.person(told)
    if told.get("email") and "email" not in fields:
        if message.traits.get("email"):
            raise Refused("bad_email", next((why for why in dropped if why.startswith("email")), ""))
        dropped = [why for why in dropped if not why.startswith("email")]
    key, company, more = traits.company(told)
    line.detail = "; ".join([*dropped, *more])
    return Wish(fields, company, key, message.at)


def employer(line: Line, message: Message) -> Wish:
    """Return what a group message says about where somebody works."""
    fields, dropped = traits.organisation(message.traits)
    line.detail = "; ".join(dropped)
    return Wish({}, fields, message.group_id, None)


def _is_somebody(message: Message, wish: Wish) -> bool:
    """Whether enough is known to make a contact: a way to reach them, or a user id with a name."""
    fields: dict[str, Any] = wish.fields
    named = fields.get("first_name") or fields.get("last_name")
    return bool(fields.get("email") or fields.get("phone") or (message.user_id and named))
