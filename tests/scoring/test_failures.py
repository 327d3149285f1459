"""One who cannot be scored stops nobody else: set aside with the reason, tried again, five times at most (T29)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import activities, contacts
from crm.models import AuditEntry
from leads.explanations import explain
from leads.models import Lead, Standing
from scoring import drain, facts, failures, previews, publishing, simulation
from scoring.models import ContactSignals, FailedScore, PendingActivity, PendingContact, PublishRun, Score
from tests.cast import Cast, a_lead, accepted, ada
from tests.crm.test_settings_pages import sign_in
from tests.leads.test_doctor import complaints
from tests.scoring.cards import a_draft, did, differences, fact, in_force, sign

pytestmark = pytest.mark.django_db
POISON = "Poison City"


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let every reading of one city raise, in Python and so that SQL cannot answer instead."""

    def read(profile: Any) -> str:
        if profile["city"] == POISON:
            raise ZeroDivisionError("a bad row")
        return str(profile["city"])

    known = facts.FACTS["city"]
    monkeypatch.setitem(facts.FACTS, "city", facts.Fact(known.key, known.label, known.type, read))
    yield monkeypatch


def crowd(cast: Cast, n: int = 12) -> tuple[list[Lead], Lead]:
    """Return leads of `n` sound people and of one whose row is poison, among them."""
    found = [a_lead(ada(email=f"p{k}@acme.example", phone="", city=POISON if k == 5 else "Ulm")) for k in range(n)]
    return [lead for lead in found if lead.contact.city != POISON], found[5]


def scores(leads: list[Lead]) -> list[int | None]:
    return list(
        Standing.objects.filter(pk__in=[lead.pk for lead in leads]).order_by("pk").values_list("score", flat=True)
    )


RULES = (fact("city", "is", "Ulm", points=7), did("white_paper", points=10))


def due_again() -> None:
    FailedScore.objects.exclude(next_try_at=None).update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_the_others_are_scored_and_the_bad_one_is_set_aside(cast: Cast, poison: Any) -> None:
    in_force(a_draft(RULES))
    sound, bad = crowd(cast)
    for lead in (*sound, bad):
        activities.record(lead.contact, "white_paper")
    drain.drain()
    assert scores(sound) == [17] * len(sound)
    assert differences(sound) == []
    assert (PendingActivity.objects.count(), PendingContact.objects.count()) == (0, 0)
    row = FailedScore.objects.get()
    assert (row.contact, row.tries, row.reason) == (bad.contact, 1, "ZeroDivisionError: a bad row")
    assert row.next_try_at is not None
    assert drain.drain() == 0


def test_it_is_tried_five_times_and_then_left_alone(cast: Cast, poison: Any) -> None:
    in_force(a_draft(RULES))
    _sound, bad = crowd(cast, 6)
    drain.drain()
    for tries in (2, 3, 4, 5):
        due_again()
        assert failures.queue_due() == 1
        assert failures.queue_due() == 0
        drain.drain()
        assert FailedScore.objects.get().tries == tries
    assert FailedScore.objects.get().is_given_up
    due_again()
    assert failures.queue_due() == 0
    assert "failed_scores" in complaints()
    activities.record(bad.contact, "white_paper")  # news of somebody given up stops nobody and is kept
    other = a_lead(ada(email="new@acme.example", phone="", city="Ulm"))
    drain.drain()
    assert (FailedScore.objects.get().tries, scores([other])) == (5, [7])
    assert PendingActivity.objects.count() == 0


def test_what_happened_meanwhile_counts_once_it_is_mended(cast: Cast, poison: Any) -> None:
    in_force(a_draft(RULES))
    sound, bad = crowd(cast, 6)
    drain.drain()
    activities.record(bad.contact, "white_paper")
    drain.drain()
    assert FailedScore.objects.get().tries == 2
    contacts.update_contact(bad.contact, {"city": "Ulm"}, by=cast.mia, source="test")
    drain.drain()
    assert FailedScore.objects.count() == 0
    assert scores([bad]) == [17]
    assert differences([*sound, bad]) == []


def test_torn_signals_mend_themselves(cast: Cast) -> None:
    in_force(a_draft(RULES))
    sound, bad = crowd(cast, 6)
    activities.record(bad.contact, "white_paper")
    drain.drain()
    ContactSignals.objects.filter(pk=bad.contact_id).update(data=b"\x01")
    activities.record(bad.contact, "white_paper")
    drain.drain()
    due_again()
    failures.queue_due()
    drain.drain()
    assert (FailedScore.objects.count(), scores([bad])) == (0, [20])
    assert differences([*sound, bad]) == []


@pytest.mark.parametrize("torn", [(ContactSignals, "data"), (Score, "points")])
def test_a_torn_explanation_says_so_on_every_page(cast: Cast, client: Client, torn: tuple[Any, str]) -> None:
    lead = accepted(cast)
    activities.record(lead.contact, "white_paper")
    drain.drain()
    kind, column = torn
    kind.objects.update(**{column: b"\x01\x02\x03"})
    told = explain([lead.pk])[lead.pk]
    assert (told.score, told.reasons, told.hints) == (80, (), ())
    assert "cannot be read" in told.trouble
    client.force_login(cast.sam)
    assert "cannot be read" in client.get(reverse("lead", args=[lead.pk])).content.decode()
    for address in (reverse("lead_score", args=[lead.pk]), reverse("sales_board"), reverse("today")):
        assert client.get(address).status_code == 200
    if kind is ContactSignals:
        assert "cannot be read" in client.get(reverse("lead_score", args=[lead.pk])).content.decode()
    assert ("signals" if kind is ContactSignals else "scores") in complaints()


def test_a_pass_goes_round_torn_signals(cast: Cast) -> None:
    sound, bad = crowd(cast, 6)
    drain.drain()
    ContactSignals.objects.filter(pk=bad.contact_id).update(data=b"\x01")
    in_force(a_draft(RULES))
    assert scores(sound) == [7] * len(sound)
    assert FailedScore.objects.get().contact == bad.contact


def tear(table: str, column: str, key: str, *rows: int) -> None:
    """Cut what is stored by raw SQL: two rows torn in half together hold a whole number of entries again."""
    half = b"\x01\x00\x02" if column == "data" else b"\x01\x00"
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", [half, row])
            assert cursor.rowcount == 1


def test_a_pass_sets_two_torn_rows_aside_that_look_whole_together(cast: Cast) -> None:
    sound, bad = crowd(cast, 6)
    drain.drain()
    tear("scoring_contactsignals", "data", "contact_id", bad.contact_id, sound[0].contact_id)
    in_force(a_draft(RULES))
    assert scores(sound[1:]) == [7] * (len(sound) - 1)
    assert set(FailedScore.objects.values_list("contact", flat=True)) == {bad.contact_id, sound[0].contact_id}


@pytest.mark.parametrize("at_once", [2, 20])
def test_a_pass_writes_torn_points_anew_and_names_the_lead(
    cast: Cast, at_once: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.chunks.at_once", lambda: at_once)
    in_force(a_draft(RULES))
    sound, other = crowd(cast, 6)
    drain.drain()
    torn = [sound[0].pk, sound[3].pk, other.pk]  # the last has no points, so that its right score is what it seems
    tear("scoring_score", "points", "lead_id", *torn)
    assert "scores" in complaints()
    with caplog.at_level("WARNING", logger="baton.scoring"):
        in_force(a_draft((fact("city", "is", "Ulm", points=9), did("white_paper", points=10))))
    assert scores(sound) == [9] * len(sound)
    assert differences([*sound, other]) == []
    assert "scores" not in complaints()
    assert FailedScore.objects.count() == 0
    assert {f"the stored points of lead {pk} are torn" for pk in torn} <= set(caplog.messages)


def test_a_quick_preview_says_whom_it_left_out(cast: Cast, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    sound, bad = crowd(cast, 6)
    in_force(a_draft(RULES))
    drain.drain()
    tear("scoring_contactsignals", "data", "contact_id", bad.contact_id)
    tear("scoring_score", "points", "lead_id", sound[0].pk)
    draft = a_draft((fact("city", "is", "Ulm", points=9), did("white_paper", points=10)))
    client.force_login(cast.mia)
    for name in ("scorecard_preview", "scorecard_twenty"):
        assert client.get(reverse(name, args=[draft.pk])).status_code == 200
    page = client.get(reverse("scorecard_preview", args=[draft.pk])).content.decode()
    assert "1 is left out" in page
    told = simulation.preview(draft.pk)
    assert (told.leads, told.torn, told.changed) == (len(sound), 1, len(sound))
    assert f"the packed signals of contact {bad.contact_id}, lead {bad.pk} are torn: left out" in caplog.messages
    row = ContactSignals.objects.get(pk=bad.contact_id)
    assert (row.lead_id, bytes(row.data), FailedScore.objects.count()) == (bad.pk, b"\x01\x00\x02", 0)


def test_a_look_by_the_worker_goes_on_behind_a_chunk_that_is_all_torn(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "AT_ONCE", 2)
    sound, bad = crowd(cast, 6)
    in_force(a_draft(RULES))
    drain.drain()
    everybody = sorted(lead.contact_id for lead in [*sound, bad])
    tear("scoring_contactsignals", "data", "contact_id", *everybody[:2])
    run = previews.ask(a_draft(RULES), by=cast.mia)
    assert previews.carry_on(seconds=30)
    run.refresh_from_db()
    assert (run.state, run.done, run.result["leads"], run.result["torn"]) == ("done", 6, 4, 2)


def test_publishing_goes_round_whom_it_cannot_ask(cast: Cast, poison: Any) -> None:
    sound, bad = crowd(cast, 6)
    drain.drain()
    draft = a_draft(RULES)
    sign(draft)
    run = publishing.publish(draft, by=None)
    assert publishing.carry_on(seconds=30)
    run.refresh_from_db()
    assert run.phase == PublishRun.Phase.DONE
    assert scores(sound) == [7] * len(sound)
    assert FailedScore.objects.get().contact == bad.contact


def test_when_nobody_can_be_scored_it_is_not_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(cast)

    def broken(*args: Any) -> None:
        raise ZeroDivisionError("our own mistake")

    monkeypatch.setattr("scoring.engine.score", broken)
    with pytest.raises(ZeroDivisionError):
        drain.drain()
    assert FailedScore.objects.count() == 0
    assert PendingContact.objects.count() >= 12


# --- The page -------------------------------------------------------------------------------------------


def test_the_admin_sees_why_tries_again_and_leaves_out(cast: Cast, poison: Any) -> None:
    in_force(a_draft(RULES))
    _sound, bad = crowd(cast, 6)
    drain.drain()
    ava, mia = sign_in(cast.ava), sign_in(cast.mia)
    url = reverse("settings_failed_scores")
    assert mia.get(url).status_code == 403
    page = ava.get(url).content.decode()
    assert "ZeroDivisionError: a bad row" in page
    assert reverse("contact", args=[bad.contact_id]) in page
    health = ava.get(reverse("settings_health")).content.decode()
    assert "1 person is tried again. See Failed scores." in health
    ava.post(reverse("settings_leave_score_out", args=[bad.contact_id]))
    assert "ZeroDivisionError" not in ava.get(url).content.decode()
    assert "ZeroDivisionError" in ava.get(f"{url}?left_out=1").content.decode()
    assert "Everybody could be scored." in ava.get(reverse("settings_health")).content.decode()
    poison.undo()
    ava.post(reverse("settings_retry_score", args=[bad.contact_id]))
    drain.drain()
    assert (FailedScore.objects.count(), scores([bad])) == (0, [0])
    told = AuditEntry.objects.filter(action__startswith="failed_score.").values_list("action", "actor")
    assert list(told) == [("failed_score.left_out", cast.ava.pk), ("failed_score.retried", cast.ava.pk)]
