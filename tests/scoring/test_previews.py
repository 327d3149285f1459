"""The preview as a job: the same answer as in one go, through kills, midnights and changes of the draft."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import activities, jobs
from crm.models import AuditEntry
from leads.models import Lead
from scoring import contents, drain, pointer, previews, simulation, trial, versions
from scoring.models import Criterion, PreviewRun, ScorecardVersion
from tests.cast import Cast, a_lead, ada
from tests.scoring.cards import a_draft, did, fact

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def a_new_question(points: int = 60) -> dict[str, Any]:
    return did("page_view", points=points, where=[{"property": "path", "operator": "is", "value": "/prices"}])


def a_crowd(most: int = 5) -> list[Lead]:
    leads = [a_lead(ada(email=f"{n}@acme.example")) for n in range(most)]
    for n, lead in enumerate(leads):
        activities.record(lead.contact, "white_paper")
        activities.record(lead.contact, "page_view", properties={"path": "/prices" if n % 2 else "/"})
    drain.drain()
    return leads


def a_draft_that_asks() -> ScorecardVersion:
    return a_draft([a_new_question(), fact("country", "is", "DE", points=50)], bar_total=100)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of leads count as many."""
    monkeypatch.setattr(previews, "IN_A_REQUEST", 2)


def in_one_go(draft: ScorecardVersion) -> dict[str, Any]:
    return told(previews.as_json(simulation.preview(draft.pk)))


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Return what is said, without how long it took; a list is as good as a tuple."""
    names = [[*rest, [list(pair) for pair in reasons]] for *rest, reasons in result["names"]]
    return result | {"seconds": 0, "names": names}


def dies_at(call: int, then: Callable[..., Any]) -> Callable[..., Any]:
    """Return `then`, killed the `call`th time."""
    calls: list[int] = []

    def dies(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return then(*args)

    return dies


def test_a_killed_preview_goes_on_and_says_what_one_in_one_go_says(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    a_crowd(7)
    draft = a_draft_that_asks()
    whole = in_one_go(draft)
    assert (whole["leads"], whole["rises"], whole["before"][8]) == (7, 3, 7)
    monkeypatch.setattr(previews, "AT_ONCE", 2)
    run = previews.ask(draft, by=cast.mia)
    monkeypatch.setattr(trial, "answered", dies_at(3, trial.answered))
    with pytest.raises(KeyboardInterrupt):
        previews.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.percent) == ("running", 4, 7, 57)
    assert not previews.carry_on(1)  # the dead worker's claim still holds
    PreviewRun.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert previews.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 7)
    assert told(run.result) == whole


def test_a_midnight_begins_it_anew(cast: Cast, monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    a_crowd(4)
    draft = a_draft_that_asks()
    monkeypatch.setattr(previews, "AT_ONCE", 2)
    run = previews.ask(draft, by=None)
    monkeypatch.setattr(trial, "answered", dies_at(2, trial.answered))
    with pytest.raises(KeyboardInterrupt):
        previews.carry_on(60)
    time_machine.move_to(timezone.now() + timedelta(days=1))
    assert previews.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.done, run.result["leads"]) == ("done", 4, 4)
    assert told(run.result) == in_one_go(draft)


def test_a_draft_changed_meanwhile_overtakes_the_preview(cast: Cast) -> None:
    a_crowd(1)
    draft = a_draft_that_asks()
    first = previews.ask(draft, by=None)
    assert previews.ask(draft, by=None) == first
    ScorecardVersion.objects.filter(pk=draft.pk).update(leave_total=3)
    assert previews.ask(draft, by=None) != first
    draft.criteria.update(points=7)
    assert previews.carry_on(60)
    assert set(PreviewRun.objects.values_list("state", flat=True)) == {"overtaken"}
    assert (previews.kept(draft), previews.ended_badly(draft) is not None) == (None, True)


def test_nobody_to_look_at_is_an_answer_too(cast: Cast) -> None:
    previews.ask(draft := a_draft_that_asks(), by=None)
    assert previews.carry_on(60)
    kept = previews.kept(draft)
    assert kept is not None
    assert (kept.told.leads, len(kept.told.effects), kept.is_current) == (0, 2, True)


def test_a_new_question_of_many_is_asked_by_a_worker(cast: Cast, client: Client, many: None) -> None:
    a_crowd()
    draft = a_draft_that_asks()
    client.force_login(cast.mia)
    url = reverse("scorecard_preview", args=[draft.pk])
    page = client.get(url).content.decode()
    assert "Nobody has worked this out yet" in page
    assert "Twenty leads around the bar" in page
    assert client.post(url).status_code == 302
    page = client.get(url).content.decode()
    assert "0 of 5 leads asked. You may leave this page." in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert 'hx-trigger="every 2s"' in client.get(url, headers=HTMX).content.decode()
    assert "Preview of " in client.get(reverse("scoring_passes")).content.decode()
    jobs.run(60)
    page = client.get(url).content.decode()
    for words in ("2 leads become MQLs.", "Ada Brömmel", "Room in sales", "What each criterion does", "Criterion 0"):
        assert words in page
    assert "Out of date" not in page
    assert client.get(f"{url}?watching=1", headers=HTMX)["HX-Refresh"] == "true"
    Criterion.objects.filter(version=draft).update(points=49)
    for answer in (client.get(url), client.get(url, headers=HTMX)):
        assert "Out of date" in answer.content.decode()
    kept = previews.kept(draft)
    assert kept is not None
    assert [effect.criterion.points for effect in kept.told.effects] == [60, 50]
    client.force_login(cast.sam)
    assert client.post(url).status_code == 403


def test_what_asks_nothing_new_is_worked_out_at_once(cast: Cast, client: Client, many: None) -> None:
    a_crowd()
    known = fact("country", "in", ["DE", "AT", "CH"], points=50)
    draft = a_draft([did("white_paper", points=60), known], bar_total=100)
    client.force_login(cast.mia)
    page = client.get(reverse("scorecard_preview", args=[draft.pk])).content.decode()
    assert "5 leads become MQLs." in page
    assert not PreviewRun.objects.exists()


def test_the_signers_read_what_it_would_change(cast: Cast, client: Client) -> None:
    a_crowd()
    live = ScorecardVersion.objects.get(pk=pointer.read().version_id)  # type: ignore[union-attr]
    draft = versions.start_draft(live, by=cast.mia)
    draft.criteria.filter(key="white_paper").update(points=45)
    versions.send_to_review(draft, by=cast.mia, seen=contents.digest(draft))
    url = reverse("scorecard_version", args=[draft.pk])
    client.force_login(cast.sam)
    assert "The preview is being worked out: 0 %." in client.get(url).content.decode()
    jobs.run(60)
    page = client.get(url).content.decode()
    for words in ("5 leads become MQLs.", "sales has room for 150", "asked for by Mia Kowalczyk"):
        assert words in page
    assert "All names" not in page
    client.force_login(cast.lena)
    assert "All names" in client.get(url).content.decode()
    for side, person in (("marketing", cast.mia), ("sales", cast.lena)):
        versions.sign(draft, side, by=person, seen=contents.digest(draft))
    versions.publish(draft, by=cast.mia, seen=contents.digest(draft), reason="Papers", without_backtest="New")
    noted = AuditEntry.objects.get(action="scorecard.published")
    assert noted.payload["preview"] == PreviewRun.objects.get().pk
