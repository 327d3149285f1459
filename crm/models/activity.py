"""Something the contact did, or that was done with them. Append-only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel
from crm.models.contact import Contact


class ActivityKind(FieldwiseModel):
    """What can happen: the shipped set (crm/activities.py) plus the workspace's own."""

    class Group(models.TextChoices):
        WEB = "web", _("Web")
        CONTENT = "content", _("Content")
        MAIL = "mail", _("Mail")
        EVENT = "event", _("Events")
        CALL = "call", _("Calls")
        FORM = "form", _("Forms")
        SOCIAL = "social", _("Social")
        INTENT = "intent", _("Intent")
        NOTE = "note", _("Notes")
        DATA = "data", _("Data")

    key = models.CharField(_("Key"), max_length=40, primary_key=True)
    label = models.CharField(_("Label"), max_length=120)
    group = models.CharField(_("Group"), max_length=12, choices=Group)
    inbound = models.BooleanField(_("Done by the contact"), default=True)
    icon = models.CharField(max_length=40, default="activity")
    shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["group", "key"]

    def __str__(self) -> str:
        return gettext(self.label) if self.shipped else self.label


class UtmCampaign(models.Func):
    """The campaign that the link behind an activity named, a word or a number as text; NULL for none.

    Of a long one the first 640 characters: PostgreSQL refuses a row whose part of an index is longer than 2,704 bytes.
    A touch keeps 512, with each run of blanks as one; so names with 128 blanks too many inside may differ from it.
    The path is written out: SQLite recognises an index only where no parameter stands.
    """

    arity = 1
    output_field = models.TextField()
    template = (
        "CASE WHEN JSON_TYPE(%(expressions)s, '$.utm.campaign') IN ('text', 'integer', 'real')"
        " THEN SUBSTR(LTRIM(JSON_EXTRACT(%(expressions)s, '$.utm.campaign')), 1, 640) END"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "(CASE WHEN JSONB_TYPEOF(%(expressions)s #> '{utm,campaign}') IN ('string', 'number')"
            " THEN LEFT(LTRIM(%(expressions)s #>> '{utm,campaign}'), 640) END)"
        )
        return self.as_sql(compiler, connection, template=template, **context)


class NamesCampaign(models.Func):
    """Whether the link behind an activity named a campaign, maybe one that is neither a word nor a number.

    PostgreSQL takes nearly all rows for some where a text IS NOT NULL, and a hundredth for some where a key exists.
    """

    arity = 1
    output_field = models.BooleanField()
    template = f"{UtmCampaign.template} IS NOT NULL"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s -> 'utm' ? 'campaign')", **context)


class Activity(FieldwiseModel):
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="activities", db_index=False)
    anonymous_id = models.CharField(max_length=100, blank=True, default="")
    kind = models.ForeignKey(ActivityKind, models.PROTECT, db_index=False, related_name="+")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    day = models.IntegerField(
        help_text="Days since 1970-01-01 of the local date of occurred_at, workspace's time zone."
    )
    feed = models.CharField(max_length=60)
    message_id = models.CharField(max_length=100)
    source = models.CharField(max_length=60, blank=True, default="")
    properties = models.JSONField(default=dict, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-occurred_at", "-id"]
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        constraints = [models.UniqueConstraint(fields=["feed", "message_id"], name="crm_activity_once")]
        indexes = [
            # The kind comes last: "was there a call since?" is answered from the index alone.
            models.Index(fields=["contact", "-occurred_at", "-id", "kind"], name="crm_activity_timeline"),
            # What people wrote down is few among what was tracked; reports on effort read it from the index alone.
            models.Index(
                fields=["contact", "occurred_at", "by", "kind"],
                name="crm_activity_by_people",
                condition=models.Q(by__isnull=False),
            ),
            # Few activities name a campaign; who shares a lead among all that touched it reads them here.
            models.Index(
                UtmCampaign("properties"), "contact", "day", "occurred_at", "id", name="crm_activity_campaigns",
                condition=models.Q(NamesCampaign("properties")),
            ),
            models.Index(
                fields=["anonymous_id"], name="crm_activity_anonymous", condition=models.Q(contact__isnull=True)
            ),
        ]  # fmt: skip
