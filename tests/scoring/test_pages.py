"""The explanation of a lead, the scorecard in force and the glossary."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import activities, consents
from leads import lifecycle
from leads.models import Checklist, Lead
from scoring import drain, ledger
from scoring.models import Dimension
from tests.cast import Cast, a_lead, ada, an_mql, reason
from tests.scoring.cards import a_draft, did, fact, in_force

pytestmark = pytest.mark.django_db


def does(lead: Lead, *kinds: str, days_ago: int = 0) -> None:
    for kind in kinds:
        activities.record(lead.contact, kind, at=timezone.now() - timedelta(days=days_ago))
    drain.drain()


def sums(told: ledger.Ledger) -> list[tuple[int, int]]:
    """Return (sum of the lines, what stands below them) per dimension."""
    found, running = [], 0
    for row in told.rows:
        if row.kind == "sub":
            found.append((running, row.points or 0))
            running = 0
        else:
            running += row.points or 0
    return found


def test_the_lines_add_up_to_the_score(cast: Cast) -> None:
    lead = a_lead()
    does(lead, *["white_paper"] * 7, "careers_view", "unsubscribed", "email_complained", "webinar_attended")
    does(lead, "case_study", "white_paper", days_ago=40)
    told = ledger.of(lead)
    (fit, fit_sum), (engagement, engagement_sum) = sums(told)
    assert (fit, engagement) == (fit_sum, engagement_sum) == (told.fit, told.engagement)
    assert told.total == fit + engagement
    assert [row.label for row in told.rows if row.kind == "cap"] == [
        "At most 40 for this criterion", "Group “Signals against”: at least -40",
    ]  # fmt: skip


def test_a_line_names_the_days_behind_it(cast: Cast, client: Client) -> None:
    lead = a_lead()
    does(lead, "white_paper")
    does(lead, "white_paper", days_ago=90)
    (line,) = [row for row in ledger.of(lead).rows if row.label == "White paper"]
    assert line.points == 17
    assert line.days[1].endswith("× 0.71")
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk]))
    assert "× 0.71" in page.content.decode()


def test_what_is_missing_is_computed(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "newsletter_signup", "white_paper", "white_paper")
    told = ledger.of(lead)
    assert (told.total, told.missing, told.at_bar) == (95, 15, False)
    labels = [change.label for change in told.changes]
    assert "Attended an event" in labels
    assert "Visited a product page" not in labels
    does(lead, "event_attended")
    told = ledger.of(lead)
    assert told.at_bar
    assert [c.label for c in told.changes if not c.at_bar] == [
        "Without “Mid-size company, 50 to 999 people”", "Without “White paper”",
    ] or all(c.total < (told.total or 0) for c in told.changes)  # fmt: skip


def test_a_fragment_is_a_part_of_the_page(cast: Cast, client: Client) -> None:
    lead = a_lead()
    does(lead, "white_paper")
    client.force_login(cast.mia)
    url = reverse("lead_score", args=[lead.pk])
    whole = client.get(url).content.decode()
    part = client.get(url, headers={"HX-Request": "true", "HX-Target": "score"}).content.decode()
    popover = client.get(url, headers={"HX-Request": "true", "HX-Target": "popover"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part + popover
    assert 'popovertarget="popover"' in popover and 'aria-label="Close"' in popover
    for text in (whole, part, popover):
        assert "White paper" in text
        assert "Score by version 1" in text


def test_a_rep_does_not_see_the_score_of_anothers_lead(cast: Cast, client: Client) -> None:
    lead = a_lead(owner=cast.sam)
    client.force_login(cast.rosa)
    assert client.get(reverse("lead_score", args=[lead.pk])).status_code == 404
    client.force_login(cast.sam)
    assert client.get(reverse("lead_score", args=[lead.pk])).status_code == 200


def test_an_objection_is_said_not_shown_as_zero(cast: Cast, client: Client) -> None:
    lead = a_lead()
    does(lead, "white_paper")
    consents.note(lead.contact, "objected", purpose="profiling", source="test")
    drain.drain()
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk])).content.decode()
    assert "Objection to profiling" in page
    assert "<output>" not in page


def test_an_ended_episode_shows_its_last_score(cast: Cast, client: Client) -> None:
    lead = an_mql(cast)
    does(lead, "white_paper")
    lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
    does(lead, "webinar_attended")
    client.force_login(cast.mia)
    page = client.get(reverse("lead_score", args=[lead.pk])).content.decode()
    assert "keeps its last score" in page
    assert "<output>80</output>" in page


def test_the_scorecard_reads_as_sentences(cast: Cast, client: Client) -> None:
    client.force_login(cast.lena)
    page = client.get(reverse("scorecards")).content.decode()
    for words in (
        "Employees is 50 to 999", "Downloaded a white paper; 10 each; halves in 180 days; at most 40 points",
        "Shipped with Baton", "A lead is an MQL when fit reaches 40 and engagement reaches 40,",
    ):  # fmt: skip
        assert words in page


def test_a_criterion_whose_name_says_it_all_is_said_once(cast: Cast, client: Client) -> None:
    client.force_login(cast.lena)
    page = client.get(reverse("scorecards")).content.decode()
    assert "<p>Industry is missing</p>" in page


def test_a_threshold_changes_the_glossary(cast: Cast, client: Client) -> None:
    client.force_login(cast.sam)
    page = client.get(reverse("glossary")).content.decode()
    assert "fit reaches 40 and engagement reaches 40" in page
    assert "within 90 days: Asked for a demo" in page
    assert "Sales has confirmed at least 3 of these topics (BANT): Budget, Authority, Need, Timing." in page
    in_force(a_draft([fact("country", "is", "DE"), did("white_paper")], bar_fit=10, bar_engagement=7, leave_total=5))
    Checklist.objects.filter(pk=1).update(must_confirm=2)
    page = client.get(reverse("glossary")).content.decode()
    assert "fit reaches 10 and engagement reaches 7" in page
    assert "within 90 days" not in page
    assert "at least 2 of these topics" in page


def test_the_explanation_costs_the_same_for_few_and_many_activities(cast: Cast, client: Client) -> None:
    lead, other = a_lead(), a_lead(ada(email="b@acme.example"))
    does(lead, "white_paper")
    does(other, *["white_paper", "pricing_view", "product_view"] * 5)
    client.force_login(cast.mia)
    client.get(reverse("lead_score", args=[lead.pk]))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("lead_score", args=[lead.pk]))
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("lead_score", args=[other.pk]))
    assert len(many) == len(few) <= 25


def test_both_dimensions_are_booked(cast: Cast) -> None:
    lead = a_lead()
    does(lead, "white_paper")
    heads = [row.label for row in ledger.of(lead).rows if row.kind == "group"]
    assert heads == [str(dimension.label) for dimension in Dimension]
