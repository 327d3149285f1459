"""The life of an import: resumed where it stood, undone for seven days, and never stepping on people's toes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from crm import activities, consents, contacts, deletion, doctor, jobs
from crm.models import Activity, Company, ConsentEvent, Contact, ContactKey, LegalBasis, ProfileChange
from leads import lifecycle, steps, tasks
from leads.imports import Import, Mapping, Table, batches, checking, files, undoing
from leads.imports.writing import Writer
from leads.models import ImportBatch, ImportRow, Lead, StageChange
from leads.stages import Stage
from scoring import drain
from tests.cast import Cast, ada, reason
from tests.leads import fingerprint

pytestmark = pytest.mark.django_db
State = ImportBatch.State
MAPPING: dict[str, Any] = {
    "system": "fair",
    "identity": {"column": "No", "match_email": True},
    "source": "trade_fair",
    "legal_basis": "request",
    "columns": {
        "First": "contact.first_name",
        "Last": "contact.last_name",
        "Mail": "contact.email",
        "Firm": "company.name",
        "City": "company.city",
        "Size": {"to": "contact.custom.size"},
        "Stage": {"to": "lead.stage", "blank": "lead"},
        "Seen": {"to": "lead.entered_at", "format": "%Y-%m-%d"},
        "Asked": {"to": "activity", "kind": "question", "property": "text"},
        "No calls": {"to": "objection", "channel": "phone"},
        "Amount": "lead.amount",
    },
}
HEADER = "No,First,Last,Mail,Firm,City,Size,Stage,Seen,Asked,No calls,Amount"


@pytest.fixture(autouse=True)
def _a_day_in_november(time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.running.SLICE", 4)
    monkeypatch.setattr(undoing, "AT_ONCE", 3)


def rows(count: int, **changed: str) -> list[str]:
    """Return rows of `count` people at three firms; `changed` replaces cells by their column."""
    names = HEADER.split(",")
    found = []
    for n in range(count):
        cells = {
            "No": str(n), "First": f"F{n}", "Last": f"L{n}", "Mail": f"p{n}@list.example", "Firm": f"Firm {n % 3}",
            "Size": "M", "Stage": ("lead", "mql", "won")[n % 3], "Seen": "2026-10-01", "Asked": "Why?" if n % 2 else "",
            "No calls": "yes" if n % 4 == 0 else "",
        } | {name.replace("_", " "): value for name, value in changed.items()}  # fmt: skip
        found.append(",".join(cells.get(name, "") for name in names))
    return found


def a_batch(tmp_path: Path, lines: list[str], **mapping: Any) -> tuple[Import, ImportBatch]:
    path = tmp_path / "list.csv"
    path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    job = Import(Table(path), Mapping.from_dict(MAPPING | mapping))
    return job, batches.from_file(job, file_name="list.csv")


def imported(tmp_path: Path, lines: list[str], **mapping: Any) -> ImportBatch:
    job, batch = a_batch(tmp_path, lines, **mapping)
    batches.run(job, batch)
    batch.refresh_from_db()
    assert batch.state == State.DONE
    return batch


def undone(batch: ImportBatch) -> ImportBatch:
    batches.undo(batch, by=None)
    jobs.run(60)
    batch.refresh_from_db()
    assert batch.state == State.UNDONE
    return batch


def complaints() -> dict[str, list[str]]:
    return {check.name: sentences for check, sentences in doctor.examine(full=True) if sentences}


def why_left(batch: ImportBatch) -> dict[int, list[str]]:
    return {row.number: [told["why"] for told in row.left] for row in undoing.left_rows(batch)}


# --- Resuming -------------------------------------------------------------------------------------


def test_an_import_that_is_cut_short_goes_on_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(Contact.objects.values_list("pk", flat=True))
    job, batch = a_batch(tmp_path, rows(11))
    write, calls = Writer.write, []

    def dies(self: Writer, plans: Any, batch: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise SystemExit
        write(self, plans, batch)

    monkeypatch.setattr(Writer, "write", dies)
    with pytest.raises(SystemExit):
        batches.run(job, batch)
    batch.refresh_from_db()
    assert (batch.state, batch.cursor, batch.rows, Contact.objects.count() - len(before)) == ("running", 5, 4, 4)
    assert batches.claimed(batch.pk) is None  # the dead one's claim has not run out yet
    ImportBatch.objects.update(claimed_until=batch.created_at - timedelta(minutes=1))
    jobs.run(60)
    batch.refresh_from_db()
    assert (batch.state, batch.rows, batch.created, batch.total) == ("done", 11, 11, 11)
    assert Contact.objects.count() - len(before) == 11
    assert list(batch.lines.values_list("number", flat=True)) == list(range(2, 13))


def test_equal_rows_without_a_key_are_told_apart_after_a_resume_too(tmp_path: Path) -> None:
    lines = [rows(1, Mail="")[0]] * 6
    whole = imported(tmp_path, lines, identity="row", system="one")
    job, batch = a_batch(tmp_path, lines, identity="row", system="two")
    ImportBatch.objects.filter(pk=batch.pk).update(state="running", total=6)
    batch.refresh_from_db()
    batches.write(job, batch, until=0)  # one slice
    assert batch.cursor == 5
    jobs.run(60)
    assert list(batch.lines.values_list("key", flat=True)) == list(whole.lines.values_list("key", flat=True))
    assert ContactKey.objects.filter(system="two").count() == 6


def test_two_imports_never_write_at_the_same_time(tmp_path: Path) -> None:
    one, two = (a_batch(tmp_path, rows(2), system=name)[1] for name in ("one", "two"))
    ImportBatch.objects.update(state="running")
    first = batches.claimed()
    assert first == one
    assert batches.claimed() is None
    ImportBatch.objects.filter(pk=one.pk).update(state="done", claimed_until=None)
    assert batches.claimed() == two


def test_what_another_process_has_written_is_not_written_again(tmp_path: Path) -> None:
    job, batch = a_batch(tmp_path, rows(8))
    ImportBatch.objects.filter(pk=batch.pk).update(state="running")
    batch.refresh_from_db()
    stale = ImportBatch.objects.get(pk=batch.pk)
    batches.write(job, batch)
    assert batches.work(stale) is True
    assert (ImportRow.objects.count(), Contact.objects.count()) == (8, 8)


def test_a_full_disk_pauses_the_import_and_it_carries_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _job, batch = a_batch(tmp_path, rows(6))
    ImportBatch.objects.filter(pk=batch.pk).update(state="running", total=6)
    write = Writer.write

    def full(self: Writer, plans: Any, batch: Any) -> None:
        if plans[0].arrival.number > 5:
            raise OperationalError("database or disk is full")
        write(self, plans, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "write", full)
        jobs.run(60)
    batch.refresh_from_db()
    assert (batch.state, batch.rows) == ("running", 4)
    assert "row 5" in batch.trouble
    jobs.run(60)
    batch.refresh_from_db()
    assert (batch.state, batch.rows, batch.trouble, batch.failed) == ("done", 6, "", 0)


def test_an_import_is_stopped_and_resumed(tmp_path: Path, cast: Cast) -> None:
    job, batch = a_batch(tmp_path, rows(8))
    ImportBatch.objects.filter(pk=batch.pk).update(state="running", total=8)
    batch.refresh_from_db()
    batches.write(job, batch, until=0)
    batches.stop(batch, by=cast.mia)
    jobs.run(60)
    batch.refresh_from_db()
    assert (batch.state, batch.rows) == ("stopped", 4)
    out = io.StringIO()
    call_command("import_contacts", resume=batch.pk, stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1]) == {
        "rows": 8, "created": 8, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0, "batch": batch.pk,
    }  # fmt: skip
    with pytest.raises(CommandError):
        call_command("import_contacts", resume=batch.pk)


def test_a_list_that_is_gone_ends_the_import_with_a_sentence(tmp_path: Path) -> None:
    _job, batch = a_batch(tmp_path, rows(2))
    ImportBatch.objects.filter(pk=batch.pk).update(state="running")
    files.discard(batch.stored_as)
    jobs.run(60)
    batch.refresh_from_db()
    assert (batch.state, Contact.objects.count()) == ("failed", 0)
    assert "no longer here" in batch.trouble


# --- Undoing --------------------------------------------------------------------------------------


def test_an_undo_leaves_no_trace_but_in_the_logs(tmp_path: Path, cast: Cast) -> None:
    imported(tmp_path, rows(9), system="fair")
    known = ada(email="p100@list.example", first_name="F100", last_name="L100")
    Company.objects.create(name="Firm 9", name_key="firm 9")
    drain.until_empty() if hasattr(drain, "until_empty") else None
    before, logs = fingerprint.parts(), StageChange.objects.count()
    lines = [line.replace(",mql,", ",won,").replace(",lead,", ",mql,") for line in rows(9, Size="XL", City="Bonn")]
    lines += [
        "100,F100,L100,p100@list.example,Firm 9,Köln,S,mql,2026-10-01,Hm?,yes,",
        "101,,New,,New Firm,,,won,2026-10-02,,,9",
    ]
    batch = imported(tmp_path, lines)
    assert (batch.created, batch.updated) == (1, 10)
    assert fingerprint.parts() != before
    undone(batch)
    assert (batch.taken_back, batch.left) == (11, 0)
    assert fingerprint.parts() == before
    assert StageChange.objects.count() > logs
    known.refresh_from_db()
    assert known.custom == {}
    assert complaints() == {}


def test_what_people_changed_since_is_left_and_listed(tmp_path: Path, cast: Cast) -> None:
    imported(tmp_path, rows(4))
    batch = imported(tmp_path, rows(4, Size="XL", First="Changed"))
    person = Contact.objects.get(last_name="L2")
    contacts.update_contact(person, {"first_name": "Grace"}, by=cast.mia, source="form")
    undone(batch)
    person.refresh_from_db()
    assert (person.first_name, person.custom) == ("Grace", {"size": "M"})
    assert list(Contact.objects.exclude(pk=person.pk).order_by("pk").values_list("first_name", flat=True)) == [
        "F0", "F1", "F3",
    ]  # fmt: skip
    assert (batch.taken_back, batch.left) == (3, 1)
    row = undoing.left_rows(batch).get()
    assert undoing.sentences(row, {cast.mia.pk: cast.mia}) == ["“first_name” was changed since by Mia Kowalczyk"]


def _edits(person: Contact, lead: Lead, cast: Cast) -> None:
    contacts.update_contact(person, {"city": "Ulm"}, by=cast.mia, source="form")


def _calls(person: Contact, lead: Lead, cast: Cast) -> None:
    activities.record(person, "call_out", by=cast.mia)


def _agrees(person: Contact, lead: Lead, cast: Cast) -> None:
    consents.note(person, "confirmed", purpose="newsletter", channel="email", source="form")


def _moves(person: Contact, lead: Lead, cast: Cast) -> None:
    lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))


def _plans(person: Contact, lead: Lead, cast: Cast) -> None:
    steps.add(lead, {"what": "Call"}, by=cast.sam)


@pytest.mark.parametrize(
    ("touch", "why"),
    [(_edits, "profile"), (_calls, "activity"), (_agrees, "permission"), (_moves, "moved"), (_plans, "edited")],
)
def test_a_new_person_who_was_touched_since_stays_whole(
    tmp_path: Path, cast: Cast, touch: Callable[[Contact, Lead, Cast], None], why: str
) -> None:
    batch = imported(tmp_path, rows(3))
    person = Contact.objects.get(last_name="L0")
    touch(person, person.leads.get(), cast)
    undone(batch)
    assert list(Contact.objects.values_list("last_name", flat=True)) == ["L0"]
    assert list(Company.objects.values_list("name", flat=True)) == ["Firm 0"]
    assert (Lead.objects.count(), LegalBasis.objects.count(), ContactKey.objects.count()) == (1, 1, 1)
    assert why_left(batch) == {2: [why]}
    assert complaints() == {}


def test_a_later_import_keeps_what_it_changed(tmp_path: Path) -> None:
    first = imported(tmp_path, rows(3))
    second = imported(tmp_path, [rows(1, Size="XL", Stage="won")[0]])
    undone(first)
    assert why_left(first) == {2: ["imported"]}
    assert list(Contact.objects.values_list("last_name", flat=True)) == ["L0"]
    undone(second)
    person = Contact.objects.get()
    assert (person.custom, person.leads.get().stage) == ({"size": "M"}, Stage.LEAD)


def test_a_stage_that_was_carried_on_since_is_left(tmp_path: Path) -> None:
    imported(tmp_path, rows(1))
    second = imported(tmp_path, rows(1, Stage="mql"))
    imported(tmp_path, rows(1, Stage="won"))
    undone(second)
    assert Lead.objects.get().stage == Stage.WON
    assert why_left(second) == {2: ["stage"]}


def test_what_the_system_did_by_itself_stands_in_nobodys_way(tmp_path: Path) -> None:
    batch = imported(tmp_path, rows(2, Stage="nurture"))
    Lead.objects.update(wake_on=date(2026, 11, 1))
    lifecycle.advance(Lead.objects.get(contact__last_name="L0"), "wake", details={"cause": "date"})
    undone(batch)
    assert (Contact.objects.count(), Lead.objects.count(), Activity.objects.count()) == (0, 0, 0)
    assert (ConsentEvent.objects.count(), ProfileChange.objects.count(), Company.objects.count()) == (0, 0, 0)


def test_an_undo_ends_after_seven_days(tmp_path: Path, time_machine: Any) -> None:
    batch = imported(tmp_path, rows(1))
    time_machine.move_to(datetime(2026, 11, 28, 11, 59, tzinfo=UTC))
    assert batch.may_be_undone
    time_machine.move_to(datetime(2026, 11, 28, 12, 1, tzinfo=UTC))
    with pytest.raises(batches.NotPossible):
        batches.undo(batch, by=None)
    assert Contact.objects.count() == 1


def test_an_undone_list_can_be_imported_again(tmp_path: Path) -> None:
    first = undone(imported(tmp_path, rows(5)))
    again = imported(tmp_path, rows(5))
    assert (first.created, again.created) == (5, 5)


def test_the_undo_command_says_what_it_left(tmp_path: Path, cast: Cast) -> None:
    batch = imported(tmp_path, rows(2))
    _calls(Contact.objects.get(last_name="L1"), Lead.objects.get(contact__last_name="L1"), cast)
    out = io.StringIO()
    call_command("undo_import", batch.pk, stdout=out)
    assert "Left: row 3, something happened since." in out.getvalue()
    assert json.loads(out.getvalue().splitlines()[-1]) == {
        "batch": batch.pk, "undone": 1, "left": 1, "state": "undone",
    }  # fmt: skip


# --- Keeping and forgetting -----------------------------------------------------------------------


def test_the_list_lies_under_a_random_name_that_only_we_can_read(tmp_path: Path) -> None:
    _job, batch = a_batch(tmp_path, rows(1))
    path = files.path_of(batch.stored_as)
    assert path.parent == files.folder()
    assert (path.stat().st_mode & 0o777, path.read_text().splitlines()[0]) == (0o600, HEADER)
    for name in ("../secret_key", "", "x", "../../etc/passwd"):
        with pytest.raises(FileNotFoundError):
            files.path_of(name)


def test_after_seven_days_the_list_and_the_old_values_go(tmp_path: Path, time_machine: Any) -> None:
    imported(tmp_path, rows(1))
    batch = imported(tmp_path, rows(1, First="Other"))
    path = files.path_of(batch.stored_as)
    assert tasks.put_imports_to_rest() == 0
    time_machine.move_to(datetime(2026, 11, 28, 12, 1, tzinfo=UTC))
    assert tasks.put_imports_to_rest() == 2
    assert not path.exists()
    assert list(ImportRow.objects.values_list("before", "after")) == [({}, {})] * 2
    assert (ImportBatch.objects.count(), tasks.put_imports_to_rest()) == (2, 0)


# --- The check ------------------------------------------------------------------------------------


def test_the_check_groups_what_is_wrong_and_corrections_put_it_right(tmp_path: Path) -> None:
    lines = [*rows(3, Mail="n/a"), *rows(6)[3:5], "7,,,x@@y,,,,,,,,"]
    job, batch = a_batch(tmp_path, lines)
    found = checking.examine(job)
    assert found["counts"] == {"rows": 6, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 4}
    (first, *_rest) = found["groups"]
    assert (first["level"], first["column"], first["cells"][0]) == (
        "error", "Mail", {"value": "n/a", "row": 2, "count": 3},
    )  # fmt: skip
    refused = list(checking.refused(job))
    assert [number for number, _cells, _why in refused] == [2, 3, 4, 7]
    assert refused[3][1][3] == "x@@y"
    ImportBatch.objects.filter(pk=batch.pk).update(
        state="running", corrections={"Mail": {"n/a": ""}}, choices={"lenient": ["Mail"]}
    )
    jobs.run(60)
    batch.refresh_from_db()
    assert (batch.created, batch.failed) == (6, 0)
    assert sorted(Contact.objects.values_list("email", flat=True)) == [
        "", "", "", "", "p3@list.example", "p4@list.example",
    ]  # fmt: skip


def test_the_check_says_what_the_run_does_when_an_address_comes_twice(tmp_path: Path) -> None:
    lines = ["1,Ada,One,ada@x.example,,,,,,,,", "2,Ada,One,ADA@x.example,,,L,,,,,", "3,Bob,Two,ada@x.example,,,,,,,,"]
    job, batch = a_batch(tmp_path, lines, identity={"match_email": True})
    counts = checking.examine(job)["counts"]
    batches.run(batches.open_import(batch), batch)
    batch.refresh_from_db()
    assert counts == {name: getattr(batch, name) for name in counts}
    assert (batch.created, batch.updated) == (2, 1)


def test_who_is_removed_leaves_nothing_in_what_imports_keep(
    cast: Cast, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    job, batch = a_batch(tmp_path, [*rows(2), "9,F0,Again,p0@list.example,,,,nonsense,,,,"])
    batches.run(job, batch)
    stored = batch.stored_as
    gone = Contact.objects.get(email_key="p0@list.example")
    with django_capture_on_commit_callbacks(execute=True), deletion.gate_open("test"):
        deletion.remove_contacts([gone.pk])
    told = json.dumps(list(ImportRow.objects.values("key", "messages", "before", "after")), default=str)
    batch.refresh_from_db()
    assert "p0@" not in told
    assert ImportRow.objects.filter(contact__email_key="p1@list.example").exclude(after={}).exists()
    assert (batch.findings, batch.corrections, batch.rows) == ({}, {}, 3)
    with pytest.raises(FileNotFoundError):
        files.path_of(stored)
