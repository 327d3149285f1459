"""What tracking keeps beside the activities: write keys, rules, who an anonymous id belongs to, and receipts."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.activity import ActivityKind
from crm.models.base import FieldwiseModel
from crm.models.contact import Contact


class WriteKey(FieldwiseModel):
    """What a site or an app shows to send us messages. The key itself is known by its hash only."""

    name = models.CharField(_("Name"), max_length=60, unique=True)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False)
    system = models.CharField(_("User ids belong to"), max_length=60, default="tracking")
    origins = models.TextField(_("Sites"), blank=True)
    opens_leads = models.BooleanField(_("Identified people become leads"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    exposed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def sites(self) -> list[str]:
        """The origins whose pages may send with this key, such as https://www.example.com."""
        return self.origins.split()

    @property
    def feed(self) -> str:
        return f"tracking:{self.pk}"


class TrackingRule(FieldwiseModel):
    """What a page's path or an event's name means: a kind of activity. The first that fits decides."""

    class About(models.TextChoices):
        PAGE = "page", _("Path of a page")
        EVENT = "event", _("Name of an event")

    about = models.CharField(_("About"), max_length=5, choices=About)
    pattern = models.CharField(_("Pattern"), max_length=200)
    kind = models.ForeignKey(ActivityKind, models.PROTECT, verbose_name=_("Counts as"), related_name="+")
    position = models.PositiveSmallIntegerField(_("Position"), default=100)

    class Meta:
        ordering = ["about", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["about", "pattern"], name="crm_trackingrule_once")]


class TrackedId(models.Model):
    """Whose an anonymous id is: a contact, or as long as that one is unknown, a user id (`waits_for`)."""

    value = models.CharField(max_length=100, unique=True)
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="tracked_ids")
    waits_for = models.CharField(max_length=100, blank=True, default="")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["waits_for"], name="crm_trackedid_waiting", condition=models.Q(contact__isnull=True)),
        ]


class TrackingReceipt(models.Model):
    """One request of a site, an app or a mail provider: what became of each of its messages. Kept for days."""

    at = models.DateTimeField(default=timezone.now)
    write_key = models.ForeignKey(WriteKey, models.CASCADE, null=True, related_name="receipts", db_index=False)
    provider = models.CharField(max_length=40, blank=True, default="")
    sender = models.CharField(max_length=80, blank=True)
    accepted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    messages = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="crm_trackingreceipt_age"),
            models.Index(fields=["-id"], name="crm_trackingreceipt_refused", condition=models.Q(refused__gt=0)),
            models.Index(fields=["-id"], name="crm_trackingreceipt_twice", condition=models.Q(duplicates__gt=0)),
            models.Index(fields=["-id"], name="crm_trackingreceipt_machine", condition=models.Q(quarantined__gt=0)),
        ]
