"""Who did what to the workspace, and when. Append-only; sealed into a hash chain by a job."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    object = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    salt = models.CharField(max_length=32)
    commitment = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]


class AuditSeal(models.Model):
    """The chain's links: each covers the entries after the last one, up to `last_entry`."""

    at = models.DateTimeField(auto_now_add=True)
    last_entry = models.BigIntegerField(unique=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
