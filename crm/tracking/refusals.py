"""Why a message is not taken, in words. The receipt keeps the word, the reader's language says the sentence."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, str | Promise] = {
    "no_object": _("A message must be an object."),
    "unknown_type": _("The type is none of identify, track, page, screen, group, alias."),
    "no_person": _("It names nobody: give userId or anonymousId."),
    "long_id": _("An id has at most 100 characters, a userId 200."),
    "no_event": _("A track message needs the name of its event."),
    "no_group": _("A group message needs a groupId."),
    "no_previous": _("An alias message needs previousId and userId."),
    "wrong_shape": _("Properties, traits and context must be objects."),
    "too_large": _("A message has at most 32 kB."),
    "too_deep": _("Objects lie in each other more than ten deep."),
    "bad_text": _("The text holds a character that cannot be stored (NUL or half a surrogate)."),
    "bad_email": _("The e-mail address is none."),
    "suppressed": _("This address is on the suppression list; nobody was created."),
    "objected": _("The person does not want to be tracked."),
    "privacy_signal": _("The browser asks not to be tracked (Global Privacy Control)."),
    "unreadable": _("The request is signed, but it cannot be read."),
    "no_recipient": _("It names no address."),
    "not_kept": _("It says nothing about the person, so it is not kept:"),
    "unknown_address": _("Nobody here has this address."),
    "unknown_suppressed": _("Nobody here has this address. It was put on the suppression list."),
    "shared_address": _("Several people share this address, and it does not say which."),
    "opens_off": _("Opened e-mails are not counted here (Settings, E-mail)."),
}


class Refused(Exception):
    """One message cannot be taken; `reason` is a key of REASONS, `detail` what exactly."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason)


def sentence(reason: str, detail: str = "") -> str:
    """Return why, as a person reads it."""
    words = str(REASONS.get(reason, reason))
    return f"{words} {detail}" if detail else words
