"""Who rests in nurture, grouped: by what they are interested in and how close they are to buying."""

from __future__ import annotations

from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.lead import Lead


class Phase(models.TextChoices):
    """How close somebody is to buying, in the order of the journey."""

    AWARENESS = "awareness", _("Finding out")
    CONSIDERATION = "consideration", _("Comparing")
    DECISION = "decision", _("Deciding")


class NurtureTopic(models.Model):
    """A topic of interest, known by words in what people read, watched, asked and researched."""

    name = models.CharField(_("Name"), max_length=80, unique=True)
    words = models.CharField(_("Words"), max_length=500)
    version = models.PositiveIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("topic of interest")
        verbose_name_plural = _("topics of interest")

    def __str__(self) -> str:
        return self.name


class NurtureContent(models.Model):
    """Something worth sending to people of a phase, and of a topic or of any."""

    topic = models.ForeignKey(
        NurtureTopic,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="contents",
        verbose_name=_("topic of interest"),
    )
    phase = models.CharField(_("Buying phase"), max_length=13, choices=Phase)
    title = models.CharField(_("Title"), max_length=200)
    address = models.CharField(
        _("Web address"), max_length=500, blank=True, validators=[URLValidator(schemes=["https", "http"])]
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["title", "id"]
        verbose_name = _("suggested content")
        verbose_name_plural = _("suggested contents")

    def __str__(self) -> str:
        return self.title


class Nurturing(models.Model):
    """Where a lead in nurture belongs, as its activities said when it fell asleep. The sweep makes it anew."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="nurturing")
    topic = models.ForeignKey(NurtureTopic, models.SET_NULL, null=True, related_name="+", db_index=False)
    phase = models.CharField(max_length=13, choices=Phase)
    since = models.DateTimeField(help_text="When this sleep began.")
    basis = models.CharField(max_length=12, help_text="A print of the list of topics it was grouped by.")

    class Meta:
        indexes = [models.Index(fields=["topic", "phase", "lead"], name="leads_nurturing_group")]
