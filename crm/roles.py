"""Roles and predicates: who may see, qualify, edit, export. The matrix is in docs/roles.md."""

from __future__ import annotations

from crm.models import Role, User, Workspace

Person = User | None


def is_marketing(user: Person) -> bool:
    """Marketers, and admins, who may stand in for anybody."""
    return bool(user and user.is_active and user.role in {Role.MARKETER, Role.ADMIN})


def leads_sales(user: Person) -> bool:
    """Sales leads, and admins."""
    return bool(user and user.is_active and user.role in {Role.SALES_LEAD, Role.ADMIN})


def is_sales(user: Person) -> bool:
    """Whoever may sell: reps, sales leads, admins."""
    return bool(user and user.is_active and user.role in {Role.SALES_REP, Role.SALES_LEAD, Role.ADMIN})


def is_admin(user: Person) -> bool:
    return bool(user and user.is_active and user.role == Role.ADMIN)


def sees_everything(user: User) -> bool:
    """Whether the person may read every lead, contact and company; a rep only where the workspace says so."""
    if user.role != Role.SALES_REP:
        return True
    if user.reads_everything is not None:
        return user.reads_everything
    return Workspace.objects.filter(reps_read_everything=True).exists()


def may_import(user: Person) -> bool:
    return is_marketing(user) or leads_sales(user)


def may_export(user: Person) -> bool:
    """Everybody but reps; a rep, of what they see, where the workspace says so."""
    if user is None or not user.is_active:
        return False
    if user.role != Role.SALES_REP:
        return True
    return Workspace.objects.filter(reps_may_export=True).exists() if user.exports is None else user.exports


def reads_spend(user: Person) -> bool:
    """Everybody who works here: costs are counted over all leads, whoever looks. Marketing keeps it."""
    return bool(user and user.is_active)


def may_merge(user: Person) -> bool:
    """Whoever may import may merge and un-merge."""
    return may_import(user)
