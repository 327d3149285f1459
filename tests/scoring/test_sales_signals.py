"""Sales signals: hints for whoever works an accepted lead. They give no points and no stage follows from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import activities
from crm.models import User
from crm.templatetags.people import on_day
from leads import explanations
from leads.models import Lead, StageChange
from scoring import drafting, drain, validation, versions
from scoring.models import Criterion, Score
from tests.cast import Cast, a_lead, accepted, ada, offered
from tests.scoring.cards import a_draft, did, differences, fact, in_force
from tests.scoring.test_versions import live

pytestmark = pytest.mark.django_db
SIGNAL = {"kind": "sales_signal", "group": "", "points": 1}
LOOKED = did("product_view", label="Looked at a product", window=7, **SIGNAL)
ASKED = did("question", label="Asked a question", window=30, **SIGNAL)
DECIDES = fact("seniority", "in", ["manager"], label="Decides", **SIGNAL)


def does(lead: Lead, kind: str, days_ago: int = 0) -> None:
    activities.record(lead.contact, kind, at=timezone.now() - timedelta(days=days_ago))
    drain.drain()


def hints(lead: Lead) -> list[str]:
    return [hint.label for hint in explanations.explain([lead.pk])[lead.pk].hints]


def see(user: User, address: str) -> str:
    browser = Client()
    browser.force_login(user)
    return " ".join(browser.get(address).content.decode().split())


@pytest.fixture
def rules(cast: Cast) -> None:
    in_force(a_draft([did("white_paper"), LOOKED, ASKED, DECIDES]))


def test_signals_are_told_newest_first_then_who_somebody_is(cast: Cast, rules: None) -> None:
    lead = a_lead()
    does(lead, "question", days_ago=5)
    does(lead, "product_view", days_ago=1)
    does(lead, "product_view", days_ago=2)
    does(lead, "product_view", days_ago=9)  # outside the window of seven days
    found = explanations.explain([lead.pk])[lead.pk].hints
    assert [hint.label for hint in found] == ["Looked at a product ×2", "Asked a question", "Decides"]
    today = timezone.localdate()
    assert [hint.on for hint in found] == [today - timedelta(days=1), today - timedelta(days=5), None]


def test_signals_give_no_points_and_move_no_stage(cast: Cast, rules: None) -> None:
    lead = accepted(cast)
    before = StageChange.objects.count()
    for _ in range(3):
        does(lead, "product_view")
        does(lead, "question")
    score = Score.objects.get(lead=lead)
    assert (score.fit, score.engagement, score.total) == (0, 0, 0)
    lead.refresh_from_db()
    assert (lead.stage, StageChange.objects.count()) == ("sal", before)
    assert explanations.explain([lead.pk])[lead.pk].reasons == ()
    assert differences() == []


def test_a_lead_shows_them_once_sales_has_accepted(cast: Cast, rules: None) -> None:
    waiting, working = offered(cast), accepted(cast, contact=ada(email="bo@acme.example", phone=""))
    for lead in (waiting, working):
        does(lead, "question")
    board = see(cast.sam, reverse("sales_board"))
    assert board.count("Sales signals") == 1
    card = board[board.index(f'id="card-{working.pk}"') :]
    assert f'title="Asked a question, {on_day(timezone.localdate())}; Decides"' in card
    assert "+1" in card
    assert "Sales signals" in see(cast.sam, "/")
    page = see(cast.sam, reverse("lead", args=[working.pk]))
    assert page[page.index('id="hints-title"') :].index("Asked a question") > 0
    assert 'id="hints-title"' not in see(cast.sam, reverse("lead", args=[waiting.pk]))


def test_hints_cost_a_board_no_query(cast: Cast, rules: None) -> None:
    leads = [accepted(cast, contact=ada(email=f"p{n}@acme.example", phone="")) for n in range(3)]
    for lead in leads:
        does(lead, "question")
    explanations.explain([leads[0].pk])  # the words of the version are read once
    with CaptureQueriesContext(connection) as one:
        explanations.explain([leads[0].pk])
    with CaptureQueriesContext(connection) as many:
        told = explanations.explain([lead.pk for lead in leads])
    assert all(one.hints for one in told.values())
    assert len(many) == len(one) == 2


# --- In the editor ------------------------------------------------------------------------------------


def test_a_fact_becomes_a_sales_signal_in_the_editor(cast: Cast) -> None:
    draft = versions.start_draft(live(), by=cast.ava)
    browser = Client()
    browser.force_login(cast.ava)
    address = f"{reverse('criterion_new', args=[draft.pk])}?fact=function&operator=is"
    sent = {"operator": "is", "value": "purchasing", "sort": "sales_signal", "points": 10, "label": "Buys"}
    assert browser.post(address, sent).status_code == 302
    row = draft.criteria.get(label="Buys")
    assert (row.kind, row.group, row.points, row.is_of_activities) == ("sales_signal", None, 1, False)
    page = see(cast.ava, reverse("scorecard_edit", args=[draft.pk]))
    assert f'id="criterion-{row.pk}"' in page[page.index('id="axis-signals"') :]


def test_a_signal_turned_into_a_criterion_asks_for_its_group(cast: Cast) -> None:
    draft = versions.start_draft(live(), by=cast.ava)
    row = draft.criteria.get(key="signal_decides")
    said = {"kind": "profile", "label": "", "points": 5, "group": "", "fact": "seniority", "operator": "is",
            "value": "vp"}  # fmt: skip
    with pytest.raises(ValidationError) as refused:
        drafting.save_criterion(draft, said, by=cast.ava, pk=row.pk, seen=drafting.seal_of(row))
    assert set(refused.value.message_dict) == {"group"}
    row.refresh_from_db()
    assert row.kind == "sales_signal"
    page = see(cast.ava, f"{reverse('scorecard_edit', args=[draft.pk])}?open=criterion-{row.pk}")
    assert '<option value="" selected>none: it gives no points</option>' in page


@pytest.mark.parametrize("name", ["half_life", "max_count", "cap"])
def test_a_signal_neither_fades_nor_is_counted_out(db: None, name: str) -> None:
    said: dict[str, Any] = {"kind": "sales_signal", "activity_kind_id": "question", "points": 1, name: 5}
    with pytest.raises(ValidationError) as refused:
        validation.criterion(said, groups=set())
    assert set(refused.value.message_dict) == {name}


def test_the_database_refuses_a_signal_that_asks_two_things_or_nothing(cast: Cast) -> None:
    draft = a_draft([LOOKED])
    row = Criterion.objects.get(version=draft)
    for change in ({"fact": "city"}, {"activity_kind": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Criterion.objects.filter(pk=row.pk).update(**change)


def test_the_shipped_scorecard_holds_signals(db: None) -> None:
    found = live().criteria.filter(kind="sales_signal").values_list("key", flat=True)
    assert set(found) == {
        "signal_pricing", "signal_product", "signal_question", "signal_price_list", "signal_decides",
    }  # fmt: skip
