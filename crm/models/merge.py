"""People who were two and became one: the log of merges, the pairs that may be one, and the search for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from crm.models.contact import Contact


class MergeQuerySet(models.QuerySet["ContactMerge"]):
    def standing(self) -> MergeQuerySet:
        """Those that have not been undone."""
        return self.filter(undone_at=None)


class ContactMerge(FieldwiseModel):
    """One contact went into another. Holds all it takes to part them again; what is known of the person is erasable.

    `kept` is whose rows the merged one's are now: the one that stayed, or whoever that one was merged into later.
    """

    kept = models.ForeignKey(Contact, models.CASCADE, related_name="merges", verbose_name=_("Contact"))
    kept_number = models.BigIntegerField(help_text="The contact that stayed, as it was numbered then.")
    merged_number = models.BigIntegerField(help_text="The contact that went; un-merging gives the number back.")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    note = models.CharField(_("Why"), max_length=300, blank=True)
    #: ["email", "name", …]: what the two had in common
    reasons = models.JSONField(default=list)
    #: {"contact": columns, "rows": {"app.Model.field": [columns, …]}, "fields": {name: {"old", "new"}}}; {} once
    #: it is undone or the person was erased
    kept_values = models.JSONField(default=dict)
    #: {"app.Model.field": ids or what the rule of that relation remembers}; numbers only
    moved = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints = [
            models.UniqueConstraint(
                fields=["merged_number"], condition=models.Q(undone_at=None), name="crm_contactmerge_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kept_number} ← {self.merged_number}"

    @property
    def merged_name(self) -> str:
        """Return the name of the one that went; '' once it is no longer known here."""
        known = self.kept_values.get("contact", {})
        return " ".join(part for part in (known.get("first_name"), known.get("last_name")) if part) or known.get(
            "email", ""
        )


class DuplicateSearch(FieldwiseModel):
    """One search through all contacts for pairs that may be one person; it carries on where it stood."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    cursor = models.BigIntegerField(default=0, help_text="The last contact that was compared.")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="running"), name="crm_duplicatesearch_one"
            )
        ]

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 100


class PossibleDuplicate(FieldwiseModel):
    """Two contacts that may be one person, or of whom somebody said that they are not."""

    low = models.ForeignKey(Contact, models.CASCADE, related_name="+", db_index=False)
    high = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    #: ["email", "phone", "name"]
    reasons = models.JSONField(default=list)
    strength = models.PositiveSmallIntegerField(
        default=0, help_text="How much speaks for it; the list begins with most."
    )
    search = models.ForeignKey(DuplicateSearch, models.SET_NULL, null=True, related_name="+", db_index=False)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-strength", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="crm_possibleduplicate_once"),
            models.CheckConstraint(condition=models.Q(low__lt=models.F("high")), name="crm_possibleduplicate_order"),
        ]
        indexes = [
            models.Index(
                fields=["-strength", "-id"], name="crm_possibleduplicate_open", condition=models.Q(dismissed_at=None)
            )
        ]
