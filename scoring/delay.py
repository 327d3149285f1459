"""What the frame of every page says of scoring: since when an activity waits (H6), how far a pass has come (K7)."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, F, QuerySet
from django.db.models.functions import Cast, Greatest, Least
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import backlog
from crm.models import Activity
from scoring.models import PendingActivity, PublishRun


@backlog.queue("scores", _("Scores"))
def oldest_activity() -> QuerySet[Any, Any]:
    """Return the query for when the activity that waits longest was received."""
    first = PendingActivity.objects.order_by("id").values("activity_id")[:1]
    return Activity.objects.filter(pk__in=first).values("received_at")[:1]


def percent_of_pass() -> QuerySet[Any, Any]:
    """Return the query for how far the pass over all leads is that is under way, 0 to 99."""
    done = Cast("done", BigIntegerField()) * 100 / Greatest(F("total"), 1)
    running = PublishRun.objects.exclude(phase__in=PublishRun.ENDED).order_by("id")
    return running.annotate(so_far=Least(done, 99)).values("so_far")[:1]


def words(percent: int) -> str:
    """Return the line of the frame about a pass."""
    return gettext("Scores are being brought up to date, %(percent)d %%.") % {"percent": percent}


PASS = backlog.Job("pass", percent_of_pass, words, "scoring_passes")
backlog.JOBS.append(PASS)
