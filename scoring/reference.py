"""The score in plain Python, from the raw activities of one lead: explanation, as-of answer and oracle of the tests.

It shares with the engine only the meaning of a comparison (operators), of a fact (facts) and of a weight (decay);
nothing is packed, stored or remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from crm.models import Activity
from leads.models import Lead
from scoring.decay import FULL, booked, weight
from scoring.facts import Profile, fact, profiles
from scoring.grading import Bars, Verdict, clamp, dimension_of, verdict
from scoring.models import HORIZON, Criterion, CriterionGroup, Dimension, ScorecardVersion
from scoring.operators import Value, holds, where_holds
from scoring.packing import MOST

Happening = tuple[int, str, int, Any]  # id, kind, day, properties


@dataclass(frozen=True)
class Counted:
    """Activities of one day behind a criterion: how many count, with what weight (2^20 is full)."""

    day: int
    n: int
    weight: int
    activity_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Booking:
    """One criterion's line: `points` as booked, `uncapped` before its cap, what is behind it."""

    criterion: Criterion
    points: int
    uncapped: int
    counted: tuple[Counted, ...] = ()
    matched: bool = False
    value: Value = None

    @property
    def cut(self) -> int:
        """Return what the cap took away (0, or against the sign of the points)."""
        return self.points - self.uncapped


@dataclass(frozen=True)
class GroupSum:
    """A group's line: the clamped sum of its bookings."""

    group: CriterionGroup
    bookings: tuple[Booking, ...]

    @property
    def raw(self) -> int:
        return sum(booking.points for booking in self.bookings)

    @property
    def points(self) -> int:
        return clamp(self.raw, self.group.minimum, self.group.maximum)

    @property
    def cut(self) -> int:
        return self.points - self.raw


@dataclass(frozen=True)
class Reckoning:
    """The whole sum: groups with their bookings, bookings outside the sum (sales signals), the verdict."""

    version: ScorecardVersion
    day: int
    groups: tuple[GroupSum, ...]
    beside: tuple[Booking, ...]
    verdict: Verdict

    def bookings(self) -> list[Booking]:
        return [booking for group in self.groups for booking in group.bookings] + list(self.beside)

    def points_by_slot(self) -> dict[int, int]:
        """Return {slot: points}, zeros left out: what Score.points must say."""
        return {b.criterion.slot: b.points for b in self.bookings() if b.points and b.criterion.slot is not None}

    def points_of(self, dimension: str) -> int:
        """Return the sum of the groups of a dimension before it is clamped to 0…100."""
        return sum(group.points for group in self.groups if group.group.dimension == dimension)


def book_fact(criterion: Criterion, profile: Profile) -> Booking:
    """Return the line of a criterion about who somebody is."""
    value = fact(criterion.fact).read(profile)
    if not holds(criterion.operator, value, criterion.value):
        return Booking(criterion, 0, 0, value=value)
    points = booked(criterion.points, FULL, criterion.cap)
    return Booking(criterion, points, criterion.points, matched=True, value=value)


def book_activities(criterion: Criterion, activities: Iterable[Happening], day: int, counts_from: int) -> Booking:
    """Return the line of a criterion about what somebody did, as of `day`."""
    per_day: dict[int, list[int]] = {}
    for pk, kind, on, properties in activities:
        age = day - on
        if kind != criterion.activity_kind_id or on < counts_from or not 0 <= age < min(criterion.window, HORIZON):
            continue
        if where_holds(criterion.where, properties):
            per_day.setdefault(on, []).append(pk)
    left, weighted, counted = criterion.max_count, 0, []
    for on in sorted(per_day, reverse=True):
        n = min(len(per_day[on]), MOST)
        if left is not None:
            n = min(n, left)
            left -= n
        if n == 0:
            break
        each = weight(criterion.half_life, day - on)
        weighted += n * each
        counted.append(Counted(on, n, each, tuple(per_day[on][:n])))
    points = booked(criterion.points, weighted, criterion.cap)
    return Booking(criterion, points, booked(criterion.points, weighted, None), tuple(counted), bool(per_day))


def reckon(
    version: ScorecardVersion, profile: Profile, activities: Sequence[Happening], day: int, counts_from: int = 0
) -> Reckoning:
    """Return the score of one lead as of `day`: a pure function of version, profile and activities."""
    return judge(
        version, day, [book(criterion, profile, activities, day, counts_from) for criterion in version.criteria.all()]
    )


def book(
    criterion: Criterion, profile: Profile, activities: Iterable[Happening], day: int, counts_from: int
) -> Booking:
    """Return the line of any criterion."""
    if criterion.is_of_activities:
        return book_activities(criterion, activities, day, counts_from)
    return book_fact(criterion, profile)


def judge(version: ScorecardVersion, day: int, bookings: Sequence[Booking]) -> Reckoning:
    """Return what follows from the lines: group sums, dimensions, grade, bar."""
    summed = [booking for booking in bookings if booking.criterion.is_summed]
    groups = tuple(
        GroupSum(group, tuple(b for b in summed if b.criterion.group_id == group.pk)) for group in version.groups.all()
    )
    raw = [(group.group, group.raw) for group in groups]
    raised = any(b.matched for b in bookings if b.criterion.kind == Criterion.Kind.HAND_RAISE)
    result = verdict(
        Bars.of(version), dimension_of(raw, Dimension.FIT), dimension_of(raw, Dimension.ENGAGEMENT), raised_hand=raised
    )
    return Reckoning(version, day, groups, tuple(b for b in bookings if not b.criterion.is_summed), result)


# --- Reading ---------------------------------------------------------------------------------------


def whole(version_id: int) -> ScorecardVersion:
    """Return a version with its groups and criteria read along."""
    criteria = Criterion.objects.select_related("group", "activity_kind").order_by("position", "id")
    return ScorecardVersion.objects.prefetch_related(Prefetch("criteria", criteria), "groups").get(pk=version_id)


def happenings(contact_ids: Iterable[int], day: int) -> dict[int, list[Happening]]:
    """Return {contact: activities of the last 730 days before `day`}."""
    rows = Activity.objects.filter(contact_id__in=list(contact_ids), day__gt=day - HORIZON, day__lte=day)
    found: dict[int, list[Happening]] = {}
    for contact, *row in rows.order_by("-id").values_list("contact_id", "id", "kind_id", "day", "properties"):
        found.setdefault(contact, []).append((row[0], row[1], row[2], row[3]))
    return found


def of_lead(lead: Lead, version: ScorecardVersion, day: int) -> Reckoning:
    """Return the score of `lead` by `version` as of `day`, from what is known now."""
    return of_leads([lead], version, day)[lead.pk]


def of_leads(leads: Sequence[Lead], version: ScorecardVersion, day: int) -> dict[int, Reckoning]:
    """Return {lead: its score}; the leads are the newest of their contacts."""
    contacts = [lead.contact_id for lead in leads]
    known: Mapping[int, Profile] = profiles(contacts)
    done = happenings(contacts, day)
    return {
        lead.pk: reckon(version, known[lead.contact_id], done.get(lead.contact_id, []), day, lead.counts_from)
        for lead in leads
    }
