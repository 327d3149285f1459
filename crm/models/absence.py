"""When a person is away: whole days, the first from noon and the last until noon where said. Never why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


class Absence(FieldwiseModel):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="absences", db_index=False)
    first_day = models.DateField(_("First day"))
    last_day = models.DateField(_("Last day"))
    from_noon = models.BooleanField(_("The first day only from noon"), default=False)
    until_noon = models.BooleanField(_("The last day only until noon"), default=False)

    class Meta:
        ordering = ["first_day", "id"]
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            models.UniqueConstraint(fields=["user", "first_day", "last_day"], name="crm_absence_once"),
            models.CheckConstraint(
                condition=models.Q(last_day__gt=models.F("first_day"))
                | models.Q(last_day=models.F("first_day"), from_noon=False)
                | models.Q(last_day=models.F("first_day"), until_noon=False),
                name="crm_absence_lasts",
            ),
        ]
        indexes = [models.Index(fields=["user", "last_day"], name="crm_absence_user_last")]

    def __str__(self) -> str:
        return f"{self.first_day}–{self.last_day}"
