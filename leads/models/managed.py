"""Lists the admin keeps: where leads come from, and why they were turned down."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


class Managed(FieldwiseModel):
    """A row of a managed list; shipped rows speak the reader's language, own rows as written."""

    key = models.SlugField(_("Key"), max_length=60)
    label = models.CharField(_("Label"), max_length=120)
    active = models.BooleanField(_("Offered for choice"), default=True)
    position = models.PositiveSmallIntegerField(_("Position"), default=100)
    shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return gettext(self.label) if self.shipped else self.label


class Source(Managed):
    class Kind(models.TextChoices):
        FORM = "form", _("Form")
        CONTENT = "content", _("Gated content")
        EVENT = "event", _("Webinar or event")
        FAIR = "fair", _("Street or trade fair")
        CALL = "call", pgettext_lazy("kind of source", "Call")
        REFERRAL = "referral", _("Referral")
        PARTNER = "partner", _("Partner")
        INFLUENCER = "influencer", _("Influencer")
        REVIEW = "review", _("Review platform")
        SEARCH = "search", pgettext_lazy("kind of source", "Search")
        ADS = "ads", _("Advertising")
        SOCIAL = "social", _("Social media")
        DIRECT = "direct", _("Direct visit")
        LIST = "list", _("Purchased list")
        IMPORT = "import", _("Import")
        OTHER = "other", _("Other")

    kind = models.CharField(_("Kind"), max_length=12, choices=Kind)
    low_trust = models.BooleanField(_("Low trust"), default=False)

    class Meta(Managed.Meta):
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        constraints = [models.UniqueConstraint(fields=["key"], name="leads_source_key")]


class Reason(Managed):
    class Kind(models.TextChoices):
        SEND_BACK = "send_back", _("Sent back")
        LOSE = "lose", _("Lost")
        DISQUALIFY = "disqualify", _("Disqualified")
        QUALIFY = "qualify_for_marketing", _("Made an MQL by hand")

    kind = models.CharField(_("For"), max_length=24, choices=Kind)

    class Meta(Managed.Meta):
        verbose_name = _("reason")
        verbose_name_plural = _("reasons")
        ordering = ["kind", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="leads_reason_key")]
