"""Customers who recommend us: a won lead is marked as referrer, and a lead says who referred it."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.utils import timezone

from crm.models import Contact, User
from crm.workdays import local_date
from leads.models import Lead
from leads.stages import Stage

MOST = 500


def mark(lead: Lead, recommends: bool, *, by: User) -> bool:
    """Write down that this customer recommends us, or no longer; False when the lead is not won (any more)."""
    won = Lead.objects.filter(pk=lead.pk, stage=Stage.WON)
    if not won.exists():
        return False
    changing = won.filter(refers_since__isnull=recommends)
    changing.update(
        refers_since=local_date() if recommends else None, edits=F("edits") + 1, edited_by=by, changed_at=timezone.now()
    )
    return True


def referrers(user: User) -> QuerySet[Contact]:
    """Return the marked customers this person may see, by name; at most `MOST`."""
    marked = Lead.objects.filter(stage=Stage.WON, refers_since__isnull=False).values("contact")
    return Contact.objects.visible_to(user).filter(pk__in=marked).order_by("name_key", "pk")


def referred_by(contact: Contact, user: User) -> list[Lead]:
    """Return the leads this person referred that `user` may see, the newest first."""
    found = Lead.objects.visible_to(user).with_people().filter(referrer=contact)
    return list(found.order_by("-entered_at", "-pk")[:50])
