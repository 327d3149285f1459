"""What marketing spends its time and money on: a campaign has a key that links, forms and lists name it by."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.models.base import FieldwiseModel


class Campaign(FieldwiseModel):
    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        CONTENT = "content", _("Content")
        EVENT = "event", _("Webinar or event")
        FAIR = "fair", _("Street or trade fair")
        SEARCH = "search", pgettext_lazy("kind of source", "Search")
        ADS = "ads", _("Advertising")
        SOCIAL = "social", _("Social media")
        PARTNER = "partner", _("Partner")
        OTHER = "other", _("Other")

    key = models.SlugField(_("Key"), max_length=60, unique=True)
    name = models.CharField(_("Name"), max_length=120)
    channel = models.CharField(_("Channel"), max_length=12, choices=Channel, default=Channel.OTHER)
    starts_on = models.DateField(_("Starts on"), null=True, blank=True)
    ends_on = models.DateField(_("Ends on"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Owner")
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_on=None)
                | models.Q(ends_on=None)
                | models.Q(ends_on__gte=models.F("starts_on")),
                name="leads_campaign_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return self.name
