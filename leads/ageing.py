"""How a lead ages: how long nobody was in touch, what its stage allows, and what starts the count anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import Activity
from leads.board_filters import SILENCE, TOUCHES
from leads.models import Lead
from leads.stages import Lane


@dataclass(frozen=True)
class Age:
    """Whole days without contact and in the stage; `limit` is what the stage allows of the former."""

    silent: int
    limit: int
    in_stage: int

    @property
    def is_over(self) -> bool:
        return self.silent > self.limit

    @property
    def words(self) -> str:
        told = ngettext(
            "%(days)s day without contact, limit %(limit)s",
            "%(days)s days without contact, limit %(limit)s",
            self.silent,
        )
        return told % {"days": self.silent, "limit": self.limit}

    @property
    def resets(self) -> str:
        stage = ngettext("%(days)s day in this stage", "%(days)s days in this stage", self.in_stage)
        return _("A call, mail, meeting or note starts this count anew. %(stage)s; a move starts that one anew.") % {
            "stage": stage % {"days": self.in_stage}
        }


def of(lead: Lead, now: datetime) -> Age | None:
    """Return how an accepted or qualified lead has aged by `now`; None for others. One query."""
    standing = getattr(lead, "standing", None)
    if standing is None or standing.lane not in SILENCE:
        return None
    touches = Activity.objects.filter(contact=lead.contact_id, kind_id__in=TOUCHES)
    last = touches.order_by("-occurred_at").values_list("occurred_at", flat=True).first()
    since = max(standing.lane_since, last or standing.lane_since)
    return Age((now - since).days, SILENCE[Lane(standing.lane)], (now - standing.lane_since).days)
