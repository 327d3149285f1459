"""From an activity to a score: the drain, promotion, rounds, objections, episodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import activities, consents, contacts
from crm.models import Contact
from leads import lifecycle
from leads.explanations import explain
from leads.models import Lead, Standing
from scoring import bringing_up, drain, reference
from scoring.models import ActiveScoring, ContactSignals, PendingActivity, PendingContact, Score, ScoreHistory
from tests.cast import Cast, a_lead, ada, an_mql, next_month, reason

pytestmark = pytest.mark.django_db

ENOUGH = ("newsletter_signup", "white_paper", "white_paper", "webinar_attended")


def does(contact: Contact, *kinds: str, days_ago: int = 0, **properties: Any) -> None:
    """Record activities of `contact`, some days ago."""
    for kind in kinds:
        activities.record(contact, kind, at=timezone.now() - timedelta(days=days_ago), properties=properties)


def shown(lead: Lead) -> tuple[int | None, str, int]:
    """Return (score, grade, rank) as the boards see them."""
    return Standing.objects.values_list("score", "grade", "rank").get(lead=lead)


def stage(lead: Lead) -> tuple[str, int, bool]:
    """Return (stage, round, round is open) as the database has them."""
    return Lead.objects.values_list("stage", "round", "round_open").get(pk=lead.pk)


def assert_equals_reference(lead: Lead) -> None:
    """Compare what is stored with a fresh reckoning from the raw activities."""
    active = ActiveScoring.objects.get()
    told = reference.of_lead(lead, reference.whole(active.version_id), active.as_of_day)
    score = Score.objects.get(lead=lead)
    verdict = told.verdict
    assert (score.fit, score.engagement, score.total) == (verdict.fit, verdict.engagement, verdict.total)
    assert (score.grade, score.at_bar) == (verdict.grade, verdict.at_bar)


def test_a_marketing_manager_of_a_mid_size_company_becomes_mql() -> None:
    lead = a_lead()
    does(lead.contact, *ENOUGH)
    drain.drain()
    lead.refresh_from_db()
    assert (lead.stage, lead.last_change.actor, lead.standing.lane) == ("mql", "system", "mql")
    assert shown(lead) == (70 + 45, "A2", 115)
    assert (lead.last_change.score, lead.last_change.grade) == (115, "A2")
    assert_equals_reference(lead)


def test_a_student_of_an_unknown_company_does_not() -> None:
    lead = a_lead(ada(job_title="Student", company_id=None, country=""))
    does(lead.contact, *ENOUGH)
    drain.drain()
    assert stage(lead)[0] == "lead"
    assert shown(lead) == (45, "D2", 45)


def test_the_same_person_without_the_webinar_is_not_there_yet() -> None:
    lead = a_lead()
    does(lead.contact, "newsletter_signup", "white_paper", "white_paper")
    drain.drain()
    assert stage(lead)[0] == "lead"
    told = explain([lead.pk])[lead.pk]
    assert (told.score, told.grade, told.missing) == (95, "A3", 15)
    assert [(r.label, r.points) for r in told.reasons[:2]] == [
        ("Mid-size company, 50 to 999 people", 20),
        ("White paper ×2", 20),
    ]


def test_a_raised_hand_makes_an_mql_whatever_the_fit() -> None:
    lead = a_lead(ada(job_title="Student", company_id=None, country=""))
    does(lead.contact, "demo_request")
    drain.drain()
    assert stage(lead)[0] == "mql"


def test_a_promotion_the_guards_refuse_leaves_the_score_and_the_lead(cast: Cast) -> None:
    lead = a_lead(ada(email="", phone=""))
    does(lead.contact, *ENOUGH)
    drain.drain()
    assert stage(lead)[0] == "lead"
    assert shown(lead)[0] == 115
    contacts.update_contact(lead.contact, {"email": "ada@acme.example"}, by=cast.mia, source="test")
    drain.drain()
    assert stage(lead)[0] == "mql"


def test_a_lead_becomes_mql_once_per_round(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    does(lead.contact, *ENOUGH)
    drain.drain()
    lead.refresh_from_db()
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    lifecycle.advance(lead, "wake", by=cast.mia)
    assert stage(lead) == ("lead", 2, True)
    drain.drain()
    assert stage(lead)[:2] == ("mql", 2)
    lead.refresh_from_db()
    lifecycle.advance(lead, "undo", by=cast.lena)
    does(lead.contact, "white_paper")
    drain.drain()
    assert stage(lead) == ("lead", 2, False)


def test_falling_below_the_leave_bar_opens_the_next_round(time_machine: Any) -> None:
    lead = a_lead()
    does(lead.contact, *ENOUGH)
    drain.drain()
    assert stage(lead)[0] == "mql"
    contacts.update_contact(lead.contact, {"job_title": "", "company_id": None}, by=None, source="test")
    time_machine.move_to(timezone.now() + timedelta(days=300))
    bringing_up.to_date()
    assert stage(lead) == ("lead", 2, True)
    assert lead.changes.last().verb == "demote"
    assert_equals_reference(lead)


def test_between_the_bars_nothing_moves(time_machine: Any) -> None:
    lead = a_lead()
    does(lead.contact, *ENOUGH)
    drain.drain()
    time_machine.move_to(timezone.now() + timedelta(days=90))
    bringing_up.to_date()
    score = Score.objects.get(lead=lead)
    assert (score.at_bar, score.total) == (False, 70 + 33)
    assert stage(lead) == ("mql", 1, True)


def test_an_mql_that_a_person_made_is_not_taken_back(cast: Cast) -> None:
    lead = an_mql(cast)
    bringing_up.to_date()
    assert shown(lead)[0] == 70
    contacts.update_contact(lead.contact, {"company_id": None}, by=None, source="test")
    bringing_up.to_date()
    assert shown(lead)[0] == 35
    assert stage(lead)[0] == "mql"


def test_an_objection_to_profiling_leaves_no_score() -> None:
    lead = a_lead()
    does(lead.contact, "white_paper")
    drain.drain()
    assert shown(lead) == (80, "A4", 80)
    consents.note(lead.contact, "objected", purpose="profiling", source="test")
    does(lead.contact, *ENOUGH)
    drain.drain()
    assert shown(lead) == (None, "", -1)
    assert stage(lead)[0] == "lead"
    assert not Score.objects.filter(lead=lead).exists()
    assert ScoreHistory.objects.filter(lead=lead).last().after is None
    bringing_up.to_date(rebuild=True)
    assert shown(lead) == (None, "", -1)
    consents.note(lead.contact, "confirmed", purpose="profiling", source="test")
    drain.drain()
    assert shown(lead)[0] == 125
    assert_equals_reference(lead)


def test_the_next_episode_counts_from_its_first_day_and_the_old_one_keeps_its_score(cast: Cast) -> None:
    lead = an_mql(cast)
    does(lead.contact, "white_paper", "webinar_attended", days_ago=3)
    drain.drain()
    before = shown(lead)
    lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
    does(lead.contact, "case_study")
    drain.drain()
    second = Lead.objects.get(contact=lead.contact, episode=2)
    assert shown(lead) == before
    assert shown(second) == (80, "A4", 80)
    assert_equals_reference(second)
    bringing_up.to_date(rebuild=True)
    assert (shown(lead), shown(second)[0]) == (before, 80)


def test_every_activity_counts_exactly_once() -> None:
    lead = a_lead()
    for _ in range(3):
        does(lead.contact, "white_paper")
        drain.drain()
    assert Score.objects.get(lead=lead).engagement == 30
    again = {"feed": "form", "message_id": "m1"}
    for _ in range(2):
        activities.record(lead.contact, "video_view", **again)
    drain.drain()
    assert Score.objects.get(lead=lead).engagement == 33
    assert not PendingActivity.objects.exists()
    assert not PendingContact.objects.exists()


def test_signals_equal_their_rebuild() -> None:
    lead = a_lead()
    does(lead.contact, *ENOUGH, days_ago=400)
    does(lead.contact, "white_paper", days_ago=729)
    does(lead.contact, "white_paper", days_ago=730)
    does(lead.contact, *ENOUGH)
    drain.drain()
    kept = bytes(ContactSignals.objects.get(contact=lead.contact).data)
    ContactSignals.objects.update(data=b"", fit_bits=b"", lead_id=None)
    bringing_up.to_date(rebuild=True)
    assert bytes(ContactSignals.objects.get(contact=lead.contact).data) == kept
    assert_equals_reference(lead)


def test_an_activity_of_tomorrow_does_not_count_yet(time_machine: Any) -> None:
    lead = a_lead()
    does(lead.contact, "white_paper", days_ago=-1)
    drain.drain()
    assert Score.objects.get(lead=lead).engagement == 0
    time_machine.move_to(timezone.now() + timedelta(days=1))
    drain.drain()
    bringing_up.to_date()
    assert Score.objects.get(lead=lead).engagement == 10


def test_the_history_tells_what_an_activity_changed() -> None:
    lead = a_lead()
    drain.drain()
    does(lead.contact, "white_paper")
    drain.drain()
    does(lead.contact, "call_out")
    drain.drain()
    rows = list(ScoreHistory.objects.filter(lead=lead).values_list("cause", "before", "after", "grade"))
    assert rows == [("profile", None, 70, "A4"), ("activity", 70, 80, "A4")]


def test_one_activity_takes_eight_statements() -> None:
    lead = a_lead()
    drain.drain()
    does(lead.contact, "white_paper")
    once = drain._drain_postgres if connection.vendor == "postgresql" else drain._drain_sqlite
    with CaptureQueriesContext(connection) as queries:
        assert once() == 1
    work = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    # SQLite asks twice whether anything has changed, because it computes without the write lock.
    assert len(work) == (8 if connection.vendor == "postgresql" else 10), "\n".join(sql[:120] for sql in work)


def test_explanations_cost_the_same_for_one_and_three() -> None:
    leads = [a_lead(ada(email=f"ada{n}@acme.example")) for n in range(3)]
    for lead in leads:
        does(lead.contact, "white_paper")
    drain.drain()
    explain([leads[0].pk])
    with CaptureQueriesContext(connection) as one:
        explain([leads[0].pk])
    with CaptureQueriesContext(connection) as three:
        told = explain([lead.pk for lead in leads])
    assert len(one) == len(three) == 2
    assert [told[lead.pk].score for lead in leads] == [80, 80, 80]
