"""The clock of a handoff: what starts, moves and stops it, and what happens when it runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import absences, outbox
from crm.models import OutboxMessage, Team, Workspace
from crm.workdays import forget_zone
from leads import clock, sla
from leads.lifecycle import advance
from leads.models import Handoff, Lead, SlaEvent, Standing
from tests.cast import Cast, ada, an_mql, next_month, offered, reason

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TUESDAY = datetime(2026, 7, 7, 8, tzinfo=UTC)  # 10 o'clock in Berlin; eight working hours end at 18 o'clock


@pytest.fixture
def team(cast: Cast, time_machine: Any) -> Iterator[Team]:
    """Tuesday, 10 o'clock in Berlin: Sam's team works from 9 to 18 and keeps the holidays of Lower Saxony."""
    time_machine.move_to(TUESDAY, tick=False)
    Workspace.objects.update(time_zone="Europe/Berlin")
    forget_zone()
    Team.objects.filter(pk=cast.north.pk).update(holiday_region="DE-NI")
    cast.north.refresh_from_db()
    cast.sam.team = cast.north
    yield cast.north


@pytest.fixture
def at(time_machine: Any) -> Callable[[datetime], datetime]:
    def go(moment: datetime) -> datetime:
        time_machine.move_to(moment, tick=False)
        return moment

    return go


def events(lead: Lead) -> list[tuple[str, datetime]]:
    rows = SlaEvent.objects.filter(handoff__lead=lead).order_by("due_at", "id")
    return [(str(row.kind), row.due_at) for row in rows]


def mails(topic: str) -> list[str]:
    rows = OutboxMessage.objects.filter(topic=topic).order_by("id")
    return [address for row in rows for address in row.payload["to"]]


def set_team(team: Team, **values: Any) -> None:
    Team.objects.filter(pk=team.pk).update(**values)
    team.refresh_from_db()


# --- When it is due -------------------------------------------------------------------------------


def test_the_clock_runs_only_while_the_team_works(cast: Cast, team: Team, at: Any) -> None:
    at(TUESDAY + 4 * HOUR)  # 14 o'clock
    handoff = offered(cast).open_handoff
    assert handoff.due_at == datetime(2026, 7, 8, 11, tzinfo=UTC)
    kinds = [(one.kind, one.length) for one in clock.way_of(handoff)]
    assert kinds == [("work", 4 * HOUR), ("night", 15 * HOUR), ("work", 4 * HOUR)]
    assert (clock.left(handoff, TUESDAY + 4 * HOUR), clock.left(handoff, handoff.due_at)) == (8 * HOUR, 0 * HOUR)
    assert clock.left(handoff, TUESDAY + 20 * HOUR) == 4 * HOUR
    assert clock.left(handoff, handoff.due_at + 10 * HOUR) == -5 * HOUR


def test_a_better_grade_is_due_sooner(cast: Cast, team: Team) -> None:
    set_team(team, hours_by_grade={"A1": 0.5})
    lead = an_mql(cast)
    Standing.objects.filter(pk=lead.pk).update(grade="A1")
    advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    assert (lead.open_handoff.due_at, lead.open_handoff.promised_minutes) == (TUESDAY + 30 * MINUTE, 30)
    assert offered(cast, contact=ada(email="b@acme.example")).open_handoff.due_at == TUESDAY + 8 * HOUR


def test_the_clock_stands_still_while_the_person_is_away_and_runs_for_the_queue(cast: Cast, team: Team) -> None:
    absences.add(cast.sam, date(2026, 7, 7), date(2026, 7, 9), by=cast.sam, from_noon=True, until_noon=True)
    handoff = offered(cast).open_handoff
    assert handoff.due_at == datetime(2026, 7, 9, 16, tzinfo=UTC)
    assert [one.name for one in clock.way_of(handoff) if one.kind == "absence"] == ["Sam Okafor"]
    lead = an_mql(cast, contact=ada(email="b@acme.example"))
    advance(lead, "hand_off", by=cast.mia, team=cast.north)
    assert lead.open_handoff.due_at == TUESDAY + 8 * HOUR


def test_a_clock_that_runs_keeps_its_due_time_and_its_reasons(cast: Cast, team: Team) -> None:
    handoff = offered(cast).open_handoff
    way = clock.way_of(handoff)
    set_team(team, response_hours=1, working_hours={"0": [["09:00", "10:00"]]})
    absences.add(cast.sam, date(2026, 7, 7), date(2026, 7, 9), by=cast.sam)
    again = Handoff.objects.select_related("team").get(pk=handoff.pk)
    assert (again.due_at, clock.way_of(again), clock.left(again, TUESDAY)) == (handoff.due_at, way, 8 * HOUR)


def test_a_handoff_of_before_explains_itself_by_todays_settings(cast: Cast, team: Team) -> None:
    handoff = offered(cast).open_handoff
    Handoff.objects.update(way=[], clock_from=None, promised_minutes=None)
    old = Handoff.objects.select_related("team").get()
    assert (clock.way_of(old), clock.allowed(old)) == (clock.way_of(handoff), 8 * HOUR)


@pytest.mark.parametrize("verb", ["accept", "send_back", "withdraw"])
def test_an_answer_stops_the_clock(cast: Cast, team: Team, at: Any, verb: str) -> None:
    lead = offered(cast)
    at(TUESDAY + 2 * HOUR)
    more = {"reason": reason("send_back"), "wake_on": next_month()} if verb == "send_back" else {}
    advance(lead, verb, by=cast.mia if verb == "withdraw" else cast.sam, **more)
    handoff = Handoff.objects.select_related("team").get()
    assert clock.left(handoff, TUESDAY + 20 * HOUR) is None
    assert clock.used(handoff, TUESDAY + 99 * HOUR) == 2 * HOUR
    at(TUESDAY + 99 * HOUR)
    assert (sla.look(), events(lead)) == (0, [])


def test_re_assigning_starts_the_clock_anew_and_undoing_it_puts_it_back(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    before = Handoff.objects.values(*clock.FIELDS, "assignee_id", "told_at").get()
    now = at(TUESDAY + 3 * HOUR)
    advance(lead, "reassign", by=cast.lena, assignee=cast.jana)
    handoff = Handoff.objects.select_related("team").get()
    assert (handoff.clock_from, handoff.due_at) == (now, datetime(2026, 7, 8, 10, tzinfo=UTC))
    assert clock.left(handoff, now) == 8 * HOUR
    advance(lead, "undo", by=cast.lena)
    assert Handoff.objects.values(*clock.FIELDS, "assignee_id", "told_at").get() == before


# --- What happens then ----------------------------------------------------------------------------


def test_a_reminder_leaves_an_hour_of_working_time_before(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    reminded = TUESDAY + 7 * HOUR
    at(reminded + sla.GRACE)
    assert sla.look() == 0
    at(reminded + MINUTE)
    assert (sla.look(), sla.look()) == (1, 0)
    assert (events(lead), mails("lead.sla_reminder")) == ([("reminder", reminded)], ["sam@example.com"])


def test_a_queue_is_reminded_as_a_whole_and_nobody_where_it_is_switched_off(cast: Cast, team: Team, at: Any) -> None:
    lead = an_mql(cast)
    advance(lead, "hand_off", by=cast.mia, team=cast.north)
    at(TUESDAY + 7 * HOUR + MINUTE)
    sla.look()
    assert sorted(mails("lead.sla_reminder")) == ["jana@example.com", "lena@example.com", "sam@example.com"]
    set_team(team, remind_minutes=0)
    assert offered(cast, contact=ada(email="b@acme.example")).open_handoff.remind_at is None


def test_a_breach_bears_the_instant_it_was_due_and_tells_the_sales_lead(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    due = lead.open_handoff.due_at
    now = at(due + 2 * HOUR)  # the worker slept
    assert (sla.look(), sla.look()) == (1, 0)
    assert events(lead) == [("breach", due), ("escalation", due)]
    assert set(SlaEvent.objects.values_list("noticed_at", flat=True)) == {now}
    assert mails("lead.sla_escalation") == ["lena@example.com"]
    assert mails("lead.sla_reminder") == []


def test_without_a_sales_lead_in_the_team_all_of_them_are_told_else_the_admins(cast: Cast) -> None:
    handoff = Handoff(team=cast.south)
    assert sla.who_leads(handoff) == [cast.lena]
    cast.lena.is_active = False
    cast.lena.save(update_fields=["is_active"])
    assert sla.who_leads(handoff) == [cast.ava]


def test_what_is_noticed_a_day_late_is_written_down_and_told_nobody(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    due = lead.open_handoff.due_at
    at(due + timedelta(days=1))
    sla.look()
    assert (events(lead), mails("lead.sla_escalation")) == ([("breach", due)], [])


@pytest.mark.parametrize("verb", ["accept", "reassign", "withdraw"])
def test_whoever_answers_late_writes_the_breach_although_no_worker_ran(
    cast: Cast, team: Team, at: Any, verb: str
) -> None:
    lead = offered(cast)
    due = lead.open_handoff.due_at
    at(due + MINUTE)
    who = {"accept": cast.sam, "reassign": cast.lena, "withdraw": cast.mia}[verb]
    advance(lead, verb, by=who, **({"assignee": cast.jana} if verb == "reassign" else {}))
    sla.look()
    assert events(lead) == [("breach", due)]


def test_each_clock_of_a_handoff_has_its_own_breach_and_an_undone_answer_no_second_one(
    cast: Cast, team: Team, at: Any
) -> None:
    lead = offered(cast)
    first = lead.open_handoff.due_at
    at(first + MINUTE)
    sla.look()
    advance(lead, "accept", by=cast.sam)
    advance(lead, "undo", by=cast.sam)
    sla.look()
    assert events(lead) == [("breach", first), ("escalation", first)]
    advance(lead, "reassign", by=cast.lena, assignee=cast.jana)
    second = lead.open_handoff.due_at
    at(second + MINUTE)
    sla.look()
    assert [row for row in events(lead) if row[0] == "breach"] == [("breach", first), ("breach", second)]


def test_what_nobody_answers_goes_to_somebody_else_once_where_the_team_says_so(cast: Cast, team: Team, at: Any) -> None:
    set_team(team, reassign_hours=2)
    lead = offered(cast)
    due = lead.open_handoff.due_at
    again = datetime(2026, 7, 8, 9, tzinfo=UTC)  # two hours of the next working day
    assert lead.open_handoff.reassign_at == again
    at(again)
    assert sla.look() == 1
    at(again + MINUTE)
    assert (sla.look(), sla.look()) == (1, 0)
    lead.refresh_from_db()
    handoff = Handoff.objects.get()
    assert (lead.last_change.verb, lead.last_change.actor, lead.last_change.details["cause"]) == (
        "reassign", "system", "overdue",
    )  # fmt: skip
    assert handoff.assignee != cast.sam
    assert (handoff.team, handoff.reassign_at, lead.owner) == (cast.north, None, handoff.assignee)
    assert events(lead) == [("breach", due), ("escalation", due), ("reassignment", again)]
    assert handoff.due_at > again


def test_off_is_the_default_for_re_assigning(cast: Cast, team: Team) -> None:
    assert offered(cast).open_handoff.reassign_at is None


# --- What the system took -------------------------------------------------------------------------


def test_time_the_notice_waited_is_told_apart_from_the_time_people_took(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    assert lead.open_handoff.told_at is None
    at(TUESDAY + 3 * HOUR)  # the mail leaves three hours late
    assert outbox.deliver() == 1
    sla.look()
    now = at(TUESDAY + 5 * HOUR)
    handoff = Handoff.objects.select_related("team").get()
    assert handoff.told_at == TUESDAY + 3 * HOUR
    assert clock.used(handoff, now) == 5 * HOUR
    assert clock.system_delay(handoff, now) == 3 * HOUR - outbox.HOLD


def test_many_notices_that_wait_do_not_hold_up_one_that_left(
    cast: Cast, team: Team, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sla, "AT_ONCE", 3)
    waiting = [offered(cast, contact=ada(email=f"w{n}@acme.example")) for n in range(4)]
    OutboxMessage.objects.update(next_try_at=TUESDAY + 30 * HOUR)  # the mail server does not take them
    now = at(TUESDAY + HOUR)
    left = offered(cast)
    now = at(TUESDAY + 2 * HOUR)
    assert outbox.deliver() == 1
    sla.look()
    assert Handoff.objects.get(lead=left).told_at == now
    assert set(Handoff.objects.exclude(lead=left).values_list("told_at", flat=True)) == {None}
    now = at(TUESDAY + 31 * HOUR)
    assert outbox.deliver() == 4
    sla.look()
    assert Handoff.objects.filter(told_at=None).count() == 1  # three at once
    sla.look()
    assert {Handoff.objects.get(lead=lead).told_at for lead in waiting} == {now}


def test_a_notice_that_leaves_in_time_or_an_answer_before_it_is_no_delay(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    at(TUESDAY + 12 * timedelta(seconds=1))
    outbox.deliver()
    sla.look()
    assert clock.system_delay(Handoff.objects.select_related("team").get(), TUESDAY + HOUR) == timedelta()
    lead = offered(cast, contact=ada(email="b@acme.example"))
    at(TUESDAY + 30 * MINUTE)
    advance(lead, "accept", by=cast.sam)
    sla.look()
    handoff = Handoff.objects.select_related("team").get(lead=lead)
    assert (handoff.told_at, clock.used(handoff, TUESDAY + 9 * HOUR)) == (
        handoff.closed_at,
        30 * MINUTE - 12 * timedelta(seconds=1),
    )


def test_a_queue_waits_for_no_mail(cast: Cast, team: Team) -> None:
    lead = an_mql(cast)
    advance(lead, "hand_off", by=cast.mia, team=cast.north)
    sla.look()
    assert Handoff.objects.get().told_at == TUESDAY


# --- What must hold -------------------------------------------------------------------------------


def test_an_event_is_written_once_and_never_changed(cast: Cast, team: Team) -> None:
    handoff = offered(cast).open_handoff
    assert clock.write(handoff, "breach", handoff.due_at)
    assert not clock.write(handoff, "breach", handoff.due_at)
    row = SlaEvent.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        SlaEvent.objects.create(handoff=handoff, kind="breach", due_at=handoff.due_at)
    for wrong in (lambda: SlaEvent.objects.update(due_at=TUESDAY), lambda: row.delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


def test_the_doctor_misses_breaches_and_finds_those_that_cannot_be(
    cast: Cast, team: Team, at: Any, capsys: Any
) -> None:
    lead, other = offered(cast), offered(cast, contact=ada(email="b@acme.example"))
    clock.write(other.open_handoff, "breach", other.open_handoff.due_at)
    advance(other, "accept", by=cast.sam)
    at(lead.open_handoff.due_at + timedelta(minutes=61))
    with pytest.raises(SystemExit):
        call_command("doctor")
    told = capsys.readouterr().out
    assert f"Handoff {lead.open_handoff.pk} is overdue, and no breach is written down." in told
    assert f"Handoff {other.last_handoff.pk} was closed in time, and a breach is written down." in told


def test_a_sweep_with_nothing_to_do_asks_little_however_many_are_open(cast: Cast, team: Team) -> None:
    counts = []
    for number in range(2):
        offered(cast, contact=ada(email=f"{number}@acme.example"))
        with CaptureQueriesContext(connection) as asked:
            assert sla.look() == 0
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 5


# --- The page that says why -----------------------------------------------------------------------


def _page(who: Any, lead: Lead) -> Any:
    client = Client()
    client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.get(reverse("lead_clock", args=[lead.pk]))


def test_the_page_names_every_gap_and_what_counted(cast: Cast, team: Team, at: Any) -> None:
    set_team(team, half_eves=True, own_days=[{"day": "2026-12-28", "half": False, "name": "Winter break"}])
    absences.add(cast.sam, date(2026, 12, 29), date(2026, 12, 29), by=cast.sam)
    at(datetime(2026, 12, 23, 15, tzinfo=UTC))
    lead = offered(cast)
    answer = _page(cast.sam, lead)
    told = [(line.why, line.counted) for line in answer.context["lines"]]
    assert told == [
        ("Working hours", "2 h"), ("Outside working hours", ""), ("Working hours", "3 h"), ("Half day", ""),
        ("Outside working hours", ""), ("Public holiday: Christmas Day", ""), ("Weekend", ""),
        ("The team is away: Winter break", ""), ("Sam Okafor is away", ""), ("Outside working hours", ""),
        ("Working hours", "3 h"),
    ]  # fmt: skip
    assert answer.context["due"] == "Wed 30 Dec, 12:00"
    cast.sam.language = "de"
    cast.sam.save(update_fields=["language"])
    assert "Erster Weihnachtstag" in _page(cast.sam, lead).content.decode()


def test_the_page_tells_how_far_over_it_is_and_what_followed(cast: Cast, team: Team, at: Any) -> None:
    lead = offered(cast)
    at(TUESDAY + 3 * HOUR)
    outbox.deliver()
    at(lead.open_handoff.due_at + 17 * HOUR)
    sla.look()
    context = _page(cast.lena, lead).context
    assert [(line.tone, line.counted) for line in context["lines"]] == [("", "8 h"), ("late", "2 h")]
    assert (context["used"], context["delay"], context["by_people"]) == ("10 h", "2 h 59 min", "7 h")
    assert [row.kind for row in context["events"]] == ["breach", "escalation"]


def test_who_may_not_see_the_lead_sees_no_clock_and_without_an_offer_there_is_none(cast: Cast, team: Team) -> None:
    lead = offered(cast)
    assert _page(cast.rosa, lead).status_code == 404
    assert _page(cast.mia, an_mql(cast, contact=ada(email="b@acme.example"))).status_code == 404
    board = Client()
    board.force_login(cast.sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    for place in ("/boards/sales/", "/", f"/leads/{lead.pk}/"):
        assert reverse("lead_clock", args=[lead.pk]) in board.get(place).content.decode(), place
