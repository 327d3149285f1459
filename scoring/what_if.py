"""What would bring a lead over the bar, or what it would score without: computed from the pure function, never guessed.

A step is one thing that could happen: a further activity of today, or a fact that becomes known. Its effect is the
whole sum anew, so decay, caps, clamps and facts that follow from others are in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from crm.job_titles import function, seniority
from scoring import facts, reference, sentences
from scoring.models import Criterion
from scoring.operators import CHOICE, FLAG, JSON, NUMBER, TEXT, holds, is_missing, where_holds
from scoring.reference import Booking, Happening, Reckoning

SHOWN = 4
PAIRED = 16  # of the strongest steps, pairs are tried
LEFT_OUT = 12  # of the strongest criteria, pairs are left out
SOME = "…"  # stands for a value that nothing asks for
ANY: dict[str, tuple[Any, ...]] = {
    TEXT: (SOME,), CHOICE: (SOME,), NUMBER: (1, 50, 1000, 1_000_000, 0), FLAG: (True, False), JSON: (SOME, 1, 0),
}  # fmt: skip
COLUMN = {"industry": "company__industry", "employees": "company__employees", "company_name": "company__name"} | {
    name: name for name in ("job_title", "seniority", "function", "country", "region", "city", "postcode", "language")
}


@dataclass(frozen=True)
class Step:
    """One thing that could happen: an activity (kind, properties) of today, or columns of the profile set anew."""

    label: str
    activity: tuple[str, Mapping[str, Any]] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    now: str = ""  # what is known instead, as a person reads it


@dataclass(frozen=True)
class Change:
    """What a step, or leaving something out, leads to: the score then, and whether it is at the bar then.

    `kind` is activity, fact, both or without.
    """

    label: str
    total: int
    at_bar: bool
    kind: str = "without"
    detail: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Case:
    """A lead as it stands: its sum, and what the sum was reckoned from."""

    told: Reckoning
    profile: facts.Profile
    done: Sequence[Happening]
    counts_from: int = 0


# --- With more ------------------------------------------------------------------------------------


def smallest_changes(case: Case, most: int = SHOWN) -> list[Change]:
    """Return the single steps that reach the bar, the least score first; where none does, pairs of the strongest."""
    done = _by_kind(case.done)
    singles = [(step, after(case, (step,), done)) for step in steps(case)]
    found = [_change((step,), told) for step, told in singles if told.verdict.at_bar]
    if not found:
        strongest = sorted(singles, key=lambda pair: -pair[1].verdict.total)[:PAIRED]
        tried = [(pair, after(case, pair, done)) for pair in _pairs([step for step, _told in strongest])]
        found = [_change(pair, told) for pair, told in tried if told.verdict.at_bar]
    return sorted(found, key=lambda change: change.total)[:most]


def steps(case: Case) -> list[Step]:
    """Return everything single that could lift the lead: each asked for by a criterion in force, none twice."""
    found: list[Step] = []
    for booking in case.told.bookings():
        step = _activity(booking) if booking.criterion.is_of_activities else _fact(booking, case.profile)
        if step is not None and all((step.activity, step.values) != (s.activity, s.values) for s in found):
            found.append(step)
    return found


def after(case: Case, chosen: Sequence[Step], done: Mapping[str, Sequence[Happening]] | None = None) -> Reckoning:
    """Return the sum after `chosen`: the lines that they touch are booked anew, the others stand."""
    done = _by_kind(case.done) if done is None else done
    more: dict[str, list[Happening]] = defaultdict(list)
    profile = dict(case.profile)
    for number, step in enumerate(chosen, 1):
        profile |= step.values
        if step.activity:
            kind, properties = step.activity
            more[kind].append((-number, kind, case.told.day, dict(properties)))
    anew = profile != case.profile
    lines = [_again(line, case, profile if anew else None, done, more) for line in case.told.bookings()]
    return reference.judge(case.told.version, case.told.day, lines)


def _again(
    line: Booking, case: Case, profile: facts.Profile | None, done: Mapping[str, Sequence[Happening]],
    more: Mapping[str, list[Happening]],
) -> Booking:  # fmt: skip
    criterion, kind = line.criterion, line.criterion.activity_kind_id or ""
    if kind in more:
        happened = [*done.get(kind, ()), *more[kind]]
        return reference.book_activities(criterion, happened, case.told.day, case.counts_from)
    if profile is not None and not criterion.is_of_activities:
        return reference.book_fact(criterion, profile)
    return line


def _by_kind(done: Sequence[Happening]) -> dict[str, list[Happening]]:
    found: dict[str, list[Happening]] = defaultdict(list)
    for happening in done:
        found[happening[1]].append(happening)
    return found


def _pairs(strongest: Sequence[Step]) -> Iterator[tuple[Step, Step]]:
    """Yield every two, and an activity twice; two facts that contradict each other are no pair."""
    yield from ((step, step) for step in strongest if step.activity)
    for one, other in combinations(strongest, 2):
        if not one.values.keys() & other.values.keys():
            yield one, other


def _change(chosen: tuple[Step, ...], told: Reckoning) -> Change:
    kinds = {"activity" if step.activity else "fact" for step in chosen}
    if len(chosen) == 1:
        label = chosen[0].label
    elif chosen[0] is chosen[1]:
        label = _("%(what)s, twice") % {"what": chosen[0].label}
    else:
        label = _("%(one)s and %(other)s") % {"one": chosen[0].label, "other": chosen[1].label}
    kind = kinds.pop() if len(kinds) == 1 else "both"
    detail = next((step.now for step in chosen if step.now), "")
    return Change(label, told.verdict.total, told.verdict.at_bar, kind, detail, chosen)


def _activity(booking: Booking) -> Step | None:
    """Return one more activity such as the criterion asks for, None where it would not lift or cannot be made up."""
    criterion = booking.criterion
    lifts = criterion.kind == Criterion.Kind.HAND_RAISE or (criterion.is_summed and criterion.points > 0)
    properties = _properties(criterion.where)
    if not lifts or properties is None:
        return None
    return Step(sentences.asks(criterion), (criterion.activity_kind_id or "", properties))


def _properties(where: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return properties that meet every comparison, None when the first that comes to mind does not."""
    made = {one["property"]: _asked(one["operator"], one.get("value")) for one in where}
    made = {name: value for name, value in made.items() if value is not None}
    return made if where_holds(list(map(dict, where)), made) else None


def _asked(operator: str, value: Any) -> Any:
    """Return a value that meets a comparison by itself; None for one that asks that there be none."""
    if operator in {"in", "between"}:
        return value[0]
    if operator in {"is_not", "not_in", "is_known"}:
        return SOME
    return None if operator == "is_missing" else value


def _fact(booking: Booking, profile: facts.Profile) -> Step | None:
    """Return the fact that would give the criterion's points, or take its deduction away."""
    criterion = booking.criterion
    wanted = criterion.points > 0
    if not criterion.is_summed or not criterion.points or booking.matched == wanted:
        return None
    known = facts.fact(criterion.fact)
    first = [_asked(criterion.operator, criterion.value)] if wanted else []
    for value in (*first, *ANY[known.type], *known.choices):
        values = None if value is None else _columns(criterion.fact, value, profile)
        if values is None:
            continue
        reads = known.read(dict(profile) | values)
        if not is_missing(reads) and holds(criterion.operator, reads, criterion.value) == wanted:
            now = "" if is_missing(booking.value) else known.show(booking.value)
            return Step(_label(criterion, known, wanted=wanted), values=values, now=now)
    return None


def _label(criterion: Criterion, known: facts.Fact, *, wanted: bool) -> str:
    if wanted:
        return sentences.asks(criterion)
    if criterion.operator == "is_missing":
        return _("%(fact)s becomes known") % {"fact": known.label}
    return _("No longer: %(criterion)s") % {"criterion": sentences.asks(criterion)}


def _columns(key: str, value: Any, profile: facts.Profile) -> dict[str, Any] | None:
    """Return the columns that make the fact `key` read `value`; None for what nobody can bring about by telling us."""
    if key in {"seniority", "function"}:
        return {key: value} | ({} if profile["job_title"] else {"job_title": SOME})
    if key == "job_title":
        return {key: value, "seniority": seniority(value), "function": function(value)}
    if key in {"has_email", "free_mail"}:
        return {"email": "a@b.example", "email_key": "a@b.example"} if value is (key == "has_email") else None
    if key == "has_phone":
        return {"phone": "+49 30 1", "phone_key": "+49301"} if value else None
    if key == "has_company":
        return {"company_id": -1} if value else None
    return _of_company(key, value, profile) if key not in COLUMN or "company" in COLUMN[key] else {COLUMN[key]: value}


def _of_company(key: str, value: Any, profile: facts.Profile) -> dict[str, Any] | None:
    """Return the columns of a fact about the company, or of an own field; telling about a company makes it known."""
    company = {"company_id": profile["company_id"] or -1}
    if key == "size_band":
        least = {band: least for band, _label_, least in facts.SIZE_BANDS}
        return company | {"company__employees": least[value]} if value in least else None
    if key in COLUMN:
        return company | {COLUMN[key]: value}
    for prefix, (column, _words) in facts.CUSTOM.items():
        if key.startswith(prefix):
            own = {column: dict(profile[column] or {}) | {key.removeprefix(prefix): value}}
            return own | (company if prefix == "company." else {})
    return None  # completeness follows from the others; where a lead came from does not change


# --- With less ------------------------------------------------------------------------------------


def leave_out(told: Reckoning, most: int = SHOWN) -> list[Change]:
    """Return what the lead would score without each of its strongest criteria.

    Where it is still at the bar without any single one, the two follow whose loss would cost it the bar with the
    fewest points.
    """
    lifting = sorted((line for line in told.bookings() if _lifts(line)), key=lambda line: -line.points)
    singles = [_without(told, (line,)) for line in lifting]
    if any(not change.at_bar for change in singles):
        # What holds the lead at the bar is the answer, however few points it brings.
        decisive = [change for change in singles if not change.at_bar]
        rest = [change for change in singles if change.at_bar]
        return sorted([*decisive[:most], *rest[: max(0, most - len(decisive))]], key=lambda change: change.total)
    pairs = [_without(told, pair) for pair in combinations(lifting[:LEFT_OUT], 2)]
    below = sorted((change for change in pairs if not change.at_bar), key=lambda change: -change.total)
    return [*singles[:most], *below[:1]]


def _lifts(line: Booking) -> bool:
    raised = line.criterion.kind == Criterion.Kind.HAND_RAISE and line.matched
    return raised or (line.criterion.is_summed and line.points > 0)


def _without(told: Reckoning, left_out: Sequence[Booking]) -> Change:
    gone = {line.criterion.pk for line in left_out}
    lines = [
        replace(line, points=0, uncapped=0, counted=(), matched=False) if line.criterion.pk in gone else line
        for line in told.bookings()
    ]
    result = reference.judge(told.version, told.day, lines).verdict
    names = [str(line.criterion) for line in left_out]
    if len(names) == 1:
        label = _("Without “%(criterion)s”") % {"criterion": names[0]}
    else:
        label = _("Without “%(one)s” and “%(other)s”") % {"one": names[0], "other": names[1]}
    return Change(label, result.total, result.at_bar)
