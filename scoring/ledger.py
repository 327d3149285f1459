"""The explanation of one lead as a ledger: lines, caps and clamps, sums, and what is missing to the bar."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from crm import consents
from crm.charts import StepLine
from crm.workdays import date_of
from leads.models import Lead, StageChange
from leads.stages import Stage
from scoring import facts, pointer, reference, sentences, what_if
from scoring.decay import FULL
from scoring.explain import curve, unreadable
from scoring.grading import MOST, missing_to_bar
from scoring.models import Criterion, Dimension, Score, ScorecardVersion, ScoreHistory
from scoring.packing import Torn, points_of
from scoring.reference import Booking, GroupSum, Reckoning
from scoring.what_if import Change

CURVE_DAYS = 90
WHOLE_CURVE = 365
STEPS_SHOWN = 12
DATES_SHOWN = 6


@dataclass(frozen=True)
class Row:
    """One line. `kind`: group, line, cap, part or sub; `days` are the dates behind it with their weight."""

    kind: str
    label: str
    points: int | None = None
    detail: str = ""
    days: tuple[str, ...] = ()


@dataclass
class Ledger:
    """Everything the page "why this score" shows of one lead; `state` says why there may be none."""

    lead: Lead
    state: str  # scored, objected, ended, waiting, then, unscored
    version: ScorecardVersion | None = None
    in_force: ScorecardVersion | None = None  # now, whatever version this was reckoned by
    rows: list[Row] = field(default_factory=list)
    total: int | None = None
    fit: int = 0
    engagement: int = 0
    grade: str = ""
    at_bar: bool = False
    missing: int = 0
    changes: list[Change] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    chart: StepLine | None = None
    trouble: str = ""  # what of this cannot be told, in a sentence


@dataclass(frozen=True)
class Step:
    """One row of the score's history."""

    date: date
    row: ScoreHistory


def of(lead: Lead, days: int = CURVE_DAYS) -> Ledger:
    """Return the ledger of `lead`, reckoned from its raw activities as of the day everything is scored by.

    The curve goes back `days` days.
    """
    current = pointer.read()
    if current is None:
        return Ledger(lead, "waiting")
    version = reference.whole(current.version_id)
    if consents.profiling_objectors([lead.contact_id]):
        return Ledger(lead, "objected", version, version)
    newest = facts.newest_leads([lead.contact_id])[lead.contact_id]
    if newest["id"] != lead.pk:
        return _ended(lead, version)
    profile = facts.profiles([lead.contact_id])[lead.contact_id]
    done = reference.happenings([lead.contact_id], current.day).get(lead.contact_id, [])
    told = reference.reckon(version, profile, done, current.day, lead.counts_from)
    shown = booked(lead, "scored", told)
    shown.in_force = version
    case = what_if.Case(told, profile, done, lead.counts_from)
    shown.changes = what_if.leave_out(told) if shown.at_bar else what_if.smallest_changes(case)
    shown.chart = _chart(lead, version, told.verdict.total, current.day, days)
    return shown


def as_it_was(now: Ledger, day: int, told: Reckoning | None) -> Ledger:
    """Return the ledger of a past day beside the one of now: its own lines, and the day marked on the curve."""
    then = booked(now.lead, "then", told) if told else Ledger(now.lead, "unscored")
    then.in_force = now.in_force
    if now.chart and now.chart.points[0][0] <= date_of(day):
        mark = (date_of(day), formats.date_format(date_of(day), _("j M")))
        then.chart = replace(now.chart, marks=[*now.chart.marks, mark])
    else:
        then.chart = now.chart
    return then


def booked(lead: Lead, state: str, told: Reckoning) -> Ledger:
    """Return the ledger of a reckoning, without curve, changes and history."""
    result = told.verdict
    return Ledger(
        lead, state, told.version, None, rows_of(told), result.total, result.fit, result.engagement, result.grade,
        result.at_bar, missing_to_bar(reference.Bars.of(told.version), result.fit, result.engagement),
        hints=[str(b.criterion) for b in told.beside if b.matched],
    )  # fmt: skip


def _ended(lead: Lead, version: ScorecardVersion) -> Ledger:
    """An episode that another has followed keeps its last score: its stored lines, without the activities."""
    score = Score.objects.filter(lead=lead).first()
    if score is None:
        return Ledger(lead, "waiting", version, version)
    was = reference.whole(score.version_id)
    labels = {criterion.slot: str(criterion) for criterion in was.criteria.all()}
    told = Ledger(lead, "ended", was, version, [], score.total, score.fit, score.engagement, score.grade, score.at_bar)
    try:
        told.rows = [Row("line", labels.get(s, ""), p) for s, p in enumerate(points_of(bytes(score.points))) if p]
    except Torn:
        told.trouble = unreadable()
    return told


# --- Lines ----------------------------------------------------------------------------------------


def rows_of(told: Reckoning) -> list[Row]:
    """Return the lines of a reckoning: within a dimension lines, caps and clamps add up to its sum."""
    rows: list[Row] = []
    for dimension, points in ((Dimension.FIT, told.verdict.fit), (Dimension.ENGAGEMENT, told.verdict.engagement)):
        rows.append(Row("group", str(Dimension(dimension).label)))
        for group in told.groups:
            if group.group.dimension == dimension:
                rows += _group_rows(group)
        rows += _dimension_cut(told.points_of(dimension), points)
        rows.append(Row("sub", _sum_label(told.version, dimension, points), points))
    return rows


def _group_rows(group: GroupSum) -> list[Row]:
    shown = [
        b
        for b in group.bookings
        if b.points or b.uncapped or (b.matched and b.criterion.kind == Criterion.Kind.MISSING)
    ]
    rows: list[Row] = []
    for booking in sorted(shown, key=lambda b: (-b.points, b.criterion.position)):
        rows.append(_line(booking))
        if booking.cut:
            most = _("At most %(points)d for this criterion") % {"points": booking.criterion.cap or 0}
            rows.append(Row("cap", most, booking.cut))
    if group.cut:
        words = (
            _("Group “%(group)s”: at most %(points)d") if group.cut < 0 else _("Group “%(group)s”: at least %(points)d")
        )
        rows.append(Row("cap", words % {"group": group.group, "points": group.points}, group.cut))
    return rows


def _line(booking: Booking) -> Row:
    criterion = booking.criterion
    if criterion.is_of_activities:
        return Row("line", str(criterion), booking.uncapped, "; ".join(sentences.conditions(criterion)), _days(booking))
    value = booking.value
    told = "" if value is None or value == "" else facts.fact(criterion.fact).show(value)
    return Row("line", str(criterion), booking.uncapped, _("known: %(value)s") % {"value": told} if told else "")


def _days(booking: Booking) -> tuple[str, ...]:
    shown = [_day(c.day, c.n, c.weight) for c in booking.counted[:DATES_SHOWN]]
    left = sum(c.n for c in booking.counted[DATES_SHOWN:])
    return (*shown, _("%(n)d older") % {"n": left}) if left else tuple(shown)


def _day(day: int, n: int, weight: int) -> str:
    told = formats.date_format(date_of(day), _("j M"))
    if n > 1:
        told = _("%(n)d on %(day)s") % {"n": n, "day": told}
    if weight == FULL:
        return told
    return _("%(day)s × %(weight)s") % {"day": told, "weight": formats.number_format(round(weight / FULL, 2), 2)}


def _dimension_cut(raw: int, points: int) -> list[Row]:
    if raw == points:
        return []
    words = _("At most %(points)d in all") if raw > points else _("At least %(points)d in all")
    return [Row("cap", words % {"points": MOST if raw > points else 0}, points - raw)]


def _sum_label(version: ScorecardVersion, dimension: str, points: int) -> str:
    least, names = (version.letters, "ABC") if dimension == Dimension.FIT else (version.digits, "123")
    label = str(Dimension(dimension).label)
    for name, start in zip(names, least, strict=True):
        if points >= start:
            return _("%(dimension)s, %(grade)s from %(points)d") % {"dimension": label, "grade": name, "points": start}
    below = {"dimension": label, "grade": "D" if dimension == Dimension.FIT else "4", "points": least[2]}
    return _("%(dimension)s, %(grade)s below %(points)d") % below


# --- The curve ------------------------------------------------------------------------------------


def history(lead: Lead, most: int = STEPS_SHOWN) -> list[Step]:
    """Return the newest steps of the score, newest first."""
    rows = ScoreHistory.objects.filter(lead=lead).select_related("version").order_by("-id")[:most]
    return [Step(date_of(row.day), row) for row in rows]


def _chart(lead: Lead, version: ScorecardVersion, total: int, day: int, days: int) -> StepLine | None:
    rows = list(ScoreHistory.objects.filter(lead=lead, day__gt=day - days).order_by("id"))
    points = curve(rows, total, day, days)
    steps = [point for n, point in enumerate(points) if n in (0, len(points) - 1) or point[1] != points[n - 1][1]]
    if len(steps) < 2:
        return None
    first = date_of(steps[0][0])
    risen = StageChange.objects.filter(lead=lead, to_stage=Stage.MARKETING_QUALIFIED).exclude(from_stage="mql")
    dates = [timezone.localtime(moment).date() for moment in risen.values_list("at", flat=True)]
    marks: list[tuple[date, str]] = [(on, _("MQL")) for on in dates if on >= first]
    said = _("Score from %(first)d on %(start)s to %(last)d now; the MQL bar is %(bar)d.") % {
        "first": steps[0][1], "start": formats.date_format(first, _("j M")), "last": total, "bar": version.bar_total,
    }  # fmt: skip
    return StepLine(
        title=_("Score over time"), summary=said, points=[(date_of(on), score) for on, score in steps],
        bar=version.bar_total, leave_bar=version.leave_total, marks=marks,
    )  # fmt: skip
