"""Where a lead goes when the system hands it over: its own person in sales, else the queue of a team near it."""

from __future__ import annotations

from typing import Any

from crm import roles
from crm.models import Activity, ProfileChange, Team
from leads.models import Lead

BY_FILE = "import:"  # how the feeds of imports begin


def destination(lead: Lead) -> dict[str, Any]:
    """Return {"assignee": …} or {"team": …} as `hand_off` takes it, {} when there is no team in sales.

    A sales person who owns the lead keeps it; then the lead's own team counts, then the territory, then the first.
    """
    if lead.owner and roles.is_sales(lead.owner) and lead.owner.is_active:
        return {"assignee": lead.owner}
    teams = list(Team.objects.filter(side=Team.Side.SALES).order_by("pk"))
    country = lead.contact.country or (lead.contact.company.country if lead.contact.company else "")
    own = (team for team in teams if team.pk == lead.team_id)
    near = (team for team in teams if country and country in team.territory)
    team = next(own, None) or next(near, None) or next(iter(teams), None)
    return {"team": team} if team else {}


def is_told_by_file(lead: Lead) -> bool:
    """Whether the newest thing we learned about the person came from an import, so that nobody is waiting now."""
    learned = [(lead.created_at, lead.imported)]
    done = Activity.objects.filter(contact=lead.contact_id).order_by("-received_at", "-pk")
    learned += [(at, feed.startswith(BY_FILE)) for at, feed in done.values_list("received_at", "feed")[:1]]
    changed = ProfileChange.objects.filter(contact=lead.contact_id).order_by("-pk")
    learned += [(at, source.startswith(BY_FILE)) for at, source in changed.values_list("at", "source")[:1]]
    if lead.contact.company_id:
        changed = ProfileChange.objects.filter(company=lead.contact.company_id).order_by("-pk")
        learned += [(at, source.startswith(BY_FILE)) for at, source in changed.values_list("at", "source")[:1]]
    return max(learned)[1]
