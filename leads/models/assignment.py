"""Where leads go: the rules the admin keeps in order, and whose turn it is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.models import Team
from crm.models.base import FieldwiseModel


class AssignmentRule(FieldwiseModel):
    """All its conditions hold (`leads.assignment_rules`): then the lead goes to one person, or to one team."""

    name = models.CharField(_("Name"), max_length=120)
    position = models.PositiveSmallIntegerField(_("Position"), default=10_000)
    active = models.BooleanField(_("In force"), default=True)
    conditions = models.JSONField(default=dict, blank=True, help_text="{condition: what it is compared with}")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("assignment rule")
        verbose_name_plural = _("assignment rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(person=None, team__isnull=False) | Q(person__isnull=False, team=None),
                name="leads_assignmentrule_one_taker",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Rota(models.Model):
    """The one row that counts turns. Whoever gives a lead to somebody holds it until their transaction ends."""

    turn = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="leads_rota_is_one_row")]


class Seat(models.Model):
    """A person's place in the row: the turn in which they were given their newest lead. No two hold the same."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="seat")
    turn = models.PositiveBigIntegerField(null=True, unique=True)
    given_at = models.DateTimeField(null=True)
