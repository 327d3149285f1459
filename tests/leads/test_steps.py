"""What is to be done next: one form, in order, told once, and never lost in a merge or an undo."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.deletion import gate_open, remove_contacts
from crm.merging import doing, undoing
from crm.models import OutboxMessage, User
from leads import editing, lifecycle, notifications, steps
from leads.models import Lead, MailWish, Notification, Step
from tests.cast import Cast, a_lead, accepted, ada, an_mql, offered, reason
from tests.leads.test_doctor import complaints
from tests.leads.test_lead_page import signed_in, text_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 5, 6)


@pytest.fixture
def morning(time_machine: Any) -> Any:
    """Wednesday 6 May 2026, 6:00 in UTC."""
    time_machine.move_to(datetime(2026, 5, 6, 6, tzinfo=UTC), tick=False)
    return time_machine


def planned(lead: Lead) -> tuple[str, date | None]:
    lead.refresh_from_db()
    return lead.next_step, lead.next_step_on


def send(user: User, lead: Lead, **sent: Any) -> Any:
    return signed_in(user).post(reverse("lead_next_step", args=[lead.pk]), sent)


def step(lead: Lead, what: str, days: int | None = None, **more: Any) -> Step:
    day = None if days is None else timezone.localdate() + timedelta(days=days)
    return steps.add(lead, {"what": what, "due_on": day} | more, by=None)


# --- The next step is the earliest ----------------------------------------------------------------


def test_the_next_step_is_the_earliest_open_one(cast: Cast) -> None:
    lead = accepted(cast)
    step(lead, "Some day")
    later = step(lead, "Send the offer", 5)
    sooner = step(lead, "Call", 2)
    assert planned(lead) == ("Call", sooner.due_on)
    assert steps.finish(sooner, by=cast.sam)
    assert planned(lead) == ("Send the offer", later.due_on)
    steps.finish(later, by=cast.sam)
    assert planned(lead) == ("Some day", None)
    assert not steps.finish(later, by=cast.sam)
    sooner.refresh_from_db()
    assert (sooner.done_by, sooner.done_at is not None) == (cast.sam, True)


def test_within_a_day_the_time_decides(cast: Cast) -> None:
    lead = accepted(cast)
    step(lead, "Afternoon", 1, at_time=time(15))
    step(lead, "Any time", 1)
    step(lead, "Morning", 1, at_time=time(9))
    assert planned(lead)[0] == "Morning"


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "finish", "put off", "drop", "program"]),
        st.integers(-3, 3) | st.none(),
        st.integers(0, 3),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_is_done_the_lead_repeats_its_earliest_step(cast: Cast, deeds: list[Any]) -> None:
    lead = a_lead(ada(email=f"{Lead.objects.count()}@steps.example", phone=""))
    for number, (deed, days, which) in enumerate(deeds):
        day = None if days is None else TODAY + timedelta(days=days)
        rows = list(Step.objects.open().filter(lead=lead).order_by("pk"))
        one = rows[which % len(rows)] if rows else None
        if deed == "program":
            lead.refresh_from_db()
            said = {"next_step": f"said {number}" if which else "", "next_step_on": day if which else None}
            editing.change(lead, said, revision=lead.revision, by=cast.ava)
        elif deed == "add" or one is None:
            steps.add(lead, {"what": f"step {number}", "due_on": day}, by=cast.sam)
        elif deed == "finish":
            assert steps.finish(one, by=cast.sam)
        elif deed == "put off":
            assert steps.change(one, {"due_on": day}, seen={"due_on": one.due_on}, by=cast.sam)
        else:
            assert steps.drop(one, seen={"what": one.what}, by=cast.sam)
        rows = sorted(Step.objects.open().filter(lead=lead), key=lambda s: (s.due_on is None, s.due_on or TODAY, s.pk))
        assert planned(lead) == ((rows[0].what, rows[0].due_on) if rows else ("", None))


# --- One form on the lead's page --------------------------------------------------------------------


def test_add_put_off_and_complete_by_one_form(cast: Cast) -> None:
    lead, day = accepted(cast), timezone.localdate() + timedelta(days=3)
    assert "No next step" in text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    send(cast.sam, lead, step="", next_step="Call", next_step_on=day.isoformat(), next_step_time="14:30")
    row = Step.objects.get()
    assert (row.what, row.due_on, row.at_time, row.made_by, row.person) == ("Call", day, time(14, 30), cast.sam, None)
    seen = {
        "initial-next_step": "Call", "initial-next_step_on": day.isoformat(), "initial-next_step_time": "14:30:00",
        "initial-next_step_by": "",
    }  # fmt: skip
    later = day + timedelta(days=4)
    put_off = {"next_step": "Call", "next_step_on": later.isoformat(), "next_step_by": cast.jana.pk}
    assert send(cast.sam, lead, step=row.pk, **put_off, **seen).status_code == 302
    row.refresh_from_db()
    assert (row.due_on, row.at_time, row.person) == (later, None, cast.jana)
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    assert "No next step" not in page
    assert "Jana" in page[page.index('id="steps"') :]
    send(cast.sam, lead, step=row.pk, done="1")
    assert planned(lead) == ("", None)
    assert "1 step done" in text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))


def test_another_step_is_added_and_any_of_them_changed(cast: Cast) -> None:
    lead = accepted(cast)
    step(lead, "Call", 1)
    assert send(cast.sam, lead, another="1", next_step="Send the offer", next_step_on="2030-01-02").status_code == 302
    other = Step.objects.get(what="Send the offer")
    page = signed_in(cast.sam).get(reverse("lead", args=[lead.pk]), {"step": other.pk})
    assert page.context["next_step"].step == other
    assert page.context["next_step_open"]
    empty = send(cast.sam, lead, another="1", next_step="")
    assert (empty.status_code, Step.objects.count()) == (400, 2)


def test_an_empty_line_takes_the_step_off(cast: Cast) -> None:
    lead = accepted(cast)
    row = step(lead, "Call")
    assert send(cast.sam, lead, step=row.pk, next_step="", **{"initial-next_step": "Call"}).status_code == 302
    assert (planned(lead), Step.objects.exists()) == (("", None), False)


def test_what_somebody_changed_or_did_meanwhile_is_refused(cast: Cast) -> None:
    lead = accepted(cast)
    row = step(lead, "Call", 1)
    steps.change(row, {"what": "Visit"}, seen={"what": "Call"}, by=cast.lena)
    stale = send(cast.sam, lead, step=row.pk, next_step="Mail", **{"initial-next_step": "Call"})
    assert (stale.status_code, planned(lead)[0]) == (409, "Visit")
    assert "“Visit”" in text_of(stale)
    odd = send(
        cast.sam, lead, step=row.pk, next_step="Mail", **{"initial-next_step_on": "x", "initial-next_step": "Visit"}
    )
    assert (odd.status_code, planned(lead)[0]) == (409, "Visit")
    steps.finish(row, by=cast.lena)
    gone = send(cast.sam, lead, step=row.pk, done="1")
    row.refresh_from_db()
    assert (gone.status_code, row.done_by) == (409, cast.lena)


@pytest.mark.parametrize(
    "sent", [{"next_step": "", "next_step_on": "2030-01-01"}, {"next_step": "x", "next_step_time": "10:00"},
             {"next_step": "x", "next_step_by": "999999"}, {"next_step": "x" * 201}],
)  # fmt: skip
def test_what_makes_no_sense_is_not_written(cast: Cast, sent: dict[str, str]) -> None:
    lead = accepted(cast)
    assert send(cast.sam, lead, step="", **sent).status_code == 400
    assert (planned(lead), Step.objects.exists()) == (("", None), False)


def test_a_closed_lead_takes_no_steps(cast: Cast) -> None:
    lead = accepted(cast)
    row = step(lead, "Call", 1)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    assert send(cast.sam, lead, step=row.pk, done="1").status_code == 409
    row.refresh_from_db()
    assert row.done_at is None


@pytest.mark.parametrize(
    ("who", "status"),
    [("mia", 403), ("max", 403), ("sam", 302), ("jana", 403), ("rosa", 404), ("lena", 302), ("ava", 302)],
)
def test_who_may_write_a_step(cast: Cast, who: str, status: int) -> None:
    lead = accepted(cast)
    answer = send(getattr(cast, who), lead, step="", next_step="Call")
    assert (answer.status_code, Step.objects.count()) == (status, int(status == 302))


def test_who_is_asked_for_a_step_may_call_it_done_and_nothing_else(cast: Cast) -> None:
    lead = accepted(cast)
    row = step(lead, "Draw the plan", 0, person_id=cast.jana.pk)
    assert send(cast.jana, lead, step=row.pk, next_step="x").status_code == 403
    assert "Draw the plan" in text_of(signed_in(cast.jana).get("/"))
    answer = send(cast.jana, lead, step=row.pk, done="1", next="/")
    assert (answer.status_code, answer.url) == (302, "/")
    row.refresh_from_db()
    assert row.done_by == cast.jana


def test_a_step_of_another_lead_is_not_reached(cast: Cast) -> None:
    lead = accepted(cast)
    other = step(accepted(cast, contact=ada(email="b@acme.example", phone="")), "Call")
    assert send(cast.sam, lead, step=other.pk, done="1").status_code == 409
    other.refresh_from_db()
    assert other.done_at is None


# --- Today ----------------------------------------------------------------------------------------


def test_today_shows_what_is_due_and_overdue_the_longest_first(cast: Cast) -> None:
    for name, days in (("a", 0), ("b", -4), ("c", 1)):
        step(accepted(cast, contact=ada(email=f"{name}@acme.example", phone="", last_name=name)), f"Step {name}", days)
    part = next(p for p in signed_in(cast.sam).get("/").context["today"].parts if p.title == "Next steps due")
    assert ([row.because for row in part.rows], part.number) == (["Step b", "Step a"], 2)
    assert [row.tone for row in part.rows] == ["late", ""]
    other = next(p for p in signed_in(cast.jana).get("/").context["today"].parts if p.title == "Next steps due")
    assert other.rows == []


def test_today_asks_as_often_for_three_steps_as_for_one(cast: Cast) -> None:
    client, counts = signed_in(cast.sam), []
    for name in "abc":
        step(accepted(cast, contact=ada(email=f"{name}@acme.example", phone="")), "Call", 0)
        with CaptureQueriesContext(connection) as asked:
            client.get("/")
        counts.append(len(asked))
    assert counts[1] == counts[2]


# --- Reminders ------------------------------------------------------------------------------------


def told(user: User) -> int:
    return Notification.objects.filter(user=user, kind="step").count()


def test_a_step_with_a_time_reminds_a_quarter_of_an_hour_before_once(cast: Cast, morning: Any) -> None:
    notifications.choose(cast.sam, {"step": MailWish.How.NOW})
    lead = accepted(cast)
    row = step(lead, "Call", 0, at_time=time(12))
    morning.move_to(row.remind_at - timedelta(seconds=1))
    assert steps.remind() == 0
    morning.move_to(row.remind_at)
    assert [steps.remind(), steps.remind()] == [1, 0]
    local = timezone.localtime(row.remind_at)
    assert (local.hour, local.minute, told(cast.sam)) == (11, 45, 1)
    mail = OutboxMessage.objects.get(topic="lead.step")
    assert (mail.payload["to"], mail.payload["subject"]) == ([cast.sam.email], "A next step of yours is due")
    assert "notifications" not in complaints()


def test_a_step_with_only_a_day_reminds_in_that_mornings_mail(cast: Cast, morning: Any) -> None:
    lead = accepted(cast)
    row = step(lead, "Call", 1)
    local = timezone.localtime(row.remind_at)
    assert (local.date(), local.hour, local.minute) == (TODAY + timedelta(days=1), 6, 30)
    morning.move_to(row.remind_at)
    steps.remind()
    assert Notification.objects.get(kind="step").for_digest


def test_a_new_time_reminds_anew_and_a_done_step_never(cast: Cast, morning: Any) -> None:
    lead = accepted(cast)
    row = step(lead, "Call", 1)
    first = row.remind_at
    morning.move_to(first)
    steps.remind()
    row.refresh_from_db()
    steps.change(row, {"due_on": TODAY + timedelta(days=3)}, seen={}, by=cast.sam)
    assert told(cast.sam) == 0  # what was told of the old day is taken back
    row.refresh_from_db()
    morning.move_to(row.remind_at)
    assert (steps.remind(), told(cast.sam)) == (1, 1)
    other = step(lead, "Mail", 2)
    steps.finish(other, by=cast.sam)
    morning.move_to(datetime(2026, 6, 1, tzinfo=UTC))
    assert steps.remind() == 0


def test_nobody_is_reminded_of_what_they_write_down_late_or_of_a_closed_lead(cast: Cast, morning: Any) -> None:
    lead = accepted(cast)
    assert step(lead, "Call", -1).remind_at is None
    step(lead, "Mail", 1)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    morning.move_to(datetime(2026, 5, 7, 12, tzinfo=UTC))
    assert steps.remind() == 0


def test_a_reminder_a_worker_slept_over_for_a_day_is_not_given(cast: Cast, morning: Any) -> None:
    step(accepted(cast), "Call", 1)
    morning.move_to(datetime(2026, 5, 9, tzinfo=UTC))
    assert (steps.remind(), steps.remind(), told(cast.sam)) == (0, 0, 0)


def test_the_named_colleague_is_reminded_unless_they_may_no_longer_see_the_lead(cast: Cast, morning: Any) -> None:
    lead = accepted(cast)
    row = step(lead, "Draw the plan", 1, person_id=cast.jana.pk)
    hidden = step(lead, "Paint", 1, person_id=cast.rosa.pk)
    morning.move_to(max(row.remind_at, hidden.remind_at))
    assert (steps.remind(), told(cast.jana), told(cast.rosa), told(cast.sam)) == (1, 1, 0, 0)


# --- Programs, files, merges, erasure ----------------------------------------------------------------


def test_what_a_program_writes_becomes_the_step(cast: Cast) -> None:
    lead = accepted(cast)
    step(lead, "Some other day", 30)
    Lead.objects.filter(pk=lead.pk).update(next_step="Call", next_step_on=TODAY)
    steps.follow([lead.pk])
    assert list(Step.objects.values_list("what", "due_on")) == [("Call", TODAY)]
    Lead.objects.filter(pk=lead.pk).update(next_step="", next_step_on=None)
    steps.follow([lead.pk])
    assert not Step.objects.exists()


def test_the_steps_of_an_absorbed_lead_go_on_and_come_back(cast: Cast) -> None:
    one = accepted(cast)
    other = an_mql(cast, contact=ada(email="ada.l@acme.example", phone=""))
    step(one, "Call", 2)
    promised = step(other, "Send the paper", 1)
    before = planned(one), planned(other)
    entry = doing.merge(one.contact, other.contact, by=cast.lena, choices={}, sure=True)
    assert (planned(one)[0], planned(other)) == ("Send the paper", ("", None))
    assert complaints() == {}
    undoing.part(entry, by=cast.ava)
    assert (planned(one), planned(other)) == before
    promised.refresh_from_db()
    assert promised.lead_id == other.pk
    assert complaints() == {}


def test_erasing_a_person_takes_their_steps(cast: Cast) -> None:
    lead = offered(cast)
    step(lead, "Call", 1)
    with gate_open("test"):
        remove_contacts([lead.contact_id])
    assert not Step.objects.exists()
