"""The score of a past day equals what was stored that day; what would change a score equals reckoning it anew."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import activities, consents, contacts
from crm.workdays import date_of, local_day, today, workspace_zone
from leads import capture, lifecycle
from leads.models import Lead
from scoring import as_of, drain, ledger, pointer, publishing, reference, what_if
from scoring.facts import COLUMNS, NO_LEAD
from scoring.models import ActiveScoring, Criterion, Score, ScoreHistory
from tests.cast import Cast, a_lead, ada, an_mql, reason
from tests.scoring.cards import a_draft, did, fact, in_force
from tests.scoring.test_backtest import at, days_ago
from tests.scoring.test_equality import activity_criteria, fit_criteria, happenings, on_paper

pytestmark = pytest.mark.django_db
KINDS = ("white_paper", "pricing_view", "webinar_attended", "careers_view", "demo_request")
TITLES = ("Head of Sales", "Student", "", "Geschäftsführerin", "Marketing Manager")

FIRST = [fact("function", "is", "sales", 15), did("white_paper", 20, half_life=9), did("webinar_attended", 25, cap=60)]
SECOND = [
    fact("seniority", "is", "head", 30), did("white_paper", 15, half_life=5), fact("employees", "at_least", 100, 20),
    did("careers_view", -10),
]  # fmt: skip
THIRD = [
    fact("country", "is", "DE", 12), did("white_paper", 9, max_count=2, window=9), did("pricing_view", 8, cap=20),
    fact("job_title", "is_missing", None, -5),
]  # fmt: skip


def night() -> None:
    pointer.turn_day()
    assert publishing.carry_on(seconds=60)


# --- Against what was stored ----------------------------------------------------------------------


def lived(cast: Cast, people: int, days: int, seed: int) -> list[Lead]:
    """Let a few leads live day by day: activities, late ones too, changes of profile and company, three versions."""
    dice = random.Random(seed)
    first = today() - days
    ActiveScoring.objects.update(as_of_day=first)
    rules = {0: FIRST, days // 3: SECOND, days // 2: THIRD}
    leads: list[Lead] = []
    for day in range(days + 1):
        noon = datetime.combine(date_of(first + day), time(12), workspace_zone())
        moment = min(noon.astimezone(UTC), timezone.now())
        with at(moment):
            night()
            if day in rules:
                in_force(a_draft(rules[day]))
            leads = leads or [someone(n) for n in range(people)]
            for lead in leads:
                lives(lead, dice, moment)
            drain.drain()
    return leads


def someone(number: int) -> Lead:
    own = contacts.create_company({"name": f"Company {number}", "employees": 20}, by=None, source="t")
    return a_lead(ada(email=f"{number}@acme.example", company_id=own.pk))


def lives(lead: Lead, dice: random.Random, moment: datetime) -> None:
    if dice.random() < 0.45:
        late = timedelta(days=dice.choice([0, 0, 1, 4]))
        activities.record(lead.contact, dice.choice(KINDS), at=moment - late)
    if dice.random() < 0.2:
        values: dict[str, Any] = {"job_title": dice.choice(TITLES), "country": dice.choice(["DE", "US", ""])}
        lead.contact.refresh_from_db()
        contacts.update_contact(lead.contact, values, by=None, source="t")
    if dice.random() < 0.1:
        company = lead.contact.company
        assert company is not None
        company.refresh_from_db()
        contacts.update_company(company, {"employees": dice.choice([None, 5, 60, 500])}, by=None, source="t")


@pytest.mark.parametrize("people", [7, pytest.param(18, marks=pytest.mark.soak)])
def test_a_past_day_equals_what_was_stored_that_day(cast: Cast, people: int) -> None:
    leads = {lead.pk: lead for lead in lived(cast, people=people, days=42, seed=5)}
    last: dict[tuple[int, int], ScoreHistory] = {}
    for row in ScoreHistory.objects.filter(lead__in=leads).order_by("id"):
        last[row.lead_id, row.day] = row
    assert len(last) >= 11 * people
    wrong = []
    for (lead, day), row in last.items():
        told = as_of.of(leads[lead], day).told
        assert told is not None
        if (told.verdict.total, told.verdict.grade, told.version.pk) != (row.after, row.grade, row.version_id):
            wrong.append((lead, date_of(day), row.after, told.verdict.total))
    assert wrong == []
    assert len({row.version_id for row in last.values()}) == 3
    assert {row.cause for row in last.values()} >= {"activity", "profile", "publish"}
    assert_close_between_rows(leads, last)
    for one in leads.values():
        told = as_of.of(one, today()).told
        assert told is not None
        assert told.verdict.total == Score.objects.get(lead=one).total


def assert_close_between_rows(leads: dict[int, Lead], last: dict[tuple[int, int], ScoreHistory]) -> None:
    """On days without a row the score is less than 5 points from the row before."""
    tried = 0
    for (lead, day), row in last.items():
        if (lead, day + 1) in last or day + 1 > today() or tried > 60:
            continue
        told = as_of.of(leads[lead], day + 1).told
        assert told is not None
        assert abs(told.verdict.total - (row.after or 0)) < 5
        tried += 1
    assert tried > 20


def test_what_came_later_does_not_count(cast: Cast) -> None:
    with at(days_ago(20)):
        lead = a_lead(ada(job_title="Head of Sales"))
    in_force(a_draft([fact("seniority", "is", "head", 30), did("white_paper", 10)]))
    with at(days_ago(5)):
        contacts.update_contact(lead.contact, {"job_title": "Student"}, by=None, source="t")
        activities.record(lead.contact, "white_paper", at=days_ago(12))  # reached us late
    version = reference.whole(pointer.read().version_id)  # type: ignore[union-attr]
    totals = [as_of.of(lead, today() - days, version).today.verdict.total for days in (10, 3)]  # type: ignore[union-attr]
    assert totals == [30, 10]


def test_the_version_of_that_day_and_the_one_of_today(cast: Cast, client: Client) -> None:
    lead = lived(cast, people=1, days=12, seed=3)[0]
    now = reference.whole(pointer.read().version_id)  # type: ignore[union-attr]
    client.force_login(cast.mia)
    then = as_of.of(lead, today() - 7, now)
    assert then.told
    assert then.today
    assert (then.told.version.number, then.today.version.number) == (3, 4)
    page = client.get(reverse("lead_score", args=[lead.pk]), {"as_of": date_of(today() - 7).isoformat()})
    text = page.content.decode()
    for words in ("With the rules of that day", "With today’s rules, then", "Score by version 3", "The score now"):
        assert words in text
    assert f"<output>{then.told.verdict.total}</output>" in text
    assert as_of.of(lead, today(), now).same_rules


def test_before_the_first_version_only_todays_rules_tell(cast: Cast, client: Client) -> None:
    with at(days_ago(30)):
        lead = a_lead()
    client.force_login(cast.mia)
    told = as_of.version_at(days_ago(3000))
    assert told is None
    page = client.get(reverse("lead_score", args=[lead.pk]), {"as_of": date_of(today() - 20).isoformat()})
    assert "No scorecard was in force on that day yet" in page.content.decode()
    assert "With today’s rules, then" in page.content.decode()


def test_an_objection_of_that_day_leaves_no_score(cast: Cast, client: Client) -> None:
    with at(days_ago(20)):
        lead = a_lead()
    consents.note(lead.contact, "objected", purpose="profiling", source="test", at=days_ago(10))
    client.force_login(cast.mia)
    address = reverse("lead_score", args=[lead.pk])
    day = {"as_of": date_of(today() - 5).isoformat()}
    assert "Objection to profiling" in client.get(address, day).content.decode()
    consents.note(lead.contact, "granted", purpose="profiling", source="test", at=days_ago(1))
    drain.drain()
    page = client.get(address, day).content.decode()
    assert "an objection to profiling stood" in page
    assert "Score by version" not in page


def test_the_lines_of_a_past_day_add_up(cast: Cast) -> None:
    for lead in lived(cast, people=3, days=9, seed=8):
        for day in range(today() - 8, today() + 1):
            told = as_of.of(lead, day).told
            assert told is not None
            rows = ledger.rows_of(told)
            assert sum(row.points or 0 for row in rows if row.kind in {"line", "cap"}) == told.verdict.total


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: date.max, "That day has not come yet"),
        (lambda: timezone.localdate() + timedelta(days=1), "That day has not come yet"),
        (lambda: timezone.localdate() - timedelta(days=9), "This lead came in on"),
        (lambda: "gestern", "Write the day as year, month and day"),
        (lambda: "2026-02-31", "Write the day as year, month and day"),
        (lambda: "", "This field is required"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_a_sentence(cast: Cast, client: Client, asked: Any, said: str) -> None:
    with at(days_ago(4)):
        lead = a_lead()
    drain.drain()
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk]), {"as_of": str(asked())})
    assert page.status_code == 422
    assert said in page.content.decode()
    assert "Why this score" in page.content.decode()


def test_an_episode_counts_until_the_next_began(cast: Cast, client: Client) -> None:
    with at(days_ago(40)):
        first = an_mql(cast)
        drain.drain()
    with at(days_ago(20)):
        lifecycle.advance(first, "disqualify", by=cast.mia, reason=reason("disqualify"))
    with at(days_ago(10)):
        second = capture.open_lead(first.contact, source=None)
        drain.drain()
    days = as_of.days_of(first)
    assert days == (date_of(local_day(days_ago(40))), date_of(local_day(days_ago(10)) - 1))
    assert as_of.days_of(second) == (date_of(local_day(days_ago(10))), timezone.localdate())
    client.force_login(cast.mia)
    address = reverse("lead_score", args=[first.pk])
    page = client.get(address, {"as_of": date_of(today() - 5).isoformat()})
    assert (page.status_code, "This episode counted until" in page.content.decode()) == (422, True)
    assert client.get(address, {"as_of": date_of(today() - 30).isoformat()}).status_code == 200


def test_a_past_day_is_seen_by_those_who_see_the_lead(cast: Cast, client: Client) -> None:
    lead = a_lead(owner=cast.sam)
    drain.drain()
    day = {"as_of": timezone.localdate().isoformat()}
    for user, status in ((cast.rosa, 404), (cast.sam, 200), (cast.lena, 200), (cast.mia, 200)):
        client.force_login(user)
        assert client.get(reverse("lead_score", args=[lead.pk]), day).status_code == status


def test_a_past_day_costs_the_same_for_few_and_many_activities(cast: Cast, client: Client) -> None:
    with at(days_ago(9)):
        lead, other = a_lead(), a_lead(ada(email="b@acme.example"))
        activities.record(lead.contact, "white_paper")
        for kind in KINDS * 6:
            activities.record(other.contact, kind)
    for title in TITLES * 3:
        contacts.update_contact(other.contact, {"job_title": title}, by=None, source="t")
    for one in (lead, other):
        contacts.update_contact(one.contact, {"job_title": "CEO"}, by=None, source="t")
    drain.drain()
    client.force_login(cast.mia)
    counts = []
    for one in (lead, lead, other):
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("lead_score", args=[one.pk]), {"as_of": date_of(today() - 2).isoformat()})
        counts.append(len(asked))
    assert counts[1] == counts[2] <= 45


# --- What would change it -------------------------------------------------------------------------

DAY = 20_000
BOUNDS = st.lists(st.tuples(st.integers(-60, 0), st.integers(0, 120)), min_size=3, max_size=3)
WHO: dict[str, Any] = {"first_name": "Ada"} | dict.fromkeys(COLUMNS[2:], "") | NO_LEAD | {
    "company_id": None, "company__employees": None, "custom": {}, "company__custom": None, "job_title": "Student",
    "seniority": "student",
}  # fmt: skip


def a_case(fits: list[Any], doings: list[Any], bounds: Any, happened: Any, bar: int) -> what_if.Case:
    version = on_paper(fits, doings, bounds)
    version.bar_fit = version.bar_engagement = bar
    version.bar_total, version.bar_total_fit = 2 * bar, 1
    done = [(pk, kind, DAY - days, properties) for pk, (kind, days, properties) in enumerate(happened)]
    return what_if.Case(reference.reckon(version, WHO, done, DAY), WHO, done)


def by_reference(case: what_if.Case, chosen: tuple[what_if.Step, ...]) -> reference.Verdict:
    """Reckon the whole score anew after the steps."""
    profile, done = dict(case.profile), list(case.done)
    for number, step in enumerate(chosen):
        profile |= step.values
        if step.activity:
            done.append((10**6 + number, step.activity[0], DAY, dict(step.activity[1])))
    return reference.reckon(case.told.version, profile, done, DAY).verdict


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    fits=st.lists(fit_criteria(), max_size=4), doings=st.lists(activity_criteria(), min_size=1, max_size=6),
    bounds=BOUNDS, happened=happenings, bar=st.integers(1, 60),
)  # fmt: skip
def test_the_smallest_changes_equal_the_reference(
    fits: list[Any], doings: list[Any], bounds: Any, happened: Any, bar: int
) -> None:
    case = a_case(fits, doings, bounds, happened, bar)
    if case.told.verdict.at_bar:
        return
    found = what_if.smallest_changes(case)
    for change in found:
        verdict = by_reference(case, change.steps)
        assert (verdict.total, verdict.at_bar) == (change.total, change.at_bar) == (change.total, True)
    reaching = [step for step in what_if.steps(case) if by_reference(case, (step,)).at_bar]
    assert {len(change.steps) for change in found} <= ({1} if reaching else {2})
    assert len(found) >= min(len(reaching), what_if.SHOWN)
    if not found:  # then no two of all steps do it: in so small a card all are tried
        every = what_if.steps(case)
        assert len(every) <= what_if.PAIRED
        assert not any(by_reference(case, (a, b)).at_bar for a in every for b in every if a.activity and b.activity)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    fits=st.lists(fit_criteria(), max_size=4), doings=st.lists(activity_criteria(), min_size=1, max_size=6),
    bounds=BOUNDS, happened=happenings, bar=st.integers(1, 30),
)  # fmt: skip
def test_leaving_one_out_equals_the_reference_without_it(
    fits: list[Any], doings: list[Any], bounds: Any, happened: Any, bar: int
) -> None:
    case = a_case(fits, doings, bounds, happened, bar)
    version = case.told.version
    every = list(version.criteria.all())
    for criterion in every:
        criterion.label = criterion.key
    told = what_if.leave_out(case.told, most=99)
    for line in case.told.bookings():
        if line.points <= 0 or not line.criterion.is_summed:
            continue
        change = next(c for c in told if c.label == f"Without “{line.criterion.key}”")
        version._prefetched_objects_cache["criteria"] = [c for c in every if c.pk != line.criterion.pk]  # type: ignore[attr-defined]
        verdict = reference.reckon(version, WHO, case.done, DAY).verdict
        assert (verdict.total, verdict.at_bar) == (change.total, change.at_bar)


def test_a_fact_that_would_do_it_does_it(cast: Cast) -> None:
    """What the page says comes true when somebody enters it."""
    lead = a_lead(ada(job_title="", country="US"))
    in_force(a_draft([fact("country", "is", "DE", 40), fact("job_title", "is_missing", None, -10), did("white_paper")],
                     bar_fit=30, bar_engagement=0, bar_total=200))  # fmt: skip
    told = ledger.of(lead)
    assert [(c.label, c.total, c.detail) for c in told.changes] == [("Country is DE", 30, "US")]
    contacts.update_contact(lead.contact, {"country": "DE"}, by=None, source="t")
    drain.drain()
    score = Score.objects.get(lead=lead)
    assert (score.total, score.at_bar) == (30, True)


def test_two_steps_where_no_single_one_is_enough(cast: Cast) -> None:
    lead = a_lead(ada(city="", job_title=""))
    in_force(a_draft([fact("city", "is", "Ulm", 20), did("white_paper", 20)], bar_fit=20, bar_engagement=20))
    (change,) = ledger.of(lead).changes
    assert (change.label, change.kind, change.total) == ("Downloaded a white paper and City is Ulm", "both", 40) or (
        change.label == "City is Ulm and Downloaded a white paper"
    )
    contacts.update_contact(lead.contact, {"city": "Ulm"}, by=None, source="t")
    activities.record(lead.contact, "white_paper")
    drain.drain()
    assert Score.objects.get(lead=lead).at_bar


def test_an_activity_with_a_condition_is_proposed_with_it(cast: Cast) -> None:
    lead = a_lead()
    where = [{"property": "topic", "operator": "in", "value": ["pricing", "demo"]}]
    in_force(a_draft([did("page_view", 30, where=where)], bar_fit=0, bar_engagement=30))
    (change,) = ledger.of(lead).changes
    assert "where topic is one of pricing, demo" in change.label
    assert change.steps[0].activity == ("page_view", {"topic": "pricing"})


def test_without_both_where_either_alone_holds_the_bar(cast: Cast, client: Client) -> None:
    lead = a_lead()
    for kind in ("white_paper", "webinar_attended"):
        activities.record(lead.contact, kind)
    in_force(a_draft([did("white_paper", 30, label="Paper"), did("webinar_attended", 40, label="Webinar")],
                     bar_fit=0, bar_engagement=20))  # fmt: skip
    told = [(change.label, change.total, change.at_bar) for change in ledger.of(lead).changes]
    assert told == [
        ("Without “Webinar”", 30, True), ("Without “Paper”", 40, True), ("Without “Webinar” and “Paper”", 0, False),
    ]  # fmt: skip
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk])).content.decode()
    assert (
        "Leave one out and the score would be, instead of 70 (MQL from 110, or from fit 0 with engagement 20):" in page
    )


def test_a_raised_hand_is_what_made_it(cast: Cast) -> None:
    lead = a_lead()
    activities.record(lead.contact, "demo_request")
    activities.record(lead.contact, "white_paper")
    in_force(a_draft([did("demo_request", 0, kind=Criterion.Kind.HAND_RAISE, label="Demo"), did("white_paper")]))
    told = ledger.of(lead)
    assert told.at_bar
    assert ("Without “Demo”", False) in [(change.label, change.at_bar) for change in told.changes]
