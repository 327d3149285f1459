"""The page of criteria that make bad MQLs: from the log to the verdict, with the leads behind each number."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import activities, jobs
from crm.models import User
from leads import lifecycle
from leads.models import Lead, StageChange
from scoring import backtest, decisions, lifts, trial
from scoring.models import BacktestRun, Lift, ScorecardVersion
from tests import cast as people
from tests.cast import Cast, accepted, ada, next_month, offered, reason
from tests.scoring.cards import a_draft, did, fact, in_force

pytestmark = pytest.mark.django_db
GOOD, BAD = 14, 12


def send_back(lead: Lead, by: User) -> None:
    lifecycle.advance(lead, "send_back", by=by, reason=reason("send_back"), wake_on=next_month())


def somebody(n: int, *kinds: str):  # type: ignore[no-untyped-def]
    contact = ada(email=f"{n}@acme.example", last_name=f"Person {n}")
    for kind in kinds:
        activities.record(contact, kind, at=timezone.now() - timedelta(days=2))
    return contact


@pytest.fixture(scope="module")
def cast(shared_rows: None) -> Cast:
    return people.assemble()


@pytest.fixture(scope="module")
def _lived(cast: Cast) -> ScorecardVersion:
    """Everybody has a company; who watched videos is always sent back, who read papers is accepted; one waits."""
    for n in range(GOOD):
        accepted(cast, contact=somebody(n, "white_paper"))
    for n in range(GOOD, GOOD + BAD):
        send_back(offered(cast, contact=somebody(n, "video_view")), cast.sam)
    offered(cast, contact=somebody(99, "video_view"))
    version = a_draft(
        [fact("has_company", "is", True, points=50), did("video_view", points=5), did("white_paper", points=5),
         fact("has_company", "is", True, points=-1, key="press"),
         did("video_view", points=50, key="signal", kind="sales_signal", group=None)],
        bar_fit=40, bar_engagement=0,
    )  # fmt: skip
    in_force(version)
    return version


@pytest.fixture
def live(_lived: ScorecardVersion, db: None) -> ScorecardVersion:
    return ScorecardVersion.objects.get(pk=_lived.pk)


def looked_back(version: ScorecardVersion) -> BacktestRun:
    run = backtest.ask(version, by=None)
    jobs.run(60)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    return run


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("report", args=["criteria"]), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


# --- Who lifted whom ------------------------------------------------------------------------------


def test_only_what_gave_points_at_the_bar_has_lifted(live: ScorecardVersion) -> None:
    run = looked_back(live)
    company, video, paper, press, signal = (
        {row.lead_id: row for row in Lift.objects.filter(run=run, criterion__key=key)}
        for key in ("c0", "c1", "c2", "press", "signal")
    )
    assert (len(company), len(video), len(paper)) == (GOOD + BAD + 1, BAD + 1, GOOD)
    assert not press  # what presses down lifts nobody
    assert not signal  # and what moves no score neither
    assert all(row.decides for row in company.values())
    assert not any(row.decides for row in video.values())  # they would have been at the bar without it
    assert sorted(str(row.rejected) for row in video.values()) == ["None", *["True"] * BAD]
    assert {row.reason for row in video.values() if row.rejected} == {reason("send_back")}
    assert {row.reason for row in paper.values()} == {None}


def test_it_is_the_moment_of_the_decision_that_counts(live: ScorecardVersion) -> None:
    for lead in Lead.objects.filter(stage="sal"):
        activities.record(lead.contact, "video_view")  # only after sales had answered
    run = looked_back(live)
    assert Lift.objects.filter(run=run, criterion__key="c1").count() == BAD + 1


def test_the_one_whose_mqls_come_back_is_accused(live: ScorecardVersion) -> None:
    answer = lifts.answer(looked_back(live))
    assert answer is not None
    assert [line.criterion.key for line in answer.accused] == ["c1"]
    assert answer.lines[0].criterion.key == "c1"
    charge = answer.lines[0].charge
    assert (charge.lifted.hits, charge.lifted.cases, charge.others.hits, charge.others.cases) == (BAD, BAD, 0, GOOD)
    assert (answer.decided.hits, answer.decided.cases) == (BAD, GOOD + BAD)
    assert answer.lines[0].reasons == [(reason("send_back"), BAD)]
    everybody = next(line for line in answer.lines if line.criterion.key == "c0")
    assert everybody.charge.p is None  # it lifted everybody: there are no others


def test_what_was_undone_is_charged_to_nobody(cast: Cast, live: ScorecardVersion) -> None:
    lead = Lead.objects.filter(stage="nurture").earliest("pk")
    lifecycle.advance(lead, "undo", by=cast.sam)
    answer = lifts.answer(looked_back(live))
    assert answer is not None
    assert answer.lines[0].charge.lifted.cases == BAD - 1


def test_the_reason_of_a_decision_is_that_of_the_first_no(cast: Cast, live: ScorecardVersion) -> None:
    lead = Lead.objects.filter(stage="sal").earliest("pk")
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    told = decisions.of(list(Lead.objects.values_list("pk", flat=True)))
    assert (told[lead.pk].accepted, told[lead.pk].reason_id) == (True, None)
    back = StageChange.objects.filter(verb="send_back").earliest("pk")
    assert (told[back.lead_id].accepted, told[back.lead_id].reason_id) == (False, back.reason_id)


# --- Keeping --------------------------------------------------------------------------------------


def test_a_chunk_done_again_after_a_kill_counts_once(live: ScorecardVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "AT_ONCE", 7)
    run = backtest.ask(live, by=None)
    backtest._step(run, trial.from_nothing([live.pk, live.pk]))  # written, and killed before it said so
    written = Lift.objects.filter(run=run).count()
    assert written
    jobs.run(60)
    assert Lift.objects.filter(run=run, lead__in=backtest.decisions.next_leads(0, 7)).count() == written
    whole = looked_back(live)
    assert not Lift.objects.filter(run=run).exists()  # only the newest look is kept
    assert whole.result["charges"]["decided"] == GOOD + BAD


def test_a_look_from_before_there_were_charges_says_nothing(client: Client, cast: Cast, live: ScorecardVersion) -> None:
    run = looked_back(live)
    del run.result["charges"]
    BacktestRun.objects.filter(pk=run.pk).update(result=run.result)
    client.force_login(cast.mia)
    assert "Nobody has looked at history with this version yet" in page(client)


# --- The page -------------------------------------------------------------------------------------


def test_the_page_names_the_criterion_the_reasons_and_the_rate_of_false_alarms(
    cast: Cast, client: Client, live: ScorecardVersion
) -> None:
    client.force_login(cast.mia)
    assert "Nobody has looked at history with this version yet" in page(client)
    looked_back(live)
    text = page(client)
    for words in (
        "<b>Criterion 1</b> makes bad MQLs: sales rejected 100 % of those it lifted, of the others 0 %.",
        "at most 5 %", "Alarm", "12 of 12; 76 % to 100 %", "too few to tell", "+100", str(reason("send_back")),
        "26 decided MQLs",
    ):  # fmt: skip
        assert words in text
    assert text.index("Alarm") < text.index("too few to tell")
    assert 'aria-current="page">Bad criteria' in text
    assert reverse("report", args=["criteria"]) in client.get(reverse("criteria_health")).content.decode()


def test_every_number_opens_its_leads(cast: Cast, client: Client, live: ScorecardVersion) -> None:
    looked_back(live)
    client.force_login(cast.mia)
    seen = 0
    for step, key, number in (("lifted", "c1", BAD + 1), ("rejected", "c1", BAD), ("accepted", "c2", GOOD)):
        rows = client.get(reverse("report_rows", args=["criteria", step]), {"criterion": key}).content.decode()
        assert len(re.findall(r'<th [^>]*scope="row">', rows)) == number
        seen += 1
    assert seen == 3
    for step, key in (("lifted", "nobody"), ("lost", "c1"), ("lifted", "")):
        answer = client.get(reverse("report_rows", args=["criteria", step]), {"criterion": key})
        assert answer.status_code == 404


def test_a_rep_sees_the_leads_behind_a_number_that_are_theirs(
    cast: Cast, client: Client, live: ScorecardVersion
) -> None:
    looked_back(live)
    client.force_login(cast.sam)
    rows = client.get(reverse("report_rows", args=["criteria", "rejected"]), {"criterion": "c1"}).content.decode()
    visible = Lead.objects.visible_to(cast.sam).filter(stage="nurture").count()
    assert len(re.findall(r'<th [^>]*scope="row">', rows)) == visible < BAD


def test_the_table_goes_out_as_csv(cast: Cast, client: Client, live: ScorecardVersion) -> None:
    looked_back(live)
    client.force_login(cast.mia)
    lines = list(csv.DictReader(io.StringIO(page(client, format="csv"))))
    assert [line["criterion"] for line in lines] == ["c1", "c2", "c0"]
    assert (lines[0]["rejected"], lines[0]["decided"], lines[0]["alarm"]) == ("12", "12", "1")


def test_more_leads_ask_no_more_questions_of_the_database(cast: Cast, client: Client, live: ScorecardVersion) -> None:
    looked_back(live)
    client.force_login(cast.mia)
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    for n in range(100, 106):
        accepted(cast, contact=somebody(n, "white_paper"))
    looked_back(live)
    with CaptureQueriesContext(connection) as many:
        page(client)
    assert len(many) <= len(few)
