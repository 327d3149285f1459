"""What the search shows of leads beside a person: where the newest one stands, and the way to it and its moves."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import NoReverseMatch, reverse

from crm import search
from crm.models import User
from leads.models import Lead
from leads.stages import OPEN


def marks(user: User, contact_ids: Sequence[int]) -> dict[int, search.LeadMark]:
    """Return {contact: mark} for the newest lead `user` may see of each contact."""
    rows = Lead.objects.visible_to(user).filter(contact_id__in=contact_ids).order_by("contact_id", "episode")
    return {
        contact: search.LeadMark(reverse("lead", args=[pk]), str(stage), _moves(pk) if stage in OPEN else "")
        for pk, contact, stage in rows.values_list("pk", "contact_id", "stage")
    }


def _moves(pk: int) -> str:
    try:
        return reverse("lead_moves", args=[pk])
    except NoReverseMatch:
        return ""


def register() -> None:
    """Tell the search who knows the leads of contacts."""
    search.mark_leads(marks)
