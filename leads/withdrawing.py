"""Taking a yes back: on the page behind the link of a mail, at once, and provable like the yes."""

from __future__ import annotations

from collections.abc import Iterable

from django.core import signing
from django.db import transaction

from crm import consents
from crm.models import ConsentEvent, Contact

SALT = "leads.withdrawing"
Kind = ConsentEvent.Kind


def withdrawal_token(contact: Contact) -> str:
    """Return the token of the page on which `contact` withdraws; the link in every mail to them (P07)."""
    return signing.dumps(contact.pk, salt=SALT, compress=False)


def whose(token: str) -> Contact | None:
    """Return whom a withdrawal token belongs to; None for any other word."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Contact.objects.filter(pk=pk).first()


def given(contact: Contact) -> list[tuple[str, str, ConsentEvent]]:
    """Return the consents that hold: (purpose, channel, the event that gave it)."""
    return [
        (purpose, channel, event)
        for (purpose, channel), event in consents.state(contact).items()
        if event.kind == Kind.CONFIRMED
    ]


def withdraw(contact: Contact, keys: Iterable[str], *, ip: str) -> int:
    """Withdraw those of `keys` ('newsletter:email') that hold, at once; return how many did."""
    wanted = set(keys)
    gone = [(purpose, channel) for purpose, channel, _event in given(contact) if f"{purpose}:{channel}" in wanted]
    with transaction.atomic():
        for purpose, channel in gone:
            consents.note(
                contact, Kind.WITHDRAWN, purpose=purpose, channel=channel, source="consent page", evidence={"ip": ip}
            )
    return len(gone)
