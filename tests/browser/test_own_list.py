"""A list nobody asked us about becomes leads, and two people build its scorecard in the editor; the worker publishes.

The list is X Education's: an excerpt in its own form, and all of it in the long tests.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests.leads.test_imports import DATA, MAPPINGS, needs_data
from tests.reliability.conftest import installation as installation
from tests.reliability.processes import Installation, eventually

pytestmark = pytest.mark.django_db  # every installation is a copy of the test database, also when nothing else is run
WHOLE = DATA / "xeducation" / "leads_older.csv"
COLUMNS = json.loads((MAPPINGS / "xeducation.json").read_text())["columns"]
# Occupation, specialization, seconds on the site, visits, origin, wants a free copy, Lead Source
PEOPLE = (
    ("Working Professional", "Select", "1279", "6", "Lead Add Form", "Yes", "Reference"),
    ("Working Professional", "Media and Advertising", "640", "3", "Landing Page Submission", "No", "Google"),
    ("Unemployed", "Select", "0", "0", "API", "No", "Olark Chat"),
    ("Select", "Select", "599", "11", "Landing Page Submission", "Yes", "Direct Traffic"),
    ("", "", "", "", "Lead Import", "No", "Facebook"),
    ("Businessman", "Finance Management", "600", "10", "Landing Page Submission", "No", "Welingak Website"),
)
LEFT_OUT = ("Asym", "Tags", "Last", "Lead Q", "Lead P", "What")
HAPPENS = """
from crm.activities import record
from crm.models import Contact
for contact in Contact.objects.filter(leads__stage="lead").order_by("pk")[::3][:400]:
    record(contact, "white_paper"); record(contact, "webinar_attended")
"""
BEHIND = """
from scoring import drain
from scoring.models import ActiveScoring
print(ActiveScoring.objects.get().version.number, drain.is_behind())
"""
COMPARED = """
from leads.models import Lead
from tests.scoring.cards import differences
print(differences(Lead.objects.filter(pk__gt={0}, pk__lte={0} + 1000)))
"""
TOLD = """
import json
from leads.models import Lead
from scoring import hits
from scoring.models import ActiveScoring, Score, ScoreHistory
version = ActiveScoring.objects.get().version
by_key = {c.label: hits.of(version).get(c.pk) for c in version.criteria.filter(label__startswith="X ")}
print(json.dumps({
    "leads": Lead.objects.count(), "last": Lead.objects.latest("pk").pk,
    "scores": Score.objects.filter(version=version).count(), "above zero": Score.objects.filter(total__gt=0).count(),
    "hits": by_key,
    "totals": list(Score.objects.order_by("lead_id").values_list("total", flat=True)[:6]),
}))
"""


def excerpt(path: Path) -> Path:
    """Write a few people the way the list writes them."""
    header = ["Prospect ID", "Lead Number", *[name for name in COLUMNS if name != "Prospect ID"]]
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, header, restval="No")
        rows.writeheader()
        for number, (occupation, course, seconds, visits, origin, copy, source) in enumerate(PEOPLE):
            blank = {name: "" for name in COLUMNS if name.startswith(LEFT_OUT)}
            rows.writerow(
                blank
                | {
                    "Prospect ID": f"p-{number}", "Lead Number": 579533 + number, "Converted": number % 2,
                    "What is your current occupation": occupation, "Specialization": course, "TotalVisits": visits,
                    "Total Time Spent on Website": seconds, "Lead Origin": origin, "Lead Source": source,
                    "A free copy of Mastering The Interview": copy, "Page Views Per Visit": "2", "Country": "India",
                    "City": "Select", "How did you hear about X Education": "Select",
                }
            )  # fmt: skip
    return path


def unnamed(file: Path) -> int:
    """Return how many rows leave the specialization open, or at the form's untouched choice."""
    with file.open(newline="", encoding="utf-8") as rows:
        return sum(row["Specialization"] in {"", "Select"} for row in csv.DictReader(rows))


def sign_in(browser: Browser, address: str, email: str) -> Page:
    page = browser.new_context(base_url=address, reduced_motion="reduce").new_page()
    page.set_default_timeout(60_000)
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill("baton-demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title("Today · Baton")
    return page


#: Field, comparison as it reads and as it is called, points, group, and what is typed.
ASKED = (
    ("occupation", "is one of", "in", 30, "Role", {"Values": "Working Professional\nBusinessman"}),
    ("specialization", "is missing", "is_missing", -5, "Role", {}),
    ("specialization", "is one of", "in", 40, "Company", {"Values": "Select"}),
    ("lead_origin", "is", "is", 35, "Company", {"Value": "Lead Add Form"}),
    ("wants_free_copy", "is", "is", 3, "Website and mail", {"Value": "yes"}),
    ("seconds_on_site", "is at least", "at_least", 30, "Website and mail", {"Value": "600"}),
    ("total_visits", "is between", "between", 10, "Website and mail", {"From": "3", "To": "10"}),
)


def choose(page: Page, field: str, comparison: str) -> None:
    """Come to the form of a new criterion by its links."""
    page.get_by_role("link", name="Criterion", exact=True).click()
    page.get_by_role("link", name=f"Own field “{field}”", exact=True).click()
    page.get_by_role("link", name=comparison, exact=True).click()


def add(page: Page, label: str, points: int, group: str, typed: dict[str, str]) -> None:
    """Fill in the form of a new criterion."""
    for name, text in typed.items():
        page.get_by_label(name, exact=True).fill(text)
    page.get_by_label("Points", exact=True).fill(str(points))
    page.locator("input[name=label]").fill(label)
    page.locator("select[name=group]").select_option(label=group)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("link", name=f"Open “{label}”")).to_be_visible()


def told(installation: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(installation.shell(TOLD))
    return found


@pytest.mark.parametrize("everybody", [False, pytest.param(True, marks=[pytest.mark.soak, needs_data])])
def test_a_scorecard_for_an_imported_list_is_built_in_the_editor(
    everybody: bool, installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    file = WHOLE if everybody else excerpt(tmp_path / "leads.csv")
    installation.shell("from tests import cast; cast.assemble()")
    imported = installation.manage("import_contacts", str(file), "--mapping", str(MAPPINGS / "xeducation.json"))
    rows = json.loads(imported.splitlines()[-1])
    assert rows["created"] == rows["rows"] == (6930 if everybody else len(PEOPLE))
    installation.start("manage.py", "up")
    eventually(lambda: "Baton runs at" in installation.log, within=60, about=lambda: installation.log)

    address = f"http://127.0.0.1:{installation.port}"
    mia, lena = (sign_in(browser, address, email) for email in ("mia@example.com", "lena@example.com"))
    mia.goto("/scorecards/")
    mia.get_by_role("button", name="New draft from this").click()
    form = mia.get_by_role("link", name="Criterion", exact=True).get_attribute("href")
    for number, (field, comparison, operator, points, group, typed) in enumerate(ASKED):
        if everybody or number < 3:
            choose(mia, field, comparison)
        else:
            mia.goto(f"{form}?fact=custom.{field}&operator={operator}")  # where the same links lead to
        add(mia, f"X {field} {comparison}", points, group, typed)
    never = mia.locator("li.rule", has_text="Own field “specialization” is one of Select")
    expect(never.locator(".flag")).to_contain_text("At the moment it holds for nobody.")
    mia.get_by_role("button", name="Send to review").click()
    mia.get_by_role("button", name="Sign for marketing").click()

    lena.goto("/scorecards/")
    lena.get_by_role("link", name="Version 2: In review").click()
    lena.get_by_role("button", name="Sign for sales").click()
    lena.get_by_label("Why it goes live").fill("A list of its own.")
    lena.get_by_label("Why without a back-test").fill("Nothing is known yet.")
    lena.get_by_role("button", name="Publish version 2").click()
    eventually(lambda: installation.shell(BEHIND) == "2 False", within=120, about=lambda: installation.log)
    installation.shell(HAPPENS)
    eventually(lambda: installation.shell(BEHIND) == "2 False", within=120, about=lambda: installation.log)
    lena.goto("/scorecards/")
    expect(lena.get_by_text("Version 2, in force since")).to_be_visible()

    now = told(installation)
    print(json.dumps(now | {"database": settings.DATABASES["default"]["ENGINE"]}))
    assert {installation.shell(COMPARED.format(first)) for first in range(0, now["last"], 1000)} == {"[]"}
    assert now["leads"] == rows["created"]
    assert now["hits"]["X specialization is one of"] == 0
    assert now["hits"]["X specialization is missing"] == unnamed(file)
    if not everybody:
        # The first: fit 30 − 5 + 35, the website's group at most 40, a white paper and a webinar.
        assert now["totals"] == [130, 70, 0, 3, 0, 70]
