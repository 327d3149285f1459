"""Two keys: who may draft, sign and publish a scorecard; no way around, not with raw SQL either; and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from crm import activities
from crm.models import AuditEntry, User, Workspace
from leads.models import Lead
from scoring import contents, drafting, drain, publishing, signing, versions
from scoring.models import ActiveScoring, Criterion, PublishRun, Score, ScorecardVersion, Signature
from tests.cast import Cast, a_lead, ada

pytestmark = pytest.mark.django_db
State = ScorecardVersion.State


def live() -> ScorecardVersion:
    return ActiveScoring.objects.select_related("version").get().version


def a_changed_draft(cast: Cast, points: int = 11) -> ScorecardVersion:
    """Return a draft of the version in force in which a white paper gives other points."""
    draft = versions.start_draft(live(), by=cast.mia, note="White papers say more.")
    change_points(draft, "white_paper", points, cast.mia)
    return draft


def change_points(version: ScorecardVersion, key: str, points: int, by: User) -> Criterion:
    row = version.criteria.get(key=key)
    said = {k: v for k, v in contents.of_criterion(row).items() if k not in {"key", "position"}}
    said = {k: v for k, v in said.items() if row.is_of_activities or k not in {"activity_kind_id", "where", "window"}}
    if row.is_of_activities:
        said = {k: v for k, v in said.items() if k not in {"fact", "operator", "value"}}
    seen = drafting.seal_of(row)
    return drafting.save_criterion(version, said | {"points": points}, by=by, pk=row.pk, seen=seen)


def seen(version: ScorecardVersion) -> str:
    return contents.digest(ScorecardVersion.objects.get(pk=version.pk))


def approved(cast: Cast, points: int = 11) -> ScorecardVersion:
    draft = a_changed_draft(cast, points)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft), note="Seen.")
    return versions.sign(draft, "sales", by=cast.lena, seen=seen(draft))


def put_live(version: ScorecardVersion, by: User) -> PublishRun:
    run = versions.publish(version, by=by, seen=seen(version), reason="It is time.", without_backtest="A small test.")
    while not publishing.carry_on(seconds=60):
        pass
    run.refresh_from_db()
    return run


def state(version: ScorecardVersion) -> str:
    return ScorecardVersion.objects.values_list("state", flat=True).get(pk=version.pk)


def rows() -> list[Any]:
    """Return every row that says what is in force, who signed it and what it says."""
    return [
        list(model.objects.order_by("pk").values())  # type: ignore[attr-defined]
        for model in (ScorecardVersion, Criterion, Signature, ActiveScoring, PublishRun)
    ]


def scores() -> str:
    """Return one hash over (lead, total, grade, points)."""
    found = Score.objects.order_by("lead_id").values_list("lead_id", "total", "grade", "points")
    return hashlib.sha256(repr([(*row[:3], bytes(row[3])) for row in found]).encode()).hexdigest()


# --- The way there ------------------------------------------------------------------------------------


def test_two_people_put_a_version_in_force(cast: Cast) -> None:
    version = approved(cast)
    assert state(version) == State.APPROVED
    run = put_live(version, cast.ava)
    assert (run.phase, live().pk, run.reason) == (PublishRun.Phase.DONE, version.pk, "It is time.")
    told = [entry.action.removeprefix("scorecard.") for entry in versions.history(version)]
    assert told == ["published", "signed", "signed", "sent_to_review", "edited", "drafted"]
    published = versions.history(version)[0]
    assert published.actor == cast.ava
    assert published.payload["reason"] == "It is time."
    assert published.payload["without_backtest"] == "A small test."


def test_one_draft_at_a_time(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    with pytest.raises(versions.Refused, match=f"Version {draft.number} is being worked on"):
        versions.start_draft(live(), by=cast.lena)
    versions.discard(draft, by=cast.mia, reason="Changed my mind.")
    assert state(draft) == State.RETIRED
    assert versions.start_draft(live(), by=cast.lena).number == draft.number + 1


def test_a_change_in_review_voids_the_signature(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft))
    change_points(draft, "webinar", 25, cast.lena)
    assert state(draft) == State.DRAFT
    assert signing.valid(draft) == []
    assert Signature.objects.get(version=draft).voided_at is not None
    assert versions.history(draft)[1].payload["sides"] == ["marketing"]


def test_an_approved_version_that_is_changed_needs_both_again(cast: Cast) -> None:
    version = approved(cast)
    change_points(version, "webinar", 25, cast.mia)
    assert state(version) == State.DRAFT
    with pytest.raises(versions.Refused):
        put_live(version, cast.mia)


def test_taking_it_back_voids_the_signatures(cast: Cast) -> None:
    version = approved(cast)
    versions.take_back(version, by=cast.lena, reason="Wait for the fair.")
    assert (state(version), signing.valid(version)) == (State.DRAFT, [])


# --- No way around --------------------------------------------------------------------------------------


def attempt(verb: Callable[[], Any]) -> None:
    """Expect `verb` to be refused by us or by the database, with every row as it was."""
    before = rows()
    with pytest.raises((versions.Refused, publishing.NotReady, DatabaseError)), transaction.atomic():
        verb()
    assert rows() == before


def raw(sql: str, *params: Any) -> Callable[[], Any]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)

    return run


def test_one_person_never_turns_both_keys(cast: Cast) -> None:
    User.objects.filter(pk=cast.ava.pk).update(signs_for_marketing=True, signs_for_sales=True)
    cast.ava.refresh_from_db()
    draft = a_changed_draft(cast)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.ava, seen=seen(draft))
    other = "INSERT INTO scoring_signature (version_id, side, kind, by_id, at, note, digest) VALUES"
    now = "CURRENT_TIMESTAMP"
    for verb in (
        lambda: versions.sign(draft, "sales", by=cast.ava, seen=seen(draft)),
        lambda: versions.publish(draft, by=cast.ava, seen=seen(draft), reason="x", without_backtest="x"),
        lambda: publishing.publish(draft, by=cast.ava),
        lambda: publishing.put_in_force(draft, by=cast.ava),
        lambda: Signature.objects.create(version=draft, side="sales", by=cast.ava),
        lambda: Signature.objects.create(version=draft, side="sales", by=cast.ava, kind="single_key"),
        lambda: Signature.objects.create(version=draft, side="sales", kind="shipped"),
        raw(f"{other} (%s, 'sales', 'person', %s, {now}, '', '')", draft.pk, cast.ava.pk),
        raw(f"{other} (%s, 'sales', 'single_key', %s, {now}, '', '')", draft.pk, cast.ava.pk),
        raw(f"{other} (%s, 'sales', 'shipped', NULL, {now}, '', '')", draft.pk),
        raw("UPDATE scoring_signature SET by_id = %s WHERE version_id = %s", cast.lena.pk, draft.pk),
        raw("UPDATE scoring_scorecardversion SET state = 'approved' WHERE id = %s", draft.pk),
        raw("UPDATE scoring_scorecardversion SET state = 'published' WHERE id = %s", draft.pk),
        lambda: ScorecardVersion.objects.filter(pk=draft.pk).update(state="approved"),
    ):
        attempt(verb)
    assert state(draft) == State.IN_REVIEW


def test_only_holders_of_a_key_sign(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    for who in (cast.max, cast.sam, cast.ava, cast.lena):
        attempt(lambda who=who: versions.sign(draft, "marketing", by=who, seen=seen(draft)))
    attempt(lambda: Signature.objects.create(version=draft, side="marketing", by=cast.max))
    attempt(lambda: versions.sign(draft, "both", by=cast.mia, seen=seen(draft)))


def test_a_stale_signature_is_refused(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    read = seen(draft)
    change_points(draft, "webinar", 25, cast.lena)
    versions.send_to_review(draft, by=cast.lena, seen=seen(draft))
    attempt(lambda: versions.sign(draft, "marketing", by=cast.mia, seen=read))
    attempt(lambda: versions.sign(draft, "marketing", by=cast.mia, seen=""))
    with pytest.raises(versions.Stale):
        versions.sign(draft, "marketing", by=cast.mia, seen=read)


def test_a_signature_for_other_words_does_not_publish(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft))
    Signature.objects.create(version=draft, side="sales", by=cast.lena, digest="0" * 64)
    ScorecardVersion.objects.filter(pk=draft.pk).update(state="approved")
    attempt(lambda: versions.publish(draft, by=cast.mia, seen=seen(draft), reason="x", without_backtest="x"))


def test_a_publish_that_loses_its_signatures_fails_and_changes_nothing(cast: Cast) -> None:
    first, version = live(), approved(cast)
    run = versions.publish(version, by=cast.mia, seen=seen(version), reason="x", without_backtest="x")
    for verb in (
        lambda: versions.take_back(version, by=cast.mia),
        lambda: versions.discard(version, by=cast.mia),
        lambda: change_points(version, "webinar", 25, cast.mia),
    ):
        attempt(verb)
    Signature.objects.filter(version=version, side="sales").update(voided_at=timezone.now())
    assert publishing.carry_on(seconds=60)
    run.refresh_from_db()
    assert (run.phase, state(version), live().pk) == (PublishRun.Phase.FAILED, State.APPROVED, first.pk)


def test_a_retired_version_does_not_come_back(cast: Cast) -> None:
    first = live()
    put_live(approved(cast), cast.mia)
    for verb in (
        lambda: versions.publish(first, by=cast.mia, seen=seen(first), reason="x", without_backtest="x"),
        lambda: versions.send_to_review(first, by=cast.mia, seen=seen(first)),
        lambda: versions.sign(first, "marketing", by=cast.mia, seen=seen(first)),
        lambda: versions.take_back(first, by=cast.mia),
        lambda: versions.discard(first, by=cast.mia),
        lambda: publishing.publish(first, by=cast.mia),
        lambda: publishing.put_in_force(first, by=cast.mia),
        raw("UPDATE scoring_scorecardversion SET state = 'published' WHERE id = %s", first.pk),
        raw("UPDATE scoring_scorecardversion SET state = 'draft' WHERE id = %s", first.pk),
        raw("DELETE FROM scoring_scorecardversion WHERE id = %s", first.pk),
    ):
        attempt(verb)


def test_what_is_in_force_or_signed_is_not_changed(cast: Cast) -> None:
    version, signed = live(), a_changed_draft(cast)
    versions.send_to_review(signed, by=cast.mia, seen=seen(signed))
    versions.sign(signed, "marketing", by=cast.mia, seen=seen(signed))
    for one in (version, signed):
        attempt(raw("UPDATE scoring_criterion SET points = 99 WHERE version_id = %s", one.pk))
        attempt(raw("UPDATE scoring_criteriongroup SET maximum = 99 WHERE version_id = %s", one.pk))
        attempt(raw("DELETE FROM scoring_criterion WHERE version_id = %s", one.pk))
        attempt(raw("UPDATE scoring_scorecardversion SET bar_total = 5 WHERE id = %s", one.pk))
    attempt(lambda: change_points(version, "white_paper", 99, cast.mia))
    attempt(lambda: drafting.move(version, "criterion", version.criteria.all()[0].pk, 1, by=cast.mia))


@pytest.mark.parametrize("who", ["mia", "max", "sam", "rosa", "lena", "ava"])
def test_who_may_do_what(cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    may_draft = who not in {"sam", "rosa"}
    assert signing.may_draft(user) is may_draft
    assert signing.sides_of(user) == {"mia": ["marketing"], "lena": ["sales"]}.get(who, [])
    if not may_draft:
        version = approved(cast)
        with pytest.raises(versions.Forbidden):
            versions.start_draft(live(), by=user)
        attempt(lambda: versions.publish(version, by=user, seen=seen(version), reason="x", without_backtest="x"))
        attempt(lambda: change_points(version, "white_paper", 99, user))
        attempt(lambda: versions.take_back(version, by=user))


def test_an_admin_signs_as_holder_of_a_key_only(cast: Cast) -> None:
    assert signing.sides_of(cast.ava) == []
    cast.ava.signs_for_sales = True
    assert signing.sides_of(cast.ava) == ["sales"]
    cast.sam.signs_for_sales = cast.max.signs_for_sales = cast.lena.signs_for_marketing = True
    assert [signing.sides_of(who) for who in (cast.sam, cast.max, cast.lena)] == [[], [], ["sales"]]


def test_a_reason_is_asked(cast: Cast) -> None:
    version = approved(cast)
    attempt(lambda: versions.publish(version, by=cast.mia, seen=seen(version), reason="  ", without_backtest="x"))
    attempt(lambda: versions.publish(version, by=cast.mia, seen=seen(version), reason="It is time."))


def test_a_bar_out_of_reach_is_a_draft_and_no_more(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    said = contents.of_bars(draft) | {"bar_total": 200, "bar_fit": 100, "bar_engagement": 100, "leave_total": 150}
    for group in draft.groups.filter(dimension="fit"):
        drafting.save_group(
            draft, {"label": group.label, "dimension": "fit", "minimum": -40, "maximum": 20}, by=cast.mia,
            pk=group.pk, seen=drafting.seal_of(group),
        )  # fmt: skip
    drafting.save_bars(draft, said, note="", by=cast.mia, seen=drafting.seal_of(draft))
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    attempt(lambda: versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft)))


# --- Alone ----------------------------------------------------------------------------------------------


def test_the_only_person_signs_alone_and_it_shows(cast: Cast) -> None:
    User.objects.exclude(pk=cast.ava.pk).update(is_active=False)
    draft = versions.start_draft(live(), by=cast.ava)
    change_points(draft, "white_paper", 12, cast.ava)
    versions.send_to_review(draft, by=cast.ava, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.ava, seen=seen(draft))
    assert {(s.side, s.kind) for s in signing.valid(draft)} == {("marketing", "single_key"), ("sales", "single_key")}
    assert Workspace.objects.get().single_key
    assert AuditEntry.objects.filter(action="workspace.single_key", actor=cast.ava).exists()
    assert AuditEntry.objects.filter(action="scorecard.signed_alone", actor=cast.ava).exists()
    assert put_live(draft, cast.ava).phase == PublishRun.Phase.DONE


def test_nobody_is_alone_any_more(cast: Cast) -> None:
    User.objects.exclude(pk=cast.ava.pk).update(is_active=False)
    draft = versions.start_draft(live(), by=cast.ava)
    change_points(draft, "white_paper", 12, cast.ava)
    versions.send_to_review(draft, by=cast.ava, seen=seen(draft))
    versions.sign(draft, "sales", by=cast.ava, seen=seen(draft))
    User.objects.filter(pk__in=[cast.mia.pk, cast.lena.pk]).update(is_active=True)
    attempt(lambda: versions.publish(draft, by=cast.ava, seen=seen(draft), reason="x", without_backtest="x"))
    versions.take_back(draft, by=cast.ava)
    versions.send_to_review(draft, by=cast.ava, seen=seen(draft))
    attempt(lambda: versions.sign(draft, "sales", by=cast.ava, seen=seen(draft)))
    versions.sign(draft, "sales", by=cast.lena, seen=seen(draft))
    assert not Workspace.objects.get().single_key


# --- The way back -----------------------------------------------------------------------------------------


def a_small_world() -> list[Lead]:
    leads = [a_lead(ada(email=f"ada{n}@acme.example", job_title=["Head of Sales", ""][n % 2])) for n in range(5)]
    for n, lead in enumerate(leads):
        for kind in ("white_paper", "webinar_attended", "pricing_view", "careers_view")[:n]:
            activities.record(lead.contact, kind)
    drain.drain()
    return leads


def test_rolling_back_gives_every_score_its_value_again(cast: Cast) -> None:
    a_small_world()
    first, before = live(), scores()
    draft = a_changed_draft(cast, points=37)
    drafting.save_criterion(
        draft,
        {"kind": "profile", "fact": "city", "operator": "is_missing", "points": 9, "group": "company", "label": ""},
        by=cast.mia,
    )
    webinar = draft.criteria.get(key="webinar")
    drafting.remove(draft, "criterion", webinar.pk, by=cast.mia, seen=drafting.seal_of(webinar))
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft))
    versions.sign(draft, "sales", by=cast.lena, seen=seen(draft))
    put_live(draft, cast.mia)
    assert scores() != before
    back = versions.roll_back(first, by=cast.lena, reason="Too many MQLs.")
    assert (state(back), contents.of_version(back)) == (State.IN_REVIEW, contents.of_version(first))
    versions.sign(back, "marketing", by=cast.mia, seen=seen(back))
    versions.sign(back, "sales", by=cast.lena, seen=seen(back))
    put_live(back, cast.lena)
    assert scores() == before
    slots = dict(first.criteria.values_list("key", "slot"))
    assert dict(back.criteria.values_list("key", "slot")) == slots


def test_one_goes_back_to_what_was_in_force_only(cast: Cast) -> None:
    attempt(lambda: versions.roll_back(live(), by=cast.mia, reason="x"))
    draft = a_changed_draft(cast)
    attempt(lambda: versions.roll_back(draft, by=cast.mia, reason="x"))
    versions.discard(draft, by=cast.mia)
    attempt(lambda: versions.roll_back(draft, by=cast.mia, reason="x"))
    assert versions.open_one() is None
