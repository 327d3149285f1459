"""Capture at a fair or in the street: staff fill in for somebody; each counts once, however often it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import consents
from crm.email_address import email_key
from crm.models import ConsentText, User
from leads import adding, prize_draws, submissions
from leads.models import CaptureForm, Source, Submission
from leads.submissions import Sender, State

KIND = "fair_talk"
#: How long a capture may wait in a page without network and still keep its own moment.
LONGEST_WAIT = timedelta(hours=24)
CONSENTS = ("newsletter:email", "offer:email", "offer:phone")


class Where(TextChoices):
    FAIR = "trade_fair", _("Trade fair")
    STREET = "street", _("In the street")


TITLES = {
    Where.FAIR: {"en": "Our talk at the fair", "de": "Unser Gespräch auf der Messe"},
    Where.STREET: {"en": "Our talk in the street", "de": "Unser Gespräch auf der Straße"},
}
SLUGS = tuple(f"capture-{where.value.replace('_', '-')}" for where in Where)


@dataclass(frozen=True)
class Capture:
    """One person as staff typed them. `token` is the page's number for this capture, `at` when it was typed."""

    where: str
    place: str
    event: str
    values: dict[str, str]
    texts: Sequence[ConsentText]
    language: str
    token: str
    at: datetime
    asked: bool = False
    prize: bool = False

    def key(self, by: User) -> str:
        """Return the number of the capture: the same page with the same content is the same one."""
        told = [self.where, self.place, self.event, self.values, [t.pk for t in self.texts], self.asked, self.prize]
        return hashlib.sha256(f"capture|{by.pk}|{self.token}|{json.dumps(told, sort_keys=True)}".encode()).hexdigest()


def moment(claimed: datetime | None) -> datetime:
    """Return when something was captured: as claimed within the last day, else now."""
    now = timezone.now()
    return claimed if claimed and now - LONGEST_WAIT < claimed <= now else now


def form_of(where: str) -> CaptureForm:
    """Return the form behind captures of this kind; strangers cannot open it."""
    place = Where(where)
    source = Source.objects.get(key=place.value)
    return CaptureForm.objects.get_or_create(
        slug=SLUGS[list(Where).index(place)],
        defaults={
            "name": str(place.label), "kind_id": KIND, "source": source, "active": False,
            "texts": {language: {"title": title} for language, title in TITLES[place].items()},
        },
    )[0]  # fmt: skip


def take(capture: Capture, sender: Sender, *, by: User) -> tuple[Submission, bool]:
    """Store one capture and return (its row, whether it is new); BLOCKED when the person asked never to be kept."""
    form = form_of(capture.where)
    address = consents.fingerprint(email_key(capture.values.get("email", "")))
    with transaction.atomic():
        submissions.in_turn(address)
        if before := Submission.objects.filter(key=capture.key(by)).first():
            return before, False
        submission = Submission(
            form=form, form_version=form.version, key=capture.key(by), state=State.QUARANTINED,
            values=capture.values, text_ids=[text.pk for text in capture.texts], context=_context(capture),
            language=capture.language, address=address, network=sender.network, submitted_at=capture.at, captured_by=by,
        )  # fmt: skip
        if _is_blocked(capture):
            submission.values, submission.text_ids, submission.context = {}, [], {}
            submission.state = State.BLOCKED
            submission.save()
            return submission, True
        if capture.texts:
            submission.ip, submission.user_agent = sender.ip or None, sender.user_agent[:300]
        submission.save()
        if capture.prize:
            prize_draws.enter(submission, capture.event, capture.place, at=capture.at, by=by)
        submissions.proceed(submission)
    return submission, True


def _context(capture: Capture) -> dict[str, Any]:
    told: dict[str, Any] = {"place": capture.place, "event": capture.event, "asked": capture.asked}
    return {name: value for name, value in told.items() if value}


def _is_blocked(capture: Capture) -> bool:
    """Only the person's own confirmed yes lifts a suppression, and only that of the address."""
    if not adding.is_suppressed(capture.values):
        return False
    return not capture.texts or adding.is_suppressed(capture.values | {"email": ""})


def captured_today(user: User) -> int:
    """Return how many people this person has captured since midnight."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Submission.objects.filter(captured_by=user, submitted_at__gte=midnight)
    return mine.exclude(state=State.BLOCKED).count()
