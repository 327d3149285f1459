"""Work on many rows of a list: what is to be done to which rows, how far it is, and what became of each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from crm.models.user import Role, User

UNDO_TIME = timedelta(hours=24)
EXPORT = "export"


class ListJobQuerySet(models.QuerySet["ListJob"]):
    def visible_to(self, user: User) -> ListJobQuerySet:
        """One's own; an admin sees all."""
        return self if user.role == Role.ADMIN else self.filter(by=user)


class ListJob(FieldwiseModel):
    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    AT_WORK = (State.RUNNING, State.UNDOING)

    kind = models.CharField(max_length=20)
    action = models.CharField(max_length=40)
    params = models.JSONField(default=dict, blank=True)
    words = models.CharField(max_length=300)
    query = models.TextField(blank=True, help_text="The list's address as of the click.")
    everything = models.BooleanField(default=False, help_text="All that fitted the filter, not rows picked one by one.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    token = models.CharField(max_length=32, unique=True, help_text="Of the form it was sent with.")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    claimed_until = models.DateTimeField(null=True)
    total = models.PositiveIntegerField()
    cursor = models.PositiveIntegerField(default=0, help_text="Rows done with; while undoing, the last taken back.")
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    undone = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    worked = models.FloatField(default=0, help_text="Seconds of work on these rows.")
    trouble = models.CharField(max_length=300, blank=True, default="")
    stored_as = models.CharField(max_length=32, blank=True, default="", help_text="Name in DATA_DIR/exports, or ''.")
    written = models.BigIntegerField(default=0, help_text="Bytes of the unfinished file that are sure.")
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = ListJobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"], name="crm_listjob_state"),
            models.Index(fields=["by", "-id"], name="crm_listjob_by"),
        ]

    @property
    def is_export(self) -> bool:
        return self.action == EXPORT

    @property
    def is_at_work(self) -> bool:
        return self.state in self.AT_WORK

    @property
    def undo_until(self) -> datetime | None:
        """The moment until which it can be undone; None where nothing was done or it is under way."""
        ended = self.state in {self.State.DONE, self.State.STOPPED} and self.finished_at and self.done
        return self.finished_at + UNDO_TIME if ended and self.finished_at else None

    @property
    def has_file(self) -> bool:
        """Whether its file may be fetched now."""
        ready = self.state == self.State.DONE and self.stored_as and self.expires_at
        return bool(ready and self.expires_at and timezone.now() < self.expires_at)


class ListSelection(models.Model):
    """The rows a job was given, in the order they were shown: frozen, so that nothing slips in or out meanwhile."""

    job = models.OneToOneField(ListJob, models.CASCADE, primary_key=True, related_name="selection")
    ids = models.TextField(help_text="Ids, joined by commas.")


class ListJobRow(models.Model):
    """What became of one row, and what undo needs."""

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")
        UNDONE = "undone", _("Undone")
        LEFT = "left", _("Left as it is")

    job = models.ForeignKey(ListJob, models.CASCADE, related_name="lines", db_index=False)
    number = models.PositiveIntegerField()
    object_id = models.BigIntegerField()
    outcome = models.CharField(max_length=8, choices=Outcome)
    text = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["job", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="crm_listjobrow_once")]
        indexes = [models.Index(fields=["job", "outcome", "number"], name="crm_listjobrow_outcome")]
