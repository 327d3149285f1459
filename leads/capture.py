"""How leads come in: one open episode per contact; whoever comes back begins the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from crm import bulk
from crm.models import Contact, Team, User, Workspace
from crm.workdays import local_day
from leads import signals
from leads.models import Lead, Source, Standing
from leads.stages import Lane


class AlreadyOpen(Exception):
    """The contact has an open lead already; nothing was written."""

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        super().__init__(f"contact {lead.contact_id} has open lead {lead.pk}")


def marketing_queue() -> Team | None:
    """Return the team whose queue holds what nobody owns yet."""
    return Team.objects.filter(side=Team.Side.MARKETING).order_by("id").first()


def open_lead(
    contact: Contact,
    *,
    source: Source | None,
    by: User | None = None,
    at: datetime | None = None,
    owner: User | None = None,
    team: Team | None = None,
    **fields: Any,
) -> Lead:
    """Begin the contact's next episode and announce it.

    The first counts every activity, a later one those from its first day. Raises AlreadyOpen.
    """
    at = at or timezone.now()
    last = contact.leads.aggregate(last=Max("episode"))["last"] or 0
    team = (owner.team if owner else None) or team or marketing_queue()
    fields.setdefault("currency", Workspace.objects.values_list("currency", flat=True).first() or "EUR")
    try:
        with transaction.atomic():
            lead = Lead.objects.create(
                contact=contact, episode=last + 1, source=source, owner=owner, team=team, created_by=by, entered_at=at,
                stage_since=at, counts_from=local_day(at) if last else 0, is_demo=contact.is_demo, **fields,
            )  # fmt: skip
            Standing.objects.create(lead=lead, lane=Lane.NEW, lane_since=at, owner=owner, team=team)
            signals.leads_opened.send(sender=Lead, lead_ids=[lead.pk])
    except IntegrityError:
        current = contact.leads.open().first()
        if current is None:
            raise
        raise AlreadyOpen(current) from None
    return lead


def open_many(leads: Sequence[Lead], *, lanes: Sequence[tuple[str, datetime]] = ()) -> list[Lead]:
    """Store many new leads with their standings in the caller's transaction and announce them; for bulk paths.

    `lanes` says of each lead where it stands and since when; without, all are new since they entered.
    """
    stored = bulk.insert(leads)
    where = lanes or [(Lane.NEW.value, lead.entered_at) for lead in stored]
    bulk.insert_values(
        Standing,
        ("lead_id", "lane", "lane_since", "owner_id", "team_id"),
        (
            (lead.pk, lane, since, lead.owner_id, lead.team_id)
            for lead, (lane, since) in zip(stored, where, strict=True)
        ),
    )
    if stored:
        signals.leads_opened.send(sender=Lead, lead_ids=[lead.pk for lead in stored])
    return stored


def without_open_lead(contact_ids: Iterable[int]) -> set[int]:
    """Return those of `contact_ids` that have no open lead."""
    wanted = set(contact_ids)
    return wanted - set(Lead.objects.open().filter(contact_id__in=wanted).values_list("contact_id", flat=True))
