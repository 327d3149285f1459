"""Work on many rows: frozen, done once per row, refused with a sentence, stopped, resumed, undone; exports."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from crm import contacts, deletion, doctor, render_token
from crm.lists import actions, exporting, files, jobs, kinds
from crm.lists.asking import Asked
from crm.models import AuditEntry, Contact, ListJob, ListJobRow, Team, User, Workspace
from leads import lifecycle
from leads.models import Handoff, Lead, Source
from leads.stages import Stage
from tests.cast import Cast, a_lead, accepted, ada, an_mql, next_month, reason

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be done within the request, so that a test looks at what is kept."""
    monkeypatch.setattr(jobs, "at_once", lambda job: None)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def a_person(n: int, **values: Any) -> Contact:
    return contacts.create_contact({"first_name": f"P{n}", "last_name": f"No {n:02}"} | values, by=None, source="test")


def people(count: int, **fields: Any) -> list[Lead]:
    return [a_lead(a_person(n), **fields) for n in range(count)]


def sent(client: Client, action: str, *, kind: str = "leads", query: str = "", ids: Any = None, **values: Any) -> Any:
    """Confirm an action: on the rows `ids`, or on all that fit `query`."""
    rows = {"ids": ",".join(str(row.pk) for row in ids)} if ids is not None else {"all": "1"}
    told = {"action": action, "query": query, "token": render_token.issue()} | rows | values
    return client.post(reverse("list_begin", args=[kind]), told)


def the_job() -> ListJob:
    return ListJob.objects.select_related("by").get()


def outcomes(job: ListJob) -> list[tuple[str, str]]:
    return list(job.lines.order_by("number").values_list("outcome", "text"))


# --- Confirming -----------------------------------------------------------------------------------


def test_what_is_meant_is_counted_before_it_is_done(cast: Cast) -> None:
    leads = people(3)
    client, address = signed_in(cast.mia), reverse("list_selected", args=["leads"])
    picked = client.post(address, {"action": "disqualify", "ids": [leads[0].pk, leads[2].pk], "query": ""})
    everything = client.post(address, {"action": "disqualify", "all": "1", "query": "stage=lead"})
    assert (picked.context["count"], everything.context["count"]) == (2, 3)
    assert b"It can be undone as a whole for 24 hours." in picked.content
    assert not ListJob.objects.exists()
    assert client.post(address, {"action": "disqualify", "query": ""}).status_code == 302
    assert client.post(address, {"action": "reassign", "all": "1"}).status_code == 404


def test_a_filter_that_means_other_rows_by_now_is_asked_again(cast: Cast, slowly: None) -> None:
    people(2)
    why = reason("disqualify")
    answer = sent(signed_in(cast.mia), "disqualify", query="stage=lead", count="1", reason=why.pk)
    assert answer.status_code == 409
    assert b"By now it is 2 instead of 1." in answer.content
    assert not ListJob.objects.exists()


def test_all_that_fit_are_those_of_the_click(cast: Cast, slowly: None) -> None:
    leads = people(2)
    sent(signed_in(cast.mia), "disqualify", query="stage=lead", count="2", reason=reason("disqualify").pk)
    late = a_lead(a_person(9))
    jobs.carry_on(5)
    late.refresh_from_db()
    assert late.stage == Stage.LEAD
    assert set(ListJobRow.objects.values_list("object_id", flat=True)) == {lead.pk for lead in leads}


def test_the_same_form_sent_twice_is_one_job(cast: Cast, slowly: None) -> None:
    leads, token = people(1), render_token.issue()
    why = reason("disqualify").pk
    first, second = (
        sent(signed_in(cast.mia), "disqualify", ids=leads, count="1", reason=why, token=token) for _time in range(2)
    )
    assert first["Location"] == second["Location"]
    assert ListJob.objects.count() == 1


# --- Doing ----------------------------------------------------------------------------------------


def test_each_row_is_done_or_refused_with_a_sentence(cast: Cast) -> None:
    mine, taken = an_mql(cast), None
    taken = a_lead(a_person(1), owner=cast.mia)
    sent(signed_in(cast.mia), "hand_off", ids=[mine, taken], count="2", taker=f"person-{cast.sam.pk}", note="Call soon")
    job = the_job()
    assert (job.state, job.done, job.refused) == ("done", 1, 1)
    told = dict(job.lines.values_list("object_id", "text"))
    assert told == {mine.pk: "", taken.pk: "“Hand over” is not possible for a lead in “New lead”."}
    mine.refresh_from_db()
    assert mine.open_handoff is not None
    assert mine.owner == cast.sam
    page = signed_in(cast.mia).get(reverse("list_job", args=[job.pk]))
    assert "not possible for a lead in “New lead”" in page.content.decode()


def test_many_leads_go_by_the_rules_each_for_itself(cast: Cast) -> None:
    Team.objects.update(way=Team.Way.ROUND_ROBIN)
    leads = [an_mql(cast, contact=ada(email=f"ada{number}@acme.example")) for number in range(3)]
    sent(signed_in(cast.mia), "hand_off", ids=leads, count="3", taker="by_rules")
    job = the_job()
    assert (job.state, job.done, job.words.endswith("by the rules")) == ("done", 3, True)
    owners = [lead.owner for lead in Lead.objects.order_by("pk")]
    assert sorted(str(one) for one in owners) == ["Jana Hübner", "Sam Okafor", "Sam Okafor"]
    assert Handoff.objects.first().packet["assigned"]["way"] == "round_robin"  # type: ignore[union-attr]


def test_a_row_that_breaks_is_refused_and_the_others_go_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = people(2)
    advance = lifecycle.advance

    def breaks(lead: Lead, *args: Any, **kwargs: Any) -> Any:
        change = advance(lead, *args, **kwargs)
        if lead.pk == first.pk:
            raise ZeroDivisionError
        return change

    monkeypatch.setattr(lifecycle, "advance", breaks)
    sent(signed_in(cast.mia), "disqualify", ids=[first, second], count="2", reason=reason("disqualify").pk)
    stages = dict(Lead.objects.values_list("pk", "stage"))
    assert stages == {first.pk: "lead", second.pk: "disqualified"}
    assert dict(ListJobRow.objects.values_list("object_id", "outcome")) == {first.pk: "refused", second.pk: "done"}


def test_a_worker_that_dies_in_a_chunk_loses_it_and_the_next_does_no_row_twice(
    cast: Cast, slowly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 2)
    leads = people(5)
    sent(signed_in(cast.mia), "disqualify", ids=leads, count="5", reason=reason("disqualify").pk)
    go_on, deaths = jobs._go_on, iter([False, True])

    def dies(*args: Any) -> None:
        if next(deaths, False):
            raise KeyboardInterrupt
        go_on(*args)

    monkeypatch.setattr(jobs, "_go_on", dies)
    with pytest.raises(KeyboardInterrupt):
        jobs.carry_on(5)
    assert (the_job().cursor, ListJobRow.objects.count()) == (2, 2)
    assert jobs.claimed() is None
    ListJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    jobs.carry_on(5)
    job = the_job()
    assert (job.state, job.cursor, job.done) == ("done", 5, 5)
    assert list(Lead.objects.values_list("version", flat=True)) == [1] * 5
    assert all(not list(check.ask(True)) for check in doctor.CHECKS if check.name == "list_jobs")


def test_who_lost_the_right_meanwhile_has_every_row_refused(cast: Cast, slowly: None) -> None:
    lead = accepted(cast)
    sent(signed_in(cast.sam), "send_back", ids=[lead], count="1", reason=reason("send_back").pk, wake_on=next_month())
    User.objects.filter(pk=cast.sam.pk).update(team=cast.south)
    Lead.objects.filter(pk=lead.pk).update(owner=cast.jana)
    jobs.carry_on(5)
    assert outcomes(the_job()) == [("refused", "This row is no longer there, or you may no longer see it.")]


def test_a_chunk_asks_the_same_number_of_questions_per_row(cast: Cast, slowly: None) -> None:
    def asked_for(count: int) -> int:
        leads = [a_lead(a_person(100 * count + n)) for n in range(count)]
        sent(signed_in(cast.mia), "set_source", ids=leads, count=str(count), source_detail=f"Fair {count}")
        with CaptureQueriesContext(connection) as queries:
            jobs.carry_on(5)
        return len(queries)

    one, four = asked_for(1), asked_for(4)
    assert four - one <= 3 * 4


# --- Stopping and undoing -------------------------------------------------------------------------


def test_a_job_is_stopped_resumed_and_undone(cast: Cast, slowly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 1)
    first, second, third = people(3)
    client = signed_in(cast.mia)
    sent(client, "disqualify", query="sort=entered", count="3", reason=reason("disqualify").pk)
    job = the_job()
    jobs.work(jobs.claimed(), until=0)
    client.post(reverse("list_job_stop", args=[job.pk]))
    jobs.carry_on(5)
    assert (the_job().state, the_job().done) == ("stopped", 1)
    client.post(reverse("list_job_resume", args=[job.pk]))
    jobs.carry_on(5)
    assert (the_job().state, the_job().done) == ("done", 3)
    second.refresh_from_db()
    lifecycle.advance(second, "undo", by=cast.mia)
    assert signed_in(cast.max).post(reverse("list_job_undo", args=[job.pk])).status_code == 404
    client.post(reverse("list_job_undo", args=[job.pk]))
    jobs.carry_on(5)
    job = the_job()
    assert (job.state, job.undone, job.left) == ("undone", 2, 1)
    assert dict(job.lines.values_list("object_id", "text")) == {
        first.pk: "", second.pk: "Moved again since.", third.pk: "",
    }  # fmt: skip
    assert set(Lead.objects.values_list("stage", flat=True)) == {"lead"}


def test_sources_are_set_and_put_back(cast: Cast) -> None:
    lead, other = people(2)
    partner = Source.objects.get(key="partner")
    client = signed_in(cast.mia)
    sent(client, "set_source", ids=[lead, other], count="2", source=partner.pk, source_detail="Fair 2026")
    Lead.objects.filter(pk=other.pk).update(source_detail="by hand since")
    client.post(reverse("list_job_undo", args=[the_job().pk]))
    told = dict(Lead.objects.values_list("pk", "source_detail"))
    assert told == {lead.pk: "", other.pk: "by hand since"}
    assert (the_job().undone, the_job().left) == (1, 1)


def test_an_undo_ends_after_a_day(cast: Cast) -> None:
    (lead,) = people(1)
    sent(signed_in(cast.mia), "set_source", ids=[lead], count="1", source_detail="Fair")
    ListJob.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    signed_in(cast.mia).post(reverse("list_job_undo", args=[the_job().pk]))
    lead.refresh_from_db()
    assert lead.source_detail == "Fair"


# --- Exports --------------------------------------------------------------------------------------


def exported(user: User, query: str = "", format: str = "csv", kind: str = "contacts", ids: Any = None) -> Any:
    asked = Asked.read(kinds.find(kind), QueryDict(query), user)
    count = len(ids) if ids is not None else asked.rows().count()
    answer = sent(signed_in(user), "export", kind=kind, query=query, ids=ids, count=str(count), format=format)
    assert answer.status_code == 302, answer.content
    return signed_in(user).get(reverse("list_job_file", args=[ListJob.objects.latest("pk").pk]))


def table(answer: Any, delimiter: str = ",") -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def test_an_export_has_the_rows_and_columns_asked_for_and_no_formula(cast: Cast) -> None:
    a_person(1, city="=1+1", phone="+49 30 123", email="p1@x.example")
    a_person(2, city="  @SUM(A1)", country="DE")
    answer = exported(cast.mia, urlencode({"sort": "-name", "cols": "name,city,phone"}))
    assert table(answer) == [
        ["Name", "City", "Phone"], ["P2 No 02", "'@SUM(A1)", ""], ["P1 No 01", "'=1+1", "'+49 30 123"],
    ]  # fmt: skip
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    narrowed = exported(cast.mia, "country=DE&cols=name")
    assert table(narrowed) == [["Name"], ["P2 No 02"]]


def test_a_workbook_holds_text_not_formulas_and_numbers_as_numbers(cast: Cast) -> None:
    lead = a_lead(a_person(1, job_title="x\x01y", email="=a@b.example"), amount="1234.50")
    lead.standing.score = 41
    lead.standing.save(update_fields=["score"])
    answer = exported(cast.mia, "cols=name,email,score,amount,entered", "xlsx", "leads")
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    name, email, score, amount, entered = next(sheet.iter_rows(min_row=2))
    assert (name.value, email.value, email.data_type, score.value, float(amount.value)) == (
        "P1 No 01", "'=a@b.example", "s", 41, 1234.5,
    )  # fmt: skip
    assert entered.is_date


def test_german_gets_what_its_spreadsheet_reads(cast: Cast) -> None:
    User.objects.filter(pk=cast.mia.pk).update(language="de")
    cast.mia.refresh_from_db()
    a_lead(a_person(1), amount="1234.50")
    assert table(exported(cast.mia, "cols=name,amount", kind="leads"), ";") == [
        ["Name", "Betrag"],
        ["P1 No 01", "1234,50"],
    ]


def test_every_order_of_the_list_is_the_order_of_the_file(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    people(5)
    names = [row[0] for row in table(exported(cast.mia, "sort=-name&cols=name", kind="leads"))[1:]]
    assert names == sorted(names, reverse=True)
    assert len(names) == 5


def test_a_killed_export_goes_on_behind_its_last_sure_chunk(
    cast: Cast, slowly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    people(5)
    sent(signed_in(cast.mia), "export", query="sort=name&cols=name", count="5", format="csv")
    jobs.work(jobs.claimed(), until=0)
    job = the_job()
    with files.part_of(job.stored_as).open("ab") as part:
        part.write(b'["torn')
    jobs.carry_on(5)
    rows = table(signed_in(cast.mia).get(reverse("list_job_file", args=[job.pk])))
    assert [row[0] for row in rows] == ["Name", *(f"P{n} No {n:02}" for n in range(5))]
    assert [path.name for path in files.folder().iterdir()] == [job.stored_as]


def test_a_rep_exports_only_where_the_workspace_lets_them_and_only_their_share(cast: Cast) -> None:
    lead = accepted(cast)
    people(2)
    assert sent(signed_in(cast.sam), "export", query="cols=name", count="1", format="csv").status_code == 404
    Workspace.objects.filter(pk=1).update(reps_may_export=True)
    assert [row[0] for row in table(exported(cast.sam, "cols=name", kind="leads"))] == ["Name", lead.contact.name]


def test_a_file_is_for_who_asked_for_a_day_and_every_download_is_logged(cast: Cast, time_machine: Any) -> None:
    a_person(1)
    time_machine.move_to(timezone.now())
    assert exported(cast.mia, "q=no&country=").status_code == 200
    job = the_job()
    address = reverse("list_job_file", args=[job.pk])
    assert [signed_in(user).get(address).status_code for user in (cast.max, cast.ava)] == [404, 404]
    logged = list(AuditEntry.objects.filter(action__startswith="export").values_list("action", "object", "payload"))
    assert logged == [
        ("export.made", f"list_job:{job.pk}",
         {"list": "contacts", "rows": 1, "filter": {"q": "…"}, "columns": job.params["columns"]}),
        ("export.downloaded", f"list_job:{job.pk}", {"rows": 1}),
    ]  # fmt: skip
    time_machine.shift(timedelta(hours=25))
    assert signed_in(cast.mia).get(address).status_code == 410
    assert jobs.put_to_rest() == 1
    assert list(files.names()) == []
    time_machine.shift(timedelta(days=31))
    jobs.put_to_rest()
    assert not ListJob.objects.exists()


def test_who_is_erased_leaves_the_exported_files(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    lead = a_lead(a_person(1))
    exported(cast.mia, kind="leads", ids=[lead])
    exported(cast.mia, kind="contacts", ids=[lead.contact])
    other = a_person(2)
    exported(cast.mia, kind="contacts", ids=[other])
    with django_capture_on_commit_callbacks(execute=True), deletion.gate_open("test"):
        deletion.remove_contacts([lead.contact_id])
    assert list(ListJob.objects.order_by("pk").values_list("state", flat=True)) == ["failed", "failed", "done"]
    assert len(list(files.names())) == 1


# --- Who sees jobs, and the doctor ----------------------------------------------------------------


def test_a_job_is_seen_by_who_began_it_and_by_admins(cast: Cast) -> None:
    (lead,) = people(1)
    sent(signed_in(cast.mia), "set_source", ids=[lead], count="1", source_detail="Fair")
    address = reverse("list_job", args=[the_job().pk])
    seen = {user.name.split()[0]: signed_in(user).get(address).status_code for user in cast.everyone}
    assert {name for name, status in seen.items() if status == 200} == {"Mia", "Ava"}
    assert set(seen.values()) == {200, 404}


def test_actions_follow_the_role(cast: Cast) -> None:
    told = {
        user.name.split()[0]: [one.key for one in actions.of("leads", user)] for user in (cast.mia, cast.sam, cast.lena)
    }
    assert told == {
        "Mia": ["hand_off", "nurture", "wake", "disqualify", "set_source", "export"],
        "Sam": ["send_back", "disqualify", "set_source"],
        "Lena": ["reassign", "send_back", "disqualify", "set_source", "export"],
    }


def test_the_doctor_finds_results_that_do_not_add_up_and_files_too_many(cast: Cast) -> None:
    check = next(one for one in doctor.CHECKS if one.name == "list_jobs")
    (lead,) = people(1)
    sent(signed_in(cast.mia), "set_source", ids=[lead], count="1", source_detail="Fair")
    exported(cast.mia)
    assert list(check.ask(True)) == []
    first, second = ListJob.objects.order_by("pk")
    ListJobRow.objects.all().delete()
    files.discard(second.stored_as)
    (files.folder() / ("0" * 32)).write_text("left over")
    assert list(check.ask(True)) == [
        f"Job {first.pk} on rows has 0 results for 1 row(s) done with.",
        f"The file of export {second.pk} is not there.",
        "1 exported file(s) belong to no job.",
    ]
