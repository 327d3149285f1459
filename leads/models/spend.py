"""What was spent: one row per invoice or per period of work, in the workspace's currency."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.models.base import FieldwiseModel
from leads.models.campaign import Campaign


class Spend(FieldwiseModel):
    """A row of the ledger. Written by leads/spending.py only, every change in the audit log."""

    class Side(models.TextChoices):
        MARKETING = "marketing", _("Marketing")
        SALES = "sales", _("Sales")

    class Kind(models.TextChoices):
        MEDIA = "media", pgettext_lazy("kind of spend", "Media")
        TOOL = "tool", pgettext_lazy("kind of spend", "Tools")
        STAFF = "staff", pgettext_lazy("kind of spend", "Staff")
        OTHER = "other", _("Other")

    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="spend",
        db_index=False,
        verbose_name=_("Campaign"),
    )
    side = models.CharField(_("Side"), max_length=9, choices=Side, default=Side.MARKETING)
    kind = models.CharField(_("Kind"), max_length=5, choices=Kind, default=Kind.MEDIA)
    amount = models.DecimalField(
        _("Amount"), max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(_("Currency"), max_length=3)
    starts_on = models.DateField(_("First day"))
    ends_on = models.DateField(_("Last day"))
    invoice = models.CharField(_("Invoice"), max_length=80, blank=True)
    note = models.CharField(_("Note"), max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False, editable=False
    )
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-starts_on", "-id"]
        verbose_name = _("spend")
        verbose_name_plural = _("spend")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="leads_spend_not_negative"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="leads_spend_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["-starts_on", "-id"], name="leads_spend_list"),
            models.Index(fields=["campaign", "-starts_on", "-id"], name="leads_spend_of_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
