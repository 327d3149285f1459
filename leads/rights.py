"""Who may read, edit and note what about a lead and its contact (the role matrix, row by row)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from crm import roles, visibility
from crm.models import Company, Contact, Role, User
from leads.models import Lead
from leads.stages import SALES_OWNED, Stage


def owns(user: User, lead: Lead) -> bool:
    """Whether the lead is theirs: assigned to them, or unassigned in their team's queue."""
    in_my_queue = lead.owner_id is None and lead.team_id is not None and lead.team_id == user.team_id
    return lead.owner_id == user.pk or in_my_queue


def was_accepted(lead: Lead) -> bool:
    """Whether sales has taken the lead on; one that came back to marketing is marketing's again."""
    if lead.stage == Stage.DISQUALIFIED:
        return bool(lead.last_change and lead.last_change.from_stage in SALES_OWNED)
    return lead.stage in (*SALES_OWNED, Stage.WON, Stage.LOST)


def may_edit(user: User, lead: Lead) -> bool:
    """Reps edit their own, marketers until sales has accepted, sales leads and admins all."""
    if not user.is_active:
        return False
    if roles.leads_sales(user):
        return True
    return owns(user, lead) if user.role == Role.SALES_REP else not was_accepted(lead)


def may_note(user: User, lead: Lead) -> bool:
    """Notes belong to sales: marketing reads them. Calls, meetings and e-mails are logged by whoever may edit."""
    return may_edit(user, lead) and user.role != Role.MARKETER


def may_read_notes(user: User, lead: Lead) -> bool:
    """Reps read what their own team wrote, also where the workspace shows them every lead."""
    if user.role != Role.SALES_REP:
        return True
    return lead.owner_id == user.pk or (lead.team_id is not None and lead.team_id == user.team_id)


def who_may_edit(lead: Lead) -> str:
    """Return the sentence that names who can change this lead."""
    if lead.owner:
        return _("%(name)s, a sales lead or an admin can change this.") % {"name": lead.owner.name}
    if lead.team:
        return _("Anybody in the team %(team)s, a sales lead or an admin can change this.") % {"team": lead.team.name}
    return _("A sales lead or an admin can change this.")


# --- People: a contact is edited by whoever holds its newest lead -------------------------------


def _newest(contact: Contact) -> Lead | None:
    return contact.leads.select_related("owner", "team").order_by("-episode").first()


def edits_contact(user: User, contact: Contact) -> bool:
    lead = _newest(contact)
    return may_edit(user, lead) if lead else user.role != Role.SALES_REP


def edits_company(user: User, company: Company) -> bool:
    """Everybody but reps; a rep when one of its people is behind a lead of theirs."""
    if user.role != Role.SALES_REP:
        return True
    mine = Q(owner=user) | Q(owner=None, team=user.team) if user.team_id else Q(owner=user)
    return Lead.objects.filter(mine, contact__company=company).exists()


def reads_notes(user: User, contact: Contact) -> bool:
    if user.role != Role.SALES_REP:
        return True
    return any(may_read_notes(user, lead) for lead in contact.leads.all())


def who_edits(contact: Contact) -> str:
    lead = _newest(contact)
    return who_may_edit(lead) if lead else _("Marketing, a sales lead or an admin can change this.")


def seen(user: User) -> Any:
    """Return the contacts behind a rep's share of the leads; who sees everything is not asked for a share."""
    return Lead.objects.shared_by(user).values("contact_id")


def register() -> None:
    """Tell crm who sees and edits its people."""
    visibility.provide(
        visibility.Rights(
            seen=seen,
            edits_contact=edits_contact,
            edits_company=edits_company,
            reads_notes=reads_notes,
            who_edits=who_edits,
        )
    )
