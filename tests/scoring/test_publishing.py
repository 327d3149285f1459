"""Putting versions in force: two signatures, frozen rows, a pass that can be killed, roll-back to the same scores."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from crm import activities, consents, contacts, doctor
from crm.models import Contact, User
from leads.models import Lead, Standing
from scoring import bringing_up, chunks, drain, publishing
from scoring.models import (
    ActiveScoring,
    ContactSignals,
    Criterion,
    CriterionGroup,
    PublishRun,
    Score,
    ScorecardVersion,
    ScoreHistory,
    Signature,
)
from tests.cast import a_lead, ada
from tests.scoring.cards import a_draft, did, differences, fact, in_force, sign, signer

pytestmark = pytest.mark.django_db
State = ScorecardVersion.State


def a_crowd(count: int = 6) -> list[Lead]:
    """Return leads who did different things on different days."""
    leads = [
        a_lead(ada(email=f"ada{n}@acme.example", job_title="Head of Sales" if n % 2 else "")) for n in range(count)
    ]
    for n, lead in enumerate(leads):
        for days in range(n):
            at = timezone.now() - timedelta(days=days * 9)
            activities.record(lead.contact, "white_paper", at=at)
            activities.record(lead.contact, "page_view", at=at, properties={"path": f"/pricing/{days % 3}"})
    drain.drain()
    return leads


def what_is_wrong() -> list[str]:
    """Return what the doctor finds about scores."""
    ours = {"pointer", "frozen", "signals", "scores", "shown", "history"}
    found = [(check.name, sentences) for check, sentences in doctor.examine(full=True) if check.name in ours]
    assert {name for name, _sentences in found} == ours
    return [name for name, sentences in found for _sentence in sentences]


def everything() -> str:
    """Return one hash over (lead, total, grade, points)."""
    rows = Score.objects.order_by("lead_id").values_list("lead_id", "total", "grade", "points")
    return hashlib.sha256(repr([(*row[:3], bytes(row[3])) for row in rows]).encode()).hexdigest()


def copy_of(version: ScorecardVersion) -> ScorecardVersion:
    """Return a draft with the same groups and criteria."""
    groups = [
        {"key": g.key, "dimension": g.dimension, "minimum": g.minimum, "maximum": g.maximum}
        for g in version.groups.all()
    ]
    names = (
        "key", "kind", "points", "fact", "operator", "value", "activity_kind_id", "where", "window", "half_life",
        "max_count", "cap",
    )  # fmt: skip
    criteria = [
        {name: getattr(c, name) for name in names} | {"group": c.group.key if c.group else ""}
        for c in version.criteria.select_related("group")
    ]
    bars = {
        name: getattr(version, name)
        for name in ("bar_fit", "bar_engagement", "bar_total", "bar_total_fit", "leave_total")
    }
    return a_draft(criteria, groups, **bars)


def test_a_new_question_is_asked_of_everybody() -> None:
    a_crowd()
    pricing = [{"property": "path", "operator": "starts_with", "value": "/pricing/1"}]
    draft = a_draft(
        [fact("job_title", "contains", "HEAD"), did("page_view", 7, where=pricing), did("white_paper", 3, max_count=2)]
    )
    run = in_force(draft)
    assert differences() == []
    assert (run.done, run.changed) == (6, 6)
    assert sorted(Score.objects.values_list("engagement", flat=True)) == [0, 3, 13, 13, 13, 20]
    assert what_is_wrong() == []


def test_only_rows_that_differ_are_written() -> None:
    a_crowd()
    shipped = ActiveScoring.objects.get().version
    seqs = dict(Score.objects.values_list("lead_id", "seq"))
    draft = copy_of(shipped)
    draft.criteria.filter(key="head").update(points=21)
    Criterion.objects.create(
        version=draft, group=draft.groups.get(key="role"), key="new", label="New", kind="profile", points=1,
        fact="language", operator="is", value="fr", position=99,
    )  # fmt: skip
    run = in_force(draft)
    assert run.changed == 3
    grown = {lead for lead, seq in Score.objects.values_list("lead_id", "seq") if seq != seqs[lead]}
    assert grown == set(Lead.objects.filter(contact__job_title="Head of Sales").values_list("pk", flat=True))
    assert differences() == []
    told = ScoreHistory.objects.filter(cause="publish").values_list("before", "after")
    assert all(after == before + 1 for before, after in told)
    assert len(told) == 3


def test_rolling_back_gives_the_same_scores() -> None:
    a_crowd()
    shipped, before = ActiveScoring.objects.get().version, everything()
    in_force(a_draft([fact("country", "is", "DE", 30), did("page_view", 2)]))
    assert everything() != before
    in_force(copy_of(shipped))
    assert everything() == before
    assert differences() == []


def test_a_publish_promotes_and_demotes(time_machine: Any) -> None:
    leads = a_crowd()
    run = in_force(
        a_draft([fact("country", "is", "DE", 50), did("white_paper", 20)], bar_engagement=60, leave_total=60)
    )
    assert (run.promoted, Lead.objects.filter(stage="mql").count()) == (2, 3)
    run = in_force(a_draft([did("white_paper", 20)], bar_engagement=60, leave_total=55))
    assert (run.promoted, run.demoted) == (0, 0)
    run = in_force(a_draft([did("white_paper", 5)], bar_engagement=60, leave_total=55))
    assert (run.promoted, run.demoted) == (0, 3)
    assert {lead.round for lead in Lead.objects.filter(pk__in=[lead.pk for lead in leads[3:]])} == {2}


def test_a_pass_goes_on_where_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    a_crowd()
    monkeypatch.setattr(chunks, "LEADS_ON_POSTGRES", 2)
    monkeypatch.setattr(chunks, "LEADS_ON_SQLITE", 2)
    sign(draft := a_draft([fact("country", "is", "DE", 30), did("page_view", 2)]))
    publishing.publish(draft, by=None)
    seen = []
    for _ in range(40):
        run = publishing.under_way()
        if run is None:
            break
        publishing.STEPS[run.phase](run)
        seen.append((run.phase, run.cursor))
    assert len([phase for phase, _cursor in seen if phase == "score"]) == 4
    assert differences() == []


def test_who_objects_does_not_end_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = a_crowd()
    consents.note(first.contact, "objected", purpose="profiling", source="test")
    drain.drain()
    monkeypatch.setattr(chunks, "LEADS_ON_POSTGRES", 2)
    monkeypatch.setattr(chunks, "LEADS_ON_SQLITE", 2)
    run = in_force(a_draft([fact("country", "is", "DE", 30), did("page_view", 2)]))
    assert run.changed == 5
    assert differences(others) == []


def test_a_row_the_drain_touched_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    (*_others, lead) = a_crowd(3)
    sign(draft := a_draft([fact("country", "is", "DE", 30), did("white_paper", 2)]))
    publishing.publish(draft, by=None)
    while (run := publishing.under_way()) and run.phase != "score":
        publishing.STEPS[run.phase](run)
    read = chunks.read

    def meanwhile(*args: Any) -> Any:
        stored = read(*args)
        activities.record(lead.contact, "white_paper")
        drain.drain()
        return stored

    monkeypatch.setattr(chunks, "read", meanwhile)
    assert run is not None
    publishing.STEPS[run.phase](run)
    monkeypatch.undo()
    assert publishing.carry_on(seconds=20)
    assert Score.objects.get(lead=lead).engagement == 6
    assert differences() == []


def test_a_pass_is_overtaken_when_the_pointer_moves() -> None:
    a_crowd(2)
    first = publishing.rescore()
    second = publishing.rescore()
    assert first is not None
    assert second is not None
    first.refresh_from_db()
    assert first.phase == PublishRun.Phase.SUPERSEDED
    assert publishing.carry_on(seconds=20)
    second.refresh_from_db()
    assert second.phase == PublishRun.Phase.DONE


def test_the_night_lets_scores_age(time_machine: Any) -> None:
    leads = a_crowd()
    before = dict(Score.objects.values_list("lead_id", "total"))
    for _ in range(3):
        time_machine.move_to(timezone.now() + timedelta(days=1))
        drain.drain()
        assert publishing.carry_on(seconds=20)
        assert differences() == []
    after = dict(Score.objects.values_list("lead_id", "total"))
    assert all(after[lead] <= total for lead, total in before.items())
    assert after != before
    told = ScoreHistory.objects.filter(lead__in=leads, cause="time")
    assert all(abs(row.after - row.before) < 5 for row in told)


def test_a_new_installation_scores_what_is_there_already() -> None:
    lead = a_lead()
    activities.record(lead.contact, "white_paper")
    drain.drain()
    ContactSignals.objects.all().delete()
    Score.objects.all().delete()
    out = StringIO()
    call_command("rescore", "--rebuild", stdout=out)
    assert "1 scores changed" in out.getvalue()
    assert Standing.objects.get(lead=lead).score == 80
    assert differences() == []


# --- Nothing goes live by one hand ----------------------------------------------------------------


def refused(change: Any) -> str:
    """Return the database's refusal of `change`."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        change()
    return str(caught.value)


def test_a_published_version_is_frozen_for_raw_sql_too() -> None:
    version = ActiveScoring.objects.get().version
    group = version.groups.first()
    for change in (
        lambda: version.criteria.update(points=1),
        lambda: CriterionGroup.objects.filter(version=version).update(maximum=99),
        lambda: ScorecardVersion.objects.filter(pk=version.pk).update(bar_total=1),
        lambda: ScorecardVersion.objects.filter(pk=version.pk).update(skip_review=["A1"]),
        lambda: Criterion.objects.filter(version=version).delete(),
        lambda: Criterion.objects.create(
            version=version, group=group, key="x", label="x", kind="profile", points=1, fact="city", operator="is_known"
        ),
    ):
        assert "a published scorecard is never changed" in refused(change)
    draft = a_draft([fact("country", "is", "DE")])
    moved = refused(lambda: Criterion.objects.filter(version=draft).update(version=version, slot=999))
    assert "a published scorecard is never changed" in moved


def test_no_version_goes_live_without_two_hands() -> None:
    draft = a_draft([fact("country", "is", "DE")])
    with pytest.raises(publishing.NotReady):
        publishing.publish(draft, by=None)

    def jump(state: str) -> Any:
        return lambda: ScorecardVersion.objects.filter(pk=draft.pk).update(state=state)

    assert "a scorecard" in refused(jump("published"))
    jump("in_review")()
    assert "signatures of marketing and sales" in refused(jump("approved"))
    both = signer("marketing")
    User.objects.filter(pk=both.pk).update(signs_for_sales=True)
    one = Signature.objects.create(version=draft, side="marketing", by=both)
    assert "signatures of marketing and sales" in refused(jump("approved"))
    assert "two different people" in refused(lambda: Signature.objects.create(version=draft, side="sales", by=both))
    other = Signature.objects.create(version=draft, side="sales", by=signer("sales"))
    Signature.objects.filter(pk=other.pk).update(voided_at=timezone.now())
    assert "signatures of marketing and sales" in refused(jump("approved"))
    assert "stays void" in refused(lambda: Signature.objects.filter(pk=other.pk).update(voided_at=None))
    assert "never changed" in refused(lambda: Signature.objects.filter(pk=one.pk).update(side="sales"))
    draft.refresh_from_db()
    assert draft.state == State.IN_REVIEW


def test_a_retired_version_does_not_come_back() -> None:
    shipped = ActiveScoring.objects.get().version
    in_force(a_draft([fact("country", "is", "DE")]))
    shipped.refresh_from_db()
    assert shipped.state == State.RETIRED
    with pytest.raises(publishing.NotReady):
        publishing.publish(shipped, by=None)
    for state in ("published", "draft", "approved"):
        raw = f"UPDATE scoring_scorecardversion SET state = '{state}' WHERE id = {shipped.pk}"
        assert "no such step" in refused(lambda raw=raw: connection.cursor().execute(raw))


def test_the_doctor_sees_what_is_wrong() -> None:
    lead = a_crowd(3)[2]
    assert what_is_wrong() == []
    Score.objects.filter(lead=lead).update(engagement=1)
    Standing.objects.filter(lead=lead).update(score=3)
    ContactSignals.objects.filter(contact=lead.contact).update(data=b"")
    ScoreHistory.objects.create(lead_id=4_711, version=ActiveScoring.objects.get().version, day=1, cause="publish")
    assert sorted(what_is_wrong()) == ["history", "scores", "shown", "signals"]
    ScoreHistory.objects.filter(lead_id=4_711).delete()
    Contact.objects.filter(pk=lead.contact_id).update(country="FR")
    bringing_up.to_date(rebuild=True)
    assert what_is_wrong() == []


def test_a_changed_company_changes_the_scores_of_its_people() -> None:
    leads = a_crowd(3)
    company = leads[0].contact.company
    contacts.update_company(company, {"employees": 5}, by=None, source="test")
    drain.drain()
    assert differences() == []
    assert Score.objects.get(lead=leads[0]).fit == -10 + 15 + 10
