"""The session engine: Django's own on the database, which also notes whose session it is, where and since when.

Its row brings along what every request asks first: the person, the workspace's time zone, and whether reps read
everything. Four questions in one statement.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from crm import workdays
from crm.models import RateLimitEntry, Session, User, Workspace

LONGEST = timedelta(days=30)
NOTED_EVERY = timedelta(minutes=5)
BEGAN, SEEN, DEVICE = "began_at", "seen_at", "device"


class SessionStore(DatabaseStore):
    """Sessions in our own table. `person` is who the row says is signed in; `person_of` asks whether it still holds."""

    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.device = data.get(DEVICE, "")[:60]
        row.began_at = _instant(data.get(BEGAN))
        row.seen_at = _instant(data.get(SEEN))
        return row

    def _get_session_from_db(self) -> Session | None:
        workspace = Workspace.objects.filter(pk=1)
        rows = Session.objects.select_related("user").annotate(
            zone=Subquery(workspace.values("time_zone")),
            reps_read=Subquery(workspace.values("reps_read_everything")),
            reps_export=Subquery(workspace.values("reps_may_export")),
        )
        try:
            row = rows.get(session_key=self.session_key, expire_date__gt=timezone.now())
        except (Session.DoesNotExist, SuspiciousOperation):
            self._session_key = None
            return None
        workdays.remember_zone(row.zone)
        self.person = row.user
        if self.person is not None:
            self.person.reads_everything = bool(row.reps_read)
            self.person.exports = bool(row.reps_export)
        return row


def person_of(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """Return who is signed in: the person the session brought along, where everything about it holds.

    Wherever something does not, Django decides: an older key, a changed password, a person who may no longer sign in.
    """
    session: Any = request.session
    marks = [session.get(name, "") for name in (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY)]
    person = getattr(session, "person", None)
    if (
        person is not None
        and person.is_active
        and marks[0] == str(person.pk)
        and marks[1] in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(marks[2], person.get_session_auth_hash())
    ):
        return person
    return get_user(request)


def _instant(stamp: float | None) -> datetime:
    return timezone.now() if stamp is None else datetime.fromtimestamp(stamp, timezone.get_default_timezone())


def begin(session: Any, device: str) -> None:
    """Note on a fresh session that it begins now, on `device`."""
    now = timezone.now().timestamp()
    session[BEGAN], session[SEEN], session[DEVICE] = now, now, device


def has_ended(session: Any) -> bool:
    """Whether the session is over although its cookie is not: thirty days old."""
    return timezone.now().timestamp() - session.get(BEGAN, 0) > LONGEST.total_seconds()


def note_presence(session: Any) -> None:
    """Renew the twelve hours of idle time; written every five minutes at most."""
    now = timezone.now().timestamp()
    if now - session.get(SEEN, 0) > NOTED_EVERY.total_seconds():
        session[SEEN] = now


def living(user: User) -> QuerySet[Session]:
    """Return the person's sessions that still hold, newest first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at", "session_key")


def end_all(user: User, *, but: str | None = None) -> int:
    """End the person's sessions at once, except the one with the key `but`; return how many there were."""
    return living(user).exclude(session_key=but or "").delete()[0]


def forget_expired() -> int:
    """Delete sessions and counted attempts that are over; return how many rows."""
    now = timezone.now()
    return (
        Session.objects.filter(expire_date__lt=now).delete()[0]
        + RateLimitEntry.objects.filter(expires__lt=now).delete()[0]
    )


def device_name(agent: str) -> str:
    """Return a user agent in two words, such as "Firefox, Linux"; '' when neither is known."""
    browsers = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )  # fmt: skip
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (browsers, systems)]
    return ", ".join(word for word in found if word)
