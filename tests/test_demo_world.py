"""The demo world as it stands: believable, marked, scored from its first day, and nothing the doctor would name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Count
from django.utils import timezone

from crm import demo, doctor, outbox
from crm.demo import World
from crm.models import Activity, Company, Contact, OutboxMessage, Role, User
from leads.models import Feedback, Handoff, Lead, Reason, StageChange, Standing
from leads.stages import Lane, Stage
from scoring.models import Score, ScoreHistory

pytestmark = pytest.mark.django_db
LEADS, ACTIVITIES = 220, 3000


@pytest.fixture(scope="module", autouse=True)
def world(shared_rows: None) -> None:
    """One world for all tests of this file; what a test does to it is undone."""
    demo.build(World(leads=LEADS, activities=ACTIVITIES, seed=1))


def test_the_world_has_leads_in_every_lane_of_both_boards() -> None:
    assert Lead.objects.count() == LEADS
    lanes = dict(Standing.objects.values_list("lane").annotate(n=Count("pk")))
    assert set(lanes) == set(Lane.values)
    assert set(Lead.objects.values_list("stage", flat=True)) == set(Stage.values)
    now = timezone.now()
    assert Handoff.objects.overdue(now).exists()
    assert Handoff.objects.filter(outcome="sent_back").exists()
    assert Lead.objects.filter(episode=2).exists()
    assert Lead.objects.exclude(referrer=None).exists()


def test_about_as_many_activities_as_asked_for_come_about() -> None:
    assert abs(Activity.objects.count() - ACTIVITIES) < ACTIVITIES // 10


def test_nothing_in_the_world_lies_ahead_except_plans() -> None:
    now = timezone.now()
    assert not StageChange.objects.filter(at__gt=now).exists()
    assert not Activity.objects.filter(occurred_at__gt=now).exists()
    asleep = Lead.objects.filter(stage=Stage.NURTURE)
    assert not asleep.filter(wake_on__lte=timezone.localdate()).exists()


def test_sales_has_said_what_it_thinks_of_its_leads() -> None:
    verdicts = Feedback.objects.order_by().values_list("verdict").annotate(n=Count("pk"))
    assert min(n for _verdict, n in verdicts) >= 3
    assert len(verdicts) == 3
    assert not Feedback.objects.filter(given_at__gt=timezone.now()).exists()


def test_each_log_is_told_in_order() -> None:
    for lead in Lead.objects.prefetch_related("changes"):
        changes = sorted(lead.changes.all(), key=lambda change: change.seq)
        instants = [lead.entered_at, *(change.at for change in changes)]
        assert instants == sorted(instants)


def test_everything_is_marked_and_every_address_is_reserved() -> None:
    assert not Contact.objects.filter(is_demo=False).exists()
    assert not Company.objects.filter(is_demo=False).exists()
    assert not Lead.objects.filter(is_demo=False).exists()
    addresses = Contact.objects.exclude(email="").values_list("email", flat=True)
    assert all(".example." in f".{address.partition('@')[2]}" and outbox.is_reserved(address) for address in addresses)


def test_the_demo_sign_ins_are_the_promised_ones() -> None:
    roles = dict(User.objects.filter(is_demo=True).values_list("email", "role"))
    assert roles["mia@example.com"] == Role.MARKETER
    assert roles["sam@example.com"] == Role.SALES_REP
    assert roles["lena@example.com"] == Role.SALES_LEAD
    assert roles["ava@example.com"] == Role.ADMIN
    assert User.objects.get(email="sam@example.com").check_password("baton-demo")


def test_no_mail_waits_for_demo_people() -> None:
    waiting = [address for message in OutboxMessage.objects.all() for address in message.payload["to"]]
    assert all(outbox.is_reserved(address) for address in waiting)


def test_every_reason_of_the_stories_is_on_the_lists() -> None:
    used = StageChange.objects.exclude(reason=None).values_list("verb", "reason__kind").distinct()
    assert all(verb == kind for verb, kind in used)
    assert Reason.objects.count() > 0


def test_evidence_is_younger_than_the_lead_and_older_than_the_qualification() -> None:
    for change in StageChange.objects.filter(verb="qualify_for_sales").prefetch_related("lead__findings"):
        days = [finding.dated_on for finding in change.lead.findings.all()]
        assert len(days) >= 3
        assert max(days) <= timezone.localdate(change.at) + timedelta(days=1)


def test_the_marketing_manager_of_the_worked_example_is_an_mql() -> None:
    ada_of_acme = Contact.objects.get(last_name="Brömmel")
    assert (ada_of_acme.job_title, ada_of_acme.company.employees) == ("Marketing Manager", 250)
    kinds = list(ada_of_acme.activities.values_list("kind_id", flat=True))
    assert kinds.count("white_paper") == 3
    assert kinds.count("webinar_attended") == 1
    assert ada_of_acme.leads.get().stage == Stage.MARKETING_QUALIFIED


# --- Its scores -----------------------------------------------------------------------------------


def test_scores_show_at_once() -> None:
    assert Score.objects.count() == Lead.objects.values("contact").distinct().count()
    assert not Standing.objects.filter(score=None, lead__in=Score.objects.values("lead")).exists()


def test_nobody_falls_back_because_the_world_was_made_in_parts() -> None:
    assert not StageChange.objects.filter(verb="demote").exists()


def test_every_move_carries_the_score_of_its_day() -> None:
    lifted = StageChange.objects.filter(verb="qualify_for_marketing")
    assert not lifted.filter(score=None).exists()
    assert all(change.score >= 60 and change.grade for change in lifted)
    packets = list(Handoff.objects.values_list("packet", flat=True))
    assert packets
    assert all(packet["score"] and packet["reasons"] for packet in packets)


def test_curves_end_at_the_score_and_begin_no_earlier_than_the_lead() -> None:
    for score in Score.objects.select_related("lead"):
        rows = list(ScoreHistory.objects.filter(lead=score.lead).order_by("id"))
        days = [row.day for row in rows]
        assert days == sorted(days)
        assert abs(rows[-1].after - score.total) < 5
        assert all(row.at <= timezone.now() for row in rows)
        assert [row.before for row in rows[1:]] == [row.after for row in rows[:-1]]


def test_the_doctor_finds_nothing_in_the_demo_world() -> None:
    assert [sentence for _check, sentences in doctor.examine(full=True) for sentence in sentences] == []


def test_removal_takes_the_scores_along() -> None:
    demo.remove()
    assert not Score.objects.exists()
    assert not ScoreHistory.objects.exists()
