"""What is to be done with a lead: one line, a day, perhaps a time and another person than the owner. Done rows stay."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import User
from leads.models.lead import Lead
from leads.stages import OPEN


class StepQuerySet(models.QuerySet["Step"]):
    def open(self) -> StepQuerySet:
        return self.filter(done_at=None)

    def soonest_first(self) -> StepQuerySet:
        """Dated before undated; within a day those with a time first; then as they were written down."""
        return self.order_by(F("due_on").asc(nulls_last=True), F("at_time").asc(nulls_last=True), "pk")

    def of(self, user: User) -> StepQuerySet:
        """Whose turn it is: the person named on the step, else who owns the lead."""
        return self.filter(Q(person=user) | Q(person=None, lead__owner=user))

    def on_open_leads(self) -> StepQuerySet:
        return self.filter(lead__stage__in=OPEN)


class Step(models.Model):
    """The earliest open step of a lead is its next step; `Lead.next_step` and `next_step_on` repeat it."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="steps")
    what = models.CharField(_("Next step"), max_length=200, blank=True)
    due_on = models.DateField(null=True)
    at_time = models.TimeField(null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="steps", help_text="None: who owns the lead."
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=timezone.now)
    remind_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        indexes = [
            models.Index(fields=["lead", "due_on"], name="leads_step_open", condition=Q(done_at=None)),
            models.Index(
                fields=["remind_at"], name="leads_step_reminder",
                condition=Q(done_at=None, reminded_at=None, remind_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.what
