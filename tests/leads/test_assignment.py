"""Where leads go: the admin's rules in order, whose turn it is, who is passed over, and why."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import absences, activities
from crm.models import AuditEntry, Company, Team, User
from leads import assignment, assignment_rules, lifecycle, rota
from leads.models import AssignmentRule, Handoff, Lead, Seat
from tests.cast import Cast, a_lead, ada, an_mql
from tests.crm.test_settings_pages import post_form, sign_in
from tests.leads.test_doctor import complaints

pytestmark = pytest.mark.django_db


@pytest.fixture
def rotating(cast: Cast) -> Cast:
    Team.objects.update(way=Team.Way.ROUND_ROBIN)
    for team in (cast.north, cast.south):
        team.refresh_from_db()
    return cast


def a_rule(taker: Team | User, **conditions: Any) -> AssignmentRule:
    whom = {"team": taker} if isinstance(taker, Team) else {"person": taker}
    name = f"Rule {AssignmentRule.objects.count() + 1}"
    return AssignmentRule.objects.create(
        name=name, conditions=conditions, position=AssignmentRule.objects.count() * 10, **whom
    )


def steps(lead: Lead) -> list[tuple[str, str]]:
    return [(step.title, step.state) for step in assignment.decide(lead).steps]


# --- What rules ask -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"accounts": ["acme gmbh"]}, True),
        ({"accounts": ["Other AG", "acme.example"]}, True),  # the domain of the mail address
        ({"accounts": ["Acme"]}, False),
        ({"countries": ["AT", "DE"]}, True),
        ({"countries": ["AT"]}, False),
        ({"postcodes": ["80000-87999"]}, True),
        ({"postcodes": ["90000-97999", "801"]}, False),
        ({"postcodes": ["803"]}, True),
        ({"industries": ["mechanical"]}, True),
        ({"industries": ["retail"]}, False),
        ({"size": [250, None]}, True),
        ({"size": [None, 249]}, False),
        ({"size": [100, 999]}, True),
        ({"languages": ["de"]}, True),
        ({"languages": ["fr"]}, False),
        ({"interests": ["spectro"]}, True),
        ({"interests": ["lathe"]}, False),
        ({"sources": ["webinar"]}, True),
        ({"sources": ["referral"]}, False),
        ({"countries": ["DE"], "size": [1000, None]}, False),  # everything must hold
    ],
)
def test_a_rule_holds_when_each_of_its_conditions_does(cast: Cast, conditions: dict[str, Any], holds: bool) -> None:
    lead = a_lead(ada(postcode="80331", city="München", language="de-AT"))
    activities.record(lead.contact, "product_view", properties={"title": "Spectrograph 40"})
    rule = a_rule(cast.south, **conditions)
    objections = assignment_rules.objections(rule, assignment_rules.Facts(lead))
    assert (objections == []) is holds
    assert assignment.decide(lead).details == {"team": cast.south if holds else cast.north}


def test_what_is_not_known_fits_no_rule(cast: Cast) -> None:
    lead = a_lead(ada(company_id=None, country="", email="ada@web.example"))
    asks = {"accounts": ["x"], "countries": ["DE"], "postcodes": ["8"], "size": [None, 5], "languages": ["de"]}
    rule = a_rule(cast.south, **asks)
    told = assignment_rules.objections(rule, assignment_rules.Facts(lead))
    assert told == [
        "Named accounts: not known", "Countries: not known", "Postcodes: not known", "Company size: not known",
        "Languages: not known",
    ]  # fmt: skip


def test_the_company_says_where_a_person_without_an_address_is(cast: Cast) -> None:
    Company.objects.update(country="AT")
    lead = a_lead(ada(country=""))
    Company.objects.filter(pk=lead.contact.company_id).update(country="AT", postcode="1010")
    assert assignment_rules.Facts(Lead.objects.get()).place == ("AT", "1010")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # how long it takes is not the question
@given(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(0, 99_999))
def test_a_range_of_postcodes_holds_as_its_numbers_do(code: int, one: int, other: int) -> None:
    first, last = sorted((one, other))
    assert assignment_rules._within(f"{code:05}", f"{first:05}-{last:05}") == (first <= code <= last)


def test_every_rule_reads_as_a_sentence(cast: Cast) -> None:
    rule = a_rule(
        cast.sam, accounts=["Acme GmbH", "Roche"], countries=["DE", "AT", "CH"], postcodes=["80000-87999"],
        industries=["mechanical"], size=[100, 999], languages=["de"], interests=["lathe"], sources=["webinar"],
    )  # fmt: skip
    labels = assignment_rules.source_labels([rule])
    assert assignment_rules.sentence(rule, labels) == (
        "When the company is Acme GmbH or Roche and the country is DE, AT or CH and the postcode is 80000-87999 and"
        " the industry contains “mechanical” and the company has 100 to 999 people and the person speaks German and the"
        f" person looked at or asked about “lathe” and the source is {labels['webinar']}, to Sam Okafor."
    )
    assert assignment_rules.sentence(a_rule(cast.north), {}) == "Every lead goes to the team North."


# --- The way --------------------------------------------------------------------------------------


def test_the_first_rule_that_holds_decides_and_the_rest_is_only_named(cast: Cast) -> None:
    a_rule(cast.north, countries=["FR"])
    second = a_rule(cast.south, countries=["DE"])
    a_rule(cast.north)
    AssignmentRule.objects.create(name="Off", active=False, team=cast.north)
    decision = assignment.decide(a_lead())
    assert (decision.details, decision.rule) == ({"team": cast.south}, second)
    assert [(step.title, step.state) for step in decision.steps] == [
        ("Owner", "missed"), ("Rule 1", "missed"), ("Rule 2", "hit"), ("Rule 3", "later"), ("Own team", "later"),
        ("Territory", "later"), ("First team", "later"),
    ]  # fmt: skip
    assert decision.steps[1].why == "Countries: DE"
    assert decision.because == "Rule “Rule 2”."


def test_an_owner_in_sales_comes_before_any_rule_unless_away(cast: Cast) -> None:
    a_rule(cast.north)
    lead = a_lead(owner=cast.rosa)
    assert assignment.decide(lead).details == {"assignee": cast.rosa}
    away(cast.rosa, cast)
    decision = assignment.decide(lead)
    assert decision.details == {"team": cast.north}
    assert decision.steps[0].why.startswith("Rosa Blum: away until ")


def test_who_a_rule_names_gets_the_lead_and_when_away_the_team_does(rotating: Cast) -> None:
    a_rule(rotating.sam)
    lead = a_lead()
    assert assignment.decide(lead).details == {"assignee": rotating.sam}
    away(rotating.sam, rotating)
    decision = assignment.decide(lead)
    assert decision.details == {"assignee": rotating.jana}
    assert decision.steps[1].why.endswith("; the team takes over")


def test_who_sells_no_more_gets_nothing_by_name(cast: Cast) -> None:
    a_rule(cast.sam)
    User.objects.filter(pk=cast.sam.pk).update(role="marketer", team=None)
    decision = assignment.decide(a_lead())
    assert (decision.details, decision.by) == ({"team": cast.north}, assignment.FIRST_TEAM)
    assert decision.steps[1].why == "Sam Okafor: no longer takes leads"


def test_who_has_the_lead_is_not_proposed_again(rotating: Cast) -> None:
    a_rule(rotating.sam)
    lead = a_lead()
    assert assignment.decide(lead, but=rotating.sam).details == {"assignee": rotating.jana}
    assert assignment.decide(a_lead(ada(email="b@acme.example"), owner=rotating.jana), but=rotating.jana).details == {
        "assignee": rotating.sam
    }


# --- Turns ----------------------------------------------------------------------------------------


def away(user: User, cast: Cast) -> None:
    today = timezone.localdate()
    absences.add(user, today - timedelta(days=1), today + timedelta(days=20), by=cast.ava)


def handed_out(cast: Cast, count: int) -> list[str]:
    """Let the system hand over `count` leads and return who got them."""
    names = []
    for number in range(count):
        lead = an_mql(cast, contact=ada(email=f"ada{number}-{Lead.objects.count()}@acme.example"))
        with transaction.atomic():
            decision = assignment.take(lead)
            lifecycle.advance(lead, "hand_off", details={"assigned": decision.told}, **decision.details)
        lead.refresh_from_db()
        names.append(lead.owner.name.split()[0] if lead.owner else str(lead.team))
    return names


def test_leads_go_round_and_a_lead_given_by_hand_counts(rotating: Cast) -> None:
    assert handed_out(rotating, 3) == ["Sam", "Jana", "Sam"]
    lead = an_mql(rotating, contact=ada(email="by-hand@acme.example"))
    lifecycle.advance(lead, "hand_off", by=rotating.mia, assignee=rotating.jana)
    assert handed_out(rotating, 1) == ["Sam"]
    assert complaints() == {}


def test_an_undone_handoff_gives_the_turn_back(rotating: Cast) -> None:
    lead = an_mql(rotating, contact=ada(email="undone@acme.example"))
    lifecycle.advance(lead, "hand_off", by=rotating.mia, assignee=rotating.sam)
    assert Seat.objects.get(user=rotating.sam).turn is not None
    lifecycle.advance(lead, "undo", by=rotating.mia)
    assert (Seat.objects.get(user=rotating.sam).turn, Seat.objects.get(user=rotating.sam).given_at) == (None, None)
    assert handed_out(rotating, 2) == ["Sam", "Jana"]


def test_a_refused_handoff_takes_no_turn(rotating: Cast) -> None:
    lead = a_lead()
    with pytest.raises(lifecycle.Refused):
        lifecycle.advance(lead, "hand_off", by=rotating.mia, assignee=rotating.sam)
    assert not Seat.objects.exists()


def test_who_is_away_full_or_without_a_share_is_passed_over(rotating: Cast) -> None:
    nils = User.objects.create_user("nils@example.com", name="Nils Holm", team=rotating.north, capacity=0)
    away(rotating.sam, rotating)
    User.objects.filter(pk=rotating.jana.pk).update(capacity=1)
    assert handed_out(rotating, 2) == ["Jana", "North"]  # nobody is left: the queue of the team
    people = {one.user: one.passed_over for one in rota.candidates(rotating.north)}
    assert people[nils] == "takes no leads by rule"
    assert people[rotating.jana] == "full: 1 open leads of 1"
    assert people[rotating.sam].startswith("away until ")
    assert rotating.lena not in people  # a sales lead without a capacity of her own
    packet = Handoff.objects.first().packet  # type: ignore[union-attr]
    assert packet["assigned"] == {"by": "first_team", "way": "queue"}


def test_a_sales_lead_with_a_capacity_of_her_own_takes_part(rotating: Cast) -> None:
    User.objects.filter(pk=rotating.lena.pk).update(capacity=5)
    assert sorted(handed_out(rotating, 3)) == ["Jana", "Lena", "Sam"]


def test_the_least_busy_comes_first(rotating: Cast) -> None:
    Team.objects.update(way=Team.Way.LEAST_BUSY)
    for number in range(2):
        lead = an_mql(rotating, contact=ada(email=f"busy{number}@acme.example"))
        lifecycle.advance(lead, "hand_off", by=rotating.mia, assignee=rotating.jana)
    assert handed_out(rotating, 4) == ["Sam", "Sam", "Jana", "Sam"]


def test_absence_counts_as_of_the_moment_the_clock_begins_to_run(rotating: Cast) -> None:
    friday = datetime.fromisoformat("2026-11-20T20:00:00+01:00")  # after work; the clock runs from Monday, 9 o'clock
    absences.add(rotating.sam, friday.date() + timedelta(days=3), friday.date() + timedelta(days=4), by=rotating.ava)
    absences.add(rotating.jana, friday.date(), friday.date() + timedelta(days=1), by=rotating.ava)
    people = {one.user: one.passed_over for one in rota.candidates(rotating.north, friday)}
    assert (bool(people[rotating.sam]), bool(people[rotating.jana])) == (True, False)


def test_shares_stay_within_one_lead_of_each_other(rotating: Cast) -> None:
    for number in range(3):
        User.objects.create_user(f"rep{number}@example.com", name=f"Rep{number} Holm", team=rotating.north)
    shares = Counter(handed_out(rotating, 23))
    assert (sum(shares.values()), max(shares.values()) - min(shares.values())) == (23, 1)


# --- What people see ------------------------------------------------------------------------------


def test_marketing_sees_the_answer_of_the_rules_as_a_proposal(rotating: Cast) -> None:
    a_rule(rotating.north, countries=["DE"])
    lead = an_mql(rotating)
    page = sign_in(rotating.mia).get(reverse("lead_move", args=[lead.pk, "hand_off"]))
    assert page.context["form"]["taker"].value() == f"person-{rotating.sam.pk}"
    assert "By the rules: Sam Okafor. Rule “Rule 1”. In turn: waited longest in North." in page.content.decode()


def test_the_reason_is_kept_when_the_proposal_is_followed_and_shown_on_the_lead(rotating: Cast) -> None:
    a_rule(rotating.north, countries=["DE"])
    lead, other = an_mql(rotating), an_mql(rotating, contact=ada(email="b@acme.example"))
    mia = sign_in(rotating.mia)
    for one, taker in ((lead, rotating.sam), (other, rotating.rosa)):
        mia.post(reverse("lead_move", args=[one.pk, "hand_off"]), {"taker": f"person-{taker.pk}"})
    page = sign_in(rotating.sam).get(reverse("lead", args=[lead.pk]))
    assert page.context["assigned"] == "Rule “Rule 1”. In turn: waited longest in North."
    assert other.handoffs.get().packet["assigned"] == {}  # Mia chose otherwise


def test_the_panel_says_where_a_lead_would_go_and_writes_nothing(rotating: Cast) -> None:
    a_rule(rotating.north, countries=["FR"])
    a_rule(rotating.north, countries=["DE"])
    lead = an_mql(rotating)
    away(rotating.sam, rotating)
    before = (Lead.objects.get().version, Seat.objects.count(), Handoff.objects.count())
    ava = sign_in(rotating.ava)
    assert ava.get(reverse("settings_assignment"), {"q": "bröm"}).context["suggested"] == [lead]
    assert ava.get(reverse("settings_assignment"), {"q": "nobody"}).context["suggested"] == []
    page = ava.get(reverse("settings_assignment"), {"lead": lead.pk})
    told = page.content.decode()
    assert "would go to <b>Jana Hübner</b>" in told
    assert "Countries: DE" in told
    assert "passed over: away until" in told
    assert (Lead.objects.get().version, Seat.objects.count(), Handoff.objects.count()) == before


def test_the_admin_adds_changes_orders_switches_and_removes_rules(cast: Cast) -> None:
    ava = sign_in(cast.ava)
    new = reverse("settings_assignment_new")
    answer = post_form(
        ava, new, name="Bavaria", taker=f"person-{cast.rosa.pk}", countries="de", postcodes="80000 - 87999, 9",
        least="100", sources=["webinar"],
    )  # fmt: skip
    assert answer.status_code == 302
    rule = AssignmentRule.objects.get()
    assert rule.person == cast.rosa
    assert rule.conditions == {
        "countries": ["DE"], "postcodes": ["80000-87999", "9"], "size": [100, None], "sources": ["webinar"],
    }  # fmt: skip
    one = reverse("settings_assignment_rule", args=[rule.pk])
    assert post_form(ava, one, taker=f"team-{cast.south.pk}", languages="de", least="").status_code == 302
    rule.refresh_from_db()
    assert (rule.person, rule.team, rule.conditions["languages"], "size" in rule.conditions) == (
        None, cast.south, ["de"], False,
    )  # fmt: skip
    second = a_rule(cast.north)
    ava.post(reverse("settings_list_step", args=["assignment", rule.pk, "up"]))
    assert list(AssignmentRule.objects.all()) == [rule, second]
    ava.post(reverse("settings_list_visibility", args=["assignment", second.pk]), {"active": "0"})
    assert steps(a_lead())[1:3] == [("Bavaria", "missed"), ("Own team", "missed")]
    ava.post(reverse("settings_assignment_remove", args=[second.pk]))
    assert list(AssignmentRule.objects.all()) == [rule]
    told = AuditEntry.objects.filter(action__startswith="assignmentrule.").values_list("action", flat=True)
    assert set(told) == {f"assignmentrule.{verb}" for verb in ("added", "changed", "moved", "hidden", "removed")}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("countries", "Germany"), ("postcodes", "90000-80000"), ("postcodes", "8*"), ("languages", "german"),
        ("most", "5"), ("taker", "person-0"), ("name", ""),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_not_kept(cast: Cast, field: str, value: str) -> None:
    data = {"name": "X", "taker": f"team-{cast.north.pk}", "least": "10", field: value}
    answer = sign_in(cast.ava).post(reverse("settings_assignment_new"), data)
    assert (answer.status_code, AssignmentRule.objects.exists()) == (422, False)
    assert field in answer.context["form"].errors


def test_a_rule_changed_meanwhile_is_not_overwritten(cast: Cast) -> None:
    rule = a_rule(cast.north)
    ava = sign_in(cast.ava)
    url = reverse("settings_assignment_rule", args=[rule.pk])
    was = ava.get(url).context["form"]["was"].value()
    AssignmentRule.objects.update(name="Another")
    answer = ava.post(url, {"name": "Mine", "taker": f"team-{cast.north.pk}", "was": was})
    assert (answer.status_code, AssignmentRule.objects.get().name) == (422, "Another")


def test_a_decision_costs_the_same_queries_for_few_and_many_rules(
    rotating: Cast, django_assert_max_num_queries: Any
) -> None:
    lead = Lead.objects.with_people().get(pk=a_lead().pk)
    for number in range(30):
        a_rule(rotating.north, countries=["FR"], sources=["webinar"], interests=[f"lathe {number}"])
    with django_assert_max_num_queries(9):
        assignment.decide(lead)
