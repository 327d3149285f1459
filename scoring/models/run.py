"""A pass over all leads, as a row people can watch. It survives its process and is carried on by the next."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from scoring.models.scorecard import ScorecardVersion


class PublishRun(FieldwiseModel):
    class Cause(models.TextChoices):
        PUBLISH = "publish", _("New version")
        TIME = "time", _("Night pass")
        REPAIR = "repair", _("Asked for")

    class Phase(models.TextChoices):
        FILL = "fill", _("Answering new questions about the past")
        SCORE = "score", _("Scoring")
        MOVE = "move", _("Moving leads")
        DONE = "done", _("Done")
        SUPERSEDED = "superseded", _("Overtaken by a newer pass")
        FAILED = "failed", _("Failed")

    ENDED = (Phase.DONE, Phase.SUPERSEDED, Phase.FAILED)

    cause = models.CharField(max_length=8, choices=Cause)
    phase = models.CharField(max_length=12, choices=Phase, default=Phase.SCORE)
    version = models.ForeignKey(ScorecardVersion, models.PROTECT, related_name="runs")
    day = models.IntegerField()
    rebuild = models.BooleanField(default=False, help_text="Count all signals anew before scoring.")
    cursor = models.BigIntegerField(default=0, help_text="The last contact that is done in this phase.")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    promoted = models.PositiveIntegerField(default=0)
    demoted = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    phase_since = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("scoring pass")
        verbose_name_plural = _("scoring passes")

    @property
    def has_ended(self) -> bool:
        return self.phase in self.ENDED

    @property
    def percent(self) -> int:
        return 100 if self.phase == self.Phase.DONE else min(99, self.done * 100 // max(1, self.total))
