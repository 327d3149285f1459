"""The scorecard: a versioned set of criteria. A published version is frozen; triggers hold that for raw SQL too."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import ActivityKind
from crm.models.base import FieldwiseModel

HORIZON = 730  # days an activity can count; signals older than this are dropped
MOST_POINTS = 1000


class Dimension(models.TextChoices):
    FIT = "fit", _("Fit")
    ENGAGEMENT = "engagement", _("Engagement")


class Scorecard(FieldwiseModel):
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("Name"), max_length=120)

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")

    def __str__(self) -> str:
        return gettext(self.name)


class ScorecardVersion(FieldwiseModel):
    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    FROZEN = (State.PUBLISHED, State.RETIRED)
    # What raw SQL may do too: the machine's own steps, and never out of retirement.
    STEPS = (
        (State.DRAFT, State.IN_REVIEW),
        (State.IN_REVIEW, State.DRAFT),
        (State.IN_REVIEW, State.APPROVED),
        (State.APPROVED, State.DRAFT),
        (State.APPROVED, State.PUBLISHED),
        (State.PUBLISHED, State.RETIRED),
        (State.DRAFT, State.RETIRED),  # given up, never in force
    )

    scorecard = models.ForeignKey(Scorecard, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(_("State"), max_length=12, choices=State, default=State.DRAFT, editable=False)
    based_on = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    note = models.TextField(_("What changes, and why"), blank=True, max_length=2000)
    letter_a = models.PositiveSmallIntegerField(_("A from"), default=60)
    letter_b = models.PositiveSmallIntegerField(_("B from"), default=40)
    letter_c = models.PositiveSmallIntegerField(_("C from"), default=20)
    digit_1 = models.PositiveSmallIntegerField(_("1 from"), default=60)
    digit_2 = models.PositiveSmallIntegerField(_("2 from"), default=40)
    digit_3 = models.PositiveSmallIntegerField(_("3 from"), default=20)
    bar_fit = models.PositiveSmallIntegerField(_("MQL from fit"), default=40)
    bar_engagement = models.PositiveSmallIntegerField(_("and engagement"), default=40)
    bar_total = models.PositiveSmallIntegerField(_("or from a total of"), default=110)
    bar_total_fit = models.PositiveSmallIntegerField(
        _("with fit of at least"), default=1, validators=[MinValueValidator(1)]
    )
    leave_total = models.PositiveSmallIntegerField(_("Leaves below a total of"), default=70)
    skip_review = models.JSONField(_("Grades that go to sales without review"), default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["scorecard", "-number"]
        verbose_name = _("scorecard version")
        verbose_name_plural = _("scorecard versions")
        constraints = [
            models.UniqueConstraint(fields=["scorecard", "number"], name="scoring_version_number"),
            models.UniqueConstraint(
                fields=["scorecard"], condition=models.Q(state="published"), name="scoring_version_one_published"
            ),
            models.UniqueConstraint(
                fields=["scorecard"],
                condition=models.Q(state__in=["draft", "in_review", "approved"]),
                name="scoring_version_one_open",
            ),
            models.CheckConstraint(condition=models.Q(bar_total_fit__gte=1), name="scoring_version_bar_needs_fit"),
        ]

    def __str__(self) -> str:
        return gettext("Version %(number)d") % {"number": self.number}

    @property
    def is_frozen(self) -> bool:
        return self.state in self.FROZEN

    @property
    def was_discarded(self) -> bool:
        """Whether it was given up before it was ever in force."""
        return self.state == self.State.RETIRED and self.published_at is None

    @property
    def letters(self) -> tuple[int, int, int]:
        """Return the fit from which A, B and C begin."""
        return self.letter_a, self.letter_b, self.letter_c

    @property
    def digits(self) -> tuple[int, int, int]:
        """Return the engagement from which 1, 2 and 3 begin."""
        return self.digit_1, self.digit_2, self.digit_3


class CriterionGroup(FieldwiseModel):
    version = models.ForeignKey(ScorecardVersion, models.CASCADE, related_name="groups")
    key = models.SlugField(max_length=60)
    label = models.CharField(_("Name"), max_length=120)
    dimension = models.CharField(_("Dimension"), max_length=12, choices=Dimension)
    minimum = models.SmallIntegerField(_("At least"), default=-100)
    maximum = models.SmallIntegerField(_("At most"), default=100)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-dimension", "position", "id"]
        verbose_name = _("group of criteria")
        verbose_name_plural = _("groups of criteria")
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="scoring_group_key"),
            models.CheckConstraint(
                condition=models.Q(minimum__lte=models.F("maximum"), minimum__gte=-MOST_POINTS)
                & models.Q(maximum__lte=MOST_POINTS),
                name="scoring_group_bounds",
            ),
        ]

    def __str__(self) -> str:
        return gettext(self.label)


class Criterion(FieldwiseModel):
    """A fact, a comparison and a value → points; or an activity with window, half-life, count and cap → points."""

    class Kind(models.TextChoices):
        PROFILE = "profile", _("Who they are")
        MISSING = "missing", _("What is missing")
        ENGAGEMENT = "engagement", _("What they did")
        HAND_RAISE = "hand_raise", _("Raised a hand")
        SALES_SIGNAL = "sales_signal", _("Sales signal")

    OF_FACTS = (Kind.PROFILE, Kind.MISSING)
    OF_ACTIVITIES = (Kind.ENGAGEMENT, Kind.HAND_RAISE)  # a sales signal may ask either

    version = models.ForeignKey(ScorecardVersion, models.CASCADE, related_name="criteria")
    group = models.ForeignKey(CriterionGroup, models.CASCADE, null=True, related_name="criteria")
    key = models.SlugField(max_length=60)
    label = models.CharField(_("Name"), max_length=120)
    kind = models.CharField(_("Kind"), max_length=12, choices=Kind)
    position = models.PositiveSmallIntegerField(default=0)
    points = models.SmallIntegerField(
        _("Points"), validators=[MinValueValidator(-MOST_POINTS), MaxValueValidator(MOST_POINTS)]
    )
    fact = models.CharField(_("Fact"), max_length=80, blank=True)
    operator = models.CharField(_("Comparison"), max_length=20, blank=True)
    value = models.JSONField(_("Value"), null=True, blank=True)
    activity_kind = models.ForeignKey(
        ActivityKind, models.PROTECT, null=True, related_name="+", verbose_name=_("Activity")
    )
    where = models.JSONField(
        _("Only where"), default=list, blank=True, help_text="[{property, operator, value}], all of which must hold."
    )
    window = models.PositiveSmallIntegerField(_("Window in days"), default=HORIZON)
    half_life = models.PositiveSmallIntegerField(_("Halves in days"), null=True, blank=True)
    max_count = models.PositiveSmallIntegerField(_("Only the newest"), null=True, blank=True)
    cap = models.PositiveSmallIntegerField(_("At most, points"), null=True, blank=True)
    # Filled when the version is published.
    slot = models.PositiveSmallIntegerField(
        null=True, editable=False, help_text="Place in Score.points; a key keeps its slot through all versions."
    )
    weights = models.BinaryField(default=b"", editable=False, help_text="uint32 little endian per day of age.")
    matcher = models.ForeignKey("scoring.Matcher", models.PROTECT, null=True, editable=False, related_name="+")
    predicate = models.ForeignKey("scoring.FitPredicate", models.PROTECT, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="scoring_criterion_key"),
            models.UniqueConstraint(fields=["version", "slot"], name="scoring_criterion_slot"),
            models.CheckConstraint(
                condition=models.Q(points__gte=-MOST_POINTS, points__lte=MOST_POINTS), name="scoring_criterion_points"
            ),
            models.CheckConstraint(
                condition=models.Q(window__gte=1, window__lte=HORIZON), name="scoring_criterion_window"
            ),
            models.CheckConstraint(
                condition=models.Q(half_life=None) | models.Q(half_life__gte=1), name="scoring_criterion_half_life"
            ),
            models.CheckConstraint(
                condition=models.Q(max_count=None) | models.Q(max_count__gte=1), name="scoring_criterion_max_count"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["profile", "missing"], activity_kind=None)
                | models.Q(kind__in=["engagement", "hand_raise"], activity_kind__isnull=False)
                | models.Q(kind="sales_signal", activity_kind__isnull=False, fact="")
                | models.Q(models.Q(kind="sales_signal", activity_kind=None) & ~models.Q(fact="")),
                name="scoring_criterion_asks_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return gettext(self.label)

    @property
    def is_of_activities(self) -> bool:
        return self.activity_kind_id is not None

    @property
    def is_summed(self) -> bool:
        """Whether its points count; a sales signal is shown to sales and moves nothing."""
        return self.kind != self.Kind.SALES_SIGNAL and self.group_id is not None


class Signature(models.Model):
    """One of the two keys of a version. Append-only; a change of the draft voids it."""

    class Side(models.TextChoices):
        MARKETING = "marketing", _("Marketing")
        SALES = "sales", _("Sales")

    class Kind(models.TextChoices):
        PERSON = "person", _("Signed by a person")
        SHIPPED = "shipped", _("Shipped with Baton")
        SINGLE_KEY = "single_key", _("Signed alone, by the only active person")

    version = models.ForeignKey(ScorecardVersion, models.CASCADE, related_name="signatures")
    side = models.CharField(_("Side"), max_length=12, choices=Side)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.PERSON)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(_("Note"), max_length=500, blank=True)
    digest = models.CharField(max_length=64, blank=True, editable=False, help_text="Of what was read and signed.")
    voided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "side"], condition=models.Q(voided_at=None), name="scoring_signature_one_per_side"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="shipped", by=None) | (~models.Q(kind="shipped") & models.Q(by__isnull=False)),
                name="scoring_signature_has_a_hand",
            ),
        ]
