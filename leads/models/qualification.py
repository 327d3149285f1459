"""What sales found out: budget, authority, need, timing, each with status, evidence, date and author. Append-only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from leads.models.lead import Lead


class Finding(models.Model):
    """The newest finding per dimension counts."""

    class Status(models.TextChoices):
        UNKNOWN = "unknown", _("Unknown")
        STATED = "stated", _("Stated")
        CONFIRMED = "confirmed", _("Confirmed")
        RULED_OUT = "ruled_out", _("Ruled out")

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="findings")
    dimension = models.CharField(max_length=40)
    status = models.CharField(_("Status"), max_length=12, choices=Status)
    evidence = models.TextField(_("Evidence"), blank=True, max_length=2000)
    dated_on = models.DateField(_("Found out on"))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]


class Checklist(FieldwiseModel):
    """What must be known before a lead is sales-qualified. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    framework = models.CharField(_("Framework"), max_length=40, default="BANT")
    dimensions = models.JSONField(_("Dimensions"), default=list)
    must_confirm = models.PositiveSmallIntegerField(_("How many must be confirmed"), default=3)
    max_age_days = models.PositiveSmallIntegerField(_("How many days evidence stays fresh"), default=180)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="leads_checklist_is_one_row")]
