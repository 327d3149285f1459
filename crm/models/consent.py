"""What a person allowed or forbade: events only; the state is a query. Append-only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from crm.models.contact import Contact


class Purpose(models.TextChoices):
    NEWSLETTER = "newsletter", _("Newsletter")
    OFFER = "offer", _("Offers")
    PROFILING = "profiling", _("Profiling")
    TRACKING = "tracking", _("Tracking")


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    POST = "post", _("Post")
    MESSENGER = "messenger", _("Messenger")
    NONE = "", _("Any channel")


class ConsentText(FieldwiseModel):
    """The words somebody agrees to. A change is a new version; what was agreed to keeps its own words."""

    purpose = models.CharField(_("Purpose"), max_length=12, choices=Purpose)
    channel = models.CharField(_("Channel"), max_length=12, choices=Channel)
    language = models.CharField(_("Language"), max_length=5, choices=settings.LANGUAGES)
    version = models.PositiveSmallIntegerField()
    body = models.CharField(_("Text"), max_length=600)
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["purpose", "channel", "language", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["purpose", "channel", "language", "version"], name="crm_consenttext_once")
        ]

    def __str__(self) -> str:
        return self.body

    @property
    def key(self) -> str:
        """Return what is agreed to, such as 'newsletter:email': the same in every language and version."""
        return f"{self.purpose}:{self.channel}"


class ConsentEvent(models.Model):
    class Kind(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        CONFIRMED = "confirmed", _("Confirmed")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")
        OBJECTED = "objected", _("Objected")
        USED = "used", _("Used")

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="consent_events")
    purpose = models.CharField(max_length=12, choices=Purpose)
    channel = models.CharField(max_length=12, choices=Channel, blank=True, default="")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    source = models.CharField(max_length=60)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]


class LegalBasis(models.Model):
    """Why we may hold and use this person's data, per purpose."""

    class Basis(models.TextChoices):
        CONSENT = "consent", _("Consent")
        REQUEST = "request", _("Their request")
        CONTRACT = "contract", _("Contract")
        LEGITIMATE_INTEREST = "legitimate_interest", _("Legitimate interest")
        UNKNOWN = "unknown", _("Unknown")

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="legal_bases")
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.OFFER)
    basis = models.CharField(max_length=20, choices=Basis)
    since = models.DateField()
    source = models.CharField(max_length=60)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]


class Suppression(models.Model):
    """An address we must never use again, known by its keyed hash only."""

    hmac = models.CharField(max_length=64)
    key_id = models.CharField(max_length=12)
    kind = models.CharField(max_length=6, choices=[("email", _("E-mail")), ("phone", _("Phone"))])
    reason = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, help_text="The person confirmed a fresh wish of their own.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hmac", "kind"], name="crm_suppression_once")]
