"""Every invariant of an installation, asked one by one. Each app registers its own questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import audit, triggers
from crm.api import idempotency
from crm.api.scopes import SCOPES
from crm.models import (
    Activity,
    ApiToken,
    ConsentEvent,
    Contact,
    KeptReply,
    OutboxMessage,
    ProfileChange,
    ResearchSurge,
    TrackedId,
)

Question = Callable[[bool], Iterator[str]]
LATE = timedelta(hours=1)


@dataclass(frozen=True)
class Check:
    """One invariant: its name, and a question that yields a sentence per violation (`full` asks every row)."""

    name: str
    title: str | Promise
    ask: Question


CHECKS: list[Check] = []


def check(name: str, title: str | Promise) -> Callable[[Question], Question]:
    """Register an invariant under `name`."""

    def registered(ask: Question) -> Question:
        CHECKS.append(Check(name, title, ask))
        return ask

    return registered


def examine(*, full: bool = False) -> Iterator[tuple[Check, list[str]]]:
    """Yield each check with the sentences of what is wrong; an empty list means it holds."""
    for one in CHECKS:
        yield one, list(one.ask(full))


@check("triggers", gettext_lazy("The installed triggers equal their source"))
def _triggers(full: bool) -> Iterator[str]:
    yield from triggers.differences()


@check("foreign_keys", gettext_lazy("Every foreign key points to a row"))
def _foreign_keys(full: bool) -> Iterator[str]:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for table, row, parent, _number in cursor.execute("PRAGMA foreign_key_check").fetchmany(20):
            yield _("%(table)s row %(row)s points to no row of %(parent)s.") % {
                "table": table,
                "row": row,
                "parent": parent,
            }
        if full:
            answer = cursor.execute("PRAGMA integrity_check").fetchone()[0]
            if answer != "ok":
                yield _("The database file is damaged: %(answer)s.") % {"answer": answer}


@check("activities", gettext_lazy("Every activity lies on the local day of its instant"))
def _activities(full: bool) -> Iterator[str]:
    from crm.workdays import local_day, workspace_zone

    zone = workspace_zone()
    rows = Activity.objects.order_by("-id").values_list("pk", "occurred_at", "day")
    for pk, occurred_at, day in (rows if full else rows[:2000]).iterator(chunk_size=5000):
        if local_day(occurred_at, zone) != day:
            yield _("Activity %(id)d lies on day %(day)d, which is not its local day.") % {"id": pk, "day": day}


@check("profiles", gettext_lazy("The newest profile change is what the contact shows"))
def _profiles(full: bool) -> Iterator[str]:
    newest: dict[tuple[int, str], object] = {}
    changes = (
        ProfileChange.objects.filter(contact__isnull=False).order_by("-id").values_list("contact_id", "field", "new")
    )
    for contact_id, field, new in (changes if full else changes[:2000]).iterator(chunk_size=5000):
        newest.setdefault((contact_id, field), new)
    contacts = Contact.objects.in_bulk({contact_id for contact_id, _field in newest})
    for (contact_id, field), new in newest.items():
        if getattr(contacts[contact_id], field) != new:
            yield _("Contact %(id)d shows another %(field)s than its last change.") % {"id": contact_id, "field": field}


@check("outbox", gettext_lazy("Nothing waits in the outbox for more than an hour"))
def _outbox(full: bool) -> Iterator[str]:
    now = timezone.now()
    late = OutboxMessage.objects.filter(state="pending", next_try_at__lt=now - LATE, lease_until=None)
    if count := late.count():
        yield _("%(count)d messages in the outbox are more than an hour late.") % {"count": count}


@check("audit", gettext_lazy("The audit log's chain is intact"))
def _audit(full: bool) -> Iterator[str]:
    for seal in audit.broken_links():
        yield _("Link %(id)d of the audit log does not match its entries.") % {"id": seal}


@check("tokens", gettext_lazy("Every token has a fingerprint, known scopes and an end"))
def _tokens(full: bool) -> Iterator[str]:
    for token in ApiToken.objects.order_by("-id").iterator(chunk_size=2000):
        unknown = [scope for scope in token.scopes if scope not in SCOPES]
        if len(token.digest) != 64 or not token.scopes or unknown or token.expires_at <= token.created_at:
            yield _("Token %(id)d has no fingerprint, no end, or a scope there is none of.") % {"id": token.pk}


@check("kept_replies", gettext_lazy("No answer to a request of the API is kept for more than a day"))
def _kept_replies(full: bool) -> Iterator[str]:
    old = KeptReply.objects.filter(created_at__lt=timezone.now() - idempotency.KEPT - 2 * LATE)
    if count := old.count():
        yield _("%(count)d kept answers of the API are more than a day old.") % {"count": count}


@check("mail_events", gettext_lazy("What mail providers told counts for people only, and every no took effect"))
def _mail_events(full: bool) -> Iterator[str]:
    rows = Activity.objects.filter(feed__startswith="mail:").order_by("-id")
    for row in (rows if full else rows[:2000]).iterator(chunk_size=2000):
        if ("machine" in row.properties) != row.kind_id.endswith("_machine"):
            yield _("Activity %(id)d was done by a program and counts, or the other way round.") % {"id": row.pk}
    said_no = Activity.objects.filter(feed__startswith="mail:", kind_id__in=["email_complained", "unsubscribed"])
    heard = ConsentEvent.objects.filter(contact=OuterRef("contact"), at__gte=OuterRef("occurred_at"))
    newest = said_no.order_by("-id").values("pk")
    lost = said_no.filter(~Exists(heard), pk__in=newest if full else newest[:2000])
    for pk in lost.values_list("pk", flat=True)[:20]:
        yield _("Activity %(id)d is a no to e-mail that no consent event has kept.") % {"id": pk}


@check("research", gettext_lazy("Surges of research are what the activities say"))
def _research(full: bool) -> Iterator[str]:
    from crm import research
    from crm.workdays import day_of, local_date

    today = day_of(local_date())
    newest = Activity.objects.filter(kind_id=research.KIND, day__gt=today - research.WINDOW).order_by("-id")
    told = newest.exclude(contact=None).values_list("contact_id", flat=True)
    people = set(told if full else told[:2000]) | set(ResearchSurge.objects.values_list("pk", flat=True)[:2000])
    true = {day: research.of(people, day) for day in (today, today - 1)}  # a surge ends within minutes of midnight
    kept = dict(ResearchSurge.objects.filter(pk__in=people).values_list("pk", "ends"))
    for contact in Contact.objects.filter(pk__in=people):
        topic = contact.custom.get(research.FIELD)
        said = [true[day].get(contact.pk) for day in true]
        if (topic, kept.get(contact.pk)) not in [(one.topic, one.ends) if one else (None, None) for one in said]:
            yield _("Contact %(id)d shows another surge of research than its activities say.") % {"id": contact.pk}


@check("tracked", gettext_lazy("No activity waits for somebody who is known"))
def _tracked(full: bool) -> Iterator[str]:
    known = TrackedId.objects.filter(contact__isnull=False)
    values = (known if full else known.order_by("-id")[:2000]).values("value")
    for pk in Activity.objects.filter(contact=None, anonymous_id__in=values).values_list("pk", flat=True)[:20]:
        yield _("Activity %(id)d waits under an anonymous id whose contact is known.") % {"id": pk}
