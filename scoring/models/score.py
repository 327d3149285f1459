"""What a lead scores, how it came about, and by what everything is scored."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from leads.models import Lead
from scoring.models.scorecard import ScorecardVersion


class Score(models.Model):
    """The score of a lead. `points` holds what each slot books (scoring/packing.py): explanation and diff key in one.

    `version` is the one the row was last written by: a row that a new version leaves equal stays as it is.
    """

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="scored")
    version = models.ForeignKey(
        ScorecardVersion, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    fit = models.SmallIntegerField()
    engagement = models.SmallIntegerField()
    total = models.SmallIntegerField()
    grade = models.CharField(max_length=2)
    at_bar = models.BooleanField()
    told = models.SmallIntegerField(help_text="Total in the last row of the history.")
    points = models.BinaryField()
    scored_day = models.IntegerField()
    seq = models.IntegerField(default=0)


class ScoreHistory(models.Model):
    class Cause(models.TextChoices):
        ACTIVITY = "activity", _("Activity")
        PROFILE = "profile", _("Profile")
        PUBLISH = "publish", _("New version")
        TIME = "time", _("Time")
        REPAIR = "repair", _("Repair")

    # No constraint in the database: checking it would lock the wide row of each lead that a pass tells of. A row is
    # told only by whoever holds the lead's score, which goes before its history does; the doctor looks for orphans.
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="score_history", db_index=False, db_constraint=False)
    version = models.ForeignKey(
        ScorecardVersion, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    day = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)
    cause = models.CharField(max_length=8, choices=Cause)
    before = models.SmallIntegerField(null=True)
    after = models.SmallIntegerField(null=True)
    grade = models.CharField(max_length=2, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["lead", "day", "id"], name="scoring_history_of_lead")]


class ActiveScoring(FieldwiseModel):
    """The pointer: the version and the day everything is scored by. One row.

    `catalogue` is a new random number whenever questions were added or a version was made ready, so that a
    process knows when to read them anew.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    version = models.ForeignKey(ScorecardVersion, models.PROTECT, related_name="+")
    as_of_day = models.IntegerField()
    catalogue = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="scoring_active_is_one_row")]
