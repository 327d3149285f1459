"""Who sees and edits which people. A rep's share follows from leads, and crm knows none: leads provides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from crm.models import Company, Contact, User


@dataclass(frozen=True)
class Rights:
    """What leads says about people. `seen` returns the values of contact_id of the leads a person may see."""

    seen: Callable[[User], Any]
    edits_contact: Callable[[User, Contact], bool]
    edits_company: Callable[[User, Company], bool]
    reads_notes: Callable[[User, Contact], bool]
    who_edits: Callable[[Contact], str]


_rights: Rights | None = None


def provide(rights: Rights) -> None:
    """Register the one provider."""
    global _rights
    _rights = rights


def _sees_everything(user: User) -> bool:
    from crm import roles  # models ask us, and roles asks the models

    return roles.sees_everything(user)


def contacts_of(user: User) -> Q:
    """Return the condition on contacts that `user` may read."""
    return Q() if _sees_everything(user) else _share_of(user)


def _share_of(user: User) -> Q:
    return Q(pk__in=_rights.seen(user)) if _rights else Q(pk__in=[])


def companies_of(user: User) -> Q:
    """Return the condition on companies that `user` may read: those of the contacts they see."""
    if _sees_everything(user):
        return Q()
    from crm.models import Contact

    return Q(pk__in=Contact.objects.filter(_share_of(user)).exclude(company=None).values("company_id"))


def few_contacts_of(user: User) -> Q:
    """Return the condition of contacts_of in the form that is asked row by row: for a handful found among many."""
    return Q() if _sees_everything(user) else _few_of_share(user)


def _few_of_share(user: User) -> Q:
    return Q(Exists(_rights.seen(user).filter(contact_id=OuterRef("pk")))) if _rights else Q(pk__in=[])


def few_companies_of(user: User) -> Q:
    """Return the condition of companies_of in the form that is asked row by row."""
    if _sees_everything(user):
        return Q()
    from crm.models import Contact

    return Q(Exists(Contact.objects.filter(_few_of_share(user), company_id=OuterRef("pk"))))


def may_edit_contact(user: User, contact: Contact) -> bool:
    return bool(_rights and _rights.edits_contact(user, contact))


def may_edit_company(user: User, company: Company) -> bool:
    return bool(_rights and _rights.edits_company(user, company))


def may_read_notes(user: User, contact: Contact) -> bool:
    """Whether `user` may read what colleagues wrote about this person."""
    return bool(_rights and _rights.reads_notes(user, contact))


def notes_of(user: User) -> Q:
    """Return the condition on contacts whose notes `user` may read: may_read_notes for many at once."""
    from crm.models import Role

    return _share_of(user) if user.role == Role.SALES_REP else Q()


def who_edits(contact: Contact) -> str:
    """Return one sentence that names who can change this contact."""
    return _rights.who_edits(contact) if _rights else ""
