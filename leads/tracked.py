"""People whom tracking has come to know begin their first lead; its source is how they first came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from crm.models import Contact, Workspace
from leads import capture, touches
from leads.models import Lead, Source


def begin_first_leads(found: Mapping[int, datetime]) -> list[Lead]:
    """Open a lead for each of `found` ({contact: since when known}) who never had one; a constant number of queries."""
    new = set(found) - set(Lead.objects.filter(contact_id__in=list(found)).values_list("contact_id", flat=True))
    if not new:
        return []
    came = touches.sources_of(new)
    sources = {
        source.key: source for source in Source.objects.filter(key__in={key for key, _campaign in came.values()})
    }
    team = capture.marketing_queue()
    currency = Workspace.objects.values_list("currency", flat=True).first() or "EUR"
    leads = []
    for contact in Contact.objects.filter(pk__in=new).order_by("pk"):
        key, campaign = came[contact.pk]
        leads.append(
            Lead(
                contact=contact, episode=1, source=sources.get(key), source_detail=campaign[:200], team=team,
                currency=currency, entered_at=found[contact.pk], stage_since=found[contact.pk], counts_from=0,
                is_demo=contact.is_demo,
            )
        )  # fmt: skip
    return capture.open_many(leads)
