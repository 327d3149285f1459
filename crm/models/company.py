"""The organisation a contact works for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm import visibility
from crm.models.base import FieldwiseModel

if TYPE_CHECKING:
    from crm.models.user import User


class CompanyQuerySet(models.QuerySet["Company"]):
    def visible_to(self, user: User) -> CompanyQuerySet:
        """Reps see the companies of the contacts they see, others see all."""
        return self.filter(visibility.companies_of(user))


class Company(FieldwiseModel):
    name = models.CharField(_("Name"), max_length=200)
    name_key = models.CharField(max_length=400, editable=False, default="")
    domain = models.CharField(_("Domain"), max_length=200, blank=True)
    website = models.CharField(_("Website"), max_length=300, blank=True)
    industry = models.CharField(_("Industry"), max_length=120, blank=True)
    employees = models.PositiveIntegerField(_("Employees"), null=True, blank=True)
    street = models.CharField(_("Street"), max_length=200, blank=True)
    postcode = models.CharField(_("Postcode"), max_length=20, blank=True)
    city = models.CharField(_("City"), max_length=120, blank=True)
    region = models.CharField(_("Region"), max_length=120, blank=True)
    country = models.CharField(_("Country"), max_length=2, blank=True)
    phone = models.CharField(_("Phone"), max_length=60, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CompanyQuerySet.as_manager()

    class Meta:
        ordering = ["name_key", "id"]
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        indexes = [
            models.Index(fields=["name_key", "id"], name="crm_company_by_name"),
            models.Index(fields=["updated_at"], name="crm_company_by_change"),
            models.Index(fields=["created_at", "id"], name="crm_company_by_age"),
            models.Index(fields=["domain"], name="crm_company_by_domain", condition=~models.Q(domain="")),
        ]

    def __str__(self) -> str:
        return self.name


class CompanyKey(models.Model):
    """The company's name in another system: (system, key) is one company."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="keys")
    system = models.CharField(max_length=60)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "key"], name="crm_companykey_unique")]
