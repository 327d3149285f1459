"""Where a lead came from: its first touch and its last, as structured data for costs and reports."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Activity
from leads.models.lead import Lead

LONGEST = 520  # 512 characters and a mark where a longer text was cut


class Touch(models.Model):
    """An activity that says where somebody came from. Derived: leads/touches.py can write it anew."""

    class Place(models.TextChoices):
        FIRST = "first", _("First touch")
        LAST = "last", _("Last touch")

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="touches", db_index=False)
    place = models.CharField(max_length=5, choices=Place)
    activity = models.ForeignKey(Activity, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    source = models.CharField(max_length=LONGEST, blank=True)
    medium = models.CharField(max_length=LONGEST, blank=True)
    campaign = models.CharField(max_length=LONGEST, blank=True)
    term = models.CharField(max_length=LONGEST, blank=True)
    content = models.CharField(max_length=LONGEST, blank=True)
    referrer = models.CharField(max_length=LONGEST, blank=True)
    landing_page = models.CharField(max_length=LONGEST, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "place"], name="leads_touch_once")]
        indexes = [
            # The reports by campaign are read from the index alone.
            models.Index(
                fields=["campaign", "place", "lead"], name="leads_touch_campaigns", condition=~models.Q(campaign="")
            )
        ]

    @property
    def came_by(self) -> str:
        """Return "newsletter / email" or what of it is known, else where the referrer says."""
        return " / ".join(part for part in (self.source, self.medium) if part) or self.referrer
