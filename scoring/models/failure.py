"""Somebody whom the scorecard could not be worked out for, while everybody else was scored."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Contact
from crm.models.base import FieldwiseModel

MOST_TRIES = 5


class FailedScore(FieldwiseModel):
    """Tried again by itself after a while, five times at most; then a person retries or leaves it out."""

    contact = models.OneToOneField(Contact, models.CASCADE, primary_key=True, related_name="failed_score")
    tries = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(_("Reason"), max_length=300)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(null=True, help_text="None once it is given up.")
    left_out = models.BooleanField(default=False, help_text="A person decided that it stays without a score.")

    class Meta:
        ordering = ["-last_at", "contact"]
        verbose_name = _("failed score")
        verbose_name_plural = _("failed scores")
        indexes = [models.Index(fields=["next_try_at"], name="scoring_failed_due")]

    @property
    def is_given_up(self) -> bool:
        return self.next_try_at is None
