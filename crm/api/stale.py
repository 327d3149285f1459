"""The answer to a write with an old version: who was first, and what differs (R6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.api.problems import Problem
from crm.models import Company, Contact, ProfileChange, User


def conflict(version: int, by: User | None, sent: Mapping[str, Any], current: Any) -> Problem:
    """Return a 409 that names the other person and each field in which the row differs from what was sent."""
    who = by.name if by else _("the system")
    differences = [
        {"field": name, "yours": _plain(value), "now": _plain(getattr(current, name))}
        for name, value in sent.items()
        if getattr(current, name) != value
    ]
    return Problem(
        409, _("Changed meanwhile by %(name)s. Nothing was written.") % {"name": who}, code="stale", version=version,
        changed_by={"id": by.pk, "name": by.name} if by else None, differences=differences,
    )  # fmt: skip


def of_profile(current: Contact | Company, sent: Mapping[str, Any]) -> Problem:
    """Return the conflict of a contact or company."""
    which = Q(contact=current.pk) if isinstance(current, Contact) else Q(company=current.pk)
    newest = ProfileChange.objects.filter(which).select_related("by").order_by("-id").first()
    return conflict(current.version, newest.by if newest else None, sent, current)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool, dict, list)) else str(value)
