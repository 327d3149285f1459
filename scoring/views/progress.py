"""How far a job is, as people watch it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.templatetags.formats import span


@dataclass(frozen=True)
class Progress:
    """How far a job is: whole percent, rows per second, and what is left in words ('' while nobody can say)."""

    done: int
    total: int
    percent: int
    rate: float
    left: str

    @classmethod
    def of(cls, done: int, total: int, since: datetime) -> Progress:
        """Return the progress of a job that began `since`."""
        took = max(0.001, (timezone.now() - since).total_seconds())
        rate = done / took
        left = lasting(timedelta(seconds=(total - done) / rate)) if rate and total >= done else ""
        return cls(done, total, min(99, done * 100 // max(1, total)), rate, left)


def lasting(length: timedelta) -> str:
    """Return "12 s" for what lasts under two minutes, "4 min" and more like everywhere else."""
    seconds = length.total_seconds()
    return _("%(seconds)d s") % {"seconds": max(1, round(seconds))} if seconds < 120 else span(length)
