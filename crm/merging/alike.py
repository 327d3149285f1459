"""What speaks for two contacts being one person: the same personal address, number or name."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.email_address import is_shared
from crm.models import Contact

EMAIL, PHONE, NAME = "email", "phone", "name"
WORDS: dict[str, str | Promise] = {
    EMAIL: _("same e-mail address"), PHONE: _("same phone number"), NAME: _("same name"),
}  # fmt: skip
STRENGTH = {EMAIL: 4, PHONE: 2, NAME: 1}


def reasons(one: Contact, other: Contact) -> list[str]:
    """Return what the two have in common, strongest first; a mailbox of an office says nothing."""
    common = {
        EMAIL: one.email_key if not is_shared(one.email_key) else "",
        PHONE: one.phone_key,
        NAME: one.name_key if " " in one.name_key else "",
    }
    theirs = {EMAIL: other.email_key, PHONE: other.phone_key, NAME: other.name_key}
    return [reason for reason, key in common.items() if key and key == theirs[reason]]


def strength(found: Iterable[str]) -> int:
    """Return how much `found` speaks for one person: the more, the further up in the list."""
    return sum(STRENGTH[reason] for reason in found)


def words(found: Iterable[str]) -> list[str]:
    """Return reasons as a person reads them."""
    return [str(WORDS[reason]) for reason in found if reason in WORDS]
