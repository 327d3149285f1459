"""The log of the life cycle. The stage of a lead is its projection; triggers hold both together."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models.lead import Lead
from leads.models.managed import Reason
from leads.stages import Stage, Verb


class StageChange(models.Model):
    class Actor(models.TextChoices):
        PERSON = "person", _("Person")
        SYSTEM = "system", _("System")
        IMPORT = "import", _("Import")

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="changes", db_index=False)
    seq = models.PositiveIntegerField()
    verb = models.CharField(max_length=24, choices=Verb)
    from_stage = models.CharField(max_length=12, choices=Stage)
    to_stage = models.CharField(max_length=12, choices=Stage)
    at = models.DateTimeField(default=timezone.now)
    logged_at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=6, choices=Actor)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.ForeignKey(Reason, models.PROTECT, null=True, related_name="+", db_index=False)
    handoff = models.ForeignKey("leads.Handoff", models.RESTRICT, null=True, related_name="+", db_index=False)
    round = models.PositiveIntegerField()
    reverses = models.OneToOneField("self", models.RESTRICT, null=True, related_name="reversed_by")
    score = models.SmallIntegerField(null=True)
    grade = models.CharField(max_length=2, blank=True, default="")
    details = models.JSONField(default=dict, blank=True)
    before = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["lead", "seq"]
        constraints = [models.UniqueConstraint(fields=["lead", "seq"], name="leads_stagechange_seq")]
        indexes = [
            # The report on reasons is read from the index alone.
            models.Index(
                fields=["verb", "at", "lead", "seq", "reason", "grade", "to_stage"], name="leads_stagechange_counts"
            ),
            # Where in the log something was offered, for what sales said of it.
            models.Index(
                fields=["handoff", "lead", "seq"], name="leads_stagechange_offers", condition=models.Q(verb="hand_off")
            ),
        ]


class Remark(models.Model):
    """What somebody wrote about a move. Apart from the log, because erasure empties it."""

    change = models.OneToOneField(StageChange, models.CASCADE, related_name="remark")
    text = models.TextField(_("Note"), max_length=2000)
