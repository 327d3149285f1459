"""Facts that must leave the house, each with a small life of its own."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


class OutboxMessage(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    key = models.CharField(max_length=60, unique=True, default=message_id)
    channel = models.CharField(max_length=12)
    topic = models.CharField(max_length=60)
    subject = models.CharField(max_length=60, blank=True, help_text="What it is about, such as lead:42 or lead:42:7.")
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    dead_reason = models.CharField(max_length=300, blank=True)
    endpoint = models.ForeignKey(
        "crm.WebhookEndpoint", models.PROTECT, null=True, related_name="messages", db_index=False
    )
    contact = models.ForeignKey("crm.Contact", models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="crm_outbox_due", condition=models.Q(state="pending")),
            models.Index(
                fields=["endpoint", "-id"], name="crm_outbox_endpoint", condition=models.Q(endpoint__isnull=False)
            ),
            models.Index(fields=["contact"], name="crm_outbox_contact", condition=models.Q(contact__isnull=False)),
            models.Index(fields=["subject"], name="crm_outbox_subject", condition=~models.Q(subject="")),
        ]
