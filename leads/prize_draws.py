"""Prize draws: who takes part is kept until the draw is over, and no longer than its words promise."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from crm import audit, consent_texts
from crm.models import User
from crm.workdays import local_date
from leads.models import PrizeDraw, PrizeEntry, Submission

LONGEST = timedelta(days=90)
WORDS = format_lazy(
    _(
        "I take part in the prize draw. This allows no advertising. The entry is deleted after the draw, within"
        " {days} days at the latest."
    ),
    days=LONGEST.days,
)
AT_ONCE = 1000


class Stale(Exception):
    """Somebody else changed the draw meanwhile; nothing was written. `current` is the row as it is now."""

    def __init__(self, current: PrizeDraw) -> None:
        self.current = current


def enter(submission: Submission, event: str, place: str, *, at: datetime, by: User) -> PrizeEntry:
    """Write down that somebody takes part, in the words they are shown, in the caller's transaction."""
    draw, _new = PrizeDraw.objects.get_or_create(key=event.strip().casefold(), defaults={"event": event.strip()})
    words = str(WORDS)
    return PrizeEntry.objects.create(
        submission=submission, draw=draw, event=event, place=place, text=words, sha256=consent_texts.sha256(words),
        at=at, by=by, delete_by=local_date(at) + LONGEST,
    )  # fmt: skip


def settle(draw: PrizeDraw, ends_on: date | None, *, by: User, version: int) -> None:
    """Say after which day the entries of a draw are deleted; None leaves what their words promise. Raises Stale."""
    with transaction.atomic():
        same = PrizeDraw.objects.filter(pk=draw.pk, version=version)
        if not same.update(ends_on=ends_on, version=F("version") + 1):
            raise Stale(PrizeDraw.objects.get(pk=draw.pk))
        audit.record(by, "prize_draw.changed", f"prize_draw:{draw.pk}", ends_on=[draw.ends_on, ends_on])


def over(today: date) -> QuerySet[PrizeEntry]:
    """Return the entries whose last day lies before `today`."""
    return PrizeEntry.objects.filter(Q(delete_by__lt=today) | Q(draw__ends_on__lt=today))


def forget_over() -> int:
    """Delete the entries that are over, and count them on their draws; return how many."""
    forgotten = 0
    while True:
        with transaction.atomic():
            rows = list(over(local_date(timezone.now())).order_by("pk").values_list("pk", "draw")[:AT_ONCE])
            PrizeEntry.objects.filter(pk__in=[pk for pk, _draw in rows]).delete()
            for draw, number in Counter(draw for _pk, draw in rows).items():
                PrizeDraw.objects.filter(pk=draw).update(deleted=F("deleted") + number)
                audit.record(None, "prize_entries.deleted", f"prize_draw:{draw}", number=number)
        forgotten += len(rows)
        if len(rows) < AT_ONCE:
            return forgotten
