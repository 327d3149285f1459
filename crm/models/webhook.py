"""Who hears of what happens here: addresses with their secret, each attempt to tell, and whose data they got."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from crm.models.contact import Contact
from crm.models.outbox import OutboxMessage


class WebhookEndpoint(FieldwiseModel):
    """One address and what it is told. It is also a line of the register of recipients, so it is never deleted."""

    name = models.CharField(_("Name"), max_length=80, unique=True)
    url = models.CharField(_("Address"), max_length=500)
    #: names of events, such as ["lead.accept"]
    events = models.JSONField(_("What it is told"), default=list)
    tells_person = models.BooleanField(_("Send name, e-mail address, phone and company along"), default=False)
    is_marketing = models.BooleanField(_("Serves marketing"), default=False)
    recipient = models.CharField(_("Recipient"), max_length=120)
    purpose = models.CharField(_("Purpose"), max_length=200)
    country = models.CharField(_("Country"), max_length=2)
    is_ours = models.BooleanField(_("Our own system"), default=False)
    contract_on = models.DateField(_("Contract on data processing of"), null=True, blank=True)
    active = models.BooleanField(_("Switched on"), default=True)
    nonce = models.CharField(max_length=40, editable=False)
    secret_print = models.CharField(max_length=16, editable=False)
    old_nonce = models.CharField(max_length=40, blank=True, editable=False)
    old_until = models.DateTimeField(null=True, editable=False)
    rests_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    #: 'gone' (it answered 410) or 'silent' (three days without a good answer)
    retired_because = models.CharField(max_length=12, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def overlaps(self) -> bool:
        """Whether the secret before is still valid."""
        return bool(self.old_nonce and self.old_until and self.old_until > timezone.now())


class WebhookAttempt(models.Model):
    """One try to deliver a message, and what came back."""

    class Outcome(models.TextChoices):
        TAKEN = "taken", _("Taken")
        REFUSED = "refused", _("Refused")
        GONE = "gone", _("Gone for good")
        REDIRECT = "redirect", _("Redirect, not followed")
        TIMEOUT = "timeout", _("No answer in time")
        NO_CONNECTION = "no_connection", _("No connection")
        CERTIFICATE = "certificate", _("Certificate not valid")
        ADDRESS = "address", _("Address not allowed")
        INTERRUPTED = "interrupted", _("Broken off: the worker was killed. It may have arrived.")

    message = models.ForeignKey(OutboxMessage, models.CASCADE, related_name="attempts_made")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=15, choices=Outcome)
    status = models.PositiveSmallIntegerField(null=True)
    #: 0 where nobody measured: the worker did not live to see the end
    milliseconds = models.PositiveIntegerField()
    #: the beginning of what a public receiver answered, at most 1,000 characters; emptied when the person is erased
    answer = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="crm_webhookattempt_age")]


class Disclosure(models.Model):
    """That a recipient got something about a person: since when, until when, how often. A merge leaves both rows."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="disclosures")
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="disclosures")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
