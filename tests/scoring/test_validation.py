"""What a criterion may say: closed keys and limits (I34 to I38), forbidden fields (P23), doubts (K8)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Contact
from scoring import doubts, special_categories, validation
from scoring.facts import FACTS
from scoring.models import Criterion, ScorecardVersion
from scoring.operators import OPERATORS
from tests.cast import Cast, a_lead
from tests.scoring.cards import GROUPS, a_draft, did, fact

pytestmark = pytest.mark.django_db
ASKS = {"kind": "profile", "fact": "city", "operator": "is", "value": "Ulm", "points": 5, "group": "who", "label": ""}
DID = {"kind": "engagement", "activity_kind_id": "white_paper", "points": 5, "group": "what"}


def checked(**said: Any) -> dict[str, Any]:
    return validation.criterion(said, groups={"who", "what"})


def errors(**said: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        checked(**said)
    return caught.value.message_dict


def test_what_is_right_passes() -> None:
    assert checked(**ASKS) == ASKS | {"cap": None}
    assert checked(**ASKS | {"operator": "is_missing", "value": None})["kind"] == "missing"
    assert checked(**DID)["window"] == 730
    where = [{"property": "path", "operator": "starts_with", "value": "/pricing"}]
    assert checked(**DID | {"where": where, "half_life": 30, "max_count": 3, "cap": 40})["where"] == where
    assert checked(**DID | {"kind": "sales_signal"}) | {"group": "", "points": 1} == checked(
        **DID | {"kind": "sales_signal"}
    )


@pytest.mark.parametrize(
    "key", ["_connector", "_negated", "owner__password__startswith", 'a" OR 1=1 --', "slot", "weights", "version_id"]
)
def test_an_unknown_key_is_named(key: str) -> None:
    assert errors(**ASKS | {key: "x"}) == {key: ["Unknown field."]}


@pytest.mark.parametrize(
    "name", ["owner__password", "email_key", "pk", "custom.", "", 'city" OR 1=1 --', "custom." + "x" * 80, None, 7]
)
def test_an_unknown_fact_is_refused(name: Any) -> None:
    assert errors(**ASKS | {"fact": name})["fact"] == ["Unknown field."]


def test_a_regular_expression_is_text_and_nothing_else(cast: Cast) -> None:
    evil = "^(a+)+$"
    assert errors(**ASKS | {"operator": "regex", "value": evil})["operator"] == ["Unknown comparison."]
    said = checked(**ASKS | {"operator": "contains", "value": evil})
    began = time.perf_counter()
    assert not OPERATORS["contains"].lookup("a" * 28, said["value"])
    assert time.perf_counter() - began < 0.05


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"points": 1001}, "points"), ({"points": 1.5}, "points"), ({"points": True}, "points"),
        ({"points": None}, "points"), ({"group": "elsewhere"}, "group"), ({"group": None}, "group"),
        ({"value": ""}, "value"), ({"value": "x" * 201}, "value"), ({"value": "a\x00b"}, "value"),
        ({"value": "\ud800"}, "value"), ({"value": ["Ulm"]}, "value"), ({"value": 5}, "value"),
        ({"operator": "at_least", "value": 5}, "operator"), ({"operator": "is_missing", "value": "x"}, "value"),
        ({"operator": "in", "value": []}, "value"), ({"operator": "in", "value": ["x"] * 201}, "value"),
        ({"operator": "in", "value": [["x"]]}, "value"), ({"label": "x" * 121}, "label"), ({"cap": -1}, "cap"),
        ({"fact": "seniority", "value": "king"}, "value"), ({"fact": "employees", "value": "many"}, "value"),
        ({"fact": "employees", "value": float("nan")}, "value"), ({"fact": "employees", "value": 10**13}, "value"),
        ({"fact": "free_mail", "value": "yes"}, "value"), ({"where": [{"property": "x"}]}, "where"),
        ({"window": 30}, "window"), ({"kind": "other"}, "kind"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(change: dict[str, Any], field: str) -> None:
    assert field in errors(**ASKS | change)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"activity_kind_id": "nothing"}, "activity_kind_id"),
        ({"activity_kind_id": "email_clicked_machine"}, "activity_kind_id"),
        ({"activity_kind_id": None}, "activity_kind_id"),
        ({"window": 0}, "window"), ({"window": 731}, "window"), ({"half_life": 0}, "half_life"),
        ({"max_count": 0}, "max_count"), ({"fact": "city"}, "fact"), ({"where": "x"}, "where"),
        ({"where": [{"property": "a.b' OR 1=1", "operator": "is", "value": 1}]}, "where"),
        ({"where": [{"property": "a", "operator": "is", "value": 1, "negate": True}]}, "where"),
        ({"where": [{"property": "a", "operator": "matches", "value": "x"}]}, "where"),
        ({"where": [{"property": "a", "operator": "is", "value": 1}] * 6}, "where"),
        ({"where": [{"property": "religion", "operator": "is", "value": "x"}]}, "where"),
    ],
)  # fmt: skip
def test_what_is_wrong_about_an_activity_is_said_at_its_field(change: dict[str, Any], field: str) -> None:
    assert field in errors(**DID | change)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(st.sampled_from(sorted(validation.KEYS)) | st.text(max_size=12), ANYTHING, max_size=8),
    kind=st.sampled_from(Criterion.Kind.values) | ANYTHING,
    fact_key=st.sampled_from(sorted(FACTS)) | ANYTHING,
    operator=st.sampled_from(sorted(OPERATORS)) | ANYTHING,
    value=ANYTHING,
)
def test_anything_is_refused_by_field_or_can_be_stored(
    db: None, said: dict[str, Any], kind: Any, fact_key: Any, operator: Any, value: Any
) -> None:
    asked = {"points": 3, "group": "who", "kind": kind, "fact": fact_key, "operator": operator, "value": value} | said
    try:
        found = validation.criterion(asked, groups={"who"})
    except ValidationError as error:
        assert error.message_dict
        return
    json.dumps(found, allow_nan=False).encode()
    assert validation.criterion(found, groups={"who"}) == found
    if found["kind"] in Criterion.OF_FACTS:
        assert OPERATORS[found["operator"]].accepts(found["value"])


@pytest.mark.parametrize(
    "name",
    ["religion", "Konfession", "church_member", "ethnicity", "Gewerkschaft", "trade union", "tradeUnion", "Krankheit",
     "health_status", "Schwerbehinderung", "political party", "sexual_orientation", "Partei", "Behinderungsgrad"],
)  # fmt: skip
def test_special_categories_are_refused_with_a_reason(name: str) -> None:
    assert "GDPR Art. 9" in errors(**ASKS | {"fact": f"custom.{name}"})["fact"][0]
    assert name in special_categories.refusal(name)


@pytest.mark.parametrize("name", ["age", "Alter", "Geburtsdatum", "gender", "Geschlecht", "nationality", "PLZ"])
def test_delicate_fields_pass_with_a_warning(name: str, cast: Cast) -> None:
    contact = a_lead().contact
    Contact.objects.filter(pk=contact.pk).update(custom={name: "x"})
    draft = a_draft([fact(f"custom.{name}", "is", "x"), fact("postcode", "is", "10115")], bar_total=200)
    marked = {d.criterion: d for d in doubts.of(draft) if d.criterion}
    assert [d.mark for d in marked.values()] == ["delicate", "delicate"]
    assert not any(d.blocks for d in marked.values())


@pytest.mark.parametrize("name", ["Branche", "product", "package", "stage", "Umsatz", "trace", "imagepath", "usage"])
def test_ordinary_fields_are_left_alone(name: str) -> None:
    assert special_categories.refusal(name) == special_categories.warning(name) == ""


def marks(draft: ScorecardVersion) -> list[tuple[str, bool]]:
    return [(doubt.mark, doubt.blocks) for doubt in doubts.of(draft) if doubt.criterion]


def span(low: float, high: float) -> dict[str, Any]:
    return fact("employees", "between", [low, high])


def where(*comparisons: tuple[str, Any]) -> dict[str, Any]:
    return did("page_view", where=[{"property": "n", "operator": op, "value": value} for op, value in comparisons])


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        (span(5, 3), [("never true", True)]),
        (span(3, 5), []),
        (where(("at_least", 5), ("at_most", 3)), [("never true", True)]),
        (where(("at_least", 3), ("at_most", 5)), []),
        (where(("is", "a"), ("is", "b")), [("never true", True)]),
        (where(("is_missing", None), ("is_known", None)), [("never true", True)]),
        (where(("starts_with", "/p"), ("contains", "price")), []),
        (where(("is_not", "a"), ("is_known", None)), []),
        (fact("custom.gone", "is", "x"), [("field is gone", True)]),
        (fact("city", "is", "Ulm", points=0), [("no points", False)]),
        (fact("city", "is", "Ulm", cap=0), [("no points", False)]),
        (fact("city", "is_missing", points=0) | {"kind": "missing"}, []),
    ],
)
def test_what_is_dead_or_contradicts_itself_is_marked(criterion: Any, expected: Any) -> None:
    assert marks(a_draft([criterion])) == expected


def test_criteria_that_repeat_or_undo_each_other_are_marked() -> None:
    asks = fact("city", "is", "Ulm")
    assert marks(a_draft([asks, asks | {"points": -3}])) == [("contradicts", False)]
    ScorecardVersion.objects.filter(state="draft").delete()
    assert marks(a_draft([asks, asks])) == [("asked twice", False)]


def test_a_criterion_that_holds_for_nobody_is_marked() -> None:
    draft = a_draft([fact("city", "is", "Ulm")])
    (criterion,) = draft.criteria.all()
    assert [d.mark for d in doubts.of(draft, {criterion.pk: 0}) if d.criterion] == ["never true"]
    assert [d.mark for d in doubts.of(draft, {criterion.pk: 1}) if d.criterion] == []


def test_a_bar_above_everything_blocks(db: None) -> None:
    groups = [{**GROUPS[0], "maximum": 30}, {**GROUPS[1], "maximum": 30}]
    criteria = [fact("city", "is", "Ulm", points=25), did("white_paper")]
    assert [d.mark for d in doubts.blocking(a_draft(criteria, groups))] == ["out of reach"]
    ScorecardVersion.objects.filter(state="draft").delete()
    assert doubts.blocking(a_draft(criteria, groups, bar_fit=25, bar_engagement=30, leave_total=10)) == []


def test_reachable_counts_caps_and_counts(db: None) -> None:
    draft = a_draft([
        fact("city", "is", "Ulm", points=25), fact("country", "is", "DE", points=-50), did("white_paper", 10, cap=25),
        did("webinar_attended", 10, max_count=3, half_life=5),
    ])  # fmt: skip
    assert doubts.reachable(draft.groups.all(), draft.criteria.all()) == {"fit": 25, "engagement": 55}


def test_the_leave_bar_is_below_the_bar() -> None:
    said = {
        "letter_a": 60, "letter_b": 40, "letter_c": 20, "digit_1": 60, "digit_2": 40, "digit_3": 20, "bar_fit": 40,
        "bar_engagement": 40, "bar_total": 110, "bar_total_fit": 1, "leave_total": 70, "skip_review": ["A1"],
    }  # fmt: skip
    assert validation.bars(said) == said
    for change, field in (
        ({"leave_total": 80}, "leave_total"), ({"letter_b": 60}, "letter_b"), ({"digit_3": 0}, "digit_3"),
        ({"bar_total_fit": 0}, "bar_total_fit"), ({"bar_total": 201}, "bar_total"),
        ({"skip_review": ["E5"]}, "skip_review"), ({"skip_review": [[]]}, "skip_review"),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as caught:
            validation.bars(said | change)
        assert list(caught.value.message_dict) == [field]
