"""Marketing offers an MQL to sales: to whom, since when, due when; accepted or sent back."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from leads.models.lead import Lead


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> HandoffQuerySet:
        return self.filter(closed_at=None)

    def overdue(self, at: datetime | None = None) -> HandoffQuerySet:
        return self.open().filter(due_at__lt=at or timezone.now())


class Handoff(FieldwiseModel):
    class Outcome(models.TextChoices):
        OPEN = "", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        SENT_BACK = "sent_back", _("Sent back")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        DISQUALIFIED = "disqualified", _("Disqualified")
        UNDONE = "undone", _("Undone")

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="handoffs")
    round = models.PositiveIntegerField()
    offered_at = models.DateTimeField(default=timezone.now)
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    from_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    from_team = models.ForeignKey("crm.Team", models.PROTECT, null=True, related_name="+", db_index=False)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="handoffs")
    team = models.ForeignKey("crm.Team", models.PROTECT, null=True, related_name="handoffs")
    due_at = models.DateTimeField()
    clock_from = models.DateTimeField(null=True, help_text="When the clock started: at the offer or a re-assignment.")
    promised_minutes = models.PositiveIntegerField(null=True, help_text="Working time there was to answer.")
    way = models.JSONField(default=list, help_text="What counted until the due time and what did not, frozen.")
    remind_at = models.DateTimeField(null=True)
    reassign_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True, help_text="When the notice left; empty while it is on its way.")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    took = models.PositiveIntegerField(
        null=True, help_text="Seconds of working time from the start of the clock to the answer, as counted then."
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default=Outcome.OPEN)
    packet = models.JSONField(default=dict, help_text="What sales got to see, frozen at the offer.")

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-offered_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=models.Q(closed_at=None), name="leads_handoff_one_open")
        ]
        indexes = [
            models.Index(fields=["due_at"], name="leads_handoff_due", condition=models.Q(closed_at=None)),
            models.Index(fields=["remind_at"], name="leads_handoff_remind", condition=models.Q(closed_at=None)),
            models.Index(fields=["reassign_at"], name="leads_handoff_reassign", condition=models.Q(closed_at=None)),
            models.Index(fields=["offered_at", "id"], name="leads_handoff_untold", condition=models.Q(told_at=None)),
            # The report on the agreement is read from the index alone: the packet makes rows long.
            models.Index(
                fields=["offered_at", "id", "outcome", "closed_at", "due_at", "told_at", "took"],
                name="leads_handoff_answers",
            ),
        ]

    @property
    def is_overdue(self) -> bool:
        return self.closed_at is None and self.due_at < timezone.now()
