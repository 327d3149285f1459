"""The two keys: who may sign for which side, and whether both have been turned by different hands."""

from __future__ import annotations

from crm.models import Role, User
from scoring.models import ScorecardVersion, Signature

Side = Signature.Side
_FLAGS = {Side.MARKETING: "signs_for_marketing", Side.SALES: "signs_for_sales"}
_ROLES = {Side.MARKETING: {Role.MARKETER, Role.ADMIN}, Side.SALES: {Role.SALES_LEAD, Role.ADMIN}}


def may_draft(user: User | None) -> bool:
    """Whether the person may draft, preview, publish and roll back: everybody but sales reps."""
    return bool(user and user.is_active and user.role != Role.SALES_REP)


def may_sign(user: User, side: str) -> bool:
    """Whether the person holds the key of `side`; alone in the workspace one holds both."""
    return user.is_active if is_alone() else holds_key(user, side)


def holds_key(user: User, side: str) -> bool:
    """Whether an admin gave the person the key of `side`, and the role goes with it."""
    wanted = Side(side)
    return bool(user.is_active and user.role in _ROLES[wanted] and getattr(user, _FLAGS[wanted]))


def sides_of(user: User) -> list[str]:
    """Return the sides the person may sign for."""
    return [side for side in Side.values if may_sign(user, side)]


def holders(side: str) -> list[User]:
    """Return who may sign for `side`."""
    wanted = Side(side)
    return list(User.objects.filter(is_active=True, role__in=_ROLES[wanted], **{_FLAGS[wanted]: True}))


def is_alone() -> bool:
    """Whether exactly one person may sign in: then one person has both keys, visibly."""
    return User.objects.filter(is_active=True)[:2].count() == 1


def valid(version: ScorecardVersion) -> list[Signature]:
    """Return the signatures that stand, one per side at most."""
    return list(version.signatures.filter(voided_at=None).select_related("by").order_by("side"))


def are_complete(signatures: list[Signature]) -> bool:
    """Whether both sides have signed: two different people, or both alone, or both as shipped."""
    by_side = {signature.side: signature for signature in signatures}
    if by_side.keys() != set(Side.values):
        return False
    one, other = by_side[Side.MARKETING], by_side[Side.SALES]
    return one.by_id != other.by_id or (one.kind == other.kind and one.kind != Signature.Kind.PERSON)
