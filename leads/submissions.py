"""What becomes of a sent form: once, in quarantine when it looks odd, pending until confirmed, or a lead at once."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import audit, consents
from crm.email_address import email_key
from crm.models import ConsentEvent, ConsentText, User, Workspace
from leads import adding, arrivals, opt_in
from leads.form_tokens import Rendering
from leads.models import CaptureForm, Submission

State = Submission.State
FASTEST = timedelta(seconds=2)
#: so many from one network within ten minutes, or for one address within an hour, are looked at by a person first
FROM_NETWORK, FOR_ADDRESS = 10, 5
#: so many from one network within a minute are not taken at all
FLOOD = 60
QUARANTINE_DAYS = 90
SUSPICIONS = {
    "honeypot": _("Filled in a field people do not see"),
    "too_fast": _("Sent within two seconds"),
    "network": _("Many sent from one network"),
    "address": _("Many sent for one address"),
    "link": _("A web address in the name"),
}


class Flood(Exception):
    """One network sends more than anybody types; nothing was written."""


@dataclass(frozen=True)
class Sender:
    """Who sends, as the request tells: the address of the machine and its user agent."""

    ip: str
    user_agent: str = ""

    @property
    def network(self) -> str:
        """Return the address cut to /24 or /48, which is all that limits need (P27)."""
        try:
            address = ipaddress.ip_address(self.ip)
        except ValueError:
            return "unknown"
        address = getattr(address, "ipv4_mapped", None) or address
        return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


@dataclass(frozen=True)
class Sent:
    """One sending: what was typed by field, the texts agreed to, and whether the trap was stepped into."""

    values: dict[str, str]
    texts: Sequence[ConsentText]
    language: str
    rendering: Rendering
    trapped: bool = False

    def key(self) -> str:
        """Return the number of this sending: the same page with the same content is the same sending (T16)."""
        told = json.dumps([self.values, [text.pk for text in self.texts]], sort_keys=True)
        return hashlib.sha256(f"{self.rendering.nonce}|{told}".encode()).hexdigest()


def in_turn(address: str) -> None:
    """Let sendings for one address pass one by one until the transaction ends; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(address[:15], 16)])


def receive(form: CaptureForm, sent: Sent, sender: Sender) -> Submission:
    """Take one sending and return its row; the same one again returns the row of the first.

    Raises Flood when the network sends more than FLOOD a minute.
    """
    now = timezone.now()
    address = consents.fingerprint(email_key(sent.values.get("email", "")))
    with transaction.atomic():
        in_turn(address)
        if before := Submission.objects.filter(key=sent.key()).first():
            return before
        if _recent(network=sender.network, since=now - timedelta(minutes=1)) >= FLOOD:
            raise Flood
        submission = Submission(
            form=form, form_version=form.version, key=sent.key(), values=sent.values,
            text_ids=[text.pk for text in sent.texts], context=sent.rendering.context, language=sent.language,
            address=address, network=sender.network, submitted_at=now,
        )  # fmt: skip
        if _is_blocked(form, sent):
            submission.values, submission.text_ids, submission.context = {}, [], {}
            submission.state = State.BLOCKED
            submission.save()
            return submission
        submission.suspicions = list(_suspicions(submission, sent, now))
        if sent.texts:
            submission.ip, submission.user_agent = sender.ip or None, _cut(sender.user_agent)
        submission.state = State.QUARANTINED
        submission.save()
        if not submission.suspicions:
            proceed(submission)
    return submission


def _is_blocked(form: CaptureForm, sent: Sent) -> bool:
    """Whether nothing may be kept: on the suppression list, and no confirmation is asked for that could lift it.

    Only the address is proved by a confirmation; a suppressed number stays so.
    """
    if not adding.is_suppressed(sent.values):
        return False
    return adding.is_suppressed(sent.values | {"email": ""}) or not (sent.texts or form.waits_for_confirmation)


def call_off(submission: Submission) -> int:
    """Forget what waits for a confirmation under the address of `submission`; return how many did (P07)."""
    with transaction.atomic():
        in_turn(submission.address)
        rows = Submission.objects.filter(address=submission.address, state__in=[State.PENDING, State.TAKEN])
        return sum(_expire(row, timezone.now()) for row in rows.select_related("contact", "form"))


def _cut(agent: str) -> str:
    return "".join(c for c in agent if c.isprintable())[:300]


def _recent(since: datetime, **where: str) -> int:
    return Submission.objects.filter(submitted_at__gt=since, **where).count()


def _suspicions(submission: Submission, sent: Sent, now: datetime) -> Sequence[str]:
    name = f"{sent.values.get('first_name', '')} {sent.values.get('last_name', '')}".lower()
    found = [
        ("honeypot", sent.trapped),
        ("too_fast", now - sent.rendering.at < FASTEST),
        ("network", _recent(network=submission.network, since=now - timedelta(minutes=10)) >= FROM_NETWORK),
        ("address", _recent(address=submission.address, since=now - timedelta(hours=1)) >= FOR_ADDRESS),
        ("link", "http://" in name or "https://" in name or "www." in name),
    ]
    return [reason for reason, holds in found if holds]


def proceed(submission: Submission) -> None:
    """Let a sound submission take its course, in the caller's transaction.

    A sign-up waits for the confirmation, and so does whoever is on the suppression list: their own fresh yes lifts it.
    A request becomes a lead at once, and only its consents wait.
    """
    if submission.form.waits_for_confirmation or adding.is_suppressed(submission.values):
        submission.state = State.PENDING
        submission.save(update_fields=["state"])
        opt_in.ask(submission)
        return
    take_over(submission)
    if submission.text_ids:
        submission.state = State.TAKEN
        submission.save(update_fields=["state"])
        opt_in.ask(submission)


def take_over(submission: Submission) -> None:
    """Make contact, activity and lead of a submission, dated when it was sent, and forget what was typed."""
    contact = arrivals.arrive(submission)
    if submission.text_ids:
        opt_in.note(submission, contact, ConsentEvent.Kind.REQUESTED, at=submission.submitted_at)
    submission.contact, submission.state = contact, State.DONE
    submission.values = {"email": submission.values["email"]} if submission.text_ids else {}
    submission.context = {}
    submission.save(update_fields=["contact", "state", "values", "context"])


def release(submission: Submission, *, by: User) -> bool:
    """Let a submission out of quarantine; False when somebody judged it meanwhile."""
    with transaction.atomic():
        in_turn(submission.address)
        if not _leave_quarantine(submission, State.PENDING):
            return False
        audit.record(by, "submission.released", f"submission:{submission.pk}")
        proceed(submission)
    return True


def discard(submission: Submission, *, by: User) -> bool:
    """Forget what was typed in a submission in quarantine; False when somebody judged it meanwhile."""
    with transaction.atomic():
        if not _leave_quarantine(submission, State.DISCARDED):
            return False
        _forget(submission)
        audit.record(by, "submission.discarded", f"submission:{submission.pk}")
    return True


def _leave_quarantine(submission: Submission, state: str) -> bool:
    here = Submission.objects.filter(pk=submission.pk, state=State.QUARANTINED)
    if not here.update(state=state):
        return False
    submission.refresh_from_db()
    return True


def _forget(submission: Submission) -> None:
    """Empty everything personal; that it was sent, and what became of it, stays for the form's numbers."""
    submission.values, submission.context, submission.text_ids = {}, {}, []
    submission.ip, submission.user_agent = None, ""
    submission.save(update_fields=["values", "context", "text_ids", "ip", "user_agent"])


def forget_overdue(now: datetime | None = None, limit: int = 500) -> int:
    """Empty what nobody confirmed in time, and what nobody judged in 90 days; return how many."""
    now = now or timezone.now()
    days = Workspace.objects.values_list("unconfirmed_days", flat=True).first() or 14
    late = Submission.objects.filter(
        submitted_at__lt=now - timedelta(days=days), state__in=[State.PENDING, State.TAKEN]
    )
    unjudged = Submission.objects.filter(
        submitted_at__lt=now - timedelta(days=QUARANTINE_DAYS), state=State.QUARANTINED
    )
    overdue = [*late.order_by("submitted_at")[:limit], *unjudged.order_by("submitted_at")[:limit]]
    return sum(_expire(submission, now) for submission in overdue)


def _expire(submission: Submission, now: datetime) -> bool:
    ends = State.DONE if submission.state == State.TAKEN else State.EXPIRED
    with transaction.atomic():
        if not Submission.objects.filter(pk=submission.pk, state=submission.state).update(state=ends):
            return False
        if submission.state == State.TAKEN and submission.contact:
            opt_in.note(submission, submission.contact, ConsentEvent.Kind.EXPIRED, at=now)
        submission.state = ends
        _forget(submission)
    return True
