"""How the installation is doing, in words and three colours (E5)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm import backlog, staff
from crm.models import OutboxMessage
from crm.templatetags.formats import span
from crm.views.settings.entrance import for_admins, show

GREEN, YELLOW, RED = "green", "yellow", "red"
Answer = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """One line of the page: what was looked at, its colour, and the sentence."""

    label: str | Promise
    colour: str
    words: str


def _worker() -> Answer:
    return backlog.worker_words()


def _queues() -> Answer:
    waits = [(queue, wait) for queue, wait in backlog.waits() if wait > timedelta(seconds=5)]
    if not waits:
        return GREEN, _("Nothing waits.")
    told = [{"queue": queue.label, "time": span(wait)} for queue, wait in waits]
    words = "; ".join(_("%(queue)s: the oldest entry waits %(time)s") % one for one in told)
    longest = max(wait for _queue, wait in waits)
    return (RED if longest > timedelta(minutes=10) else YELLOW if longest > backlog.LATE else GREEN), words + "."


def _mail() -> Answer:
    failed = OutboxMessage.objects.filter(state=OutboxMessage.State.FAILED).count()
    if failed:
        return RED, _("Messages that failed for good: %(count)d. See Deliveries.") % {"count": failed}
    if not staff.mail_leaves():
        return YELLOW, _("No mail server is set (EMAIL_URL). Mails are written to the log only.")
    return GREEN, _("A mail server is set, and nothing failed.")


def _database() -> Answer:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return GREEN, _("SQLite %(version)s, file of %(size)s.") % {
                "version": cursor.fetchone()[0],
                "size": _size(Path(str(connection.settings_dict["NAME"]))),
            }
        cursor.execute("SELECT current_setting('server_version'), pg_database_size(current_database())")
        version, size = cursor.fetchone()
    return GREEN, _("PostgreSQL %(version)s, %(size)s.") % {"version": version, "size": filesizeformat(size)}


def _size(file: Path) -> str:
    return filesizeformat(file.stat().st_size) if file.exists() else "–"


def _disk() -> Answer:
    room = shutil.disk_usage(settings.DATA_DIR)
    share = room.free / room.total
    words = _("%(free)s of %(total)s are free.") % {
        "free": filesizeformat(room.free),
        "total": filesizeformat(room.total),
    }
    return (RED if share < 0.03 else YELLOW if share < 0.1 else GREEN), words


PARTS: list[tuple[str | Promise, Callable[[], Answer]]] = [
    (gettext_lazy("Worker and schedule"), _worker),
    (gettext_lazy("Queues"), _queues),
    (gettext_lazy("Mail and webhooks"), _mail),
    (gettext_lazy("Database"), _database),
    (gettext_lazy("Disk"), _disk),
]


@for_admins
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Each part with its colour and its words."""
    return show(request, "settings/health.html", {"parts": [Part(label, *look()) for label, look in PARTS]})
