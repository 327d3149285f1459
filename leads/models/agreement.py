"""What marketing promised a sales team: MQLs a week and how many of them are good enough to accept."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Agreement(models.Model):
    """Holds from the Monday `since` until the team's next one. Empty figures promise nothing."""

    team = models.ForeignKey("crm.Team", models.CASCADE, related_name="agreements", db_index=False)
    since = models.DateField()
    mqls_per_week = models.PositiveIntegerField(_("MQLs per week"), null=True)
    acceptance_percent = models.PositiveSmallIntegerField(_("Accepted of those answered, in percent"), null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["since", "id"]
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = [models.UniqueConstraint(fields=["team", "since"], name="leads_agreement_once_a_week")]

    def __str__(self) -> str:
        return f"{self.team} {self.since}"
