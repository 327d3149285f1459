"""A look at all leads with a version that is not in force: on history (back-test), or on today (preview)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from leads.models import Lead, Reason
from scoring.models.scorecard import Criterion, ScorecardVersion


class Look(FieldwiseModel):
    """One run of `version` against `published`. `digest` is of what was looked at when it was asked for.

    A chunk of leads writes `cursor`, `done` and `tallies` at once, so that a killed run is carried on where it was.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        OVERTAKEN = "overtaken", _("The scorecard was changed meanwhile")
        FAILED = "failed", _("Failed")

    version = models.ForeignKey(ScorecardVersion, models.CASCADE, related_name="+")
    published = models.ForeignKey(ScorecardVersion, models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    cursor = models.BigIntegerField(default=0, help_text="The last one that is done.")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    tallies = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)
    claimed_until = models.DateTimeField(null=True, help_text="Until then a worker has it in hand.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["-id"]

    @property
    def is_running(self) -> bool:
        return self.state == self.State.RUNNING

    @property
    def percent(self) -> int:
        return 100 if self.state == self.State.DONE else min(99, self.done * 100 // max(1, self.total))


class BacktestRun(Look):
    """What a version would have made of every lead at the moment it was decided on. `cursor` is a lead."""

    class Meta(Look.Meta):
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(state="running"), name="scoring_backtest_one_running"
            )
        ]


class Lift(models.Model):
    """In a back-test: one criterion gave points to, or was the raised hand of, a lead at the bar when decided on.

    `decides`: without it the lead would have been below. `rejected` is sales' first answer, None before there is one.
    """

    run = models.ForeignKey(BacktestRun, models.CASCADE, related_name="lifts", db_index=False)
    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+")
    decides = models.BooleanField()
    rejected = models.BooleanField(null=True)
    reason = models.ForeignKey(Reason, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "criterion", "lead"], name="scoring_lift_once")]


class PreviewRun(Look):
    """What a publish of a version would change now. `cursor` is a contact, as in a publish."""

    class Meta(Look.Meta):
        verbose_name = _("preview")
        verbose_name_plural = _("previews")
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(state="running"), name="scoring_preview_one_running"
            )
        ]
