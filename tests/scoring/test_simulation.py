"""A preview writes nothing and says what publishing then does, to the last lead."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import activities, consents
from leads import lifecycle
from leads.models import Lead
from scoring import drain, reference, simulation, trial
from scoring.flow import WEEKS
from scoring.models import ContactSignals, Criterion, FitPredicate, Matcher, Score, ScorecardVersion
from scoring.packing import points_of
from tests.cast import Cast, a_lead, ada, an_mql, offered, reason
from tests.scoring.cards import a_draft, did, fact, in_force
from tests.scoring.test_equality import ON_DATABASE, activity_criteria, fit_criteria, people, settle_in, undone

pytestmark = pytest.mark.django_db


def does(lead: Lead, *kinds: str, days_ago: int = 0, **properties: Any) -> None:
    for kind in kinds:
        at = timezone.now() - timedelta(days=days_ago)
        activities.record(lead.contact, kind, at=at, properties=properties)
    drain.drain()


def stored_tables() -> tuple[Any, ...]:
    """Return everything a publish would write."""
    return (
        list(Score.objects.order_by("pk").values_list("pk", "total", "seq")),
        list(Lead.objects.order_by("pk").values_list("pk", "stage", "version")),
        [(c, bytes(d), bytes(b)) for c, d, b in ContactSignals.objects.values_list("contact_id", "data", "fit_bits")],
        Matcher.objects.count(), FitPredicate.objects.count(), ScorecardVersion.objects.count(),
        list(Criterion.objects.order_by("pk").values_list("pk", "slot", "matcher", "predicate")),
    )  # fmt: skip


def said_and_done(draft: ScorecardVersion) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the preview says and what publishing does, in the same words."""
    told = simulation.preview(draft.pk)
    silent = draft.criteria.filter(points=0) | draft.criteria.filter(cap=0) | draft.criteria.filter(kind="hand_raise")
    booking = set(draft.criteria.values_list("key", flat=True)) - set(silent.values_list("key", flat=True))
    run = in_force(draft)
    scores = list(Score.objects.all())
    slots = dict(draft.criteria.values_list("slot", "key"))
    fires: Counter[str] = Counter()
    for score in scores:
        fires.update(slots[slot] for slot, points in enumerate(points_of(bytes(score.points))) if points)
    classes = Counter(min(score.total // simulation.CLASS, 19) for score in scores)
    said = {
        "leads": told.leads, "rises": told.rises, "falls": told.falls, "after": told.after, "grades": told.grades,
        "fires": {e.criterion.key: e.fires for e in told.effects if e.fires and e.criterion.key in booking},
    }  # fmt: skip
    done = {
        "leads": len(scores), "rises": run.promoted, "falls": run.demoted, "after": [classes[n] for n in range(20)],
        "grades": dict(Counter(score.grade for score in scores)),
        "fires": {key: n for key, n in fires.items() if key in booking},
    }  # fmt: skip
    return said, done


@settings(max_examples=20, **ON_DATABASE)
@given(
    old=st.lists(st.one_of(fit_criteria(), activity_criteria()), min_size=1, max_size=4),
    new=st.lists(st.one_of(fit_criteria(), activity_criteria()), min_size=1, max_size=6),
    crowd=st.lists(people(), min_size=1, max_size=6),
    bars=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 30), st.integers(0, 20)),
)
def test_the_preview_says_what_publishing_does(old: Any, new: Any, crowd: Any, bars: tuple[int, ...]) -> None:
    thresholds = dict(zip(("bar_fit", "bar_engagement", "bar_total", "leave_total"), bars, strict=True))
    with undone():
        for person in crowd:
            settle_in(person)
        drain.drain()
        in_force(a_draft(old, bar_fit=5, bar_engagement=0, bar_total=5, leave_total=0))
        draft = a_draft([*new, *({**one, "key": f"kept{n}"} for n, one in enumerate(old))], **thresholds)
        before = stored_tables()
        said, done = said_and_done(draft)
        assert before[3:6] == (before[3], before[4], before[5])
        assert said == done


def test_a_preview_writes_nothing(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "white_paper", "page_view", path="/x")
    draft = a_draft([did("page_view", where=[{"property": "path", "operator": "is", "value": "/x"}], points=60),
                     fact("job_title", "contains", "market", points=50)], bar_total=100)  # fmt: skip
    before = stored_tables()
    told = simulation.preview(draft.pk)
    assert (told.rises, told.after[11]) == (1, 1)
    assert stored_tables() == before
    (shift,) = told.names
    assert (shift.lead_id, shift.before, shift.after, shift.move) == (lead.pk, 80, 110, "rises")
    assert dict(shift.reasons)["Criterion 0"] == 60


def test_a_sales_signal_is_no_reason(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "pricing_view", "white_paper")
    draft = a_draft([did("white_paper", points=60), did("pricing_view", kind="sales_signal", group="", points=1),
                     fact("country", "is", "DE", points=50)], bar_total=100)  # fmt: skip
    (shift,) = simulation.preview(draft.pk).names
    assert not {label for label, _points in shift.reasons} & {"Looked at the prices", "Criterion 1"}


def test_who_was_handed_over_or_lifted_by_a_person_stays(cast: Cast) -> None:
    sold = offered(cast)
    by_hand = an_mql(cast, contact=ada(email="b@acme.example"))
    by_score = a_lead(ada(email="c@acme.example"))
    does(by_score, "demo_request")
    by_score.refresh_from_db()
    assert by_score.stage == "mql"
    does(sold, "white_paper")
    does(by_hand, "white_paper")
    draft = a_draft([did("white_paper", points=1)], leave_total=50)
    told = simulation.preview(draft.pk)
    assert (told.falls, told.offered_stay, told.made_by_people) == (1, 1, 1)
    assert [shift.lead_id for shift in told.names] == [by_score.pk]
    said, done = said_and_done(draft)
    assert said == done


def test_nobody_is_promised_whom_the_guards_refuse(cast: Cast) -> None:
    objects, gone, hidden, fine = (a_lead(ada(email=f"{name}@acme.example", phone="")) for name in "abcd")
    for lead in (objects, gone, hidden, fine):
        does(lead, "white_paper")
    consents.note(objects.contact, "objected", purpose="offer", source="test")
    consents.suppress("b@acme.example", "asked")
    type(hidden.contact).objects.filter(pk=hidden.contact_id).update(email="", email_key="")
    draft = a_draft([did("white_paper", points=90), fact("has_company", "is", True, points=50)])
    told = simulation.preview(draft.pk)
    assert (told.rises, told.refused) == (1, 3)
    said, done = said_and_done(draft)
    assert said["rises"] == done["rises"] == 1


def test_a_criterion_decides_where_nothing_else_would(cast: Cast) -> None:
    one, both = a_lead(ada(email="a@acme.example")), a_lead(ada(email="b@acme.example"))
    does(one, "white_paper")
    does(both, "white_paper", "webinar_attended")
    draft = a_draft([did("white_paper", points=40), did("webinar_attended", points=40),
                     fact("has_company", "is", True, points=20), did("video_view", points=5)],
                    bar_fit=20, bar_engagement=30, bar_total=200)  # fmt: skip
    effects = {e.criterion.key: (e.fires, e.decides) for e in simulation.preview(draft.pk).effects}
    assert effects == {"c0": (2, 1), "c1": (1, 0), "c2": (2, 2), "c3": (0, 0)}


@settings(max_examples=15, **ON_DATABASE)
@given(
    criteria=st.lists(st.one_of(fit_criteria(), activity_criteria()), min_size=2, max_size=6),
    crowd=st.lists(people(), min_size=1, max_size=4),
    bars=st.tuples(st.integers(1, 15), st.integers(1, 15), st.integers(1, 30)),
)
def test_decisive_is_what_a_reckoning_without_it_says(criteria: Any, crowd: Any, bars: tuple[int, ...]) -> None:
    with undone():
        for person in crowd:
            settle_in(person)
        drain.drain()
        draft = a_draft(criteria, **dict(zip(("bar_fit", "bar_engagement", "bar_total"), bars, strict=True)))
        told = {e.criterion.key: e.decides for e in simulation.preview(draft.pk).effects}
        leads = list(Lead.objects.all())
        whole = reference.whole(draft.pk)
        day = simulation.publish_day()
        sides = {pk: r.verdict.at_bar for pk, r in reference.of_leads(leads, whole, day).items()}
        for criterion in whole.criteria.all():
            without = reference.whole(draft.pk)
            without._prefetched_objects_cache["criteria"] = [  # type: ignore[attr-defined]
                c for c in without.criteria.all() if c.key != criterion.key
            ]
            others = reference.of_leads(leads, without, day)
            assert told[criterion.key] == sum(r.verdict.at_bar != sides[pk] for pk, r in others.items())


def test_twenty_real_leads_changed_ones_on_top(cast: Cast) -> None:
    leads = [a_lead(ada(email=f"{n}@acme.example", country="DE" if n % 2 else "US")) for n in range(6)]
    for lead in leads:
        does(lead, "white_paper")
    live = Score.objects.get(lead=leads[0]).version_id
    assert not any(shift.changed for shift in simulation.around_the_bar(live))
    draft = a_draft([did("white_paper", points=10), fact("country", "is", "DE", points=95)], bar_total=100)
    shifts = simulation.around_the_bar(draft.pk)
    assert [shift.move for shift in shifts] == ["rises"] * 3 + [""] * 3
    assert {shift.lead_id for shift in shifts[:3]} == {lead.pk for lead in leads[1::2]}
    assert simulation.around_the_bar(draft.pk, most=2) == sorted(
        simulation.around_the_bar(draft.pk, most=2), key=lambda s: not s.move
    )


def test_twenty_leads_cost_the_same_for_few_and_many(cast: Cast) -> None:
    draft = a_draft([did("white_paper", points=10), fact("country", "is", "DE", points=95)])
    does(a_lead(ada(email="first@acme.example")), "white_paper")
    with CaptureQueriesContext(connection) as few:
        simulation.around_the_bar(draft.pk)
    for n in range(12):
        does(a_lead(ada(email=f"{n}@acme.example")), "white_paper")
    with CaptureQueriesContext(connection) as many:
        simulation.around_the_bar(draft.pk)
    assert len(many) <= len(few) + 2 <= 30


def test_the_flow_counts_who_came_over_the_bar_week_by_week(cast: Cast) -> None:
    for n, days in enumerate((3, 10, 17, 40)):
        does(a_lead(ada(email=f"{n}@acme.example"), at=timezone.now() - timedelta(days=60)), "white_paper",
             days_ago=days)  # fmt: skip
    draft = a_draft([did("white_paper", points=60), fact("has_company", "is", True, points=60)])
    flow = simulation.preview(draft.pk).flow
    assert flow is not None
    assert (flow.draft, flow.live) == (3 / WEEKS, 0)
    assert flow.places == 3 * 50


def test_a_closed_round_and_an_objection_to_profiling_are_no_news(cast: Cast) -> None:
    rests = an_mql(cast)
    does(rests, "white_paper")
    lifecycle.advance(rests, "disqualify", by=cast.mia, reason=reason("disqualify"))
    silent = a_lead(ada(email="b@acme.example"))
    consents.note(silent.contact, "objected", purpose="profiling", source="test")
    does(silent, "white_paper")
    draft = a_draft([did("white_paper", points=90), fact("has_company", "is", True, points=50)])
    told = simulation.preview(draft.pk)
    assert (told.rises, told.leads) == (0, 1)


def test_a_trial_uses_the_answers_that_are_stored(cast: Cast) -> None:
    draft = a_draft([did("white_paper"), fact("country", "in", ["DE", "AT", "CH"]), fact("city", "is", "Ulm")])
    ready = trial.of(draft.pk)
    assert not ready.new.matchers
    assert [p.fact for p in ready.new.predicates] == ["city"]


def test_a_criterion_without_points_still_says_for_whom_it_holds(cast: Cast) -> None:
    for n in range(3):
        does(a_lead(ada(email=f"{n}@acme.example", job_title="" if n else "CEO")), "white_paper")
    title = fact("job_title", "is_missing", points=0, kind="missing")
    draft = a_draft([title, did("white_paper", points=0), did("white_paper", points=9, cap=0)])
    told = simulation.preview(draft.pk)
    assert [e.fires for e in told.effects] == [2, 3, 3]
    in_force(draft)
    assert [(e.before, e.fires, e.is_changed) for e in simulation.preview(draft.pk).effects] == [
        (2, 2, False), (3, 3, False), (3, 3, False),
    ]  # fmt: skip
