"""The import wizard: five steps that lose nothing, a check before anything is written, and an undo button."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import contacts, spreadsheet_cells
from crm.models import Company, Contact, LegalBasis
from leads import tasks
from leads.imports import drafts, files, guessing
from leads.models import ImportBatch, Lead, MappingTemplate, Source
from leads.stages import Stage
from tests.cast import Cast

pytestmark = pytest.mark.django_db
LIST = """Vorname;Nachname;E-Mail;Firma;PLZ;Status;Erstellt;Betrag;Kundennummer;Hobby
Jörg;Müller;joerg@mueller.example;Müller & Söhne;01069;Neu;03.11.2026;;K1;Segeln
Käthe;Weiß;kaethe@weiss.example;Weiß AG;50667;Angebot;04.11.2026;1.234,56;K2;
Ada;Lovelace;keine;Engines Ltd;10115;Gewonnen;13.10.2026;99,00;K3;Rechnen
"""
MEANT = {
    "Vorname": "contact.first_name", "Nachname": "contact.last_name", "E-Mail": "contact.email",
    "Firma": "company.name", "PLZ": "contact.postcode", "Status": "lead.stage", "Erstellt": "lead.entered_at",
    "Betrag": "lead.amount", "Kundennummer": "key", "Hobby": "own",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _a_day_in_november(time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def mia(cast: Cast, client: Client) -> Client:
    client.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def send(client: Client, content: bytes | str, name: str = "kunden.csv") -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post(reverse("import_upload"), {"file": SimpleUploadedFile(name, data)})


def address(name: str, batch: ImportBatch) -> str:
    return reverse(f"import_{name}" if name else "import", args=[batch.pk])


def look(client: Client, batch: ImportBatch, **changed: Any) -> Any:
    """Send the look as it is shown, with what is changed."""
    form = client.get(address("look", batch)).context["form"]
    shown = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    return client.post(address("look", batch), {k: v for k, v in (shown | changed).items() if v is not None})


def columns(client: Client, batch: ImportBatch, meant: dict[str, str] | None = None, **more: Any) -> Any:
    """Send the columns as proposed, with what is meant otherwise."""
    rows = client.get(address("columns", batch)).context["rows"]
    data = {"match_email": "on", "leads": "on"} | more
    for row in rows:
        data[f"to-{row['place']}"] = (meant or {}).get(row["look"].header, row["picked"]["to"])
        data[f"name-{row['place']}"] = row["picked"]["name"]
    return client.post(address("columns", batch), {name: value for name, value in data.items() if value is not None})


def basis(client: Client, batch: ImportBatch, **changed: Any) -> Any:
    source = Source.objects.get(key=changed.pop("source", "trade_fair"))
    told = {"source": source.pk, "legal_basis": "request", "origin": "people", "detail": ""} | changed
    return client.post(address("basis", batch), told)


def checked(client: Client, content: bytes | str = LIST, **meant: str) -> ImportBatch:
    """Take a list through the first four steps."""
    send(client, content)
    batch = ImportBatch.objects.latest("pk")
    look(client, batch)
    answer = columns(client, batch, {"Hobby": "own"} | meant)
    if answer["Location"].endswith("/words/"):
        parts = client.get(answer["Location"]).context["parts"]
        client.post(answer["Location"], {row["name"]: row["meant"] for part in parts for row in part["rows"]})
    basis(client, batch)
    batch.refresh_from_db()
    return batch


def started(client: Client, batch: ImportBatch) -> ImportBatch:
    client.post(address("start", batch))
    tasks.carry_on_with_imports(60)
    batch.refresh_from_db()
    return batch


# --- The whole way --------------------------------------------------------------------------------


def test_a_german_list_goes_all_the_way(mia: Client, cast: Cast) -> None:
    batch = checked(mia)
    assert batch.state == "checked"
    assert batch.findings["counts"] == {
        "rows": 3, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 1,
    }  # fmt: skip
    page = mia.get(address("check", batch))
    assert [group["count"] for group in page.context["groups"]] == [1]
    assert Contact.objects.count() == 0
    mia.post(address("check", batch), {"fix-0-0": "ada@engines.example"})
    batch.refresh_from_db()
    assert batch.findings["counts"]["created"] == 3
    started(mia, batch)
    assert (batch.state, batch.created, batch.failed) == ("done", 3, 0)
    people = Contact.objects.order_by("pk").values_list("first_name", "email", "postcode", "custom")
    assert list(people) == [
        ("Jörg", "joerg@mueller.example", "01069", {"Hobby": "Segeln"}),
        ("Käthe", "kaethe@weiss.example", "50667", {}),
        ("Ada", "ada@engines.example", "10115", {"Hobby": "Rechnen"}),
    ]
    leads = Lead.objects.order_by("pk").values_list("stage", "amount", "source__key")
    assert [(stage, str(amount), source) for stage, amount, source in leads] == [
        (Stage.LEAD, "None", "trade_fair"), (Stage.SALES_QUALIFIED, "1234.56", "trade_fair"),
        (Stage.WON, "99.00", "trade_fair"),
    ]  # fmt: skip
    assert set(LegalBasis.objects.values_list("basis", flat=True)) == {"request"}
    result = mia.get(address("", batch))
    assert result.status_code == 200
    mia.post(address("undo", batch))
    tasks.carry_on_with_imports(60)
    batch.refresh_from_db()
    assert (batch.state, Contact.objects.count(), Company.objects.count()) == ("undone", 0, 0)


def test_what_columns_mean_is_proposed_in_both_languages(mia: Client) -> None:
    send(mia, LIST)
    batch = ImportBatch.objects.get()
    look(mia, batch)
    shown = {row["look"].header: row["picked"]["to"] for row in mia.get(address("columns", batch)).context["rows"]}
    assert shown == MEANT | {"Hobby": ""}
    assert guessing.targets.by_header("First Name") == "contact.first_name"
    assert guessing.targets.by_header("Straße") == "contact.street"


@pytest.mark.parametrize(
    ("columns", "meant"),
    [
        ({"seller_id": "a b", "seller_zip_code_prefix": "13023 04195", "seller_city": "campinas mogi"},
         ["key", "contact.postcode", "contact.city"]),
        ({"account": "Acme Cogs", "revenue": "1100.04 251.41", "employees": "2822 495"},
         ["company.name", "", "company.employees"]),
        ({"account": "Acme Cogs", "deal_stage": "Won Lost", "revenue": "1100.04 251.41"},
         ["company.name", "lead.stage", "lead.amount"]),
        ({"1": "637 635", "245-555-0173": "170-555-0127 279-555-0130", "A": "x y"}, ["", "contact.phone", ""]),
        ({"Wer": "x y", "Nummer 2": "+49.30.123456 030/1234567"}, ["", "contact.phone"]),
        ({"a": "x y", "Umfang": "1_234_567 12_000"}, ["", ""]),
    ],
)  # fmt: skip
def test_columns_are_told_by_name_and_by_what_is_in_them(columns: dict[str, str], meant: list[str]) -> None:
    looks = []
    for header, cells in columns.items():
        written = [cell.replace("_", " ") for cell in cells.split()]
        looks.append(guessing.Look(header, filled=2, cells=list(written), kind=guessing._kind(written)))
    proposed = guessing.propose(looks)
    assert [proposed.get(header, "") for header in columns] == meant


def test_going_back_loses_nothing(mia: Client) -> None:
    batch = checked(mia)
    shown = {row["look"].header: row["picked"]["to"] for row in mia.get(address("columns", batch)).context["rows"]}
    assert shown == MEANT
    assert mia.get(address("look", batch)).context["form"]["numbers"].value() == "1.234,56"
    form = mia.get(address("basis", batch)).context["form"]
    assert form["legal_basis"].value() == "request"
    assert Source.objects.get(pk=form["source"].value()).key == "trade_fair"
    part = mia.get(address("words", batch)).context["parts"][0]
    assert {row["word"]: row["meant"] for row in part["rows"]} == {"Neu": "lead", "Angebot": "sql", "Gewonnen": "won"}
    batch.refresh_from_db()
    assert batch.state == "checked"


def test_a_list_that_was_changed_after_its_check_is_checked_again_before_it_starts(mia: Client) -> None:
    batch = checked(mia)
    columns(mia, batch)
    answer = mia.post(address("start", batch), follow=True)
    batch.refresh_from_db()
    assert (batch.state, Contact.objects.count()) == ("checked", 0)  # anew, and it waits
    assert "Check the list again" in answer.content.decode()


def test_a_started_list_can_no_longer_be_prepared(mia: Client) -> None:
    batch = started(mia, checked(mia))
    for name in ("look", "columns", "basis", "check"):
        assert mia.post(address(name, batch), {})["Location"] == address("", batch)
    mia.post(address("discard", batch))
    assert Contact.objects.count() == 2


def test_a_thrown_away_list_leaves_no_file(mia: Client) -> None:
    batch = checked(mia)
    path = files.path_of(batch.stored_as)
    mia.post(address("discard", batch))
    assert (ImportBatch.objects.count(), path.exists()) == (0, False)


# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"), (b"MZ\x90\x00" + b"\0" * 90, "another kind of file"), (b"<html><p>no", "web page"),
        (b"PK\x03\x04 nothing", "damaged"), (b"Name,Mail\n", "no rows"), (b"\xd0\xcf\x11\xe0" + b"x" * 90, "old Excel"),
    ],
)  # fmt: skip
def test_what_is_no_list_gets_a_sentence(mia: Client, content: bytes, says: str) -> None:
    answer = send(mia, content)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert (ImportBatch.objects.count(), list(files.folder().iterdir())) == (0, [])


def test_neither_file_nor_table_is_asked_for(mia: Client) -> None:
    answer = mia.post(reverse("import_upload"), {})
    assert (answer.status_code, "Choose a file or paste a table." in answer.content.decode()) == (422, True)


def test_a_table_can_be_pasted(mia: Client) -> None:
    mia.post(reverse("import_upload"), {"pasted": "Vorname\tE-Mail\r\nJörg\tj@x.example\r\n"})
    batch = ImportBatch.objects.get()
    page = mia.get(address("look", batch))
    assert (page.context["table"].delimiter, page.context["rows"]) == ("\t", [["Jörg", "j@x.example"]])


def test_a_workbook_named_csv_is_recognised(mia: Client) -> None:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Vorname", "Erstellt"])
    book.active.append(["Jörg", date(2026, 5, 4)])
    book.create_sheet("Zweites").append(["leer"])
    book.save(buffer)
    send(mia, buffer.getvalue(), "liste.csv")
    batch = ImportBatch.objects.get()
    page = mia.get(address("look", batch))
    assert page.context["table"].is_workbook
    assert [name for name, _label in page.context["form"].fields["sheet"].choices] == ["Sheet", "Zweites"]
    look(mia, batch)
    columns(mia, batch)
    basis(mia, batch)
    started(mia, batch)
    assert timezone.localdate(Lead.objects.get().entered_at) == date(2026, 5, 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
def test_encodings_are_guessed_and_umlauts_shown(mia: Client, encoding: str) -> None:
    send(mia, LIST.encode(encoding))
    assert mia.get(address("look", ImportBatch.objects.get())).context["rows"][0][:2] == ["Jörg", "Müller"]


def test_a_wrong_encoding_can_be_switched_and_switched_back(mia: Client) -> None:
    send(mia, LIST.encode("windows-1252"))
    batch = ImportBatch.objects.get()
    look(mia, batch, encoding="utf-16", again="1")
    page = mia.get(address("look", batch))
    assert page.status_code == 200
    look(mia, batch, encoding="windows-1252", again="1")
    assert mia.get(address("look", batch)).context["rows"][0][0] == "Jörg"


def test_a_list_without_header_gets_numbered_columns(mia: Client) -> None:
    send(mia, "1|637|Ada|ada@x.example\n2|635|Bob|bob@x.example\n")
    batch = ImportBatch.objects.get()
    page = mia.get(address("look", batch))
    assert page.context["table"].columns == ["Column 1", "Column 2", "Column 3", "Column 4"]
    assert len(page.context["rows"]) == 2
    look(mia, batch)
    shown = {row["look"].header: row["picked"]["to"] for row in mia.get(address("columns", batch)).context["rows"]}
    assert shown["Column 4"] == "contact.email"


def test_ambiguous_dates_are_asked(mia: Client) -> None:
    send(mia, "Name,Created\nAda,03/04/2026\nBob,05/06/2026\n")
    batch = ImportBatch.objects.get()
    answer = look(mia, batch)
    assert answer.status_code == 422
    assert "Say what stands first" in answer.content.decode()
    look(mia, batch, dates="month")
    columns(mia, batch)
    basis(mia, batch)
    started(mia, batch)
    days = Lead.objects.order_by("pk").values_list("entered_at", flat=True)
    assert [(local.month, local.day) for local in map(timezone.localtime, days)] == [(3, 4), (5, 6)]


@pytest.mark.parametrize(
    ("cells", "order", "form"),
    [
        (["01.02.2026", "24.12.2026"], "day", "%d.%m.%Y"), (["01/13/2026"], "month", "%m/%d/%Y"),
        (["01.02.26"], "day", "%d.%m.%y"), (["2026-02-01 10:00"], "year", "%Y-%m-%d %H:%M"),
        (["2026-02-01"], "year", ""),
        (["14-11-2018 10:05", "01-11-2018 09:00"], "day", "%d-%m-%Y %H:%M"), (["03/04/2026"], "unclear", "%d/%m/%Y"),
    ],
)  # fmt: skip
def test_dates_are_read_as_they_are_written(cells: list[Any], order: str, form: str) -> None:
    column = guessing.Look("When", cells=cells, kind="date")
    assert (guessing.date_order([column]), guessing.date_format(cells, order)) == (order, form)


@pytest.mark.parametrize(
    ("cells", "german", "name", "unclear"),
    [
        (["1.234,56"], False, "1.234,56", False), (["1,234.56"], True, "1,234.56", False),
        (["12,5"], False, "1.234,56", False),
        (["12.5"], True, "1234.56", False), (["1.234"], True, "1.234,56", True), (["1.234"], False, "1234.56", True),
        (["1 234,5"], False, "1 234,56", False), (["17"], True, "1234.56", False),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(cells: list[Any], german: bool, name: str, unclear: bool) -> None:
    assert guessing.number_format([guessing.Look("N", cells=cells, kind="number")], german=german) == (name, unclear)


# --- Mapping --------------------------------------------------------------------------------------


def test_a_mapping_is_kept_as_a_template_and_fits_the_next_list(mia: Client) -> None:
    batch = checked(mia)
    columns(mia, batch, save_as="Messe")
    assert MappingTemplate.objects.get().name == "Messe"
    send(mia, LIST.replace("Vorname", "Rufname"))
    second = ImportBatch.objects.latest("pk")
    look(mia, second)
    answer = mia.post(address("columns", second), {"template": MappingTemplate.objects.get().pk}, follow=True)
    shown = {row["look"].header: row["picked"]["to"] for row in answer.context["rows"]}
    assert shown == {("Rufname" if k == "Vorname" else k): ("" if k == "Vorname" else v) for k, v in MEANT.items()}


def test_two_columns_cannot_mean_the_same(mia: Client) -> None:
    batch = checked(mia)
    answer = columns(mia, batch, {"Hobby": "contact.first_name"})
    assert (answer.status_code, "Two columns mean “First name”" in answer.content.decode()) == (422, True)


def test_a_second_list_carries_the_people_of_the_first_to_the_stage_it_is_a_list_of(mia: Client) -> None:
    started(mia, checked(mia, "Kundennummer;Nachname\nK1;Müller\nK2;Weiß\n"))
    send(mia, "Kundennummer;Gewonnen am\nK2;2026-11-02\nK9;2026-11-03\n", "deals.csv")
    batch = ImportBatch.objects.latest("pk")
    look(mia, batch)
    columns(mia, batch, stage="won", system="kunden", existing_only="on", save_as="Deals")
    basis(mia, batch, detail="Shop")
    batch.refresh_from_db()
    assert batch.mapping["always"] == [
        {"to": "lead.stage", "value": "won"}, {"to": "lead.source_detail", "value": "Shop"},
    ]  # fmt: skip
    started(mia, batch)
    assert (batch.updated, batch.failed) == (1, 1)
    leads = Lead.objects.order_by("pk").values_list("stage", "contact__last_name")
    assert list(leads) == [("lead", "Müller"), ("won", "Weiß")]
    assert timezone.localdate(Lead.objects.get(stage="won").stage_since) == date(2026, 11, 2)
    assert MappingTemplate.objects.get().mapping["choices"]["stage"] == "won"


def test_a_column_of_stages_says_more_than_the_stage_of_the_whole_list(mia: Client) -> None:
    batch = checked(mia)
    columns(mia, batch, stage="won")
    batch.refresh_from_db()
    assert batch.mapping["always"] == []


def test_an_offset_of_any_size_is_read(mia: Client) -> None:
    rows = "Müller;2026-11-02T23:00:00+20:15\nWeiß;0001-01-01T00:00:00+20:15\n"
    batch = checked(mia, f"Nachname;Erstellt\n{rows}", Erstellt="lead.entered_at")
    started(mia, batch)
    assert (batch.created, batch.failed) == (1, 1)
    assert Lead.objects.get().entered_at == datetime(2026, 11, 2, 2, 45, tzinfo=UTC)


def test_countries_are_known_by_name_in_any_row(mia: Client) -> None:
    names = ["DE"] * 3 + ["Deutschland", "Saudi Arabia", "FRA", "Hong Kong", "Atlantis"]
    rows = [f"L{number};{name}" for number, name in enumerate(names)]
    batch = checked(mia, "\n".join(["Nachname;Land", *rows]))
    assert batch.findings["counts"]["failed"] == 1
    assert [group["text"] for group in batch.findings["groups"]] == [
        "No country is known by this name. Write its two letters, such as DE."
    ]
    started(mia, batch)
    found = Contact.objects.order_by("pk").values_list("country", flat=True)
    assert list(found) == ["DE", "DE", "DE", "DE", "SA", "FR", "HK"]


def test_words_of_a_source_column_fall_back_to_the_lists_own_source(mia: Client) -> None:
    batch = checked(mia, "Name,Quelle\nAda,Webinar\nBob,Plakat\nEve,\n")
    started(mia, batch)
    sources = Lead.objects.order_by("pk").values_list("source__key", flat=True)
    assert list(sources) == ["webinar", "trade_fair", "trade_fair"]


# --- Source and legal basis -----------------------------------------------------------------------


def test_source_and_legal_basis_are_required(mia: Client) -> None:
    send(mia, LIST)
    batch = ImportBatch.objects.get()
    look(mia, batch)
    columns(mia, batch)
    answer = mia.post(address("basis", batch), {})
    assert set(answer.context["form"].errors) == {"source", "legal_basis", "origin"}
    assert mia.get(address("check", batch))["Location"] == address("basis", batch)
    mia.post(address("start", batch))
    tasks.carry_on_with_imports(60)
    assert Contact.objects.count() == 0


def test_data_from_somebody_else_bring_the_notice_of_article_14(mia: Client, cast: Cast) -> None:
    batch = checked(mia)
    basis(mia, batch, origin="others", source="purchased_list", received_on="2026-10-31", detail="Adress GmbH")
    started(mia, batch)
    page = mia.get(address("", batch))
    assert page.context["due"] == date(2026, 11, 30)
    for word in ("Purchased list (Adress GmbH)", "First name, Last name, E-mail", "Hobby"):
        assert word in page.context["notice"]
    assert Lead.objects.first().source.low_trust
    assert Lead.objects.first().source_detail == "Adress GmbH"
    mia.post(address("informed", batch))
    batch.refresh_from_db()
    assert batch.informed_on == date(2026, 11, 21)


def test_a_purchased_list_does_not_come_from_the_people(mia: Client) -> None:
    batch = checked(mia)
    assert "origin" in basis(mia, batch, source="purchased_list").context["form"].errors


@pytest.mark.parametrize(
    ("received", "due"),
    [(date(2026, 1, 31), date(2026, 2, 28)), (date(2026, 12, 5), date(2027, 1, 5)),
     (date(2028, 1, 30), date(2028, 2, 29))],
)  # fmt: skip
def test_the_notice_is_due_after_a_month(received: date, due: date) -> None:
    assert drafts.due_date(received) == due


# --- Check ----------------------------------------------------------------------------------------


def test_a_faulty_date_is_answered_by_an_example_not_by_a_pattern(mia: Client) -> None:
    batch = checked(mia, LIST.replace("04.11.2026", "32.13.2026"))
    assert "Not a date written as 31.12.2026." in mia.get(address("check", batch)).content.decode()


def test_faulty_cells_can_be_left_empty(mia: Client) -> None:
    batch = checked(mia)
    mia.post(address("check", batch), {"fix-0-0": "keine", "clear-0": "on"})
    batch.refresh_from_db()
    assert (batch.findings["counts"]["created"], batch.findings["counts"]["failed"]) == (3, 0)


def test_refused_rows_are_downloaded_with_their_reason_and_without_formulas(mia: Client) -> None:
    content = LIST.replace("Segeln", '"=HYPERLINK(""http://x"")"').replace("joerg@mueller.example", "@SUM(A1)")
    batch = checked(mia, content)
    text = b"".join(mia.get(address("refused", batch)).streaming_content).decode("utf-8-sig")
    header, first, second = list(csv.reader(io.StringIO(text)))
    assert header[-2:] == ["Row", "Reason"]
    assert (first[2], first[9], first[10]) == ("'@SUM(A1)", '\'=HYPERLINK("http://x")', "2")
    assert second[11].startswith("E-Mail: ")
    started(mia, batch)
    after = b"".join(mia.get(address("refused", batch)).streaming_content).decode("utf-8-sig")
    assert [row[:11] for row in csv.reader(io.StringIO(after))] == [header[:11], first[:11], second[:11]]


@pytest.mark.parametrize(
    "cell",
    ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM", "\t=1", "\r=1", " =1", "＝1", "\x00=1", ";=1", "+49 30 123", "-2.5", "-",
     "plain", "", "'quoted", "1,234", "+1"],
)  # fmt: skip
def test_cells_are_safe_in_a_spreadsheet_and_come_back_as_they_were(cell: str) -> None:
    written = spreadsheet_cells.safe(cell)
    assert spreadsheet_cells.unquoted(written) == cell.replace("\x00", "")
    if cell in {"-2.5", "+1", "plain", "", "'quoted", "1,234"}:
        assert written == cell
    else:
        assert written.startswith("'")


# --- Afterwards -----------------------------------------------------------------------------------


def test_what_an_undo_left_is_listed_with_who_changed_it(mia: Client, cast: Cast) -> None:
    batch = started(mia, checked(mia))
    contacts.update_contact(Contact.objects.get(first_name="Jörg"), {"city": "Ulm"}, by=cast.sam, source="form")
    mia.post(address("undo", batch))
    tasks.carry_on_with_imports(60)
    page = mia.get(address("left", batch)).content.decode()
    assert "the profile was changed since by Sam Okafor" in page
    assert "Jörg Müller" in page


def test_today_tells_the_person_when_an_import_is_done(mia: Client, cast: Cast) -> None:
    batch = started(mia, checked(mia))
    assert "kunden.csv" in mia.get(reverse("today")).content.decode()
    mia.get(address("", batch))
    assert "kunden.csv" not in mia.get(reverse("today")).content.decode()


def test_only_marketing_sales_leads_and_admins_import(client: Client, cast: Cast) -> None:
    seen = {}
    for person in (cast.mia, cast.sam, cast.lena, cast.ava):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        seen[person.name.split()[0]] = (client.get(reverse("imports")).status_code, send(client, LIST).status_code)
    assert seen == {"Mia": (200, 302), "Sam": (403, 403), "Lena": (200, 302), "Ava": (200, 302)}
    assert ImportBatch.objects.count() == 3


def test_the_list_of_imports_costs_the_same_for_one_and_for_many(
    mia: Client, django_assert_max_num_queries: Any
) -> None:
    for _number in range(3):
        send(mia, LIST)
    with django_assert_max_num_queries(12):
        assert mia.get(reverse("imports")).status_code == 200


def test_the_sample_goes_through_its_own_wizard(mia: Client) -> None:
    content = b"".join(mia.get(reverse("import_sample")).streaming_content)
    batch = checked(mia, content)
    assert batch.findings["counts"]["created"] == 2
