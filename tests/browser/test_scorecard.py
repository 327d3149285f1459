"""A full round by two people: draft, edit, review, two signatures, publish, roll back; no page with barriers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from crm.models import User
from scoring import contents, desk, drafting, versions
from scoring.models import Persona
from tests import cast as people
from tests.browser.barriers import barriers, barriers_at_all_sizes
from tests.cast import Cast
from tests.reliability.conftest import installation as installation
from tests.reliability.processes import Installation, answers, eventually, kill_group
from tests.scoring.test_versions import change_points, live, seen

pytestmark = pytest.mark.django_db(transaction=True)
Enter = Callable[[User], Page]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return people.assemble()


@pytest.fixture
def as_(browser: Browser, live_server: Any) -> Iterator[Enter]:
    """Give each person a browser of their own."""
    contexts: list[BrowserContext] = []

    def enter(user: User) -> Page:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        contexts.append(context)
        return context.new_page()

    yield enter
    for context in contexts:
        context.close()


WORLD = """
from crm import activities
from leads import lifecycle
from scoring import drain
from tests import cast as people
cast = people.assemble()
for n, title in enumerate(("Head of Sales", "", "Head of Sales", "Student")):
    lead = people.a_lead(people.ada(first_name="Ada" if n else "Nora", email=f"ada{n}@acme.example", job_title=title))
    for kind in ("white_paper", "video_view", "white_paper")[n:]:
        activities.record(lead.contact, kind)
for n in range(2):
    lead = people.offered(cast, contact=people.ada(email=f"old{n}@acme.example"))
    lifecycle.advance(lead, "withdraw" if n else "accept", by=cast.mia if n else cast.sam)
drain.drain()
"""
SESSIONS = """
import json
from django.conf import settings
from django.test import Client
from crm.models import User
keys = []
for email in ("mia@example.com", "lena@example.com"):
    client = Client()
    client.force_login(User.objects.get(email=email), backend="allauth.account.auth_backends.AuthenticationBackend")
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
print(json.dumps(keys))
"""
KEPT = """
from scoring.models import PreviewRun
print(PreviewRun.objects.latest("pk").state)
"""
STATE = """
import json
from scoring import drain, publishing
from scoring.models import ActiveScoring
from tests.scoring.test_versions import scores
busy = drain.is_behind() or publishing.under_way() is not None
print(json.dumps([ActiveScoring.objects.get().version.number, busy, scores()]))
"""


@pytest.fixture
def served(installation: Installation) -> Installation:
    """An installation with its pages served, and nobody at work behind them yet."""
    installation.shell(WORLD)
    address = f"127.0.0.1:{installation.port}"
    installation.start("-m", "gunicorn", "crm.wsgi", "--bind", address, "--threads", "4", "--no-control-socket")
    eventually(lambda: answers(installation.port), about=lambda: installation.log)
    return installation


@pytest.fixture
def both(served: Installation, browser: Browser) -> Iterator[tuple[Page, Page]]:
    """Mia of marketing and Lena of sales, each in a browser of their own."""
    address = f"http://127.0.0.1:{served.port}"
    contexts = []
    for key in json.loads(served.shell(SESSIONS)):
        contexts.append(browser.new_context(base_url=address, reduced_motion="reduce"))
        contexts[-1].add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": address}])
        contexts[-1].set_default_timeout(60_000)
    mia, lena = (context.new_page() for context in contexts)
    yield mia, lena
    for context in contexts:
        context.close()


def state(installation: Installation) -> tuple[int, bool, str]:
    """Return the version in force, whether anything is under way, the hash over (lead, total, grade, points)."""
    number, busy, scores = json.loads(installation.shell(STATE))
    return number, busy, scores


def nora(page: Page) -> tuple[str, str]:
    """Return (column, score) of Nora's card on marketing's board."""
    page.goto("/boards/marketing/")
    page.wait_for_load_state()
    card = page.locator(".card", has_text="Nora")
    column = card.locator("xpath=ancestor::*[starts-with(@id, 'column-')]").get_attribute("id") or ""
    return column.removeprefix("column-"), card.locator(".why b").inner_text()


def write_the_draft(mia: Page) -> None:
    mia.goto("/scorecards/")
    mia.get_by_role("button", name="New draft from this").click()
    expect(mia.get_by_text("0 changes to live")).to_be_visible()
    mia.get_by_role("link", name="Open “White paper”").click()
    points = mia.get_by_label("Points", exact=True)
    expect(points).to_have_value("10")
    mia.locator(".steps-frame", has=points).get_by_text("+").click()
    expect(points).to_have_value("11")
    points.fill("37")
    mia.get_by_role("button", name="Save").click()
    rule = mia.locator("li.rule", has_text="Downloaded a white paper")
    expect(rule.locator(".points")).to_have_text("+10+37")
    expect(mia.get_by_text("1 change to live")).to_be_visible()
    mia.get_by_role("link", name="Criterion", exact=True).click()
    mia.get_by_role("link", name="Region").click()
    mia.get_by_label("Value").fill("Bavaria")
    mia.get_by_role("button", name="Add").click()
    expect(mia.locator("li.rule", has_text="Region is Bavaria")).to_contain_text("new")


def test_a_full_round_by_two_people(served: Installation, both: tuple[Page, Page]) -> None:
    mia, lena = both
    before = state(served)[2]
    assert nora(mia) == ("new", "98")
    write_the_draft(mia)
    edit = mia.url

    # What it would change: now, and on history. The back-test waits until somebody works.
    mia.get_by_role("link", name="All names, criteria and the flow per week").click()
    expect(mia.get_by_text("3 leads become MQLs.")).to_be_visible()
    expect(mia.get_by_role("row", name=re.compile("Nora.*becomes MQL")).first).to_contain_text("White paper +20")
    assert barriers(mia) == []
    mia.get_by_role("link", name="Back-test", exact=True).click()
    mia.get_by_role("button", name="Run the back-test").click()
    expect(mia.get_by_text("0 of 2 decided leads looked at. You may leave this page.")).to_be_visible()
    worker = served.start_worker()
    expect(mia.get_by_text("2 decided leads;")).to_be_visible(timeout=60_000)
    assert barriers(mia) == []

    mia.goto(edit, wait_until="networkidle")  # what comes later stands above the button and moves it
    mia.get_by_role("button", name="Send to review").click()
    expect(mia.get_by_role("heading", name="2 changes")).to_be_visible()
    mia.get_by_label("Note").fill("Papers say more.")
    mia.get_by_role("button", name="Sign for marketing").click()
    expect(mia.locator(".sign", has_text="Marketing")).to_contain_text("Papers say more.")
    expect(mia.get_by_role("button", name="Sign for sales")).to_have_count(0)
    eventually(lambda: served.shell(KEPT) == "done", about=lambda: served.log)

    # Signed for sales and published while nobody works: the page says how far it is, and goes on when somebody does.
    kill_group(worker)
    lena.goto("/scorecards/")
    lena.get_by_role("link", name="Version 2: In review").click()
    expect(lena.get_by_text("3 leads become MQLs.")).to_be_visible()
    lena.get_by_role("button", name="Sign for sales").click()
    expect(lena.get_by_label("Why without a back-test")).to_have_count(0)
    lena.get_by_label("Why it goes live").fill("Both agreed on Monday.")
    lena.get_by_role("button", name="Publish version 2").click()
    expect(lena.get_by_text("Both agreed on Monday.").first).to_be_visible()
    lena.get_by_role("link", name="Watch it").first.click()
    expect(lena.get_by_role("status").filter(has_text="Version 2: Answering")).to_contain_text("0 of")
    served.start_worker()
    expect(lena.get_by_text("Nothing is under way.")).to_be_visible(timeout=60_000)
    expect(lena.get_by_role("row", name=re.compile("Both agreed on Monday"))).to_contain_text("Done")
    assert barriers(lena) == []
    assert nora(mia) == ("mql", "118")

    lena.goto("/scorecards/")
    lena.get_by_role("link", name="Version 1", exact=True).click()
    lena.get_by_label("Why").fill("Too many MQLs.")
    lena.get_by_role("button", name="Roll back to version 1").click()
    lena.get_by_role("button", name="Sign for sales").click()
    expect(lena.get_by_text("pending")).to_have_count(1)
    mia.goto(lena.url)
    mia.get_by_role("button", name="Sign for marketing").click()
    mia.get_by_label("Why it goes live").fill("Back.")
    mia.get_by_label("Why without a back-test").fill("Known from before.")
    mia.get_by_role("button", name="Publish version 3").click()
    expect(mia.get_by_text("Known from before.")).to_be_visible()
    eventually(lambda: state(served)[:2] == (3, False), about=lambda: served.log)
    assert state(served)[2] == before
    assert nora(mia)[1] == "98"


def test_two_people_at_one_criterion_see_both_values(cast: Cast, as_: Enter) -> None:
    draft = versions.start_draft(live(), by=cast.mia)
    mia = as_(cast.mia)
    mia.goto(reverse("scorecard_edit", args=[draft.pk]))
    mia.get_by_role("link", name="Open “Webinar attended”").click()
    mia.get_by_label("Points", exact=True).fill("25")
    change_points(draft, "webinar", 22, cast.lena)
    mia.get_by_role("button", name="Save").click()
    expect(mia.get_by_text("Lena Brandt saved this while you were editing.")).to_be_visible()
    expect(mia.get_by_role("row", name=re.compile("^Points"))).to_have_text(re.compile("25.*22", re.S))
    assert barriers(mia) == []
    mia.get_by_role("button", name="Save mine all the same").click()
    expect(mia.locator("li.rule", has_text="Attended a webinar").locator(".points")).to_have_text("+20+25")


def test_the_editor_works_without_scripts(cast: Cast, browser: Browser, live_server: Any) -> None:
    draft = versions.start_draft(live(), by=cast.mia)
    client = Client()
    client.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(reverse("scorecard_edit", args=[draft.pk]))
    page.get_by_role("link", name="Open “Leads a department”").click()
    page.get_by_role("link", name="is one of", exact=True).click()
    page.get_by_role("checkbox", name="Director").check()
    page.get_by_label("Points", exact=True).fill("21")
    page.get_by_role("button", name="Save").click()
    row = draft.criteria.get(key="head")
    assert (row.operator, row.value, row.points) == ("in", ["director", "head"], 21)
    page.get_by_role("link", name="Open “Leads a department”").click()
    page.get_by_role("button", name="Up").click()
    assert [c.key for c in draft.criteria.filter(group__key="role")][:2] == ["head", "top"]
    context.close()


def pages(cast: Cast) -> dict[str, str]:
    draft = versions.start_draft(live(), by=cast.mia, note="Papers say more.")
    change_points(draft, "white_paper", 37, cast.mia)
    said = {"kind": "profile", "fact": "postcode", "operator": "is", "value": "1", "points": 5, "group": "company"}
    drafting.save_criterion(draft, said, by=cast.mia)
    row, fact = draft.criteria.get(key="white_paper"), draft.criteria.get(key="top")
    edit = reverse("scorecard_edit", args=[draft.pk])
    Persona.objects.create(name="Ideal", conditions=[{"fact": "country", "operator": "is", "value": "DE"}])
    return {
        "live": reverse("scorecards"), "draft": reverse("scorecard_version", args=[draft.pk]), "edit": edit,
        "open": f"{edit}?open=criterion-{row.pk}", "open fact": f"{edit}?open=criterion-{fact.pk}",
        "bars": f"{edit}?open=bars", "group": f"{edit}?open=group-{draft.groups.all()[0].pk}",
        "choose": reverse("criterion_new", args=[draft.pk]),
        "new": f"{reverse('criterion_new', args=[draft.pk])}?activity=page_view",
        "new group": reverse("criterion_group_new", args=[draft.pk]),
        "compare": reverse("scorecard_compare", args=[draft.pk, live().pk]),
        "personas": reverse("personas"), "persona": reverse("persona_new"),
    }  # fmt: skip


#: What differs from the editor with nothing open.
OPEN_IN_THE_EDITOR = {"open": ".is-open", "open fact": ".is-open", "group": ".is-open", "bars": "#bars"}


def test_axe_finds_nothing_and_nothing_scrolls_sideways(cast: Cast, as_: Enter) -> None:
    mia = as_(cast.mia)
    reports: list[str] = []
    mia.on("console", lambda message: reports.append(message.text) if message.type == "error" else None)
    addresses = pages(cast)
    for name, address in addresses.items():
        mia.goto(address)
        assert barriers_at_all_sizes(mia, OPEN_IN_THE_EDITOR.get(name, "html")) == {}, name
    draft = desk.in_force() and versions.open_one()
    assert draft is not None
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    for sign in (None, ("marketing", cast.mia), ("sales", cast.lena)):
        if sign:
            versions.sign(draft, sign[0], by=sign[1], seen=contents.digest(draft))
        mia.goto(addresses["draft"])
        assert barriers_at_all_sizes(mia, "section.part" if sign else "html") == {}, sign
    assert reports == []
