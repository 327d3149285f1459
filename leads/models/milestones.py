"""What a lead has come to and when, read from its log: the narrow table the reports add up."""

from __future__ import annotations

from django.db import models

from leads.models.lead import Lead


class Milestones(models.Model):
    """One row per lead that has moved; instants are whole seconds since 1970, None for what has not happened.

    `*_left` is when the first stay in that stage ended. leads/milestones.py keeps it, in the transaction of each move.
    """

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="milestones")
    depth = models.PositiveSmallIntegerField()
    entered = models.BigIntegerField()
    entered_left = models.BigIntegerField(null=True)
    mql = models.BigIntegerField(null=True)
    mql_left = models.BigIntegerField(null=True)
    offered = models.BigIntegerField(null=True)
    sal = models.BigIntegerField(null=True)
    sal_left = models.BigIntegerField(null=True)
    sql = models.BigIntegerField(null=True)
    sql_left = models.BigIntegerField(null=True)
    nurture = models.BigIntegerField(null=True)
    nurture_left = models.BigIntegerField(null=True)
    won = models.BigIntegerField(null=True)
    rejected = models.BigIntegerField(null=True, help_text="When sales first gave it back, lost or disqualified it.")
    rejected_to = models.CharField(max_length=12, blank=True, default="")
    score = models.SmallIntegerField(null=True, help_text="The score at the moment it first became MQL.")
    grade = models.CharField(max_length=2, blank=True, default="")
