"""The score of a lead at the end of a past day: by the rules of that day, and by those of today.

What counts is what had arrived by then (`knowledge`): activities by when they reached us, the profile reckoned back by
the log of changes. The sum itself is the reference's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q

from crm import consents
from crm.workdays import date_of, local_date, workspace_zone
from leads.models import Lead
from scoring import knowledge, reference
from scoring.models import ScorecardVersion
from scoring.reference import Reckoning


@dataclass(frozen=True)
class Then:
    """A lead at the end of `day`. `told` is None before any version was in force, or while the person objected."""

    day: int
    objected: bool = False
    told: Reckoning | None = None
    today: Reckoning | None = None

    @property
    def date(self) -> date:
        return date_of(self.day)

    @property
    def version(self) -> ScorecardVersion | None:
        return self.told.version if self.told else None

    @property
    def same_rules(self) -> bool:
        """Whether the version of that day is still the one in force."""
        return self.told is not None and self.today is not None and self.told.version.pk == self.today.version.pk


def end_of(day: int) -> datetime:
    """Return the last instant of a day number in the workspace's zone, in UTC."""
    midnight = datetime.combine(date_of(day + 1), time.min, workspace_zone())
    return midnight.astimezone(UTC) - timedelta(microseconds=1)


def version_at(moment: datetime) -> ScorecardVersion | None:
    """Return the version that was in force at an aware `moment`, None before the first."""
    published = ScorecardVersion.objects.filter(published_at__lte=moment)
    still = published.filter(Q(retired_at=None) | Q(retired_at__gt=moment))
    return still.order_by("-published_at").first()


def days_of(lead: Lead) -> tuple[date, date] | None:
    """Return the first and the last day `lead` was scored on: from its entry until a newer episode took over.

    None when a newer episode began on the very day this one did.
    """
    first = local_date(lead.entered_at)
    newer = Lead.objects.filter(contact_id=lead.contact_id, episode__gt=lead.episode).order_by("episode")
    begun = newer.values_list("entered_at", flat=True).first()
    last = local_date() if begun is None else local_date(begun) - timedelta(days=1)
    return (first, last) if first <= last else None


def of(lead: Lead, day: int, today: ScorecardVersion | None = None) -> Then:
    """Return the score of `lead` at the end of `day`; `today` is the version now in force, for the comparison."""
    at = end_of(day)
    if consents.profiling_objectors([lead.contact_id], until=at):
        return Then(day, objected=True)
    (moment,) = knowledge.moments({lead.pk: at})
    profile = knowledge.profiles([moment])[lead.pk]
    done = knowledge.happenings([moment])[lead.pk]
    then = version_at(at)

    def told(version: ScorecardVersion) -> Reckoning:
        return reference.reckon(version, profile, done, day, lead.counts_from)

    by_then = told(reference.whole(then.pk)) if then else None
    if today is None:
        return Then(day, told=by_then)
    return Then(day, told=by_then, today=by_then if then and then.pk == today.pk else told(today))
