"""Where a lead stands: the narrow table the boards read.

Lane and owner are written by the life cycle, score and grade by the engine; the wide Lead row stays untouched.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from leads.models.lead import Lead
from leads.stages import Lane

NO_RANK = -1


class Standing(models.Model):
    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="standing")
    lane = models.CharField(max_length=12, choices=Lane)
    lane_since = models.DateTimeField(db_default=Now())
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+")
    team = models.ForeignKey("crm.Team", models.SET_NULL, null=True, db_index=False, related_name="+")
    score = models.SmallIntegerField(null=True)
    grade = models.CharField(max_length=2, blank=True, default="", db_default="")
    rank = models.SmallIntegerField(default=NO_RANK, db_default=NO_RANK)
    scored_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["lane", "-rank", "-lead"], name="leads_standing_board"),
            # Whoever's score changes is written anew in each of these: they hold only what the sales board asks for.
            models.Index(
                fields=["lane", "owner", "-rank", "-lead"], name="leads_standing_mine",
                condition=models.Q(owner__isnull=False),
            ),
            models.Index(
                fields=["lane", "team", "-rank", "-lead"], name="leads_standing_team",
                condition=models.Q(team__isnull=False),
            ),
            # A rep looks at their own and at what nobody of their team has taken: few rows, which no other index finds.
            models.Index(
                fields=["lane", "team", "-rank", "-lead"], name="leads_standing_queue",
                condition=models.Q(owner__isnull=True, team__isnull=False),
            ),
            models.Index(fields=["lane", "lane_since", "lead"], name="leads_standing_age"),
            models.Index(fields=["-rank", "-lead"], name="leads_standing_hottest"),
        ]  # fmt: skip
