"""Why two contacts are not merged, or not without a second look; and why a merge cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from crm.email_address import is_shared
from crm.models import Contact, ContactMerge, User
from crm.phone import is_masked
from crm.roles import may_merge

MASKS = frozenset("*•#")


class Refused(Exception):
    """Nothing was written. `reasons` are sentences; with `asks` a person may confirm and merge all the same."""

    def __init__(self, reasons: Sequence[str], *, asks: bool = False, stale: bool = False) -> None:
        self.reasons, self.asks, self.stale = list(reasons), asks, stale
        super().__init__(" ".join(self.reasons))


def check_rights(user: User | None, *people: Contact) -> None:
    """Raise Refused unless `user` may merge and sees everybody concerned; None is the system, which never merges."""
    if user is None or not may_merge(user):
        raise Refused([_("Marketing, a sales lead or an admin merges contacts.")])
    wanted = {person.pk for person in people}
    if Contact.objects.visible_to(user).filter(pk__in=wanted).count() != len(wanted):
        raise Refused([_("One of the two is outside of what you may see.")])


def doubts(kept: Contact, merged: Contact) -> list[str]:
    """Return why the two are not the same person just because they share something; a person may know better."""
    return list(dict.fromkeys(_doubts(kept, merged)))


def _doubts(kept: Contact, merged: Contact) -> Iterator[str]:
    for person in (kept, merged):
        if person.email and is_shared(person.email):
            yield _("%(address)s is the mailbox of an office, not of a person.") % {"address": person.email}
        if MASKS & set(person.email):
            yield _("%(address)s is masked: it says nothing about who this is.") % {"address": person.email}
        if person.phone and is_masked(person.phone):
            yield _("%(number)s is masked: it says nothing about who this is.") % {"number": person.phone}
    if not _in_common(kept, merged):
        yield _("The two share neither an e-mail address nor a phone number nor a name.")


def _in_common(kept: Contact, merged: Contact) -> bool:
    keys = ((kept.email_key, merged.email_key), (kept.phone_key, merged.phone_key), (kept.name_key, merged.name_key))
    return any(one and one == other for one, other in keys)


def why_together(entry: ContactMerge) -> list[str]:
    """Return why a merge cannot be undone now; [] when it can."""
    from crm.merging.rules import CONTRADICTIONS

    if entry.undone_at:
        return [_("This merge has been undone already.")]
    if entry.erased_at or not entry.kept_values:
        return [_("What was known of the merged person has been erased; nobody can part them any more.")]
    if ContactMerge.objects.standing().filter(kept=entry.kept_id, pk__gt=entry.pk).exists():
        return [_("The contact that stayed was merged once more since. Undo that merge first.")]
    return [sentence for ask in CONTRADICTIONS for sentence in ask(entry)]
