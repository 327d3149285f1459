"""A person we know by e-mail, phone, post or a key in another system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm import visibility
from crm.models.base import FieldwiseModel
from crm.models.company import Company

if TYPE_CHECKING:
    from crm.models.user import User


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: User) -> ContactQuerySet:
        """Reps see the people behind the leads they may see, others see everybody."""
        return self.filter(visibility.contacts_of(user))

    def with_company(self) -> ContactQuerySet:
        return self.select_related("company")


class Contact(FieldwiseModel):
    first_name = models.CharField(_("First name"), max_length=120, blank=True)
    last_name = models.CharField(_("Last name"), max_length=120, blank=True)
    name_key = models.CharField(max_length=500, editable=False, default="")
    email = models.CharField(_("E-mail"), max_length=254, blank=True)
    email_key = models.CharField(max_length=254, editable=False, default="")
    phone = models.CharField(_("Phone"), max_length=60, blank=True)
    phone_key = models.CharField(max_length=20, editable=False, default="")
    job_title = models.CharField(_("Job title"), max_length=200, blank=True)
    job_title_key = models.CharField(max_length=400, editable=False, default="")
    seniority = models.CharField(max_length=12, editable=False, default="")
    function = models.CharField(max_length=12, editable=False, default="")
    company = models.ForeignKey(
        Company, models.SET_NULL, null=True, blank=True, related_name="contacts", verbose_name=_("Company")
    )
    street = models.CharField(_("Street"), max_length=200, blank=True)
    postcode = models.CharField(_("Postcode"), max_length=20, blank=True)
    city = models.CharField(_("City"), max_length=120, blank=True)
    region = models.CharField(_("Region"), max_length=120, blank=True)
    country = models.CharField(_("Country"), max_length=2, blank=True)
    language = models.CharField(_("Language"), max_length=5, blank=True)
    linkedin = models.CharField(_("Profile page"), max_length=300, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["name_key", "id"]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(fields=["name_key", "id"], name="crm_contact_by_name"),
            models.Index(fields=["updated_at"], name="crm_contact_by_change"),
            models.Index(fields=["created_at", "id"], name="crm_contact_by_age"),
            models.Index(fields=["email_key"], name="crm_contact_by_email", condition=~models.Q(email_key="")),
            models.Index(fields=["phone_key"], name="crm_contact_by_phone", condition=~models.Q(phone_key="")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or self.phone or str(_("Name unknown"))

    @property
    def has_post_address(self) -> bool:
        return bool(self.street and self.city)

    @property
    def is_reachable(self) -> bool:
        """Whether a channel of ours can reach this person; a key in another system cannot."""
        return bool(self.email_key or self.phone_key or self.has_post_address)


class ContactKey(models.Model):
    """The contact's name in another system: (system, key) is one person."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="keys")
    system = models.CharField(max_length=60)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "key"], name="crm_contactkey_unique")]


class ResearchSurge(models.Model):
    """Somebody who researches a topic elsewhere just now (crm/research.py), and the day it is over."""

    contact = models.OneToOneField(Contact, models.CASCADE, primary_key=True, related_name="surge")
    ends = models.IntegerField(db_index=True, help_text="Days since 1970-01-01: the first day without the surge.")


class ProfileChange(models.Model):
    """One field of one contact or company, before and after, so that any past day can be reckoned. Append-only."""

    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="changes", db_index=False)
    company = models.ForeignKey(Company, models.CASCADE, null=True, related_name="changes", db_index=False)
    field = models.CharField(max_length=60)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    at = models.DateTimeField()
    by: models.ForeignKey[User | None] = models.ForeignKey("crm.User", models.SET_NULL, null=True, related_name="+")
    source = models.CharField(max_length=60)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["contact", "id"], name="crm_profilechange_contact", condition=models.Q(contact__isnull=False)
            ),
            models.Index(
                fields=["company", "id"], name="crm_profilechange_company", condition=models.Q(company__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(contact__isnull=True) ^ models.Q(company__isnull=True),
                name="crm_profilechange_of_one",
            )
        ]
