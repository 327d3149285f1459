"""Engine, packed signals, SQL and reference agree on random criteria and data, to the last point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm import activities, contacts
from crm.activities import Happening
from leads import capture
from leads.models import Source
from scoring import bringing_up, drain, engine, questions, reference
from scoring.compiler import compile_version
from scoring.facts import COLUMNS, FACTS, NO_LEAD, fact, profiles
from scoring.matching import catalogue_of
from scoring.models import ContactSignals, Criterion, CriterionGroup, FitPredicate, Matcher, ScorecardVersion
from scoring.operators import CHOICE, FLAG, JSON, NUMBER, OPERATORS, TEXT, holds
from scoring.packing import pack, pack_bits
from tests.scoring.cards import a_draft, did, differences, in_force
from tests.scoring.cards import fact as asks

pytestmark = pytest.mark.django_db
# Without shrinking: an example with a database behind it is too slow for a thousand variants.
ON_DATABASE = {
    "deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True,
    "phases": [Phase.explicit, Phase.generate],
}  # fmt: skip

WORDS = (
    "Head of Sales", "Geschäftsführerin", "GESCHÄFTSFÜHRER", "Werkstudent", "Leiterin Marketing", "O'Brien", '"quoted"',
    "100 %", "a_b", "a%b", "\\back", "ﬁnance oﬃcer", "Straße", "STRASSE", "ẞ", "İstanbul", "ſ", "Ⅷ", "K", "é", "é",
    "machinery", "Machinery", " ", "DE", "de", "01067", "中文", "🙂", "--", "; DROP TABLE x", "1", "50", "None", "true",
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-3, 1200), st.sampled_from([0, 1, 9, 10, 49, 50, 999, 1000, 0.5, 1.0, -0.0, 10**12]))
TEXTS = st.one_of(st.sampled_from(WORDS), st.text("aäÄß%_'\"\\ Eeé", min_size=1, max_size=4).filter(str.strip))
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.just("")),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)
NAMES = st.sampled_from(["path", "topic", 'qu"ote', "a.b", "$.path", "ä"])
KINDS = ["white_paper", "white_paper", "page_view", "demo_request"]
DAYS = st.sampled_from([-1, 0, 1, 2, 3, 29, 30, 31, 364, 365, 729, 730, 731])


def value_for(draw: Any, operator: str, kind: str, choices: list[str]) -> Any:
    """Draw a value that `operator` accepts."""
    one = {NUMBER: NUMBERS, FLAG: st.booleans(), JSON: st.one_of(NUMBERS, TEXTS)}.get(kind, TEXTS)
    if kind == CHOICE and choices:
        one = st.sampled_from(choices)
    takes = OPERATORS[operator].takes
    if takes == "none":
        return None
    if takes == "many":
        return draw(st.lists(one, min_size=1, max_size=4))
    if takes == "pair":
        return [draw(NUMBERS), draw(NUMBERS)]
    return draw({"contains": TEXTS, "starts_with": TEXTS, "at_least": NUMBERS, "at_most": NUMBERS}.get(operator, one))


@st.composite
def comparisons(draw: Any, kind: str, choices: list[str] | None = None) -> tuple[str, Any]:
    operator = draw(st.sampled_from([o.key for o in OPERATORS.values() if kind in o.types]))
    return operator, value_for(draw, operator, kind, choices or [])


@st.composite
def fit_criteria(draw: Any) -> dict[str, Any]:
    key = draw(st.sampled_from([*FACTS, "custom.branch", "custom.a.b", "company.rating"]))
    known = fact(key)
    operator, value = draw(comparisons(known.type, list(known.choices)))
    return asks(key, operator, value, points=draw(st.integers(-40, 60)), cap=draw(st.sampled_from([None, None, 15])))


@st.composite
def activity_criteria(draw: Any) -> dict[str, Any]:
    where = []
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        operator, value = draw(comparisons(JSON))
        where.append({"property": draw(NAMES), "operator": operator, "value": value})
    return did(
        draw(st.sampled_from(KINDS)),
        points=draw(st.one_of(st.integers(-60, 60), st.sampled_from([1000, -1000]))),
        kind=draw(st.sampled_from(["engagement"] * 5 + ["hand_raise", "sales_signal"])),
        where=where,
        window=draw(st.sampled_from([1, 2, 3, 30, 365, 730])),
        half_life=draw(st.sampled_from([None, 1, 7, 30, 90, 365])),
        max_count=draw(st.sampled_from([None, None, 1, 2, 5])),
        cap=draw(st.sampled_from([None, None, 0, 7, 40])),
    )


@st.composite
def people(draw: Any) -> dict[str, Any]:
    text = st.one_of(st.just(""), TEXTS)
    return {
        "contact": {
            "job_title": draw(text), "city": draw(text), "region": draw(text), "postcode": draw(text)[:20],
            "country": draw(st.sampled_from(["", "DE", "AT", "US"])), "first_name": draw(text),
            "email": draw(st.sampled_from(["", "a@gmail.com", "a@GMX.de", "a@notgmail.com", "a@acme.example"])),
            "phone": draw(st.sampled_from(["", "+49 30 1234567"])),
            "custom": draw(st.dictionaries(st.sampled_from(["branch", "a.b", "x"]), ODD, max_size=2)),
        },
        "company": draw(st.sampled_from([None, "co"])) and {
            "name": "Co " + draw(TEXTS), "industry": draw(text), "country": draw(st.sampled_from(["", "CH", "US"])),
            "employees": draw(st.sampled_from([None, 0, 1, 9, 10, 49, 50, 999, 1000, 20000])),
            "custom": draw(st.dictionaries(st.just("rating"), ODD, max_size=1)),
        },
        "source": draw(st.sampled_from([None, "webinar", "purchased_list"])),
        "does": draw(
            st.lists(
                st.tuples(
                    st.sampled_from(KINDS), st.one_of(DAYS, st.integers(-1, 40)),
                    st.dictionaries(NAMES, ODD, max_size=2), st.integers(1, 3),
                ),
                min_size=3, max_size=14,
            )
        ),
    }  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block wrote: each example begins with the same database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def settle_in(person: dict[str, Any]) -> None:
    company = person["company"] and contacts.create_company(person["company"], by=None, source="test")
    values = person["contact"] | ({"company_id": company.pk} if company else {})
    contact = contacts.create_contact(values, by=None, source="test")
    source = Source.objects.filter(key=person["source"] or "").first()
    capture.open_lead(contact, source=source, at=timezone.now() - timedelta(days=1000))
    now = timezone.now()
    activities.record_many(
        Happening(contact.pk, kind, now - timedelta(days=days), properties=properties)
        for kind, days, properties, times in person["does"]
        for _ in range(times)
    )


# --- Without a database: many examples ------------------------------------------------------------


def on_paper(fits: list[Any], doings: list[Any], bounds: list[tuple[int, int]]) -> ScorecardVersion:
    """Return a version that no table holds, ready for engine and reference."""
    version = ScorecardVersion(pk=1, number=1)
    groups = [
        CriterionGroup(pk=n + 1, key=f"g{n}", dimension=dimension, minimum=low, maximum=high)
        for n, (dimension, (low, high)) in enumerate(zip(["fit", "engagement", "engagement"], bounds, strict=True))
    ]
    criteria = []
    for n, told in enumerate([*fits, *doings]):
        details = {key: value for key, value in told.items() if key != "group"}
        group = groups[0] if told["group"] == "who" else groups[1 + n % 2]
        matcher, bit = (n + 1, None) if told["group"] == "what" else (None, n + 1)
        criteria.append(
            Criterion(
                pk=n, key=f"c{n}", group=group, version=version, slot=n * 2, matcher_id=matcher, predicate_id=bit,
                **details,
            )
        )  # fmt: skip
    version._prefetched_objects_cache = {"groups": groups, "criteria": criteria}  # type: ignore[attr-defined]
    return version


happenings = st.lists(st.tuples(st.sampled_from(KINDS[1:]), DAYS, st.dictionaries(NAMES, ODD, max_size=2)), max_size=25)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    fits=st.lists(fit_criteria(), max_size=3),
    doings=st.lists(activity_criteria(), min_size=1, max_size=5),
    crowd=st.lists(st.tuples(happenings, st.sampled_from([0, 0, 20_000 - 30, 20_000])), min_size=1, max_size=4),
    truths=st.integers(0, 15),
    bounds=st.lists(st.tuples(st.integers(-60, 0), st.integers(0, 120)), min_size=3, max_size=3),
)
def test_the_engine_equals_the_reference(
    fits: list[Any], doings: list[Any], crowd: list[Any], truths: int, bounds: list[Any]
) -> None:
    today, version = 20_000, on_paper(fits, doings, bounds)
    criteria = version.criteria.all()
    profile = {"first_name": "Ada"} | dict.fromkeys(COLUMNS[2:], "") | NO_LEAD
    questions = catalogue_of(
        [Matcher(pk=c.matcher_id, kind=c.activity_kind_id, where=c.where) for c in criteria if c.matcher_id],
        [
            FitPredicate(bit=c.predicate_id, fact=c.fact, operator=c.operator, value=c.value)
            for c in criteria
            if c.predicate_id
        ],
    )
    profiles_ = [profile | {"job_title": word, "company__employees": n * truths} for n, word in enumerate(WORDS)]
    rows = []
    for n, (happened, counts_from) in enumerate(crowd):
        counts: Counter[tuple[int, int]] = Counter()
        for kind, days, properties in happened:
            counts.update((matcher, today - days) for matcher in questions.hits(kind, properties))
        rows.append((counts_from, pack_bits(questions.bits(profiles_[n])), pack(counts, today)))
    scores = engine.score(compile_version(version), today, engine.batch(*map(list, zip(*rows, strict=True))))
    for n, (happened, counts_from) in enumerate(crowd):
        acts = [(pk, kind, today - days, properties) for pk, (kind, days, properties) in enumerate(happened)]
        told = reference.reckon(version, profiles_[n], acts, today, counts_from)
        points = {slot: int(p) for slot, p in enumerate(scores.points[n]) if p}
        assert points == told.points_by_slot()
        assert (scores.fit[n], scores.engagement[n]) == (told.verdict.fit, told.verdict.engagement)
        assert (scores.grade[n].decode(), bool(scores.at_bar[n])) == (told.verdict.grade, told.verdict.at_bar)


# --- With all that lies between -------------------------------------------------------------------


@settings(max_examples=25, **ON_DATABASE)
@given(
    fits=st.lists(fit_criteria(), min_size=1, max_size=6),
    doings=st.lists(activity_criteria(), min_size=1, max_size=6),
    crowd=st.lists(people(), min_size=1, max_size=5),
    bounds=st.tuples(st.integers(-50, 0), st.integers(5, 120)),
)
def test_every_way_to_a_score_agrees(
    fits: list[Any], doings: list[Any], crowd: list[Any], bounds: tuple[int, int]
) -> None:
    groups = [
        {"key": "who", "dimension": "fit", "minimum": bounds[0], "maximum": bounds[1]},
        {"key": "what", "dimension": "engagement", "minimum": bounds[0], "maximum": bounds[1]},
    ]
    with undone():
        for person in crowd[::2]:
            settle_in(person)
        drain.drain()
        in_force(a_draft([*fits, *doings], groups))
        assert differences() == []
        for person in crowd[1::2]:
            settle_in(person)
        drain.drain()
        assert differences() == []
        kept = dict(ContactSignals.objects.values_list("contact_id", "data"))
        bits = dict(ContactSignals.objects.values_list("contact_id", "fit_bits"))
        bringing_up.to_date(rebuild=True)
        assert differences() == []
        assert {c: bytes(d) for c, d in ContactSignals.objects.values_list("contact_id", "data")} == {
            c: bytes(d) for c, d in kept.items()
        }
        assert {c: bytes(d) for c, d in ContactSignals.objects.values_list("contact_id", "fit_bits")} == {
            c: bytes(d) for c, d in bits.items()
        }


@settings(max_examples=50, **ON_DATABASE)
@given(criteria=st.lists(fit_criteria(), min_size=5, max_size=12), crowd=st.lists(people(), min_size=2, max_size=4))
def test_a_fact_reads_the_same_in_sql_and_in_python(criteria: list[Any], crowd: list[Any]) -> None:
    with undone():
        for person in crowd:
            settle_in(person | {"does": []})
        asked = [
            FitPredicate(bit=bit, fact=c["fact"], operator=c["operator"], value=c["value"])
            for bit, c in enumerate(criteria)
        ]
        known = profiles(ContactSignals.objects.values_list("pk", flat=True) or _everybody())
        by_sql = questions.bits_of(list(known), asked)
        by_hand = {
            pk: {p.bit for p in asked if holds(p.operator, fact(p.fact).read(profile), p.value)}
            for pk, profile in known.items()
        }
        assert by_sql == by_hand


def _everybody() -> list[int]:
    from crm.models import Contact

    return list(Contact.objects.values_list("pk", flat=True))


def test_text_facts_know_every_comparison_of_text() -> None:
    assert {o.key for o in OPERATORS.values() if TEXT in o.types} == {
        "is", "is_not", "in", "not_in", "contains", "starts_with", "is_missing", "is_known",
    }  # fmt: skip
