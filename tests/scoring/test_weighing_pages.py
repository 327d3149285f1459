"""Preview, back-test, passes and health as people see them, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import activities, jobs
from crm.models import User
from leads import lifecycle
from leads.models import Lead
from scoring import backtest, drain, health, publishing, tasks
from scoring.models import BacktestRun, PublishRun, ScorecardVersion
from tests.cast import Cast, a_lead, accepted, ada, offered, reason
from tests.scoring.cards import a_draft, did, fact, in_force, sign

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def does(lead: Lead, *kinds: str) -> None:
    for kind in kinds:
        activities.record(lead.contact, kind)
    drain.drain()


def a_better_draft() -> ScorecardVersion:
    return a_draft([did("white_paper", points=60), fact("has_company", "is", True, points=50)])


def read(client: Client, name: str, *args: Any, **headers: str) -> str:
    answer = client.get(reverse(name, args=args), headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_preview_names_who_changes_and_why(cast: Cast, client: Client) -> None:
    does(a_lead(), "white_paper")
    draft = a_better_draft()
    client.force_login(cast.mia)
    page = read(client, "scorecard_preview", draft.pk)
    for words in ("1 lead becomes an MQL.", "0 leads stop being MQLs.", "Ada Brömmel", "becomes MQL", "Criterion 0",
                  "filled: this version; line: now", "Room in sales", "150 of 150"):  # fmt: skip
        assert words in page
    part = read(client, "scorecard_preview", draft.pk, **HTMX)
    assert "<html" not in part
    assert "Ada Brömmel" in part
    assert "<html" not in read(client, "scorecard_twenty", draft.pk, **HTMX)
    assert "Ada Brömmel" in read(client, "scorecard_twenty", draft.pk)


def test_the_sentence_before_publishing_tells_of_those_that_stay(cast: Cast, client: Client) -> None:
    does(offered(cast), "white_paper")
    draft = a_draft([did("white_paper", points=1)])
    client.force_login(cast.lena)
    page = read(client, "scorecard_preview", draft.pk)
    assert "1 below the leave bar stays, because it was already offered to sales." in page
    assert "leave; 1 handed over stays" in read(client, "scorecard_preview", draft.pk, **HTMX)


def test_sales_reps_do_not_try_drafts(cast: Cast, client: Client) -> None:
    draft = a_better_draft()
    client.force_login(cast.sam)
    for name in ("scorecard_preview", "scorecard_twenty", "scorecard_backtest"):
        assert client.get(reverse(name, args=[draft.pk])).status_code == 403
    assert client.post(reverse("scorecard_backtest", args=[draft.pk])).status_code == 403
    assert not BacktestRun.objects.exists()
    for name in ("criteria_health", "scoring_passes"):
        assert client.get(reverse(name)).status_code == 200


def test_a_back_test_is_asked_watched_and_read(cast: Cast, client: Client) -> None:
    for n in range(4):
        lead = accepted(cast, contact=ada(email=f"{n}@acme.example"))
        if n:
            lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    draft = a_draft([fact("has_company", "is", True, points=50)], bar_fit=50, bar_engagement=0)
    client.force_login(cast.mia)
    url = reverse("scorecard_backtest", args=[draft.pk])
    assert "Nobody has looked at history" in client.get(url).content.decode()
    assert client.post(url).status_code == 302
    page = client.get(url).content.decode()
    assert "0 of 4 decided leads looked at. You may leave this page." in page
    assert 'hx-trigger="every 2s"' in client.get(url, headers=HTMX).content.decode()
    jobs.run(60)
    page = client.get(url).content.decode()
    for words in ("4 decided leads; 4 would have reached the bar, 0 by the version in force.", "4 of 4; 51",
                  "too few to tell", "Mia Kowalczyk", "By criterion"):  # fmt: skip
        assert words in page
    part = client.get(url, headers=HTMX).content.decode()
    assert "<html" not in part
    assert "The whole back-test" in part
    assert client.get(f"{url}?watching=1", headers=HTMX)["HX-Refresh"] == "true"


def test_the_health_page_tells_what_never_fires(cast: Cast, client: Client) -> None:
    live = a_draft(
        [fact("has_company", "is", True, points=50), did("video_view", points=5)], bar_fit=50, bar_engagement=0
    )
    for n in range(3):
        lead = offered(cast, contact=ada(email=f"{n}@acme.example"))
        if n:
            lifecycle.advance(lead, "accept", by=cast.sam)
    in_force(live)
    client.force_login(cast.mia)
    assert "Nobody has looked at history" in read(client, "criteria_health")
    backtest.ask(live, by=cast.mia)
    assert "0 of 3 decided leads" in read(client, "criteria_health")
    jobs.run(60)
    page = read(client, "criteria_health")
    for words in ("1 of 2 criteria has never fired.", "never fires", "3 of 3", "2 of 2"):
        assert words in page
    with CaptureQueriesContext(connection) as few:
        read(client, "criteria_health")
    for n in range(5):
        offered(cast, contact=ada(email=f"more{n}@acme.example"))
    with CaptureQueriesContext(connection) as many:
        read(client, "criteria_health")
    assert len(many) <= len(few)


def test_without_leads_no_criterion_is_said_never_to_fire(cast: Cast, client: Client) -> None:
    client.force_login(cast.mia)
    page = read(client, "criteria_health")
    assert "There are no leads yet" in page
    assert not any(words in page for words in ("never fire", "never fired", "not now"))
    User.objects.filter(pk=cast.mia.pk).update(language="de")
    assert "Es gibt noch keine Leads" in read(client, "criteria_health")


def test_the_week_brings_a_fresh_look(cast: Cast) -> None:
    first = health.refresh_when_old()
    assert first is not None
    assert health.refresh_when_old() is None
    jobs.run(60)
    assert health.refresh_when_old() is None
    BacktestRun.objects.update(started_at=timezone.now() - health.FRESH)
    assert health.refresh_when_old() not in (None, first)
    tasks.night_pass()


def test_a_pass_can_be_watched_from_anywhere(cast: Cast, client: Client) -> None:
    for n in range(3):
        does(a_lead(ada(email=f"{n}@acme.example")), "white_paper")
    draft = a_better_draft()
    sign(draft)
    run = publishing.publish(draft, by=cast.mia, reason="Fairs count more")
    PublishRun.objects.filter(pk=run.pk).update(done=1)
    client.force_login(cast.sam)
    page = read(client, "scoring_passes")
    for words in ("Answering new questions about the past", "1 of 3,", "33 %", "leads a second", "hx-trigger"):
        assert words in page
    assert publishing.carry_on(seconds=60)
    part = read(client, "scoring_passes", **HTMX)
    for words in ("Nothing is under way.", "Fairs count more", "Mia Kowalczyk", "Done"):
        assert words in part
    assert "hx-trigger" not in part
