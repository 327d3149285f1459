"""Feedback in one click: sales says whether a handoff was a good lead, marketing reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import deletion
from leads import feedback, removal
from leads.lifecycle import advance
from leads.models import Feedback, Lead
from leads.reports import reasons
from leads.reports.period import Scope
from leads.reports.reason_moves import told
from tests.cast import Cast, accepted, ada, next_month, offered, reason

pytestmark = pytest.mark.django_db


def url(lead: Lead) -> str:
    handoff = lead.handoffs.get()
    return reverse("lead_feedback", args=[lead.pk, handoff.pk])


def shown(client: Client, lead: Lead) -> str:
    return str(client.get(reverse("lead", args=[lead.pk])).content.decode())


def test_one_click_says_it_and_another_changes_it(cast: Cast, client: Client) -> None:
    lead = accepted(cast)
    client.force_login(cast.sam)
    assert shown(client, lead).count('aria-pressed="false">') >= 3
    for verdict in ("bad", "good"):
        answer = client.post(url(lead), {"verdict": verdict})
        assert answer.status_code == 302
    (row,) = Feedback.objects.all()
    assert (row.verdict, row.by, row.handoff) == ("good", cast.sam, lead.handoffs.get())
    page = shown(client, lead)
    assert '<button name="verdict" value="good" aria-pressed="true">' in page
    assert "Sam Okafor: <b>Good</b>" in page


def test_marketing_reads_it_and_presses_nothing(cast: Cast, client: Client) -> None:
    lead = accepted(cast)
    feedback.give(lead.handoffs.get(), "neutral", by=cast.sam)
    client.force_login(cast.mia)
    page = shown(client, lead)
    assert "Sam Okafor: <b>Neutral</b>" in page
    assert 'name="verdict"' not in page
    assert client.post(url(lead), {"verdict": "good"}).status_code == 403
    assert Feedback.objects.get().verdict == "neutral"


def test_who_may_say_it(cast: Cast, client: Client) -> None:
    lead = accepted(cast)
    may = {name for name in ("mia", "max", "sam", "jana", "rosa", "lena", "ava")
           if feedback.may_give(getattr(cast, name), lead.handoffs.get())}  # fmt: skip
    team = {name for name in ("sam", "jana", "rosa") if getattr(cast, name).team_id == lead.handoffs.get().team_id}
    assert may == team | {"sam", "lena", "ava"}
    stranger = next(person for person in (cast.jana, cast.rosa) if person.team_id != cast.sam.team_id)
    client.force_login(stranger)
    assert client.post(url(lead), {"verdict": "good"}).status_code == 404  # may not even see the lead
    assert not Feedback.objects.exists()


def test_an_open_offer_is_not_judged_yet(cast: Cast, client: Client) -> None:
    lead = offered(cast)
    client.force_login(cast.sam)
    assert 'name="verdict"' not in shown(client, lead)
    assert client.post(url(lead), {"verdict": "good"}).status_code == 403
    assert not Feedback.objects.exists()


def test_nonsense_writes_nothing(cast: Cast, client: Client) -> None:
    lead, another = accepted(cast), accepted(cast, contact=ada(email="other@acme.example"))
    client.force_login(cast.sam)
    assert client.post(url(lead), {"verdict": "great"}).status_code == 404
    assert client.post(url(lead)).status_code == 404
    crossed = reverse("lead_feedback", args=[lead.pk, another.handoffs.get().pk])
    assert client.post(crossed, {"verdict": "good"}).status_code == 404
    assert client.get(url(lead)).status_code == 405
    assert not Feedback.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        Feedback.objects.create(handoff=lead.handoffs.get(), by=cast.sam, verdict="great")


def test_who_sends_a_lead_back_says_it_in_the_same_form(cast: Cast, client: Client) -> None:
    lead = offered(cast)
    client.force_login(cast.sam)
    asked = {"reason": reason("send_back").pk, "wake_on": next_month(), "version": lead.version}
    answer = client.post(reverse("lead_move", args=[lead.pk, "send_back"]), asked | {"verdict": "bad"})
    assert answer.status_code == 302
    (row,) = Feedback.objects.all()
    assert (row.verdict, row.by, row.handoff.outcome) == ("bad", cast.sam, "sent_back")
    silent = offered(cast, contact=ada(email="silent@acme.example"))
    client.post(reverse("lead_move", args=[silent.pk, "send_back"]), asked | {"version": silent.version})
    silent.refresh_from_db()
    assert (silent.stage, Feedback.objects.count()) == ("nurture", 1)


def test_the_report_counts_it_beside_the_reasons(cast: Cast) -> None:
    for n, verdict in enumerate(("good", "good", "bad")):
        lead = accepted(cast, contact=ada(email=f"{n}@acme.example"))
        feedback.give(lead.handoffs.get(), verdict, by=cast.sam)
    today = timezone.localdate()
    scope = Scope(today - timedelta(days=7), today)
    moves = told(scope, cast.mia)
    (table,) = reasons.tables(moves, "source")
    assert (table.verb, dict(table.whole.reasons), table.whole.mqls["first"]) == ("feedback", {"good": 2, "bad": 1}, 3)
    rows = reasons.shown(reasons.behind(moves, "feedback", "source", "", "bad"))
    assert [(row.lead, row.by, row.reason) for row in rows] == [(lead, cast.sam, "Bad")]
    advance(lead, "undo", by=cast.sam)  # nobody has answered it any more
    assert reasons.tables(told(scope, cast.mia), "source")[0].whole.total == 2


def test_it_goes_with_its_lead(cast: Cast) -> None:
    lead = accepted(cast)
    feedback.give(lead.handoffs.get(), "good", by=cast.sam)
    with deletion.gate_open("retention"):
        removal.remove_leads([lead.pk])
    assert not Feedback.objects.exists()
