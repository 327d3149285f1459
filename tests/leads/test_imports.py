"""Importing lists: read whatever comes, name what is wrong, account for every row, change nothing twice."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import openpyxl
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm import consents, contacts, triggers
from crm.models import (
    Activity,
    Company,
    ConsentEvent,
    Contact,
    ContactKey,
    LegalBasis,
    OutboxMessage,
    ProfileChange,
    Team,
)
from leads import lifecycle
from leads.imports import Import, Mapping, MappingError, ReadingError, Table, batches
from leads.imports.running import display_name
from leads.models import Handoff, ImportBatch, ImportRow, Lead, Source, StageChange
from leads.stages import Lane, Stage
from tests.cast import Cast, a_lead, ada

pytestmark = pytest.mark.django_db
ABOVE = (folder / "shared" / "data" for folder in Path(settings.BASE_DIR).parents)
DATA = next((folder for folder in ABOVE if folder.exists()), Path(settings.BASE_DIR).parent / "shared" / "data")
MAPPINGS = Path(settings.BASE_DIR) / "docs" / "examples" / "mappings"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"the public lists are not here: {DATA}")

FAIR: dict[str, Any] = {
    "system": "fair",
    "identity": {"column": "No"},
    "source": "trade_fair",
    "legal_basis": "request",
    "columns": {
        "First": "contact.first_name",
        "Last": "contact.last_name",
        "Mail": "contact.email",
        "Firm": "company.name",
        "Stage": {"to": "lead.stage", "values": {"New": "lead", "Hot": "mql", "Sold": "won"}, "blank": "lead"},
        "Seen": {"to": "lead.entered_at", "format": "%d.%m.%Y"},
        "Sold on": {"to": "lead.stage_at", "format": "%d.%m.%Y"},
        "Amount": {"to": "lead.amount", "decimal": ",", "thousands": "."},
    },
}
HEADER = "No;First;Last;Mail;Firm;Stage;Seen;Sold on;Amount"
ROWS = (
    "1;Jörg;Müller;joerg@mueller.example;Müller & Söhne;New;03.11.2026;;",
    "2;Käthe;Weiß;kaethe@weiss.example;Weiß AG;Hot;04.11.2026;;",
    "3;Ada;Lovelace;ada@engines.example;Engines Ltd;Sold;05.10.2026;06.11.2026;1.234,56",
)


@pytest.fixture(autouse=True)
def _a_day_in_november(time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 21, 12, tzinfo=UTC))


def write(path: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
    return path


def run(path: Path, mapping: dict[str, Any] | Path = FAIR, **options: Any) -> dict[str, Any]:
    """Run the command and return its last line."""
    if isinstance(mapping, dict):
        file = path.with_suffix(".mapping.json")
        file.write_text(json.dumps(mapping))
        mapping = file
    out = io.StringIO()
    call_command("import_contacts", str(path), "--mapping", str(mapping), stdout=out, **options)
    counts = json.loads(out.getvalue().splitlines()[-1])
    assert sum(counts[name] for name in ("created", "updated", "unchanged", "skipped", "failed")) == counts["rows"]
    return counts | {"out": out.getvalue()}


def five(counts: dict[str, Any]) -> tuple[int, ...]:
    return tuple(counts[name] for name in ("created", "updated", "unchanged", "skipped", "failed"))


def footprint() -> dict[str, int]:
    """Return how many rows stand in every table that an import may write to, its own record apart."""
    models = (Contact, Company, ContactKey, Lead, StageChange, Activity, LegalBasis, ConsentEvent, ProfileChange,
              OutboxMessage, Handoff, Team)  # fmt: skip
    return {model.__name__: model._default_manager.count() for model in models}


def messages(level: str = "error") -> list[tuple[int, str, str, str]]:
    """Return (row, column, value, text) of what the last batch has to tell."""
    rows = ImportRow.objects.filter(batch=ImportBatch.objects.first())
    return [(r.number, m["column"], m["value"], m["text"]) for r in rows for m in r.messages if m["level"] == level]


# --- What a row becomes ---------------------------------------------------------------------------


def test_a_row_becomes_a_person_a_company_and_a_lead_at_its_stage(tmp_path: Path, cast: Cast) -> None:
    counts = run(write(tmp_path / "fair.csv", *ROWS))
    assert five(counts) == (3, 0, 0, 0, 0)
    lead = Lead.objects.select_related("contact__company", "standing", "source", "team").get(
        contact__last_name="Lovelace"
    )
    assert (lead.contact.name, lead.contact.company.name, lead.source.key) == (
        "Ada Lovelace",
        "Engines Ltd",
        "trade_fair",
    )
    assert (lead.stage, lead.standing.lane, lead.amount, lead.closed_on) == (
        Stage.WON, Lane.WON, Decimal("1234.56"), date(2026, 11, 6),
    )  # fmt: skip
    assert timezone.localdate(lead.entered_at) == date(2026, 10, 5)
    assert timezone.localdate(lead.stage_since) == date(2026, 11, 6)
    assert [(c.verb, c.from_stage, c.to_stage, c.actor) for c in lead.changes.all()] == [
        ("enter_as", "lead", "won", "import")
    ]
    assert lead.imported
    assert lead.team == cast.marketing


def test_the_batch_and_every_row_are_recorded(tmp_path: Path) -> None:
    path = write(tmp_path / "fair.csv", *ROWS)
    batch = ImportBatch.objects.get(pk=run(path)["batch"])
    assert (batch.file_name, batch.source, batch.legal_basis, batch.state) == (
        "fair.csv",
        "trade_fair",
        "request",
        "done",
    )
    assert (batch.rows, batch.created, batch.failed) == (3, 3, 0)
    assert len(batch.file_sha256) == 64
    lines = list(batch.lines.values_list("number", "key", "outcome"))
    assert lines == [(2, "1", "created"), (3, "2", "created"), (4, "3", "created")]
    row = batch.lines.first()
    assert row.contact is not None
    assert row.lead is not None
    assert row.before["made"] == ["contact", "lead"]


def test_legal_basis_is_kept_with_source_and_date(tmp_path: Path) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    basis = LegalBasis.objects.get(contact__last_name="Weiß")
    assert (basis.basis, basis.since, basis.source, basis.purpose) == (
        "request",
        date(2026, 11, 4),
        "import:fair",
        "offer",
    )


def test_nothing_leaves_the_house_because_of_an_import(tmp_path: Path, cast: Cast) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    assert not OutboxMessage.objects.exists()
    assert not Handoff.objects.exists()


def test_leads_without_owner_wait_in_a_queue_even_where_there_is_no_team(tmp_path: Path) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    assert not Lead.objects.filter(owner=None, team=None).exists()


def test_an_owner_is_found_by_name_or_address(tmp_path: Path, cast: Cast) -> None:
    mapping = FAIR | {
        "columns": FAIR["columns"] | {"First": {"to": "lead.owner", "values": {"Jörg": "sam@example.com"}}}
    }
    path = write(
        tmp_path / "f.csv", ROWS[0], ROWS[1].replace("Käthe", "Mia Kowalczyk"), ROWS[2].replace("Ada", "Nobody")
    )
    assert five(run(path, mapping)) == (2, 0, 0, 0, 1)
    assert set(Lead.objects.values_list("owner__email", "team__name")) == {
        ("sam@example.com", "North"), ("mia@example.com", "Marketing"),
    }  # fmt: skip
    assert messages()[0][:3] == (4, "First", "Nobody")


def test_two_equal_rows_without_a_key_are_two_people_and_stay_two(tmp_path: Path) -> None:
    mapping = FAIR | {"identity": "row"}
    path = write(tmp_path / "fair.csv", ROWS[0], ROWS[0], ROWS[1])
    assert five(run(path, mapping)) == (3, 0, 0, 0, 0)
    assert five(run(path, mapping)) == (0, 0, 3, 0, 0)
    assert Contact.objects.filter(last_name="Müller").count() == 2


def test_masked_columns_reach_nobody_and_recognise_nobody(tmp_path: Path) -> None:
    mapping = FAIR | {"columns": {"Mail": {"to": "contact.custom.mail_masked", "masked": True}}}
    path = write(tmp_path / "fair.csv", *[f"{n};;;sXXX@mail.example;;;;;" for n in range(3)])
    assert five(run(path, mapping)) == (3, 0, 0, 0, 0)
    assert {contact.custom["mail_masked"] for contact in Contact.objects.all()} == {"sXXX@mail.example"}
    assert not any(contact.is_reachable for contact in Contact.objects.all())


def test_a_masked_column_cannot_be_mapped_to_a_channel() -> None:
    with pytest.raises(MappingError, match="masked"):
        Mapping.from_dict(FAIR | {"columns": {"Mail": {"to": "contact.email", "masked": True}}})


def test_unknown_and_blank_stay_apart(tmp_path: Path) -> None:
    mapping = FAIR | {"columns": {"Stage": {"to": "lead.source", "values": {"unknown": "unknown"}}}}
    run(write(tmp_path / "f.csv", "1;;;;;unknown;;;", "2;;;;;;;;"), mapping)
    assert list(Lead.objects.order_by("id").values_list("source__key", flat=True)) == ["unknown", None]


def test_objections_are_noted_once_per_channel(tmp_path: Path) -> None:
    mapping = FAIR | {
        "columns": {
            "First": {"to": "objection", "channel": "email", "when": ["Yes"]},
            "Last": {"to": "objection", "channel": "phone", "when": ["Yes"]},
        }
    }
    path = write(tmp_path / "f.csv", "1;Yes;No;;;;;;", "2;No;yes;;;;;;", "3;No;;;;;;;")
    for _ in range(2):
        run(path, mapping)
    said = ConsentEvent.objects.order_by("contact_id").values_list("contact__keys__key", "kind", "purpose", "channel")
    assert list(said) == [("1", "objected", "offer", "email"), ("2", "objected", "offer", "phone")]


def test_activities_are_told_as_history(tmp_path: Path) -> None:
    mapping = FAIR | {
        "columns": {
            "Seen": {"to": "lead.entered_at", "format": "%d.%m.%Y"},
            "Firm": {"to": "activity", "kind": "fair_talk", "property": "title"},
            "Sold on": {"to": "activity", "kind": "webinar_attended", "format": "%d.%m.%Y"},
            "Mail": {"to": "activity", "values": {"Call": "call_in", "Chat": "question"}, "property": "channel"},
            "Last": "note",
        }
    }
    path = write(tmp_path / "f.csv", "1;;Was in a hurry;Call;Chillventa;;03.11.2026;07.11.2026;")
    run(path, mapping)
    run(path, mapping)
    told = Activity.objects.order_by("kind_id").values_list("kind_id", "day", "properties", "feed")
    day = date(2026, 11, 3).toordinal() - date(1970, 1, 1).toordinal()
    assert list(told) == [
        ("call_in", day, {"channel": "Call"}, "import:fair"),
        ("fair_talk", day, {"title": "Chillventa"}, "import:fair"),
        ("note", day, {"text": "Was in a hurry"}, "import:fair"),
        ("webinar_attended", day + 4, {}, "import:fair"),
    ]


def test_history_neither_wakes_a_lead_nor_begins_an_episode(tmp_path: Path) -> None:
    mapping = FAIR | {"columns": FAIR["columns"] | {
        "Stage": {"to": "lead.stage", "values": {"Later": "nurture", "Gone": "lost"}},
        "Sold on": {"to": "activity", "kind": "demo_request", "format": "%d.%m.%Y"},
    }}  # fmt: skip
    rows = ("1;A;B;;;Later;01.10.2026;{};", "2;C;D;;;Gone;01.10.2026;{};")
    run(write(tmp_path / "f.csv", *[row.format("") for row in rows]), mapping)
    run(write(tmp_path / "f.csv", *[row.format("20.11.2026") for row in rows]), mapping)
    assert Activity.objects.count() == 2
    assert list(Lead.objects.order_by("id").values_list("stage", flat=True)) == ["nurture", "lost"]


def test_custom_fields_are_read_as_their_type(tmp_path: Path) -> None:
    mapping = FAIR | {
        "columns": {
            "First": {"to": "contact.custom.visits", "type": "number"},
            "Last": {"to": "contact.custom.paid", "type": "yes_no"},
            "Seen": {"to": "contact.custom.born", "type": "date", "format": "%d.%m.%Y"},
            "Firm": "contact.custom.group",
        }
    }
    run(write(tmp_path / "f.csv", "1;7;ja;;x;;01.02.1990;;"), mapping)
    assert Contact.objects.get().custom == {"visits": 7, "paid": True, "born": "1990-02-01", "group": "x"}


def test_people_of_one_company_share_it(tmp_path: Path) -> None:
    rows = [f"{n};P{n};Q{n};p{n}@acme.example;{'ACME GmbH' if n % 2 else 'Acme GmbH'};;;;" for n in range(600)]
    assert five(run(write(tmp_path / "f.csv", *rows))) == (600, 0, 0, 0, 0)
    assert Company.objects.count() == 1
    assert Contact.objects.exclude(company=None).count() == 600


# --- Twice, and a second file ---------------------------------------------------------------------


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    mapping = FAIR | {
        "columns": FAIR["columns"] | {"Firm": [FAIR["columns"]["Firm"], {"to": "activity", "kind": "fair_talk"}]}
    }
    path = write(tmp_path / "fair.csv", *ROWS)
    run(path, mapping)
    before, versions = footprint(), list(Lead.objects.order_by("id").values_list("version", "stage_since"))
    counts = run(path, mapping)
    assert five(counts) == (0, 0, 3, 0, 0)
    assert footprint() == before
    assert list(Lead.objects.order_by("id").values_list("version", "stage_since")) == versions


def test_a_changed_cell_updates_the_person_and_keeps_what_stood_there(tmp_path: Path) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    counts = run(write(tmp_path / "fair.csv", ROWS[0].replace("joerg@", "j.mueller@"), *ROWS[1:]))
    assert five(counts) == (0, 1, 2, 0, 0)
    contact = Contact.objects.get(last_name="Müller")
    assert (contact.email, contact.email_key) == ("j.mueller@mueller.example", "j.mueller@mueller.example")
    change = ProfileChange.objects.get(contact=contact)
    assert (change.field, change.old, change.source) == ("email", "joerg@mueller.example", "import:fair")
    row = ImportRow.objects.filter(batch=counts["batch"], outcome="updated").get()
    assert row.before == {"contact": {"email": "joerg@mueller.example"}}


def test_a_blank_cell_never_erases(tmp_path: Path) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    assert five(run(write(tmp_path / "fair.csv", "1;Jörg;Müller;;;;;;"))) == (0, 0, 1, 0, 0)
    assert Contact.objects.get(last_name="Müller").email == "joerg@mueller.example"


def test_what_people_changed_by_hand_is_theirs(tmp_path: Path, cast: Cast) -> None:
    path = write(tmp_path / "fair.csv", *ROWS)
    run(path)
    contact = Contact.objects.get(last_name="Müller")
    contacts.update_contact(contact, {"email": "neu@mueller.example"}, by=cast.sam, source="form")
    assert five(run(path)) == (0, 0, 3, 0, 0)
    contact.refresh_from_db()
    assert contact.email == "neu@mueller.example"
    assert "by hand" in messages("note")[0][3]


def test_a_second_file_carries_imported_leads_on(tmp_path: Path, cast: Cast) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    second = FAIR | {"requires_existing": True, "columns": {
        "Sold on": {"to": "lead.stage_at", "format": "%d.%m.%Y"},
        "Amount": {"to": "lead.amount", "decimal": ","},
        "Owner": "lead.owner",
    }, "always": [{"to": "lead.stage", "value": "won"}]}  # fmt: skip
    path = write(
        tmp_path / "won.csv", "2;18.11.2026;900;Sam Okafor", "9;18.11.2026;1;", header="No;Sold on;Amount;Owner"
    )
    assert five(run(path, second)) == (0, 1, 0, 0, 1)
    lead = Lead.objects.select_related("standing").get(contact__last_name="Weiß")
    assert (lead.stage, lead.amount, lead.closed_on, lead.owner) == ("won", Decimal(900), date(2026, 11, 18), cast.sam)
    assert (lead.standing.lane, lead.standing.owner) == (Lane.WON, cast.sam)
    assert [c.to_stage for c in lead.changes.order_by("seq")] == ["mql", "won"]
    number, column, value, text = messages()[0]
    assert (number, column, value) == (3, "No", "9")
    assert "correct the key" in text
    assert five(run(path, second)) == (0, 0, 1, 0, 1)


def test_an_import_never_moves_a_lead_backwards(tmp_path: Path) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    counts = run(write(tmp_path / "fair.csv", ROWS[2].replace("Sold;", "Hot;")))
    assert five(counts) == (0, 0, 1, 0, 0)
    assert Lead.objects.get(contact__last_name="Lovelace").stage == "won"
    assert "backwards" in messages("note")[0][3]


def test_a_lead_that_people_have_moved_is_left_alone_and_reported(tmp_path: Path, cast: Cast) -> None:
    run(write(tmp_path / "fair.csv", *ROWS))
    lead = Lead.objects.get(contact__last_name="Weiß")
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    counts = run(write(tmp_path / "fair.csv", ROWS[1].replace("Hot", "Sold")))
    assert five(counts) == (0, 0, 1, 0, 0)
    lead.refresh_from_db()
    assert (lead.stage, lead.version) == ("mql", 2)
    assert "People have moved" in messages("note")[0][3]


def test_a_stage_older_than_the_first_contact_is_kept_with_a_warning(tmp_path: Path) -> None:
    counts = run(write(tmp_path / "fair.csv", ROWS[2].replace("06.11.2026", "03.10.2026")))
    assert five(counts) == (1, 0, 0, 0, 0)
    number, _column, value, text = messages("warning")[0]
    assert (number, value) == (2, "2026-10-03")
    assert "2 days before" in text


def test_a_key_that_comes_twice_in_one_file_is_one_person(tmp_path: Path) -> None:
    again = ROWS[0].replace("Jörg", "Georg")
    path = write(tmp_path / "fair.csv", ROWS[0], ROWS[1], again, ROWS[0])
    rehearsed = run(path, dry_run=True)
    assert five(run(path)) == (2, 2, 0, 0, 0) == five(rehearsed)
    assert Contact.objects.count() == 2


def test_people_are_recognised_by_their_own_address_when_the_mapping_says_so(tmp_path: Path) -> None:
    known = ada(email="ada@engines.example", last_name="Lovelace")
    mapping = FAIR | {"identity": {"column": "No", "match_email": True}}
    path = write(tmp_path / "f.csv", ROWS[2], "8;Eve;Other;ada@engines.example;;;;;", "9;X;Y;info@engines.example;;;;;")
    assert five(run(path, mapping)) == (2, 1, 0, 0, 0)
    assert known.keys.get().key == "3"
    assert five(run(path, mapping)) == (0, 0, 3, 0, 0)


def test_somebody_with_an_open_lead_of_their_own_gets_no_second(tmp_path: Path, cast: Cast) -> None:
    lead = a_lead(ada(email="ada@engines.example", last_name="Lovelace"))
    run(write(tmp_path / "f.csv", ROWS[2]), FAIR | {"identity": {"column": "No", "match_email": True}})
    assert list(Lead.objects.all()) == [lead]
    assert lead.stage == "lead"


def test_the_suppressed_are_skipped_and_counted(tmp_path: Path) -> None:
    consents.suppress("Kaethe@Weiss.example", "erased")
    counts = run(write(tmp_path / "fair.csv", *ROWS, "4;K;W;kaethe+x@weiss.example;;;;;"))
    assert five(counts) == (3, 0, 0, 1, 0)
    assert not Contact.objects.filter(email_key="kaethe@weiss.example").exists()
    assert "suppression" in messages("note")[0][3]


def test_a_dry_run_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "fair.csv", *ROWS, "4;Bad;Mail;nonsense;;;;;")
    before = footprint()
    rehearsed = run(path, dry_run=True)
    assert footprint() == before
    assert not ImportBatch.objects.exists()
    assert rehearsed["batch"] is None
    assert five(run(path)) == five(rehearsed) == (3, 0, 0, 0, 1)


# --- What is wrong is named -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "value", "remedy"),
    [
        ("5;A;B;a@b;;;;;", "Mail", "a@b", ""),
        ("5;A;B;x@y.example;;Lukewarm;;;", "Stage", "Lukewarm", "Say among the columns"),
        ("5;A;B;x@y.example;;;2026-11-03;;", "Seen", "2026-11-03", "31.12.2026"),
        ("5;A;B;x@y.example;;;03.11.2126;;", "Seen", "03.11.2126", "Correct it"),
        ("5;A;B;x@y.example;;;;;12,5O", "Amount", "12,5O", "number"),
        ("5;A;B;x@y.example;;;;;1234.56.7,8,9", "Amount", "1234.56.7,8,9", "number"),
        ("5;A\x00;B;x@y.example;;;;;", "First", "A\x00", "Remove it"),
        (f"5;{'A' * 200};B;x@y.example;;;;;", "First", "A" * 200, "120"),
        (";A;B;x@y.example;;;;;", "No", "", "Fill it in"),
        ("5;A;B", "", "", "3 cells"),
    ],
)
def test_a_fault_names_row_column_and_value(tmp_path: Path, row: str, column: str, value: str, remedy: str) -> None:
    counts = run(write(tmp_path / "fair.csv", ROWS[0], row, ROWS[1]))
    assert five(counts) == (2, 0, 0, 0, 1)
    told = messages()[0]
    assert told[:3] == (3, column, value.replace("\x00", "�"))
    assert remedy in told[3]
    assert "row 3" in counts["out"]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"columns": {}}, "needs “columns”"),
        (FAIR | {"colour": 1}, "colour"),
        (FAIR | {"columns": {"Mail": "contact.mail"}}, "contact.mail"),
        (FAIR | {"columns": {"Mail": {"to": "contact.email", "formt": "x"}}}, "formt"),
        (FAIR | {"system": ""}, "system"),
        (FAIR | {"identity": "mail"}, "identity"),
        (FAIR | {"legal_basis": "because"}, "legal basis"),
        (FAIR | {"time_zone": "Mars"}, "Mars"),
        (FAIR | {"columns": {"Nowhere": "contact.email"}}, "Nowhere"),
        (FAIR | {"columns": {"Mail": {"to": "activity", "kind": "dance"}}}, "dance"),
        (FAIR | {"columns": {"Mail": {"to": "activity"}}}, "kind"),
        (FAIR | {"source": "moon"}, "moon"),
        (FAIR | {"source": ""}, "--source"),
        (FAIR | {"legal_basis": ""}, "--legal-basis"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why_before_anything_is_written(
    tmp_path: Path, mapping: dict[str, Any], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(write(tmp_path / "fair.csv", *ROWS), mapping)
    assert not ImportBatch.objects.exists()


def test_source_and_legal_basis_may_come_from_the_command(tmp_path: Path) -> None:
    mapping = {name: value for name, value in FAIR.items() if name not in {"source", "legal_basis"}}
    run(write(tmp_path / "f.csv", ROWS[0]), mapping, source="purchased_list", legal_basis="legitimate_interest")
    assert Lead.objects.get().source == Source.objects.get(key="purchased_list")
    assert LegalBasis.objects.get().basis == "legitimate_interest"


def test_a_row_the_database_refuses_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import IntegrityError

    from leads.imports.writing import Writer

    write_all = Writer.write

    def refuses_two(self: Writer, plans: Any, batch: Any) -> None:
        if any(plan.arrival.key == "2" and plan.outcome == "created" for plan in plans):
            raise IntegrityError("no")
        write_all(self, plans, batch)

    monkeypatch.setattr(Writer, "write", refuses_two)
    counts = run(write(tmp_path / "fair.csv", *ROWS))
    assert five(counts) == (2, 0, 0, 0, 1)
    assert ImportRow.objects.count() == 3
    assert messages()[0][0] == 3


# --- Reading files --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_writing_gives_the_same_rows(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([["Name", "Stadt", "Plz"], ["Müller, Jörg; jr.", "Köln", "01067"], ["Weiß", "Bad Tölz", ""]])
    path = tmp_path / "list.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    table = Table(path)
    assert table.columns == ["Name", "Stadt", "Plz"]
    assert [line.cells for line in table] == [["Müller, Jörg; jr.", "Köln", "01067"], ["Weiß", "Bad Tölz", ""]]
    assert [line.number for line in table] == [2, 3]


def test_a_sep_line_and_a_trailing_delimiter_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("sep=;\r\nNr;Name;\r\n001;Grundschule;\r\n002;Realschule;\r\n".encode("windows-1252"))
    table = Table(path)
    assert (table.delimiter, table.columns) == (";", ["Nr", "Name"])
    assert [line.cells for line in table] == [["001", "Grundschule"], ["002", "Realschule"]]


def test_a_list_without_header_gets_its_names_from_the_mapping(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("1|Anna\n2|Berta\n")
    table = Table(path, header=["No", "Name"])
    assert [(line.number, line.cells) for line in table] == [(1, ["1", "Anna"]), (2, ["2", "Berta"])]


def test_two_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Phone,Phone\n1,2\n")
    assert Table(path).columns == ["Phone", "Phone (2)"]


def test_our_own_export_loses_the_quote_before_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("a,b,c\n'=1+1,'tis,''\n")
    assert next(iter(Table(path))).cells == ["=1+1", "'tis", "''"]


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_workbook_named_csv_is_recognised_and_gives_the_same_leads(tmp_path: Path) -> None:
    book = tmp_path / "fair.xlsx"
    workbook(book, [HEADER.split(";"), [3, "Ada", "Lovelace", "ada@engines.example", "Engines Ltd", "Sold",
                                        date(2026, 10, 5), date(2026, 11, 6), "1.234,56"]])  # fmt: skip
    path = book.rename(tmp_path / "fair.csv")
    assert five(run(path)) == (1, 0, 0, 0, 0)
    lead = Lead.objects.get()
    assert (lead.closed_on, timezone.localdate(lead.entered_at)) == (date(2026, 11, 6), date(2026, 10, 5))
    assert five(run(write(tmp_path / "fair2.csv", ROWS[2]))) == (0, 0, 1, 0, 0)


def test_formulas_of_a_workbook_are_not_taken(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [["a", "b"], ["=1+1", "text"]])
    assert [line.cells for line in Table(path)] == [["", "text"]]


def test_a_workbook_that_is_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx", [["a"], [1]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", b"\0" * (64 * 1024 * 1024))
    with pytest.raises(ReadingError, match="unpack"):
        Table(path)


def test_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [["a"], ["x"]])
    evil = tmp_path / "evil.xlsx"
    laughs = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(evil, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<worksheet", laughs.encode() + b"<worksheet", 1)
            new.writestr(entry, data)
    with pytest.raises(ReadingError):
        list(Table(evil))


def test_a_sheet_of_a_million_columns_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wide.xlsx", [[f"c{n}" for n in range(600)]])
    with pytest.raises(ReadingError, match="500 columns"):
        Table(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \r\n", "empty"),
        (b"MZ\x90\x00\x03\x00\x00\x00" + b"\0\1" * 600, "another kind of file"),
        (b"%PDF-1.7 ...", "another kind of file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04 not really", "damaged"),
        ("Name\nMüller\n".encode() + "Köln\n".encode("windows-1252"), "mixes encodings"),
        (b'Name,City\n"Anna,Ulm\n' + b"Berta,Bonn\n" * 300, "not closed"),
    ],
)
def test_what_is_no_table_gets_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(ReadingError, match=says):
        list(Table(path))


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ReadingError, match="packed"):
        Table(path)


def test_a_header_alone_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no rows"):
        run(write(tmp_path / "fair.csv"))


def test_a_file_that_breaks_off_writes_nothing(tmp_path: Path) -> None:
    rows = [f"{n};A;B;a{n}@x.example;;;;;" for n in range(600)]
    path = write(tmp_path / "fair.csv", *rows, '601;"open;B;;;;;;', *rows)
    with pytest.raises(CommandError, match="not closed"):
        run(path)
    assert not Contact.objects.exists()
    assert ImportBatch.objects.get().state == "failed"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\list.csv", "list.csv"),
        ("a\0.csv", "a.csv"),
        ("\u202egnp.exe", "gnp.exe"),
    ],
)
def test_a_file_name_is_shown_cleaned(name: str, shown: str) -> None:
    assert display_name(name) == shown


# --- Volume ---------------------------------------------------------------------------------------


def test_the_number_of_queries_grows_with_the_slices_only(tmp_path: Path, django_assert_max_num_queries: Any) -> None:
    rows = [f"{n};A;B{n};a{n}@x.example;Firm {n % 9};Hot;03.11.2026;;" for n in range(500)]
    path = write(tmp_path / "fair.csv", *rows)
    job = Import(Table(path), Mapping.from_dict(FAIR))
    batch = batches.from_file(job, file_name="f")
    with django_assert_max_num_queries(2 * 40):
        batches.run(job, batch)
    assert Lead.objects.filter(stage="mql").count() == 500
    assert triggers.differences() == []


# --- The real lists -------------------------------------------------------------------------------


def every(step: int, path: Path, folder: Path, *, first: int = 0) -> Path:
    """Return the list with every `step`-th row only, from row `first` on."""
    if step == 1:
        return path
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return written(folder / path.name, header, rows[first::step])


def written(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


WHOLE = pytest.mark.soak
FICZON = {
    10: {"lead": 14 + 114, "mql": 70, "sal": 0, "sql": 63 + 57, "won": 92 + 1, "lost": 52, "nurture": 59,
         "disqualified": 158 + 63},
    1: {"lead": 82 + 1129, "mql": 708, "sal": 0, "sql": 643 + 626, "won": 834 + 18, "lost": 440, "nurture": 646,
        "disqualified": 1536 + 760},
}  # fmt: skip


@needs_data
@pytest.mark.parametrize(("step", "sourceless"), [(10, 1), pytest.param(1, 17, marks=WHOLE)])
def test_ficzon_is_accounted_for_to_the_last_row(tmp_path: Path, step: int, sourceless: int) -> None:
    path, mapping = every(step, DATA / "ficzon" / "project_sales_data.csv", tmp_path), MAPPINGS / "ficzon.json"
    rows = sum(FICZON[step].values())
    assert five(run(path, mapping)) == (rows, 0, 0, 0, 0)
    assert {stage: Lead.objects.filter(stage=stage).count() for stage in Stage.values} == FICZON[step]
    assert not Contact.objects.exclude(email="", phone="").exists()
    assert Lead.objects.filter(source=None).count() == sourceless
    assert Lead.objects.earliest("entered_at").entered_at.year == 2018
    assert Lead.objects.filter(entered_at__month__in=[1, 2, 3, 12]).count() == 0
    before = footprint()
    assert five(run(path, mapping)) == (0, 0, rows, 0, 0)
    assert footprint() == before


def deals_of(mqls: Path, folder: Path) -> Path:
    """Return the deals whose leads are in the file `mqls`."""
    with mqls.open(newline="", encoding="utf-8") as file:
        wanted = {row["mql_id"] for row in csv.DictReader(file)}
    with (DATA / "olist" / "olist_closed_deals_dataset.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return written(folder / "deals.csv", header, [row for row in rows if row[0] in wanted])


@needs_data
@pytest.mark.parametrize(
    ("step", "figures"),
    [(10, (800, 78, 63, 14, 97, 5)), pytest.param(1, (8000, 842, 669, 14, 1099, 60), marks=WHOLE)],
)
def test_olist_is_carried_to_won_by_its_second_file(tmp_path: Path, step: int, figures: tuple[int, ...]) -> None:
    leads, wins, early, days, unknown, sourceless = figures
    mqls = every(step, DATA / "olist" / "olist_marketing_qualified_leads_dataset.csv", tmp_path, first=7)
    deals = deals_of(mqls, tmp_path)
    assert five(run(mqls, MAPPINGS / "olist_mqls.json")) == (leads, 0, 0, 0, 0)
    assert five(run(deals, MAPPINGS / "olist_closed_deals.json")) == (0, wins, 0, 0, 0)
    assert [row[0] for row in messages("warning")] == [early]
    won = Lead.objects.filter(stage="won")
    assert (won.count(), Lead.objects.count()) == (wins, leads)
    assert median((lead.stage_since - lead.entered_at) // timedelta(days=1) for lead in won) == days
    assert Lead.objects.filter(source__key="unknown").count() == unknown
    assert Lead.objects.filter(source=None).count() == sourceless
    assert not won.exclude(amount=None).exists()
    before = footprint()
    assert five(run(mqls, MAPPINGS / "olist_mqls.json")) == (0, 0, leads, 0, 0)
    assert five(run(deals, MAPPINGS / "olist_closed_deals.json")) == (0, 0, wins, 0, 0)
    assert footprint() == before


@needs_data
@pytest.mark.parametrize(
    ("step", "figures"), [(10, (693, 277, 65, 1)), pytest.param(1, (6930, 2670, 635, 1), marks=WHOLE)]
)
def test_xeducation_keeps_its_objections_and_marks_what_was_written_afterwards(
    tmp_path: Path, step: int, figures: tuple[int, ...]
) -> None:
    leads, wins, no_mail, no_calls = figures
    path = every(step, DATA / "xeducation" / "leads_older.csv", tmp_path, first=4)
    mapping = MAPPINGS / "xeducation.json"
    assert five(run(path, mapping)) == (leads, 0, 0, 0, 0)
    assert Lead.objects.filter(stage="won").count() == wins
    objectors = ConsentEvent.objects.filter(kind="objected", purpose="offer")
    assert (objectors.filter(channel="email").count(), objectors.filter(channel="phone").count()) == (no_mail, no_calls)
    keys = {key for contact in Contact.objects.all() for key in contact.custom}
    assert len({key for key in keys if key.startswith("after_")}) == 9
    assert not any("Select" in contact.custom.values() for contact in Contact.objects.all())
    before = footprint()
    assert five(run(path, mapping)) == (0, 0, leads, 0, 0)
    assert footprint() == before


@needs_data
@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("windows-1252", ";"), ("utf-8-sig", "\t"), ("utf-16", ","), ("utf-8", "|")]
)
def test_the_school_list_reads_the_same_in_any_writing(tmp_path: Path, encoding: str, delimiter: str) -> None:
    original = Table(DATA / "nrw_schools" / "schuldaten.csv")
    rows = [line.cells for line in original if not line.fault]
    path = tmp_path / "schools.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([original.columns, *rows])
    again = Table(path)
    assert again.columns == original.columns
    assert [line.cells for line in again] == rows
    assert len(rows) == 5507
