"""Leads over the API: opened, changed with their version, moved through the one door, explained."""

from __future__ import annotations

from typing import Any

import pytest

from crm.doctor import examine
from crm.models import Company, Contact, Team
from leads import lifecycle
from leads.models import AssignmentRule, Campaign, Lead, StageChange
from leads.stages import NOT_FOR_PEOPLE, Verb
from tests.api_client import Program
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, next_month, offered, qualified
from tests.leads.sent_forms import a_form

pytestmark = pytest.mark.django_db


def rows(lead: Lead) -> tuple[Any, int]:
    return Lead.objects.values().get(pk=lead.pk), StageChange.objects.filter(lead=lead).count()


# --- Moves ----------------------------------------------------------------------------------------


def test_a_lead_walks_its_whole_life_by_moves(cast: Cast) -> None:
    mia, sam = Program(cast.mia), Program(cast.sam)
    lead = a_lead(owner=cast.mia)

    def move(program: Program, **body: Any) -> Any:
        version = Lead.objects.get(pk=lead.pk).version
        answer = program.send(f"leads/{lead.pk}/moves/", {"version": version} | body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert move(mia, verb="qualify_for_marketing", note="Asked for prices.")["stage"] == "mql"
    assert move(mia, verb="hand_off", assignee="sam@example.com", note="Be quick.")["lane"] == "offered"
    taken = move(sam, verb="accept")
    assert (taken["stage"], taken["owner_id"], taken["version"]) == ("sal", cast.sam.pk, 3)
    assert {"qualify_for_sales", "undo"} & set(taken["allowed"])
    confirm(Lead.objects.get(pk=lead.pk), cast.sam)
    move(sam, verb="qualify_for_sales")
    won = move(sam, verb="win", amount="12000.50", currency="EUR", date="2026-05-01")
    assert (won["stage"], won["amount"], won["closed_on"]) == ("won", "12000.50", "2026-05-01")
    log = sam.ask(f"leads/{lead.pk}/moves/").json()["results"]
    assert [row["verb"] for row in log] == ["qualify_for_marketing", "hand_off", "accept", "qualify_for_sales", "win"]
    assert {row["by_id"] for row in log} == {cast.mia.pk, cast.sam.pk}


def test_a_move_needs_its_own_scope(cast: Cast) -> None:
    lead = offered(cast)
    before = rows(lead)
    answer = Program(cast.sam, "leads:read", "leads:write").send(
        f"leads/{lead.pk}/moves/", {"verb": "accept", "version": 2}
    )
    assert answer.status_code == 403
    assert rows(lead) == before


@pytest.mark.parametrize("verb", [verb for verb in Verb.values if verb not in NOT_FOR_PEOPLE])
def test_a_refused_move_is_a_409_with_the_verbs_allowed(cast: Cast, verb: str) -> None:
    """I59: every verb, tried by somebody on a lead it is not for, leaves the row as it is."""
    lead = qualified(cast)
    before = rows(lead)
    answer = Program(cast.mia).send(f"leads/{lead.pk}/moves/", {"verb": verb, "version": lead.version})
    assert answer.status_code == 409
    told = answer.json()
    assert told["code"] in {"refused", "incomplete"} and told["detail"]
    assert told["allowed"] == lifecycle.allowed(Lead.objects.get(pk=lead.pk), cast.mia)
    assert rows(lead) == before


@pytest.mark.parametrize("verb", ["demote", "enter_as", "absorb", "fly", "", None, 5, ["win"]])
def test_what_is_no_verb_of_people_is_not_understood(cast: Cast, verb: Any) -> None:
    lead = a_lead()
    before = rows(lead)
    answer = Program(cast.ava).send(f"leads/{lead.pk}/moves/", {"verb": verb, "version": 0})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "verb")
    assert rows(lead) == before


def test_the_slower_of_two_is_told_who_was_faster(cast: Cast) -> None:
    lead = offered(cast)
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "accept", by=cast.jana)
    before = rows(lead)
    answer = Program(cast.sam).send(f"leads/{lead.pk}/moves/", {"verb": "accept", "version": 2})
    assert (answer.status_code, answer.json()["code"], answer.json()["version"]) == (409, "stale", 3)
    assert "Jana Hübner" in answer.json()["detail"]
    assert rows(lead) == before


def test_what_a_move_lacks_is_said(cast: Cast) -> None:
    lead = accepted(cast)
    before = rows(lead)
    sam = Program(cast.sam)
    lost = sam.send(f"leads/{lead.pk}/moves/", {"verb": "lose", "version": 3})
    assert (lost.status_code, lost.json()["code"]) == (409, "incomplete")
    unknown = sam.send(f"leads/{lead.pk}/moves/", {"verb": "lose", "version": 3, "reason": "bored"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "reason")
    assert "There are:" in unknown.json()["detail"]
    strange = {"verb": "win", "version": 3, "stage": "won", "to_stage": "won", "imported": True}
    refused = sam.send(f"leads/{lead.pk}/moves/", strange)
    assert {error["field"] for error in refused.json()["errors"]} == {"stage", "to_stage", "imported"}
    assert rows(lead) == before


@pytest.mark.parametrize("amount", [-1, "-1", "1e5", "12,50", True, 1e30, "1.234", 1.234, "9999999999999"])
def test_a_strange_amount_is_refused(cast: Cast, amount: Any) -> None:
    lead = qualified(cast)
    before = rows(lead)
    body = {"verb": "win", "version": lead.version, "amount": amount, "date": "2026-05-01"}
    answer = Program(cast.sam).send(f"leads/{lead.pk}/moves/", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "amount")
    assert rows(lead) == before


def test_people_and_teams_are_named_by_number_or_name(cast: Cast) -> None:
    for told in (
        {"assignee": cast.sam.pk},
        {"assignee": "SAM@example.com"},
        {"team": cast.north.pk},
        {"team": "North"},
    ):
        lead = an_mql(cast, contact=ada(email="", last_name=str(told)))
        answer = Program(cast.mia).send(f"leads/{lead.pk}/moves/", {"verb": "hand_off", "version": 1} | told)
        assert (answer.status_code, answer.json().get("lane")) == (200, "offered"), answer.content
        assert answer.json()["team_id"] == cast.north.pk
    lead = an_mql(cast, contact=ada(email="", last_name="last"))
    for told in (
        {"assignee": "nobody@example.com"},
        {"assignee": 999_999},
        {"team": "West"},
        {"team": True},
        {"assignee": 0},
    ):
        answer = Program(cast.mia).send(f"leads/{lead.pk}/moves/", {"verb": "hand_off", "version": 1} | told)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(told)))


def test_by_the_rules_a_lead_goes_to_whom_they_name_and_the_log_says_why(cast: Cast) -> None:
    AssignmentRule.objects.create(name="All to the south", team=cast.south)
    Team.objects.filter(pk=cast.south.pk).update(way=Team.Way.ROUND_ROBIN)
    lead = an_mql(cast)
    program = Program(cast.mia)
    answer = program.send(f"leads/{lead.pk}/moves/", {"verb": "hand_off", "version": 1, "by_rules": True})
    assert (answer.status_code, answer.json().get("lane")) == (200, "offered"), answer.content
    lead.refresh_from_db()
    handoff = lead.open_handoff
    assert handoff and (handoff.assignee, handoff.team) == (cast.rosa, cast.south)
    assert lead.last_change.details["assigned"]["name"] == "All to the south"


@pytest.mark.parametrize(
    "told",
    [
        {"verb": "hand_off", "by_rules": True, "assignee": "sam@example.com"},
        {"verb": "hand_off", "by_rules": True, "team": "North"},
        {"verb": "demote", "by_rules": True},
        {"verb": "nurture", "by_rules": True, "wake_on": "2099-01-01"},
        {"verb": "hand_off", "by_rules": "perhaps"},
    ],
)
def test_by_the_rules_stands_alone_and_with_moves_that_give_a_lead_to_somebody(
    cast: Cast, told: dict[str, Any]
) -> None:
    lead = an_mql(cast)
    before = rows(lead)
    answer = Program(cast.mia).send(f"leads/{lead.pk}/moves/", {"version": 1} | told)
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} <= {"by_rules", "verb"}
    assert rows(lead) == before


def test_by_the_rules_nobody_in_sales_and_an_old_version_are_refused(cast: Cast) -> None:
    lead = an_mql(cast)
    before = rows(lead)
    send = {"verb": "hand_off", "by_rules": True}
    assert Program(cast.mia).send(f"leads/{lead.pk}/moves/", send | {"version": 0}).json()["code"] == "stale"
    assert Program(cast.sam).send(f"leads/{lead.pk}/moves/", send | {"version": 1}).status_code in {404, 409}
    Team.objects.filter(side="sales").update(side="marketing")
    answer = Program(cast.mia).send(f"leads/{lead.pk}/moves/", send | {"version": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "no team in sales" in answer.json()["detail"]
    assert rows(lead) == before


def test_a_nap_ends_on_a_day(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    body = {"verb": "nurture", "version": 0, "wake_on": next_month().isoformat()}
    assert Program(cast.mia).send(f"leads/{lead.pk}/moves/", body).json()["wake_on"] == next_month().isoformat()


# --- Facts ----------------------------------------------------------------------------------------


def test_read_only_fields_are_refused_by_name(cast: Cast) -> None:
    """I31"""
    lead = a_lead(owner=cast.mia)
    before = rows(lead)
    sent = {"version": 0, "stage": "won", "owner_id": 1, "owner": 1, "score": 100, "id": 7, "is_staff": True}
    answer = Program(cast.ava).change(f"leads/{lead.pk}/", sent)
    assert answer.status_code == 400
    told = {error["field"]: error["detail"] for error in answer.json()["errors"]}
    assert {name: text for name, text in told.items() if text == "This is read-only."}.keys() == {
        "stage",
        "owner_id",
        "score",
        "id",
    }
    assert {name for name, text in told.items() if text == "There is no such field."} == {"owner", "is_staff"}
    assert rows(lead) == before


def test_the_facts_of_a_lead_are_changed(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    body = {"version": 0, "next_step": "Call", "next_step_on": "2026-12-01", "amount": 900, "source": "fair"}
    answer = Program(cast.mia).change(f"leads/{lead.pk}/", body | {"source": "webinar"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["next_step"], answer.json()["amount"], answer.json()["source"]) == (
        "Call",
        "900.00",
        "webinar",
    )
    lone = Program(cast.mia).change(f"leads/{lead.pk}/", {"version": 1, "next_step": "", "next_step_on": "2026-12-02"})
    assert (lone.status_code, lone.json()["errors"][0]["field"]) == (400, "next_step")


def test_who_changes_second_is_told_who_was_first_and_a_move_counts_as_well(cast: Cast) -> None:
    lead = offered(cast)
    program = Program(cast.lena)
    assert program.ask(f"leads/{lead.pk}/").json()["version"] == 2
    first = program.change(f"leads/{lead.pk}/", {"version": 2, "next_step": "Call"})
    assert (first.status_code, first.json()["version"]) == (200, 3)
    before = rows(lead)
    late = Program(cast.ava).change(f"leads/{lead.pk}/", {"version": 2, "amount": "5.00"})
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (409, "stale", 3)
    assert late.json()["changed_by"]["name"] == "Lena Brandt"
    move = Program(cast.sam).send(f"leads/{lead.pk}/moves/", {"verb": "accept", "version": 2})
    assert (move.status_code, move.json()["code"], move.json()["version"]) == (409, "stale", 3)
    assert rows(lead) == before
    taken = Program(cast.sam).send(f"leads/{lead.pk}/moves/", {"verb": "accept", "version": 3}).json()
    assert (taken["stage"], taken["version"]) == ("sal", 4)
    again = Program(cast.sam).change(f"leads/{lead.pk}/", {"version": 4, "next_step": "Call"})
    assert (again.status_code, again.json()["version"]) == (200, 4)  # nothing differs, nothing is counted
    assert [text for check, found in examine(full=True) if check.name == "log" for text in found] == []


def test_only_what_has_changed_is_read(cast: Cast) -> None:
    old, new = a_lead(), a_lead(ada(email="bo@b.example"))
    program = Program(cast.lena)
    Lead.objects.update(changed_at="2026-01-01T00:00:00Z")
    Contact.objects.filter(pk=old.contact_id).update(updated_at="2026-01-01T00:00:00Z")
    Company.objects.update(updated_at="2026-01-01T00:00:00Z")
    program.change(f"leads/{new.pk}/", {"version": 0, "next_step": "Call"})
    for path, wanted in (("leads/", new.pk), ("contacts/", new.contact_id)):
        found = program.ask(path, changed_since="2026-02-01T00:00:00+01:00").json()["results"]
        assert [row["id"] for row in found] == [wanted], path
    assert program.ask("companies/", changed_since="2026-02-01T00:00:00Z").json()["results"] == []
    assert program.ask("companies/", changed_since="2026-02-01T00:00:00-20:15").json()["results"] == []
    since = "2026-01-01T00:00:00Z"
    first = program.ask("leads/", changed_since=since, limit=1).json()
    rest = program.get(first["next"]).json()
    assert [row["id"] for row in (*first["results"], *rest["results"])] == [old.pk, new.pk]
    for wrong in ("yesterday", "2026-02-01", "2026-02-01T00:00:00"):
        assert program.ask("leads/", changed_since=wrong).status_code == 400


def test_forms_are_read_with_what_they_ask(cast: Cast) -> None:
    shown, hidden = a_form(), a_form("newsletter_signup", active=False)
    program = Program(cast.sam, "forms:read")
    one = program.ask(f"forms/{shown.pk}/").json()
    assert (one["slug"], one["kind"], one["source"], one["version"]) == (
        "demo-request", "demo_request", "landing_page", 1,
    )  # fmt: skip
    assert one["address"].endswith("/f/demo-request/")
    assert [field["name"] for field in one["fields_asked"]] == [field["name"] for field in shown.fields]
    assert (one["waits_for_confirmation"], one["consents"], one["languages"]) == (
        False, ["newsletter:email"], shown.languages,
    )  # fmt: skip
    listed = {name: program.ask("forms/", active=name).json()["results"] for name in ("true", "false")}
    assert [[row["id"] for row in rows] for rows in listed.values()] == [[shown.pk], [hidden.pk]]
    assert program.ask("forms/", slug="demo-request").json()["results"] == [one]


@pytest.mark.parametrize("count", [1, 4])
def test_a_list_of_forms_costs_the_same_few_queries(cast: Cast, count: int, django_assert_max_num_queries: Any) -> None:
    for number in range(count):
        a_form(slug=f"form-{number}")
    program = Program(cast.sam, "forms:read")
    with django_assert_max_num_queries(6):
        assert len(program.ask("forms/").json()["results"]) == count


def test_facts_of_a_lead_that_moved_are_not_overwritten(cast: Cast) -> None:
    lead = offered(cast)
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "accept", by=cast.sam)
    before = rows(lead)
    answer = Program(cast.sam).change(f"leads/{lead.pk}/", {"version": 2, "next_step": "Call"})
    assert (answer.status_code, answer.json()["code"], answer.json()["version"]) == (409, "stale", 3)
    assert answer.json()["changed_by"]["name"] == "Sam Okafor"
    assert rows(lead) == before


def test_a_lead_is_opened_for_somebody_new(cast: Cast) -> None:
    body = {"contact": {"first_name": "Bo", "email": "bo@b.example"}, "company": "Brömmel KG", "source": "webinar"}
    answer = Program(cast.sam).send("leads/", body)
    assert answer.status_code == 201, answer.content
    lead = Lead.objects.select_related("contact__company").get(pk=answer.json()["id"])
    assert (lead.owner, lead.contact.email, str(lead.contact.company)) == (cast.sam, "bo@b.example", "Brömmel KG")
    again = Program(cast.sam).send("leads/", body)
    assert (again.status_code, again.json()["code"]) == (409, "exists")
    assert Contact.objects.count() == 1


def test_a_contact_has_one_open_lead(cast: Cast) -> None:
    lead = a_lead()
    answer = Program(cast.mia).send("leads/", {"contact_id": lead.contact_id, "source": "webinar"})
    assert (answer.status_code, answer.json()["id"]) == (409, lead.pk)
    for body in ({"source": "webinar"}, {"contact_id": lead.contact_id, "contact": {}, "source": "webinar"}):
        assert Program(cast.mia).send("leads/", body).json()["errors"][0]["field"] == "contact"
    assert Lead.objects.count() == 1


def test_leads_are_filtered_from_a_closed_list(cast: Cast) -> None:
    lead = accepted(cast)
    a_lead(contact=ada(email="", last_name="Neu"), owner=cast.mia)
    program = Program(cast.ava)
    found = {
        query: [row["id"] for row in program.get(f"/api/v1/leads/?{query}").json()["results"]]
        for query in (
            "stage=sal",
            "lane=accepted",
            f"owner={cast.sam.pk}",
            f"contact={lead.contact_id}",
            f"team={cast.north.pk}",
        )
    }
    assert set(map(tuple, found.values())) == {(lead.pk,)}
    assert len(program.get("/api/v1/leads/?source=webinar&since=2020-01-01").json()["results"]) == 2
    for query in ("stage=1) OR 1=1--", "stage=", "age=1e9", "q=%", "owner=%", "since=01.02.2026", "until=2026-13-01"):
        assert program.get(f"/api/v1/leads/?{query}").status_code == 400, query


# --- What is read ---------------------------------------------------------------------------------


def test_handoffs_are_read_by_who_reads_the_lead(cast: Cast) -> None:
    lead = offered(cast)
    told = Program(cast.sam).ask("handoffs/", outcome="open").json()["results"]
    assert [(row["lead_id"], row["assignee_id"], row["outcome"]) for row in told] == [(lead.pk, cast.sam.pk, "open")]
    assert Program(cast.sam).ask(f"handoffs/{told[0]['id']}/").json() == told[0]
    assert Program(cast.rosa).ask("handoffs/").json()["results"] == []
    assert Program(cast.rosa).ask(f"handoffs/{told[0]['id']}/").status_code == 404


def test_campaigns_are_kept_by_marketing(cast: Cast) -> None:
    made = Program(cast.mia).send("campaigns/", {"name": "Spring fair", "channel": "fair"})
    assert (made.status_code, made.json()["key"]) == (201, "spring_fair")
    path = f"campaigns/{made.json()['id']}/"
    assert Program(cast.mia).change(path, {"version": 0, "ends_on": "2026-04-30"}).json()["version"] == 1
    late = Program(cast.max).change(path, {"version": 0, "ends_on": "2026-05-30"}).json()
    assert (late["code"], late["changed_by"]["name"]) == ("stale", "Mia Kowalczyk")
    assert (
        Program(cast.mia).change(path, {"version": 1, "key": "x"}).json()["errors"][0]["detail"] == "This is read-only."
    )
    for user in (cast.sam, cast.lena):
        assert Program(user).send("campaigns/", {"name": "Mine"}).status_code == 403
        assert Program(user).change(path, {"version": 1, "name": "Mine"}).status_code == 403
        assert Program(user).ask(path).json()["name"] == "Spring fair"
    assert Campaign.objects.get().name == "Spring fair"


def test_the_funnel_is_the_one_of_the_page(cast: Cast) -> None:
    accepted(cast)
    program = Program(cast.mia)
    assert program.ask("reports/").json() == {"results": ["funnel"]}
    told = program.ask("reports/funnel/").json()
    assert {step["key"]: step["reached"] for step in told["steps"]} == {
        "entered": 1, "mql": 1, "offered": 1, "sal": 1, "sql": 0, "won": 0,
    }  # fmt: skip
    assert told["balance"]["entered"] == told["balance"]["open"] == 1
    assert told["by_source"] == [{"source": "webinar", "reached": [1, 1, 1, 1, 0, 0]}]
    assert Program(cast.rosa).ask("reports/funnel/").json()["balance"]["entered"] == 0
    for query in ("start=yesterday", "start=2026-02-01&end=2026-01-01", "source=999999", "colour=red", "start="):
        assert program.get(f"/api/v1/reports/funnel/?{query}").status_code == 400, query
