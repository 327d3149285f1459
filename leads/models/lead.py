"""A lead: one pass of one contact through the life cycle. It reads in the order a lead lives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE, FSMField, transition

from crm import roles
from crm.models import Contact, Team, User
from crm.models.base import FieldwiseModel, concrete_field
from crm.workdays import local_date
from leads import guards
from leads.models.managed import Reason, Source
from leads.stages import MARKETING_LANES, MARKETING_OWNED, OPEN, SALES_LANES, SALES_OWNED, Stage, Verb, sources

if TYPE_CHECKING:
    from leads.models.handoff import Handoff
    from leads.models.stage_change import StageChange

L, MQL, SAL, SQL, NURTURE = (
    Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.NURTURE,
)  # fmt: skip
CONTACTABLE = [guards.is_reachable, guards.may_be_contacted, guards.is_not_suppressed]


@dataclass
class Move:
    """What a verb brings along. `by` None is the system; `imported` comes from a file with its own date.

    `merging` says that the move is part of a merge, or of its undoing.
    """

    verb: str
    by: User | None = None
    at: datetime = field(default_factory=timezone.now)
    reason: Reason | None = None
    note: str = ""
    assignee: User | None = None
    team: Team | None = None
    wake_on: date | None = None
    amount: Decimal | None = None
    currency: str = ""
    date: date | None = None
    to_stage: str = ""
    imported: bool = False
    merging: bool = False
    details: dict[str, Any] = field(default_factory=dict)


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """Reps see their own and their team's leads, unless the workspace shows them all; others see every lead."""
        return self if roles.sees_everything(user) else self.shared_by(user)

    def shared_by(self, user: User) -> LeadQuerySet:
        """What a rep sees where the workspace does not show them all: their own and their team's."""
        mine = models.Q(owner=user)
        return self.filter(mine | models.Q(team=user.team_id) if user.team_id else mine)

    def open(self) -> LeadQuerySet:
        return self.filter(stage__in=OPEN)

    def on_board(self, board: str) -> LeadQuerySet:
        return self.filter(standing__lane__in=MARKETING_LANES if board == "marketing" else SALES_LANES)

    def hottest_first(self) -> LeadQuerySet:
        return self.order_by("-standing__rank", "-pk")

    def with_people(self) -> LeadQuerySet:
        return self.select_related("contact__company", "owner", "team", "source", "standing")


class Lead(FieldwiseModel):
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="leads", verbose_name=_("Contact"))
    episode = models.PositiveSmallIntegerField(default=1)
    stage = FSMField(_("Stage"), choices=Stage, default=Stage.LEAD, protected=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    edits = models.PositiveIntegerField(default=0, editable=False, help_text="How often its facts were changed.")
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, editable=False
    )
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    depth = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="How far it has come at most: a place in milestones.STEPS."
    )
    round = models.PositiveSmallIntegerField(default=1, editable=False)
    round_open = models.BooleanField(default=True, editable=False)
    source = models.ForeignKey(
        Source, models.PROTECT, null=True, related_name="leads", verbose_name=_("Source"), db_index=False
    )
    source_detail = models.CharField(_("Campaign or occasion"), max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="leads", verbose_name=_("Owner")
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="leads", verbose_name=_("Team"))
    amount = models.DecimalField(_("Amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("Currency"), max_length=3, blank=True, default="EUR")
    closed_on = models.DateField(_("Closed on"), null=True, blank=True, editable=False)
    wake_on = models.DateField(_("Wakes on"), null=True, blank=True, editable=False)
    next_step = models.CharField(_("Next step"), max_length=200, blank=True)
    next_step_on = models.DateField(_("Next step on"), null=True, blank=True)
    referrer = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="referred_leads")
    refers_since = models.DateField(_("Recommends us since"), null=True, blank=True, editable=False)
    counts_from = models.IntegerField(default=0, help_text="Activities count from this day on (days since 1970).")
    entered_at = models.DateTimeField(default=timezone.now)
    stage_since = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    imported = models.BooleanField(default=False, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LeadQuerySet.as_manager()
    move: Move

    class Meta:
        ordering = ["-id"]
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        constraints = [
            models.UniqueConstraint(
                fields=["contact"], condition=models.Q(stage__in=[str(s) for s in OPEN]), name="leads_lead_one_open"
            ),
            models.UniqueConstraint(fields=["contact", "episode"], name="leads_lead_episode"),
        ]
        indexes = [
            # The counts of the reports are read from the index alone.
            models.Index(
                fields=["entered_at", "id", "source", "team", "owner", "stage", "depth"], name="leads_lead_entered"
            ),
            models.Index(fields=["source", "id"], name="leads_lead_source"),
            models.Index(fields=["changed_at"], name="leads_lead_changed"),
            models.Index(fields=["stage_since", "id"], name="leads_lead_since"),
            models.Index(fields=["wake_on"], name="leads_lead_wakes", condition=models.Q(stage="nurture")),
            models.Index(fields=["owner", "next_step_on"], name="leads_lead_next_step"),
            # The sums in the heads of the sales board, read from the index alone. One for each stage: SQLite takes a
            # partial index for a parameter only where its condition is a plain "equals".
            *(
                models.Index(
                    fields=["id", "contact", "amount", "currency", "next_step", "next_step_on"],
                    condition=models.Q(stage=stage),
                    name=name,
                )
                for stage, name in ((SAL, "leads_lead_accepted"), (SQL, "leads_lead_qualified"))
            ),
        ]

    def __str__(self) -> str:
        return self.contact.name

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Reload; the stage stays protected throughout, even when the row is gone.

        The state machine's own mixin lifts the protection of the field, which the whole process shares, and
        does not put it back when the reload raises. Protection only concerns a stage that is loaded, so
        here the instance lets go of it for the reload instead.
        """
        self.forget()
        loaded = {} if fields is not None and "stage" not in fields else {"stage": self.__dict__.pop("stage", None)}
        try:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        except BaseException:
            self.__dict__.update({name: stage for name, stage in loaded.items() if stage is not None})
            raise

    def forget(self) -> None:
        """Drop what was remembered about the handoff and the log."""
        for name in ("open_handoff", "last_handoff", "last_change"):
            self.__dict__.pop(name, None)

    @property
    def revision(self) -> int:
        """How often the lead was moved or its facts were changed: what a program shows to have read the newest."""
        return self.version + self.edits

    @property
    def is_open(self) -> bool:
        return self.stage in OPEN

    @property
    def is_marketing_owned(self) -> bool:
        return self.stage in MARKETING_OWNED

    @property
    def is_sales_owned(self) -> bool:
        return self.stage in SALES_OWNED

    @cached_property
    def last_handoff(self) -> Handoff | None:
        return self.handoffs.select_related("assignee", "team", "offered_by", "from_owner", "from_team").first()

    @cached_property
    def open_handoff(self) -> Handoff | None:
        return self.last_handoff if self.last_handoff and self.last_handoff.closed_at is None else None

    @cached_property
    def last_change(self) -> StageChange | None:
        return self.changes.select_related("by", "handoff").order_by("-seq").first()

    # --- The transitions, in the order a lead lives them ------------------------------------------

    @transition(
        field=stage, source=sources(Verb.QUALIFY_FOR_MARKETING), target=MQL,
        conditions=[*CONTACTABLE, guards.round_is_open, guards.person_gives_reason, guards.reason_fits],
        permission=guards.by_marketing_or_system,
    )  # fmt: skip
    def qualify_for_marketing(self) -> None:
        """Interest and profile reach the bar, the person raised a hand, or a marketer says why."""
        if not self.round_open:
            self._open_round()

    @transition(
        field=stage, source=sources(Verb.DEMOTE), target=L,
        conditions=[guards.no_handoff_is_open], permission=guards.by_system,
    )  # fmt: skip
    def demote(self) -> None:
        """The score fell below the leave bar before anyone handed the lead over."""
        self._open_round()

    @transition(
        field=stage, source=sources(Verb.HAND_OFF), target=MQL,
        conditions=[
            *CONTACTABLE, guards.no_handoff_is_open, guards.assignee_is_named, guards.assignee_sells,
        ],
        permission=guards.by_marketing_or_system,
    )  # fmt: skip
    def hand_off(self) -> None:
        """Marketing offers the MQL to a person or a team in sales; the clock starts."""
        self._belong_to(self.move.assignee, self.move.team)

    @transition(
        field=stage, source=sources(Verb.WITHDRAW), target=MQL,
        conditions=[guards.handoff_is_open], permission=guards.by_who_offered,
    )  # fmt: skip
    def withdraw(self) -> None:
        """Marketing takes the offer back before it was accepted."""
        self._go_back_to_marketing()

    @transition(
        field=stage, source=sources(Verb.REASSIGN), target=RETURN_VALUE(),
        conditions=[guards.assignee_is_named, guards.assignee_sells], permission=guards.by_sales_lead_or_system,
    )  # fmt: skip
    def reassign(self) -> str:
        """Another person or team takes over."""
        self._belong_to(self.move.assignee, self.move.team)
        return self.stage

    @transition(
        field=stage, source=sources(Verb.ACCEPT), target=SAL,
        conditions=[guards.handoff_is_open], permission=guards.by_who_was_offered,
    )  # fmt: skip
    def accept(self) -> None:
        """A sales person says yes, by name and time."""
        if self.move.by is not None:
            self._belong_to(self.move.by, None)

    @transition(
        field=stage, source=sources(Verb.SEND_BACK), target=NURTURE,
        conditions=[guards.reason_is_given, guards.reason_fits, guards.wakes_later], permission=guards.by_sales,
    )  # fmt: skip
    def send_back(self) -> None:
        """Sales returns it with a reason and a wake-up date; the round closes."""
        self.wake_on, self.round_open = self.move.wake_on, False
        self._go_back_to_marketing()

    @transition(
        field=stage, source=sources(Verb.QUALIFY_FOR_SALES), target=SQL,
        conditions=[guards.has_owner, guards.checklist_is_met], permission=guards.by_sales,
    )  # fmt: skip
    def qualify_for_sales(self) -> None:
        """Sales has confirmed the qualification checklist."""

    @transition(
        field=stage, source=sources(Verb.WIN), target=Stage.WON,
        conditions=[guards.amount_is_given, guards.date_is_given], permission=guards.by_sales,
    )  # fmt: skip
    def win(self) -> None:
        """A customer, with amount and date."""
        if self.move.amount is not None:
            self.amount, self.currency = self.move.amount, self.move.currency or self.currency
        self.closed_on = self.move.date

    @transition(
        field=stage, source=sources(Verb.LOSE), target=Stage.LOST,
        conditions=[guards.reason_is_given, guards.reason_fits], permission=guards.by_sales,
    )  # fmt: skip
    def lose(self) -> None:
        """It came to nothing, and sales says why."""
        self.closed_on = self.move.date or local_date(self.move.at)

    @transition(
        field=stage, source=sources(Verb.NURTURE), target=NURTURE,
        conditions=[guards.no_handoff_is_open, guards.wakes_later], permission=guards.by_marketing,
    )  # fmt: skip
    def nurture(self) -> None:
        """Not ready: stays in the journey until a wake-up date; the round closes."""
        self.wake_on, self.round_open = self.move.wake_on, False

    @transition(
        field=stage, source=sources(Verb.WAKE), target=L,
        conditions=[guards.has_cause_to_wake], permission=guards.by_marketing_or_system,
    )  # fmt: skip
    def wake(self) -> None:
        """The wake-up date has come, or something new has happened; the next round opens."""
        self.wake_on = None
        self._open_round()

    @transition(
        field=stage, source=sources(Verb.DISQUALIFY), target=Stage.DISQUALIFIED,
        conditions=[guards.reason_is_given, guards.reason_fits], permission=guards.by_whose_it_is,
    )  # fmt: skip
    def disqualify(self) -> None:
        """Never going to be a customer, with a reason."""
        self.wake_on, self.closed_on = None, local_date(self.move.at)

    @transition(
        field=stage, source=sources(Verb.ABSORB), target=Stage.DISQUALIFIED, permission=guards.by_merge,
    )  # fmt: skip
    def absorb(self) -> None:
        """The person was merged with somebody whose lead has come further; this one was a duplicate."""
        self.wake_on, self.closed_on = None, local_date(self.move.at)

    @transition(
        field=stage, source="*", target=RETURN_VALUE(),
        conditions=[guards.can_be_undone, guards.was_not_absorbed, guards.is_the_newest_episode],
        permission=guards.by_who_moved_it,
    )  # fmt: skip
    def undo(self) -> str:
        """The last move is taken back; owner, round, amount and handoff are as before."""
        change = self.last_change
        assert change is not None  # a guard has said so
        for name, value in change.before.get("lead", {}).items():
            setattr(self, name, concrete_field(type(self), name).to_python(value))
        if change.verb == Verb.QUALIFY_FOR_MARKETING and not self.move.merging:
            self.round_open = False
        return change.from_stage

    @transition(
        field=stage, source=sources(Verb.ENTER_AS), target=RETURN_VALUE(),
        conditions=[guards.log_is_imported], permission=guards.by_import,
    )  # fmt: skip
    def enter_as(self) -> str:
        """An import says how far this lead had come elsewhere."""
        return self.move.to_stage

    # --- What several transitions share -----------------------------------------------------------

    def _open_round(self) -> None:
        self.round, self.round_open = self.round + 1, True

    def _belong_to(self, owner: User | None, team: Team | None) -> None:
        self.owner, self.team = owner, owner.team if owner and owner.team else team

    def _go_back_to_marketing(self) -> None:
        if self.last_handoff:
            self.owner, self.team = self.last_handoff.from_owner, self.last_handoff.from_team
