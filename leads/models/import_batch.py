"""One import: the file, the mapping, how far it has come, and what became of every row."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Contact, User
from crm.models.base import FieldwiseModel
from leads.models.lead import Lead

UNDO_TIME = timedelta(days=7)


class ImportBatch(FieldwiseModel):
    class State(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    AT_WORK = (State.CHECKING, State.RUNNING, State.UNDOING)
    PREPARED = (State.DRAFT, State.CHECKING, State.CHECKED)
    ENDED = (State.STOPPED, State.DONE, State.FAILED)

    file_name = models.CharField(max_length=300)
    file_sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=64, blank=True, default="", help_text="Name in DATA_DIR/imports, or ''.")
    mapping = models.JSONField(default=dict)
    choices = models.JSONField(default=dict, blank=True, help_text="What the person chose while preparing it.")
    corrections = models.JSONField(default=dict, blank=True, help_text="Column → cell as in the file → corrected cell.")
    findings = models.JSONField(default=dict, blank=True, help_text="What the last check found.")
    source = models.CharField(max_length=60, blank=True)
    legal_basis = models.CharField(max_length=20, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    informed_on = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=State, default=State.RUNNING)
    claimed_until = models.DateTimeField(null=True)
    cursor = models.PositiveIntegerField(default=0, help_text="The last row of the file that is done with.")
    total = models.PositiveIntegerField(default=0)
    worked = models.FloatField(default=0, help_text="Seconds of work on these rows.")
    trouble = models.CharField(max_length=300, blank=True, default="")
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    taken_back = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"], name="leads_importbatch_state"),
            models.Index(fields=["created_by"], name="leads_importbatch_news", condition=models.Q(seen_at=None)),
        ]

    @property
    def undo_until(self) -> datetime | None:
        """The moment until which it can be undone; None where nothing has been written or it is under way."""
        return self.finished_at + UNDO_TIME if self.state in self.ENDED and self.finished_at else None

    @property
    def may_be_undone(self) -> bool:
        return bool(self.undo_until and timezone.now() < self.undo_until and self.created + self.updated)


def ended_for(person: User) -> list[ImportBatch]:
    """Return the imports of `person` that have ended in the last seven days and whose page they have not seen since."""
    ended = ImportBatch.objects.filter(
        created_by=person, seen_at=None, state__in=[*ImportBatch.ENDED, ImportBatch.State.UNDONE],
        finished_at__gte=timezone.now() - UNDO_TIME,
    )  # fmt: skip
    return list(ended.defer("mapping", "findings", "corrections")[:5])


class ImportRow(models.Model):
    """What one row of a file did: its identity, whom it touched, what stood there before and what after."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("Created")
        UPDATED = "updated", _("Updated")
        UNCHANGED = "unchanged", _("Unchanged")
        SKIPPED = "skipped", _("Skipped")
        FAILED = "failed", _("Failed")

    class Undo(models.TextChoices):
        NO = "", _("Not undone")
        UNDONE = "undone", _("Undone")
        LEFT = "left", _("Left as it is")

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome)
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, related_name="+")
    lead = models.ForeignKey(Lead, models.SET_NULL, null=True, related_name="+")
    messages = models.JSONField(default=list, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    undo = models.CharField(max_length=8, choices=Undo, blank=True, default=Undo.NO, db_default="")
    left = models.JSONField(default=list, blank=True, db_default=models.Value([], models.JSONField()))

    class Meta:
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="leads_importrow_once")]
        indexes = [
            models.Index(fields=["batch", "number"], name="leads_importrow_left", condition=models.Q(undo="left")),
            models.Index(
                fields=["batch", "number"], name="leads_importrow_faulty", condition=models.Q(outcome="failed")
            ),
        ]


class MappingTemplate(FieldwiseModel):
    """A mapping kept under a name, for the next list of the same kind."""

    name = models.CharField(_("Name"), max_length=120, unique=True)
    mapping = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
