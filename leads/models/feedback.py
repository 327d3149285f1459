"""What somebody in sales thinks of a lead they were offered: good, neutral or bad, one per handoff and person."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from crm.models.base import FieldwiseModel
from leads.models.handoff import Handoff


class Feedback(FieldwiseModel):
    class Verdict(models.TextChoices):
        GOOD = "good", pgettext_lazy("a lead", "Good")
        NEUTRAL = "neutral", pgettext_lazy("a lead", "Neutral")
        BAD = "bad", pgettext_lazy("a lead", "Bad")

    handoff = models.ForeignKey(Handoff, models.CASCADE, related_name="feedback", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    verdict = models.CharField(max_length=8, choices=Verdict)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["given_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["handoff", "by"], name="leads_feedback_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["good", "neutral", "bad"]), name="leads_feedback_verdict"
            ),
        ]
        indexes = [models.Index(fields=["given_at", "id"], name="leads_feedback_given")]

    def __str__(self) -> str:
        return str(self.Verdict(self.verdict).label)
