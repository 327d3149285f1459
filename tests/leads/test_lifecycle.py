"""The life cycle, verb by verb."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from leads import lifecycle
from leads.lifecycle import Refused, advance
from leads.models import Handoff, Lead, StageChange
from leads.stages import Lane, Stage
from tests.cast import Cast, a_lead, accepted, an_mql, confirm, next_month, offered, qualified, reason

pytestmark = pytest.mark.django_db


def row(lead: Lead) -> tuple[str, int, int]:
    """Return (stage, version, log rows) as the database has them."""
    return *Lead.objects.values_list("stage", "version").get(pk=lead.pk), StageChange.objects.filter(lead=lead).count()


def test_a_lead_walks_from_capture_to_customer(cast: Cast) -> None:
    lead = qualified(cast)
    advance(lead, "win", by=cast.sam, amount=Decimal(48000), date=timezone.localdate())
    story = [(c.verb, c.from_stage, c.to_stage, c.by.name) for c in lead.changes.order_by("seq")]
    assert story == [
        ("qualify_for_marketing", "lead", "mql", "Mia Kowalczyk"),
        ("hand_off", "mql", "mql", "Mia Kowalczyk"),
        ("accept", "mql", "sal", "Sam Okafor"),
        ("qualify_for_sales", "sal", "sql", "Sam Okafor"),
        ("win", "sql", "won", "Sam Okafor"),
    ]
    assert row(lead) == ("won", 5, 5)
    assert Lead.objects.get(pk=lead.pk).standing.lane == Lane.WON


def test_accept_stops_the_sla_clock(cast: Cast) -> None:
    lead = accepted(cast)
    handoff = Handoff.objects.get(lead=lead)
    assert (handoff.outcome, handoff.closed_by, handoff.closed_at is None) == ("accepted", cast.sam, False)
    assert lead.owner == cast.sam


def test_marketing_cannot_accept(cast: Cast) -> None:
    lead = offered(cast)
    with pytest.raises(Refused) as refused:
        advance(lead, "accept", by=cast.mia)
    assert refused.value.reasons == ["Only sales can accept a lead: who it was offered to, their team or a sales lead."]
    assert row(lead) == ("mql", 2, 2)


def test_the_second_to_accept_hears_who_was_faster(cast: Cast) -> None:
    lead = offered(cast)
    seen_by_jana = Lead.objects.get(pk=lead.pk)
    advance(lead, "accept", by=cast.sam)
    with pytest.raises(Refused) as refused:
        advance(seen_by_jana, "accept", by=cast.jana, version=2)
    assert refused.value.stale
    assert "Sam Okafor" in refused.value.reasons[0]
    assert row(lead) == ("sal", 3, 3)


def test_sql_waits_for_the_checklist(cast: Cast) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam, "budget", "need")
    with pytest.raises(Refused) as refused:
        advance(lead, "qualify_for_sales", by=cast.sam)
    assert refused.value.reasons == ["Waits for 1 more confirmed topic out of: Authority, Timing."]
    confirm(lead, cast.sam, "timing")
    advance(lead, "qualify_for_sales", by=cast.sam)
    assert row(lead)[0] == "sql"


def test_a_lead_sent_back_returns_to_marketing_with_its_round_closed(cast: Cast) -> None:
    lead = accepted(cast)
    advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    lead.refresh_from_db()
    assert (lead.stage, lead.round_open, lead.owner, lead.standing.lane) == (Stage.NURTURE, False, cast.mia, Lane.BACK)
    advance(lead, "wake", by=cast.mia)
    assert (lead.stage, lead.round, lead.round_open) == (Stage.LEAD, 2, True)


def test_a_wrong_won_is_undone(cast: Cast) -> None:
    lead = qualified(cast)
    advance(lead, "win", by=cast.sam, amount=Decimal(100), date=timezone.localdate())
    change = advance(lead, "undo", by=cast.sam)
    lead.refresh_from_db()
    assert (lead.stage, lead.amount, lead.closed_on, change.reverses.verb) == (Stage.SALES_QUALIFIED, None, None, "win")


def test_undoing_accept_restores_the_handoff_and_its_clock(cast: Cast) -> None:
    lead = offered(cast)
    due = lead.open_handoff.due_at
    advance(lead, "accept", by=cast.sam)
    advance(lead, "undo", by=cast.sam)
    assert (lead.open_handoff.due_at, lead.open_handoff.outcome, lead.stage) == (due, "", Stage.MARKETING_QUALIFIED)
    assert Lead.objects.get(pk=lead.pk).standing.lane == Lane.OFFERED


def test_undo_is_closed_to_others_and_after_a_day(cast: Cast, time_machine) -> None:
    lead = qualified(cast)
    with pytest.raises(Refused):
        advance(lead, "undo", by=cast.rosa)
    time_machine.move_to(timezone.now() + timedelta(hours=25))
    with pytest.raises(Refused):
        advance(lead, "undo", by=cast.sam)
    advance(lead, "undo", by=cast.lena)
    assert row(lead)[0] == "sal"


def test_nothing_is_undone_twice(cast: Cast) -> None:
    lead = an_mql(cast)
    advance(lead, "undo", by=cast.mia)
    with pytest.raises(Refused):
        advance(lead, "undo", by=cast.mia)
    assert row(lead) == ("lead", 2, 2)


def test_an_undone_promotion_closes_the_round_for_the_system(cast: Cast) -> None:
    lead = an_mql(cast)
    advance(lead, "undo", by=cast.mia)
    assert not lead.round_open
    with pytest.raises(Refused):
        advance(lead, "qualify_for_marketing")
    assert row(lead) == ("lead", 2, 2)


def test_every_illegal_step_is_refused_and_leaves_the_row(cast: Cast) -> None:
    lead = a_lead()
    for verb in ("accept", "qualify_for_sales", "win", "lose", "send_back", "hand_off", "withdraw", "wake", "demote"):
        with pytest.raises(Refused):
            advance(lead, verb, by=cast.lena)
    assert row(lead) == ("lead", 0, 0)


def test_a_menu_says_why_the_closed_moves_are_closed(cast: Cast) -> None:
    lead = an_mql(cast)
    by_verb = {option.verb: option for option in lifecycle.options(lead, cast.mia)}
    assert by_verb["hand_off"].open
    assert by_verb["hand_off"].asks == ("assignee",)
    assert by_verb["accept"].reasons == (
        "Only sales can accept a lead: who it was offered to, their team or a sales lead.",
    )


def test_the_stage_stays_protected_when_the_row_is_gone(cast: Cast) -> None:
    lead = a_lead()
    ghost = Lead.objects.get(pk=lead.pk)
    ghost.pk = 10**9
    with pytest.raises(Lead.DoesNotExist):
        ghost.refresh_from_db()
    for one in (ghost, lead):
        with pytest.raises(AttributeError):
            one.stage = Stage.WON
    assert lead.stage == Stage.LEAD
