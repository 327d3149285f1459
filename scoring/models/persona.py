"""Whom we want: the ideal customer profile and the personas, as saved groups of criteria."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


class Persona(FieldwiseModel):
    """Somebody matches when every condition holds. It gives no points: it says whom one has before one."""

    class Kind(models.TextChoices):
        IDEAL_CUSTOMER = "ideal_customer", _("Ideal customer profile")
        PERSONA = "persona", _("Persona")

    kind = models.CharField(_("Kind"), max_length=16, choices=Kind, default=Kind.PERSONA)
    name = models.CharField(_("Name"), max_length=80, unique=True)
    description = models.CharField(_("In one sentence"), max_length=300, blank=True)
    conditions = models.JSONField(default=list, help_text="[{fact, operator, value}], all of which must hold.")

    class Meta:
        ordering = ["kind", "name"]
        verbose_name = _("persona")
        verbose_name_plural = _("personas")

    def __str__(self) -> str:
        return self.name
