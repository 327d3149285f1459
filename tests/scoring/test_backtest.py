"""Looking back: only what was known then counts; a killed run goes on; the figures equal a slow reckoning by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import activities, consents, contacts
from crm.activities import Happening
from crm.models import Contact, ProfileChange
from crm.workdays import local_day
from leads import capture, entries, lifecycle
from leads.models import Lead, StageChange
from scoring import backtest, decisions, drain, knowledge, reference, trial
from scoring.intervals import Share, wilson
from scoring.models import BacktestRun, Score, ScorecardVersion
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, next_month, offered, reason
from tests.scoring.cards import a_draft, did, fact, in_force
from tests.scoring.test_equality import ON_DATABASE, activity_criteria, fit_criteria, people, settle_in, undone

pytestmark = pytest.mark.django_db


def looked_back(version: ScorecardVersion) -> dict[str, Any]:
    """Ask for a back-test, let it run to its end and return what it says of the draft."""
    run = backtest.ask(version, by=None)
    assert backtest.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    result: dict[str, Any] = run.result
    return result


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let `now` be `moment` for everything that is written inside."""
    with mock.patch("django.utils.timezone.now", return_value=moment):
        yield


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def won(cast: Cast, lead: Lead) -> None:
    confirm(lead, cast.sam)
    lifecycle.advance(lead, "qualify_for_sales", by=cast.sam)
    lifecycle.advance(lead, "win", by=cast.sam, amount=900, date=timezone.localdate())


def share(figure: dict[str, Any]) -> tuple[int, int]:
    return figure["hits"], figure["cases"]


# --- What counts as known -------------------------------------------------------------------------


def test_a_field_filled_after_winning_shows_no_gain(cast: Cast) -> None:
    for n in range(12):
        own = contacts.create_company({"name": f"Company {n}"}, by=None, source="t")
        lead = accepted(cast, contact=ada(email=f"{n}@acme.example", company_id=own.pk))
        if n % 3 == 0:
            won(cast, lead)
            contacts.update_contact(
                lead.contact, {"custom": {"contract": "signed"}, "city": "Ulm"}, by=None, source="t"
            )
            contacts.update_company(lead.contact.company, {"custom": {"customer": "yes"}}, by=None, source="t")  # type: ignore[arg-type]
            activities.record(lead.contact, "meeting", at=days_ago(20))  # told of late
        else:
            lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    leaks = [
        fact("custom.contract", "is", "signed", points=100), fact("city", "is", "Ulm", points=100),
        fact("company.customer", "is", "yes", points=100), did("meeting", points=100),
    ]  # fmt: skip
    draft = a_draft(leaks, bar_fit=50, bar_engagement=0, bar_total=50)
    drain.drain()
    result = looked_back(draft)
    assert result["cases"] == 12
    assert share(result["draft"]["won"]["base"]) == (4, 12)
    assert result["draft"]["at_bar"] == 0
    assert [row["fired"]["leads"] for row in result["draft"]["criteria"].values()] == [0, 0, 0, 0]
    in_force(draft)
    assert Score.objects.filter(at_bar=True).count() == 4  # today they would all shine


def test_what_was_known_then_counts_even_if_it_is_gone_now(cast: Cast) -> None:
    lead = a_lead(ada(job_title="Head of Sales"))
    activities.record(lead.contact, "white_paper")
    lifecycle.advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
    contacts.update_contact(lead.contact, {"job_title": "Student", "company_id": None}, by=None, source="t")
    draft = a_draft(
        [fact("seniority", "is", "head", points=30), fact("employees", "between", [100, 300], points=30),
         fact("seniority", "is", "student", points=-50), did("white_paper", points=30)],
        bar_fit=60, bar_engagement=30,
    )  # fmt: skip
    result = looked_back(draft)["draft"]
    assert result["at_bar"] == 1
    fired = {key: row["fired"]["leads"] for key, row in result["criteria"].items()}
    assert fired == {"c0": 1, "c1": 1, "c2": 0, "c3": 1}


def test_what_arrives_after_the_decision_does_not_count(cast: Cast) -> None:
    lead = an_mql(cast)
    activities.record(lead.contact, "white_paper", at=days_ago(3))
    draft = a_draft([did("white_paper", points=30)], bar_fit=0, bar_engagement=10)
    assert looked_back(draft)["draft"]["at_bar"] == 0
    (known,) = knowledge.moments({lead.pk: timezone.now()})
    assert [row[1] for row in knowledge.happenings([known])[lead.pk]] == ["white_paper"]


def test_a_file_counts_where_it_has_dates(cast: Cast) -> None:
    """A decision told of by an import: its own dated history counts, undated things and own fields do not."""
    entered, decided = days_ago(90), days_ago(60)
    told = []
    for n, (custom, stage_at) in enumerate([({"quality": "high"}, decided), ({}, entered)]):
        contact = ada(email=f"{n}@acme.example", custom=custom)
        lead = capture.open_lead(contact, source=None, at=entered)
        activities.record_many(
            [
                Happening(contact.pk, "white_paper", days_ago(70), feed="import:x", message_id=f"{n}a"),
                Happening(contact.pk, "video_view", entered, feed="import:x", message_id=f"{n}b"),
                Happening(contact.pk, "meeting", days_ago(50), feed="import:x", message_id=f"{n}c"),
                Happening(contact.pk, "question", days_ago(70), feed="baton", message_id=f"{n}d"),
            ],
            history=True,
        )
        entries.enter_as_many([(lead, "won", stage_at)])
        told.append(lead)
    draft = a_draft(
        [did("white_paper"), did("video_view"), did("meeting"), did("question"), fact("custom.quality", "is", "high"),
         fact("has_company", "is", True)]
    )  # fmt: skip
    result = looked_back(draft)
    assert (result["cases"], result["by_file"], result["undated"]) == (1, 1, 1)
    fired = {key: row["fired"]["leads"] for key, row in result["draft"]["criteria"].items()}
    assert fired == {"c0": 1, "c1": 0, "c2": 0, "c3": 0, "c4": 0, "c5": 1}


def test_who_objected_to_profiling_is_left_out(cast: Cast) -> None:
    lead = an_mql(cast)
    consents.note(lead.contact, "objected", purpose="profiling", source="test")
    result = looked_back(a_draft([did("white_paper")]))
    assert (result["cases"], result["objected"]) == (0, 1)


# --- What became of them --------------------------------------------------------------------------


def test_the_first_decision_and_the_first_answer_count(cast: Cast) -> None:
    back = offered(cast, contact=ada(email="a@acme.example"))
    lifecycle.advance(back, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    open_ = offered(cast, contact=ada(email="b@acme.example"))
    taken = accepted(cast, contact=ada(email="c@acme.example"))
    sold = accepted(cast, contact=ada(email="d@acme.example"))
    won(cast, sold)
    undone_ = an_mql(cast, contact=ada(email="e@acme.example"))
    lifecycle.advance(undone_, "undo", by=cast.mia)
    never = a_lead(ada(email="f@acme.example"))
    found = decisions.of([lead.pk for lead in (back, open_, taken, sold, undone_, never)])
    told = {pk: (d.accepted, d.won) for pk, d in found.items()}
    assert told == {back.pk: (False, False), open_.pk: (None, None), taken.pk: (True, None), sold.pk: (True, True)}
    assert found[sold.pk].at == sold.changes.get(verb="qualify_for_marketing").at
    assert decisions.count() == 4


def test_the_figures_of_a_small_world(cast: Cast) -> None:
    """Ten decided leads: those of Germany are good, and the draft says so."""
    for n in range(10):
        german = n < 6
        lead = offered(cast, contact=ada(email=f"{n}@acme.example", country="DE" if german else "US"))
        if n in {0, 1, 2, 3, 7}:
            lifecycle.advance(lead, "accept", by=cast.sam)
            if n in {0, 1, 7}:
                won(cast, lead)
        else:
            lifecycle.advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    draft = a_draft([fact("country", "is", "DE", points=50)], bar_fit=50, bar_engagement=0)
    result = looked_back(draft)
    said = result["draft"]["accepted"]
    assert (share(said["precision"]), share(said["recall"]), share(said["base"])) == ((4, 6), (4, 5), (5, 10))
    assert said["lift"] == pytest.approx((4 / 6) / (5 / 10))
    assert (said["false"], said["missed"], said["few"]) == (2, 1, True)
    assert (said["precision"]["low"], said["precision"]["high"]) == wilson(4, 6)
    ended = result["draft"]["won"]
    assert (share(ended["precision"]), share(ended["recall"])) == ((2, 4), (2, 3))
    assert len(result["draft"]["missed"]) == 1
    assert len(result["draft"]["wrong"]) == 2
    bands = [(b["from"], share(b["accepted"])) for b in result["draft"]["bands"] if b["leads"]]
    assert bands == [(0, (1, 4)), (40, (4, 6))]
    assert result["draft"]["criteria"]["c0"]["lifted"]["leads"] == 6
    assert result["live"]["at_bar"] == 0


# --- Against a slow reckoning ---------------------------------------------------------------------


def slow_profile(lead: Lead, moment: datetime) -> dict[str, Any]:
    """Reckon a profile back the slow way: one change after the other, with the models themselves."""
    contact = Contact.objects.get(pk=lead.contact_id)
    for change in ProfileChange.objects.filter(contact=contact, at__gt=moment).order_by("-id"):
        setattr(contact, change.field, change.old)
    company = contact.company
    if company:
        for change in ProfileChange.objects.filter(company=company, at__gt=moment).order_by("-id"):
            setattr(company, change.field, change.old)
    contacts.derive_contact(contact)
    told: dict[str, Any] = {name: getattr(contact, name) for name in knowledge.COLUMNS if "__" not in name}
    told |= {f"company__{name}": getattr(company, name, None) for name in knowledge.COMPANY}
    source = lead.source
    return told | {
        "source": source and source.key, "source_kind": source and source.kind,
        "low_trust": source.low_trust if source else None,
    }  # fmt: skip


def slowly(version_id: int, lead: Lead, moment: datetime) -> reference.Reckoning:
    """Score one lead as of a moment by the plain reference."""
    done = [
        (a.pk, a.kind_id, a.day, a.properties)
        for a in lead.contact.activities.all()
        if a.received_at <= moment and a.day <= local_day(moment)
    ]
    profile = slow_profile(lead, moment)
    return reference.reckon(reference.whole(version_id), profile, done, local_day(moment), lead.counts_from)


later = st.fixed_dictionaries(
    {},
    optional={
        "job_title": st.sampled_from(["Student", "Head of Sales", ""]), "country": st.sampled_from(["DE", "US", ""]),
        "custom": st.just({"branch": "new"}), "city": st.just("Ulm"), "email": st.just("new@gmail.com"),
    },
)  # fmt: skip


@settings(max_examples=20, **ON_DATABASE)
@given(
    criteria=st.lists(st.one_of(fit_criteria(), activity_criteria()), min_size=2, max_size=8),
    crowd=st.lists(st.tuples(people(), st.floats(0, 40), later, later), min_size=1, max_size=5),
    bars=st.tuples(st.integers(1, 15), st.integers(1, 15), st.integers(1, 30)),
)
def test_the_back_test_equals_a_slow_reckoning(criteria: Any, crowd: Sequence[Any], bars: tuple[int, ...]) -> None:
    with undone():
        decided: dict[int, datetime] = {}
        for person, days, first, second in crowd:
            settle_in(person | {"does": []})
            lead = Lead.objects.latest("pk")
            moment = days_ago(days)
            activities.record_many(  # most was received when it happened, the rest just now
                Happening(
                    lead.contact_id, kind, days_ago(age), properties, received_at=days_ago(age) if n % 3 else None
                )
                for kind, age, properties, times in person["does"]
                for n in range(times)
            )
            for values, when in ((first, moment - timedelta(days=1)), (second, moment + timedelta(days=1))):
                with at(when):
                    contacts.update_contact(lead.contact, values, by=None, source="t")
                    if lead.contact.company_id:
                        new = {"industry": f"{days:.0f}", "employees": 700, "custom": {"rating": days}}
                        contacts.update_company(lead.contact.company, new if values else {}, by=None, source="t")
                lead.contact.refresh_from_db()
            decided[lead.pk] = moment
        draft = a_draft(criteria, **dict(zip(("bar_fit", "bar_engagement", "bar_total"), bars, strict=True)))
        (ready,) = trial.from_nothing([draft.pk])
        wanted = knowledge.moments(decided)
        (then,) = backtest.scores_then([ready], wanted)
        scores = then.scores
        slots = {c.key: c.slot for c in ready.version.criteria.all()}
        for place, moment_ in enumerate(wanted):
            lead = Lead.objects.get(pk=moment_.lead_id)
            told = slowly(draft.pk, lead, moment_.at)
            by_key = {b.criterion.key: b.points for b in told.bookings()}
            assert by_key == {c.key: int(scores.points[place, c.slot]) for c in ready.version.criteria.all()}
            for b in told.bookings():
                if b.criterion.points == 0 or b.criterion.kind == "hand_raise":
                    assert bool(then.fired[slots[b.criterion.key]][place]) == b.matched
            assert (scores.fit[place], scores.engagement[place]) == (told.verdict.fit, told.verdict.engagement)
            assert bool(scores.at_bar[place]) == told.verdict.at_bar


# --- The run --------------------------------------------------------------------------------------


def test_a_run_goes_on_where_a_killed_one_was(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        an_mql(cast, contact=ada(email=f"{n}@acme.example"))
    draft = a_draft([fact("country", "is", "DE", points=50)], bar_fit=50, bar_engagement=0)
    whole = looked_back(draft)
    BacktestRun.objects.all().delete()
    monkeypatch.setattr(backtest, "AT_ONCE", 2)
    run = backtest.ask(draft, by=None)
    what_became, calls = decisions.of, []

    def dies(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:  # within the third chunk
            raise KeyboardInterrupt
        return what_became(*args)

    monkeypatch.setattr(decisions, "of", dies)
    with pytest.raises(KeyboardInterrupt):
        backtest.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.done, run.tallies["cases"]) == ("running", 4, 4)
    assert not backtest.carry_on(1)  # the dead worker's claim still holds
    BacktestRun.objects.filter(pk=run.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert backtest.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.done, run.percent) == ("done", 7, 100)
    assert run.result == whole


def test_a_draft_changed_meanwhile_overtakes_the_run(cast: Cast) -> None:
    an_mql(cast)
    draft = a_draft([fact("country", "is", "DE", points=50)])
    first = backtest.ask(draft, by=None)
    assert backtest.ask(draft, by=None) == first
    draft.criteria.update(points=51)
    assert backtest.carry_on(60)
    first.refresh_from_db()
    assert first.state == "overtaken"
    assert backtest.latest(draft) is None
    looked_back(draft)
    found = backtest.latest(draft)
    assert found is not None
    draft.criteria.update(label="Only another name")
    assert backtest.latest(draft) == found
    draft.criteria.update(points=50)
    assert backtest.latest(draft) is None
    second = backtest.ask(draft, by=None)
    draft.criteria.update(points=49)
    assert backtest.ask(draft, by=None) != second


def test_a_run_that_fails_says_so_and_lets_others_go_on(cast: Cast) -> None:
    an_mql(cast)
    draft = a_draft([fact("country", "is", "DE", points=50)])
    run = backtest.ask(draft, by=None)
    with mock.patch.object(backtest, "counted", side_effect=ValueError("broken")):
        assert backtest.carry_on(60)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "ValueError: broken")


def test_wilson_against_known_values() -> None:
    known = {(8, 10): (0.4902, 0.9433), (0, 10): (0.0, 0.2775), (10, 10): (0.7225, 1.0), (81, 263): (0.2553, 0.3662)}
    for (hits, cases), (low, high) in known.items():
        assert wilson(hits, cases) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    assert [Share(1, n).is_small for n in (29, 30)] == [True, False]
    assert StageChange.Actor.IMPORT == "import"
