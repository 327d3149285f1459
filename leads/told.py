"""The leads of a contact, told to the pages of crm."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from crm import episodes
from crm.episodes import Episode
from crm.models import User
from leads.models import Lead


def tell(contact_ids: Any, reader: User) -> list[Episode]:
    """Return the episodes of these contacts that `reader` may see, newest first."""
    leads = Lead.objects.visible_to(reader).with_people().filter(contact__in=contact_ids)
    return [_episode(lead) for lead in leads.order_by("-entered_at", "-pk")[:500]]


def _episode(lead: Lead) -> Episode:
    standing = getattr(lead, "standing", None)
    return Episode(
        contact_id=lead.contact_id,
        contact=lead.contact.name,
        url=reverse("lead", args=[lead.pk]),
        number=lead.episode,
        stage=lead.stage,
        is_open=lead.is_open,
        since=lead.stage_since,
        owner=lead.owner,
        team=lead.team.name if lead.team else "",
        source=str(lead.source or ""),
        score=standing.score if standing else None,
        grade=standing.grade if standing else "",
        next_step=lead.next_step,
    )


def register() -> None:
    """Tell crm the leads behind its contacts."""
    episodes.provide(tell)
