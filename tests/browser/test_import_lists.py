"""Every public list goes through the import wizard in a real browser, with the real worker, and comes out again.

Long: part of `make soak`. What the wizard proposes is taken as it is, as somebody in a hurry does.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect

from leads.imports import Table
from tests.browser.barriers import barriers_at_all_sizes
from tests.browser.test_own_list import sign_in
from tests.leads.test_imports import DATA, needs_data
from tests.reliability.conftest import installation as installation
from tests.reliability.processes import Installation, eventually

pytestmark = [pytest.mark.django_db, pytest.mark.soak, needs_data]
SCHOOLS = DATA / "nrw_schools" / "schuldaten.csv"
#: new, updated, duplicate, blocked, faulty
Tally = list[int]
#: What is said otherwise than proposed in the step of the columns: a label on the page → its option, True for a tick.
Says = dict[str, str | bool]
PEOPLE = "from tests import cast; cast.assemble()"
HASH = """
from tests.leads import fingerprint
print(fingerprint.whole(logs=False))
"""
#: As HASH, but what a list without dates takes from the moment of its import counts as that moment, in each import.
CAME = """
from crm.workdays import date_of, local_day
from leads.models import ImportBatch
from tests.leads import fingerprint
now = ImportBatch.objects.latest("pk").started_at
print(fingerprint.whole(logs=False, named={now: "the moment", date_of(local_day(now)): "the day"}))
"""
COUNTS = """
import json
from crm.models import Company, Contact
from leads.models import Lead
from leads.stages import Stage
print(json.dumps([Company.objects.count(), Contact.objects.count(), Lead.objects.count(),
    Lead.objects.filter(stage=Stage.WON).count()]))
"""


@pytest.fixture
def mia(installation: Installation, browser: Browser) -> Page:
    installation.shell(PEOPLE)
    installation.start("manage.py", "up")
    eventually(lambda: "Baton runs at" in installation.log, within=60, about=lambda: installation.log)
    page = sign_in(browser, f"http://127.0.0.1:{installation.port}", "mia@example.com")
    page.set_default_timeout(60_000)
    return page


def tally(page: Page) -> Tally:
    return [int(re.sub(r"\D", "", text)) for text in page.locator(".tally dd").all_inner_texts()]


def go_on(page: Page, button: str = "Continue") -> None:
    before = page.url
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(lambda url: url != before)


def prepare(page: Page, file: Path, *, look_at_it: Callable[[], object] = str, says: Says | None = None) -> Tally:
    """Take a list through the first four steps; return what the check says would happen."""
    page.goto("/imports/new/")
    page.locator("input[type=file]").set_input_files(file)
    look_at_it()
    go_on(page)
    dates = page.locator("select[name=dates]")
    if dates.count() and not dates.input_value():
        dates.select_option("month")
    look_at_it()
    go_on(page)
    for label, meant in (says or {}).items():
        field = page.get_by_label(label, exact=True)
        field.check() if meant is True else field.fill(str(meant)) if label.startswith("Name") else field.select_option(
            label=str(meant)
        )
    look_at_it()
    go_on(page)
    if page.url.endswith("/words/"):
        look_at_it()
        go_on(page)
    page.get_by_label("Source", exact=True).select_option(label="Trade fair")
    page.get_by_label("Legitimate interest", exact=True).check()
    page.get_by_label("The people themselves", exact=True).check()
    look_at_it()
    go_on(page, "Check the list")
    expect(page.get_by_text("This is what would happen.")).to_be_visible(timeout=120_000)
    look_at_it()
    return tally(page)


def carry_out(page: Page, promised: Tally) -> None:
    """Start the import and see it keep what the check promised."""
    page.get_by_role("button", name=re.compile("^Import [0-9,.]+ rows?$")).click()
    expect(page.locator(".import-state")).to_contain_text("Done", timeout=300_000)
    assert tally(page) == promised


def undo(page: Page) -> None:
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator(".import-state")).to_contain_text("Undone", timeout=300_000)


LISTS: dict[str, tuple[Says, Tally, list[int]]] = {
    "adventureworks/DimReseller.csv": ({}, [701, 0, 0, 0, 0], [0, 701, 701, 0]),
    "adventureworks/ProspectiveBuyer.csv": ({}, [1908, 43, 3, 0, 105], [0, 1908, 1908, 0]),
    "dedupe/csv_example_messy_input.csv": ({}, [3337, 0, 0, 0, 0], [2080, 3337, 3337, 0]),
    "dedupe/febrl_dataset1.csv": ({}, [1000, 0, 0, 0, 0], [0, 1000, 1000, 0]),
    "ficzon/project_sales_data.csv": ({}, [7422, 0, 0, 0, 0], [0, 7422, 7422, 852]),
    "maven/accounts.csv": ({}, [85, 0, 0, 0, 0], [85, 85, 85, 0]),
    "maven/sales_pipeline.csv": ({}, [8800, 0, 0, 0, 0], [85, 8800, 8800, 4238]),
    "maven/sales_teams.csv": ({"Meaning of “sales_agent”": "Last name"}, [35, 0, 0, 0, 0], [0, 35, 35, 0]),
    "olist/olist_sellers_dataset.csv": ({}, [3095, 0, 0, 0, 0], [0, 3095, 3095, 0]),
    "xeducation/leads_older.csv": ({}, [6923, 0, 0, 0, 7], [0, 6923, 6923, 2668]),
}


def test_every_list_goes_in_as_the_check_promised_and_out_again(mia: Page, installation: Installation) -> None:
    empty, found = installation.shell(HASH), {}
    for name, (says, _tally, _came) in LISTS.items():
        promised = prepare(mia, DATA / name, says=says)
        carry_out(mia, promised)
        found[name] = (says, promised, json.loads(installation.shell(COUNTS)))
        undo(mia)
        assert installation.shell(HASH) == empty, name
    assert found == LISTS
    installation.manage("doctor", "--full")


def test_the_two_files_of_olist_are_one_list(mia: Page, installation: Installation) -> None:
    """The second file names the customers among the people of the first; nobody else gets in by it."""
    folder, system = DATA / "olist", {"Name of this list or system": "olist"}
    carry_out(mia, prepare(mia, folder / "olist_marketing_qualified_leads_dataset.csv", says=system))
    before = installation.shell(HASH)
    says: Says = system | {
        "Stage of all these leads": "Won", "Only carry on people whose key is known; refuse the others": True,
    }  # fmt: skip
    promised = prepare(mia, folder / "olist_closed_deals_dataset.csv", says=says)
    assert promised == [0, 842, 0, 0, 0]
    carry_out(mia, promised)
    assert json.loads(installation.shell(COUNTS)) == [0, 8000, 8000, 842]
    undo(mia)
    assert installation.shell(HASH) == before
    installation.manage("doctor", "--full")


def writings(folder: Path) -> list[Path]:
    """Write the list of schools as others would: encodings, delimiters, and a workbook under the name of a CSV."""
    original = Table(SCHOOLS)
    rows = [original.columns, *(line.cells for line in original if not line.fault)]
    found = [SCHOOLS]
    for encoding, delimiter in (("windows-1252", ";"), ("utf-8-sig", "\t"), ("utf-16", ","), ("utf-8", "|")):
        path = folder / encoding / SCHOOLS.name
        path.parent.mkdir()
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        found.append(path)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(folder / "book.xlsx")
    (folder / "book").mkdir()
    return [*found, (folder / "book.xlsx").rename(folder / "book" / SCHOOLS.name)]


def test_the_list_of_schools_comes_in_the_same_in_any_writing(
    mia: Page, installation: Installation, tmp_path: Path
) -> None:
    empty, came = installation.shell(HASH), set()
    for path in writings(tmp_path):
        promised = prepare(mia, path)
        carry_out(mia, promised)
        came.add((tuple(promised), installation.shell(COUNTS), installation.shell(CAME)))
        undo(mia)
        assert installation.shell(HASH) == empty, path
    assert {row[:2] for row in came} == {((5507, 0, 0, 0, 0), "[4044, 5507, 5507, 0]")}
    assert len(came) == 1


def broken(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield lists that are none, each with words of the sentence it gets."""
    told = {
        "empty.csv": (b"", "empty"), "header.csv": (b"Name,Mail\n", "no rows"),
        "program.csv": (b"MZ\x90\x00" + b"\0" * 90, "another kind of file"),
        "page.csv": (b"<!DOCTYPE html><html></html>", "web page"),
        "old.xls": (b"\xd0\xcf\x11\xe0" + b"x" * 90, "old Excel"),
        "half.xlsx": ((DATA / "xeducation" / "Leads Data Dictionary.xlsx").read_bytes()[:5000], "damaged"),
        "mixed.csv": ("Name\nMüller\n".encode() + "Köln\n".encode("windows-1252"), "mixes encodings"),
        "torn.csv": (b'Name,City\n"Anna,Ulm\n' + b"Berta,Bonn\n" * 300, "not closed"),
    }  # fmt: skip
    for name, (content, words) in told.items():
        (folder / name).write_bytes(content)
        yield folder / name, words
    yield DATA / "attribution" / "mta_data.csv.gz", "another kind of file"


def test_what_is_broken_or_holds_nobody_gets_a_sentence_and_nothing_comes_in(
    mia: Page, installation: Installation, tmp_path: Path
) -> None:
    empty = installation.shell(HASH)
    for path, words in broken(tmp_path):
        mia.goto("/imports/new/")
        mia.locator("input[type=file]").set_input_files(path)
        mia.get_by_role("button", name="Continue", exact=True).click()
        expect(mia.locator("main")).to_contain_text(words)
    for name in ("data_dictionary.csv", "products.csv"):
        mia.goto("/imports/new/")
        mia.locator("input[type=file]").set_input_files(DATA / "maven" / name)
        go_on(mia)
        go_on(mia)
        mia.get_by_role("button", name="Continue", exact=True).click()
        expect(mia.get_by_role("alert")).to_have_text("Say of at least one column what it means.")
    assert installation.shell(HASH) == empty


def test_no_step_of_an_import_is_in_anybodys_way(mia: Page) -> None:
    def look_at_it() -> None:
        assert barriers_at_all_sizes(mia) == {}, mia.url
        mia.emulate_media(color_scheme="light")
        mia.set_viewport_size({"width": 1280, "height": 900})

    carry_out(mia, prepare(mia, DATA / "maven" / "sales_pipeline.csv", look_at_it=look_at_it))
    look_at_it()
    mia.goto("/imports/")
    look_at_it()
