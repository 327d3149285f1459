"""What the clock of a handoff brought about: written once, at the instant it was due, whenever it was noticed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models.handoff import Handoff


class SlaEvent(models.Model):
    class Kind(models.TextChoices):
        REMINDER = "reminder", _("Reminder")
        BREACH = "breach", _("Overdue")
        ESCALATION = "escalation", _("Told the sales lead")
        REASSIGNMENT = "reassignment", _("Re-assigned by the system")

    handoff = models.ForeignKey(Handoff, models.CASCADE, related_name="sla_events")
    kind = models.CharField(max_length=12, choices=Kind)
    due_at = models.DateTimeField(help_text="When it was due; a re-assignment starts a new clock with a new due time.")
    noticed_at = models.DateTimeField(default=timezone.now)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    team = models.ForeignKey("crm.Team", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [models.UniqueConstraint(fields=["handoff", "kind", "due_at"], name="leads_slaevent_once")]
        indexes = [models.Index(fields=["kind", "due_at"], name="leads_slaevent_kind_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.due_at:%Y-%m-%d %H:%M}"
