"""The people who work here: invited, changed, sent away and brought back by an admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from crm import audit, sessions
from crm.models import Role, User

SILENT_BACKENDS = ("console", "dummy", "locmem")
PERSONAL = {"name", "email"}
#: Sentences about what a person still holds ("12 open leads"); the apps on the right register theirs.
HOLDINGS: list[Callable[[User], str]] = []


class LastAdmin(Exception):
    """Nobody would be left who could change anything; nothing was written."""


def mail_leaves() -> bool:
    """Whether a mail server is configured, so that an invitation reaches anybody."""
    return not any(name in settings.EMAIL_DELIVERY_BACKEND for name in SILENT_BACKENDS)


def holdings(user: User) -> list[str]:
    """Return what the person still holds, one phrase each."""
    return [phrase for ask in HOLDINGS if (phrase := ask(user))]


def invite(values: Mapping[str, Any], *, by: User, link_for: Callable[[User], str]) -> tuple[User, str]:
    """Add a person without a password, mail them the link that lets them choose one, and return both."""
    with transaction.atomic():
        user = User.objects.create_user(**values)
        audit.record(by, "person.invited", f"user:{user.pk}", role=user.role, team=user.team_id)
        link = link_for(user)
        send_invitation(user, by=by, link=link)
    return user, link


def send_invitation(user: User, *, by: User, link: str) -> None:
    """Put the mail with the link into the outbox, in the person's language."""
    with translation.override(user.language):
        body = render_to_string("mail/invitation.txt", {"user": user, "by": by, "link": link})
        EmailMessage(_("%(name)s invites you to Baton") % {"name": by.name}, body, to=[user.email]).send()


def change(user: User, values: Mapping[str, Any], *, by: User) -> list[str]:
    """Write what differs and return the names of the changed fields; LastAdmin when no admin would be left.

    A new role holds from the person's next request on.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        changed = {name: (getattr(user, name), new) for name, new in values.items() if getattr(user, name) != new}
        if "role" in changed and user.role == Role.ADMIN:
            _keep_an_admin(user)
        for name, (_old, new) in changed.items():
            setattr(user, name, new)
        if changed:
            user.save(update_fields=list(changed))
            audit.record(by, "person.changed", f"user:{user.pk}", **_told(changed))
    return list(changed)


def _told(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return old and new for the audit log; of a person's own data only that it changed."""
    plain = {name: [getattr(value, "pk", value) for value in pair] for name, pair in changed.items()}
    return {name: "changed" if name in PERSONAL else pair for name, pair in plain.items()}


def send_away(user: User, *, by: User) -> int:
    """Let the person sign in no more and end their sessions at once; return how many there were."""
    with transaction.atomic():
        if user.role == Role.ADMIN:
            _keep_an_admin(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        ended = sessions.end_all(user)
        audit.record(by, "person.sent_away", f"user:{user.pk}", sessions=ended)
    user.is_active = False
    return ended


def bring_back(user: User, *, by: User) -> None:
    """Let the person sign in again, with the password they had."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=True)
        audit.record(by, "person.brought_back", f"user:{user.pk}")
    user.is_active = True


def _keep_an_admin(user: User) -> None:
    others = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if not list(others.values_list("pk", flat=True)[:1]):
        raise LastAdmin


def end_sessions(user: User, *, by: User, but: str | None = None) -> int:
    """Sign the person out everywhere, except the session `but`; return how many sessions ended."""
    with transaction.atomic():
        ended = sessions.end_all(user, but=but)
        audit.record(by, "person.signed_out", f"user:{user.pk}", sessions=ended)
    return ended
