"""The workspace: the few facts every part of an installation shares. One row."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


def default_time_zone() -> str:
    return settings.TIME_ZONE


class Workspace(FieldwiseModel):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("Name"), max_length=120, blank=True)
    time_zone = models.CharField(_("Time zone"), max_length=60, default=default_time_zone)
    language = models.CharField(_("Language"), max_length=5, choices=settings.LANGUAGES, default="en")
    currency = models.CharField(_("Currency"), max_length=3, default="EUR")
    reps_read_everything = models.BooleanField(_("Sales reps may read every lead"), default=False)
    reps_may_export = models.BooleanField(_("Sales reps may export what they see"), default=False)
    column_limits = models.JSONField(_("Column limits"), default=dict, blank=True)
    sites = models.JSONField(_("Our web sites"), default=list, blank=True)
    imprint_url = models.URLField(_("Imprint"), blank=True)
    privacy_url = models.URLField(_("Privacy notice"), blank=True)
    accessibility_url = models.URLField(_("Accessibility statement"), blank=True)
    public_line = models.CharField(_("Who we are, in one line"), max_length=160, blank=True)
    unconfirmed_days = models.PositiveSmallIntegerField(_("Days until an unconfirmed sign-up vanishes"), default=14)
    counts_opens = models.BooleanField(_("Count opened e-mails"), default=False)
    single_key = models.BooleanField(default=False, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="crm_workspace_is_one_row")]

    def __str__(self) -> str:
        return self.name or "Baton"


class DeletionGate(models.Model):
    """A row here, in the same transaction, lets a DELETE of guarded rows pass: erasure, demo removal, test flush."""

    reason = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "crm_deletion_gate"


class Heartbeat(models.Model):
    """When a process last said it is alive."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
