"""A form strangers fill in: what it asks and why, what it hands out, where it may be embedded; in each language."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import ActivityKind
from crm.models.base import FieldwiseModel
from leads.models.campaign import Campaign
from leads.models.managed import Source

#: What happens only once the address is confirmed; everything else is a request we answer (privacy.md P02).
SIGN_UPS = ("newsletter_signup", "white_paper", "case_study", "price_list", "video_view")
REQUESTS = ("webinar_registered", "event_registered", "contact_form", "demo_request")


#: States in which the person can still confirm.
OPEN_STATES = ("pending", "taken")


class CaptureFormQuerySet(models.QuerySet["CaptureForm"]):
    def public(self) -> CaptureFormQuerySet:
        """Those that strangers may open."""
        return self.filter(active=True)


class CaptureForm(FieldwiseModel):
    name = models.CharField(_("Name"), max_length=120)
    slug = models.SlugField(_("Address"), max_length=60, unique=True)
    kind = models.ForeignKey(
        ActivityKind, models.PROTECT, related_name="+", verbose_name=_("What the person does"),
        limit_choices_to={"key__in": [*SIGN_UPS, *REQUESTS]}, db_index=False,
    )  # fmt: skip
    source = models.ForeignKey(
        Source, models.PROTECT, related_name="+", verbose_name=_("Source of the leads"), db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Campaign")
    )
    #: {"en": {"title": …, "intro": …, …}, "de": {…}}; a language without a title is not offered
    texts = models.JSONField(default=dict)
    #: [{"name": "email", "required": true, "label": {"en": …}, "purpose": {"en": …}}, …] in their order
    fields = models.JSONField(default=list)
    #: ["newsletter:email", …]: which consents are asked for, in their order
    consents = models.JSONField(default=list, blank=True)
    then_url = models.URLField(_("Page to go on to"), blank=True, max_length=500)
    sites = models.JSONField(_("May be embedded on"), default=list, blank=True)
    #: {"accent": "#00665a", "paper": …, "ink": …, "font": …}: what the host page's look asks for; empty is ours
    look = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(_("Open to the public"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CaptureFormQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("form")
        verbose_name_plural = _("forms")
        indexes = [models.Index(fields=["name", "id"], name="leads_captureform_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def languages(self) -> list[str]:
        """Return the languages the form is written in, as the product orders them."""
        return [code for code, _name in settings.LANGUAGES if self.texts.get(code, {}).get("title")]

    @property
    def waits_for_confirmation(self) -> bool:
        return self.kind_id in SIGN_UPS

    def text(self, name: str, language: str) -> str:
        """Return one text of the page in `language`; '' when it was left out."""
        return str(self.texts.get(language, {}).get(name, ""))


class GatedFile(FieldwiseModel):
    """What is sent after the confirmation. The bytes stand in the database: every machine and every backup has them."""

    form = models.OneToOneField(CaptureForm, models.CASCADE, related_name="file")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    uploaded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Submission(FieldwiseModel):
    """One sending of a form. What was typed stays here only until it has taken effect, is refused or has expired."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waits for confirmation")
        TAKEN = "taken", _("Taken over, consent open")
        DONE = "done", _("Taken over")
        QUARANTINED = "quarantined", _("In quarantine")
        DISCARDED = "discarded", _("Discarded")
        EXPIRED = "expired", _("Never confirmed")
        BLOCKED = "blocked", _("Blocked")

    form = models.ForeignKey(CaptureForm, models.PROTECT, related_name="submissions", db_index=False)
    form_version = models.PositiveIntegerField()
    key = models.CharField(max_length=64, unique=True, help_text="Of the rendered page and what was typed.")
    state = models.CharField(max_length=12, choices=State)
    #: why it is in quarantine, such as ["honeypot", "too_fast"]
    suspicions = models.JSONField(default=list, blank=True)
    values = models.JSONField(default=dict, blank=True)
    #: ids of the consent texts that were agreed to
    text_ids = models.JSONField(default=list, blank=True)
    #: utm, referrer, landing_page
    context = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=5)
    address = models.CharField(max_length=64, help_text="Keyed fingerprint of the e-mail address.")
    network = models.CharField(max_length=45, help_text="The sender's address, cut to /24 or /48.")
    ip = models.GenericIPAddressField(null=True, help_text="Only while it is to prove a consent.")
    user_agent = models.CharField(max_length=300, blank=True)
    submitted_at = models.DateTimeField()
    mail_asked_at = models.DateTimeField(null=True)
    mail_sent_at = models.DateTimeField(null=True)
    mail_id = models.CharField(max_length=60, blank=True)
    token_hash = models.CharField(max_length=64, blank=True)
    token_until = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    contact = models.ForeignKey(
        "crm.Contact", models.SET_NULL, null=True, related_name="submissions", verbose_name=_("Contact")
    )
    captured_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False,
        help_text="Who filled it in for somebody at a fair or in the street.",
    )  # fmt: skip

    class Meta:
        ordering = ["-id"]
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        indexes = [
            models.Index(fields=["form", "-id"], name="leads_submission_of_form"),
            models.Index(fields=["form", "state"], name="leads_submission_counts"),
            models.Index(fields=["-id"], name="leads_submission_doubtful", condition=models.Q(state="quarantined")),
            models.Index(
                fields=["submitted_at"],
                name="leads_submission_open",
                condition=models.Q(state__in=["pending", "taken", "quarantined"]),
            ),
            models.Index(fields=["address", "submitted_at"], name="leads_submission_address"),
            models.Index(fields=["network", "submitted_at"], name="leads_submission_network"),
            models.Index(
                fields=["captured_by", "submitted_at"],
                name="leads_submission_captured",
                condition=models.Q(captured_by__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash"],
                name="leads_submission_token",
                condition=~models.Q(token_hash=""),  # nosec B106
            )
        ]

    def __str__(self) -> str:
        return f"{self.form_id}:{self.pk}"

    def known(self, name: str) -> Any:
        """Return what was typed into the field `name`, '' when nothing was."""
        return self.values.get(name, "")


class PrizeDraw(FieldwiseModel):
    """The draw of one event, which says how long its entries are kept. The row stays when they are gone."""

    key = models.CharField(max_length=600, unique=True, editable=False, help_text="The event, whatever the case.")
    event = models.CharField(max_length=200, editable=False)
    ends_on = models.DateField(_("Entries are deleted after"), null=True, blank=True)
    deleted = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.event


class PrizeEntry(models.Model):
    """Somebody takes part in a prize draw. Kept apart from every consent to marketing, with its own words.

    Who it is stands on the submission.
    """

    submission = models.OneToOneField(Submission, models.CASCADE, related_name="prize_entry")
    draw = models.ForeignKey(PrizeDraw, models.PROTECT, related_name="entries")
    delete_by = models.DateField(db_index=True, help_text="The last day it is kept, as its words promise.")
    event = models.CharField(max_length=200)
    place = models.CharField(max_length=200)
    text = models.CharField(max_length=600)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["-id"]

    @property
    def last_day(self) -> date:
        """The day after which it is deleted: that of its draw, or the one its words promise when that is sooner."""
        return min(self.delete_by, self.draw.ends_on or self.delete_by)
