"""The guards: small named sentences that can explain their no.

Each takes the lead; what the move brings along (reason, wake-up date, …) is on `lead.move`. A guard with
`asks` concerns something the person can still give, so a menu offers the move and the form asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, cast

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm import consents, roles
from crm.models import Role, User
from crm.workdays import local_date

if TYPE_CHECKING:
    from leads.models.lead import Lead

UNDO_TIME = timedelta(hours=24)


class Guard(Protocol):
    """A named condition on a lead with its sentence."""

    sentence: str | Promise
    asks: str

    def __call__(self, lead: Lead) -> bool: ...


class Permission(Protocol):
    """A named condition on a lead and a person (None = the system) with its sentence."""

    sentence: str | Promise

    def __call__(self, lead: Lead, user: User | None) -> bool: ...


def guard(sentence: str | Promise, *, asks: str = "") -> Callable[[Callable[[Lead], bool]], Guard]:
    """Name the sentence that explains a no; `asks` is the detail a form can still ask for."""

    def named(function: Callable[[Lead], bool]) -> Guard:
        function.sentence = sentence  # type: ignore[attr-defined]
        function.asks = asks  # type: ignore[attr-defined]
        return cast(Guard, function)

    return named


def permission(sentence: str | Promise) -> Callable[[Callable[[Lead, User | None], bool]], Permission]:
    """Name the sentence that tells who may."""

    def named(function: Callable[[Lead, User | None], bool]) -> Permission:
        function.sentence = sentence  # type: ignore[attr-defined]
        return cast(Permission, function)

    return named


# --- The person ---------------------------------------------------------------------------------


@guard(_("The contact has no e-mail address, phone number or postal address."))
def is_reachable(lead: Lead) -> bool:
    return lead.contact.is_reachable


@guard(_("The contact has objected to being contacted."))
def may_be_contacted(lead: Lead) -> bool:
    return not consents.has_objected(lead.contact, "offer")


@guard(_("The contact is on the suppression list."))
def is_not_suppressed(lead: Lead) -> bool:
    return not consents.is_suppressed(lead.contact)


# --- The round and the score --------------------------------------------------------------------


@guard(_("This round is closed; the lead becomes MQL by itself again after it wakes."))
def round_is_open(lead: Lead) -> bool:
    return lead.round_open or lead.move.by is not None


@guard(_("Say why this lead is an MQL."), asks="reason")
def person_gives_reason(lead: Lead) -> bool:
    return lead.move.by is None or bool(lead.move.reason or lead.move.note)


# --- The handoff --------------------------------------------------------------------------------


@guard(_("A handoff is open."))
def no_handoff_is_open(lead: Lead) -> bool:
    return lead.open_handoff is None


@guard(_("The lead has not been offered to sales."))
def handoff_is_open(lead: Lead) -> bool:
    return lead.open_handoff is not None


@guard(_("Name a person or a team in sales."), asks="assignee")
def assignee_is_named(lead: Lead) -> bool:
    return bool(lead.move.assignee or lead.move.team)


@guard(_("This person cannot take leads: they are away from sales or no longer sign in."), asks="assignee")
def assignee_sells(lead: Lead) -> bool:
    return lead.move.assignee is None or roles.is_sales(lead.move.assignee)


# --- What a move must bring along ---------------------------------------------------------------


@guard(_("Choose a reason."), asks="reason")
def reason_is_given(lead: Lead) -> bool:
    return lead.move.reason is not None


@guard(_("This reason belongs to another kind of move."), asks="reason")
def reason_fits(lead: Lead) -> bool:
    return lead.move.reason is None or lead.move.reason.kind == lead.move.verb


@guard(_("Choose a wake-up date in the future."), asks="wake_on")
def wakes_later(lead: Lead) -> bool:
    return lead.move.wake_on is not None and lead.move.wake_on > local_date(lead.move.at)


@guard(_("Enter the amount."), asks="amount")
def amount_is_given(lead: Lead) -> bool:
    amount = lead.move.amount if lead.move.amount is not None else lead.amount
    return amount is not None and amount >= 0


@guard(_("Enter the date; it cannot lie in the future."), asks="date")
def date_is_given(lead: Lead) -> bool:
    return lead.move.date is not None and lead.move.date <= local_date()


@guard(_("The lead has no owner."))
def has_owner(lead: Lead) -> bool:
    return lead.owner_id is not None


# --- Coming back --------------------------------------------------------------------------------


@guard(_("The wake-up date has not come and nothing new has happened."))
def has_cause_to_wake(lead: Lead) -> bool:
    if lead.move.by is not None or lead.move.details.get("cause") == "activity":
        return True
    return lead.wake_on is not None and lead.wake_on <= local_date()


# --- Who ----------------------------------------------------------------------------------------


def _sells(lead: Lead, user: User | None) -> bool:
    if roles.leads_sales(user):
        return True
    if user is None or not roles.is_sales(user):
        return False
    in_my_queue = lead.owner_id is None and lead.team_id is not None and lead.team_id == user.team_id
    return lead.owner_id == user.pk or in_my_queue


def _is_offered_to(lead: Lead, user: User | None) -> bool:
    if roles.leads_sales(user):
        return True
    handoff = lead.open_handoff
    if user is None or handoff is None or not roles.is_sales(user):
        return False
    return handoff.assignee_id == user.pk or (handoff.team_id is not None and handoff.team_id == user.team_id)


@permission(_("Only marketing can do this."))
def by_marketing(lead: Lead, user: User | None) -> bool:
    return roles.is_marketing(user)


@permission(_("Only marketing can do this."))
def by_marketing_or_system(lead: Lead, user: User | None) -> bool:
    return user is None or roles.is_marketing(user)


@permission(_("The system does this by itself."))
def by_system(lead: Lead, user: User | None) -> bool:
    return user is None


@permission(_("Only who offered it or a sales lead can withdraw it."))
def by_who_offered(lead: Lead, user: User | None) -> bool:
    handoff = lead.open_handoff
    return roles.leads_sales(user) or bool(user and handoff and handoff.offered_by_id == user.pk)


@permission(_("Only a sales lead can re-assign."))
def by_sales_lead_or_system(lead: Lead, user: User | None) -> bool:
    return user is None or roles.leads_sales(user)


@permission(_("Only sales can accept a lead: who it was offered to, their team or a sales lead."))
def by_who_was_offered(lead: Lead, user: User | None) -> bool:
    if user is None:
        handoff = lead.open_handoff
        return bool(handoff and handoff.assignee and handoff.team and handoff.team.auto_accept)
    return user.role != Role.MARKETER and _is_offered_to(lead, user)


@permission(_("Only the sales person in charge or a sales lead can do this."))
def by_sales(lead: Lead, user: User | None) -> bool:
    return _is_offered_to(lead, user) if lead.is_marketing_owned else _sells(lead, user)


@permission(_("Marketing can disqualify before sales has accepted, sales after."))
def by_whose_it_is(lead: Lead, user: User | None) -> bool:
    if lead.is_marketing_owned:
        return roles.is_marketing(user)
    return _sells(lead, user)


@permission(_("Only who made the move, within 24 hours, or a sales lead can undo it."))
def by_who_moved_it(lead: Lead, user: User | None) -> bool:
    change = lead.last_change
    if roles.leads_sales(user) or lead.move.merging:
        return True
    return bool(user and change and change.by_id == user.pk and timezone.now() - change.at <= UNDO_TIME)


@permission(_("Only an import can do this."))
def by_import(lead: Lead, user: User | None) -> bool:
    return lead.move.imported


@permission(_("A merge does this by itself."))
def by_merge(lead: Lead, user: User | None) -> bool:
    return lead.move.merging


@guard(_("People have moved this lead since it was imported."))
def log_is_imported(lead: Lead) -> bool:
    return not lead.changes.exclude(actor="import").exists()


# --- The qualification checklist ----------------------------------------------------------------


@guard(_("The qualification checklist is not met yet."), asks="checklist")
def checklist_is_met(lead: Lead) -> bool:
    from leads.qualification import missing_sentence

    return missing_sentence(lead, on=local_date(lead.move.at)) == ""


# --- Undo ---------------------------------------------------------------------------------------


@guard(_("There is no move to undo."))
def can_be_undone(lead: Lead) -> bool:
    change = lead.last_change
    return change is not None and change.verb not in {"undo", "enter_as"} and change.actor != "import"


@guard(_("A merge closed this lead. Undo the merge to open it again."))
def was_not_absorbed(lead: Lead) -> bool:
    return lead.move.merging or not lead.last_change or lead.last_change.verb != "absorb"


@guard(_("The person has come back since, as a new lead."))
def is_the_newest_episode(lead: Lead) -> bool:
    return not type(lead).objects.filter(contact_id=lead.contact_id, episode__gt=lead.episode).exists()
