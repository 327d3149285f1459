"""Grades that skip marketing's review: the system hands over, once per round, never because of an import."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from crm import activities, contacts
from crm.activities import Happening
from crm.models import Contact, OutboxMessage, User
from leads import assignment, capture, history, lifecycle
from leads.models import Handoff, Lead, Source, StageChange
from scoring import drain, glossary, reference
from scoring.models import ActiveScoring
from tests.cast import Cast, a_lead, ada, next_month, reason
from tests.leads.test_doctor import complaints
from tests.scoring.cards import a_draft, did, fact, in_force

pytestmark = pytest.mark.django_db
RULES = (fact("job_title", "contains", "manager", points=60), did("white_paper", points=20, cap=60))


@pytest.fixture(autouse=True)
def rules(cast: Cast) -> None:
    """A1 skips the review, A2 does not; three white papers make a manager an A1, two an A2."""
    in_force(a_draft(RULES, bar_engagement=40, leave_total=99, skip_review=["A1"]))


def reads(lead: Lead, times: int) -> Lead:
    for _ in range(times):
        activities.record(lead.contact, "white_paper")
    drain.drain()
    return Lead.objects.get(pk=lead.pk)


def log(lead: Lead) -> list[tuple[str, str]]:
    return list(StageChange.objects.filter(lead=lead).order_by("seq").values_list("verb", "actor"))


PROMOTED, HANDED = ("qualify_for_marketing", "system"), ("hand_off", "system")


def test_a_skipping_grade_goes_straight_to_the_queue_near_the_contact(cast: Cast) -> None:
    cast.south.territory = ["DE"]
    cast.south.save(update_fields=["territory"])
    lead = reads(a_lead(owner=cast.mia), 3)
    assert log(lead) == [PROMOTED, HANDED]
    handoff = Handoff.objects.get()
    assert (handoff.assignee, handoff.team, handoff.offered_by, handoff.from_owner) == (
        None,
        cast.south,
        None,
        cast.mia,
    )
    assert (lead.owner, lead.team, lead.standing.lane) == (None, cast.south, "offered")
    change = lead.last_change
    assert history.words(change) == "Handed over automatically"
    assert "Grade A1 goes to sales without review" in history.details(change)
    assert OutboxMessage.objects.count() == 0  # a queue has no mailbox
    assert complaints() == {}


def test_another_grade_waits_for_marketing(cast: Cast) -> None:
    lead = reads(a_lead(), 2)
    assert (log(lead), Handoff.objects.count()) == ([PROMOTED], 0)
    assert (reads(lead, 1).standing.grade, Handoff.objects.count()) == ("A1", 0)  # it was an MQL before


def test_a_sales_person_who_owns_the_lead_gets_it(cast: Cast) -> None:
    lead = reads(a_lead(owner=cast.rosa), 3)
    assert Handoff.objects.get().assignee == cast.rosa
    assert OutboxMessage.objects.get().payload["to"] == [cast.rosa.email]
    assert lead.owner == cast.rosa


def test_somebody_who_left_gets_nothing(cast: Cast) -> None:
    lead = a_lead(owner=cast.rosa)
    User.objects.filter(pk=cast.rosa.pk).update(is_active=False)
    reads(lead, 3)
    assert (Handoff.objects.get().assignee, Handoff.objects.get().team) == (None, cast.south)


def test_without_a_team_in_sales_marketing_keeps_it(cast: Cast) -> None:
    for team in (cast.north, cast.south):
        team.side = "marketing"
        team.save(update_fields=["side"])
    lead = reads(a_lead(), 3)
    assert (log(lead), lead.standing.lane) == ([PROMOTED], "mql")


def test_it_happens_once_per_round(cast: Cast) -> None:
    lead = reads(a_lead(owner=cast.mia), 3)
    lifecycle.advance(lead, "withdraw", by=cast.lena)
    lead = reads(lead, 3)
    assert [verb for verb, _actor in log(lead)] == ["qualify_for_marketing", "hand_off", "withdraw"]
    lifecycle.advance(lead, "hand_off", by=cast.mia, team=cast.north)
    lifecycle.advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    lead = reads(lead, 1)  # wakes: the second round
    assert log(lead)[-3:] == [("wake", "system"), PROMOTED, HANDED]
    assert (lead.round, Handoff.objects.filter(offered_by=None).count()) == (2, 2)
    assert complaints() == {}


def test_an_undone_handoff_stays_undone(cast: Cast) -> None:
    lead = reads(a_lead(owner=cast.mia), 3)
    lifecycle.advance(lead, "undo", by=cast.lena)
    lead = reads(lead, 2)
    assert (lead.stage, lead.standing.lane, lead.owner) == ("mql", "mql", cast.mia)
    assert Handoff.objects.open().count() == 0
    assert Handoff.objects.get().outcome == "undone"


def test_an_undone_handoff_lets_the_lead_fall_and_rise_again(cast: Cast) -> None:
    lead = reads(a_lead(owner=cast.mia), 3)
    contacts.update_contact(lead.contact, {"job_title": "Assistant"}, by=cast.mia, source="test")
    drain.drain()
    assert Lead.objects.get(pk=lead.pk).stage == "mql"  # offered to sales: no score takes it away
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "undo", by=cast.lena)
    lead = reads(lead, 1)
    assert (lead.stage, lead.round, log(lead)[-1]) == ("lead", 2, ("demote", "system"))
    contacts.update_contact(lead.contact, {"job_title": "Manager"}, by=cast.mia, source="test")
    drain.drain()
    assert log(lead)[-2:] == [PROMOTED, HANDED]


# --- Imports --------------------------------------------------------------------------------------------


def by_file(lead: Lead, times: int, *, at: Any = None) -> None:
    rows = [
        Happening(lead.contact_id, "white_paper", at or timezone.now(), {}, feed="import:fair", message_id=f"r{n}")
        for n in range(times)
    ]
    activities.record_many(rows, history=True)
    drain.drain()


def test_what_a_file_brings_waits_for_marketing(cast: Cast) -> None:
    lead = capture.open_lead(ada(), source=Source.objects.get(key="import"), imported=True)
    by_file(lead, 3)
    lead.refresh_from_db()
    assert (lead.standing.grade, log(lead), Handoff.objects.count()) == ("A1", [PROMOTED], 0)


def test_a_file_that_adds_to_a_lead_of_ours_hands_nothing_over(cast: Cast) -> None:
    lead = reads(a_lead(), 1)
    by_file(lead, 2)
    assert (log(lead), Handoff.objects.count()) == ([PROMOTED], 0)


def test_a_file_that_changes_the_profile_hands_nothing_over(cast: Cast) -> None:
    lead = reads(a_lead(ada(job_title="Assistant")), 3)
    contacts.change_many([(Contact.objects.get(), {"job_title": "Manager"})], by=None, source="import:fair")
    drain.drain()
    assert (log(lead), Handoff.objects.count()) == ([PROMOTED], 0)


def test_an_imported_lead_that_does_something_goes_like_any_other(cast: Cast) -> None:
    lead = capture.open_lead(ada(), source=Source.objects.get(key="import"), imported=True)
    by_file(lead, 1)
    lead = reads(lead, 2)
    assert log(lead) == [PROMOTED, HANDED]


# --- In words -------------------------------------------------------------------------------------------


def test_the_glossary_names_the_grades() -> None:
    version = reference.whole(ActiveScoring.objects.get().version_id)
    assert "These grades go to sales without review by marketing: A1." in glossary.bar_sentences(version)


def test_where_a_lead_goes(cast: Cast) -> None:
    lead = a_lead(ada(country="FR"), team=cast.south)
    assert assignment.decide(lead).details == {"team": cast.south}
    lead.team = None
    assert assignment.decide(lead).details == {"team": cast.north}
