"""One timeline for both sides: order, pages, kinds, what is folded and what is cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm import activities, consents, contacts, timeline
from crm.models import ActivityKind
from leads import capture, lifecycle
from tests.cast import Cast, accepted, ada, qualified, reason

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entries(page: timeline.Page) -> list[timeline.Entry]:
    return [entry for day in page.days for entry in day.entries]


def test_newest_stands_first_under_its_local_day(cast: Cast) -> None:
    contact = ada()
    activities.record(contact, "page_view", at=NOON)
    activities.record(contact, "white_paper", at=NOON.replace(hour=23, minute=30), properties={"title": "Cold chains"})
    page = timeline.read(contact, cast.mia)
    assert [(day.date.isoformat(), len(day.entries)) for day in page.days] == [("2026-03-03", 1), ("2026-03-02", 1)]
    assert entries(page)[0].title == "Downloaded a white paper: “Cold chains”"


def test_pages_hold_everything_once_also_within_one_instant(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "SIZE", 7)
    lead = accepted(cast)
    for number in range(30):
        activities.record(lead.contact, "page_view", at=NOON + timedelta(minutes=number // 10), message_id=str(number))
    contacts.update_contact(lead.contact, {"city": "Ulm", "phone": ""}, by=cast.sam, source="form")
    consents.note(lead.contact, "confirmed", purpose="offer", channel="email", source="test", at=NOON)
    seen, before = [], ""
    while True:
        page = timeline.read(lead.contact, cast.sam, before=before)
        seen += [(entry.source, entry.id) for entry in entries(page)]
        if not page.next:
            break
        before = page.next
    assert len(seen) == len(set(seen))
    # 30 visits, three moves, one beginning, two fields of one edit (one line), one word on consent
    assert len(seen) == 30 + 3 + 1 + 1 + 1


def test_kinds_are_counted_and_chosen(cast: Cast) -> None:
    lead = accepted(cast)
    activities.record(lead.contact, "page_view")
    activities.record(lead.contact, "note", by=cast.sam, properties={"text": "Prefers mornings"})
    page = timeline.read(lead.contact, cast.sam)
    assert page.counts == {"web": 1, "note": 1, "stage": 4, "profile": 0, "consent": 0, "checklist": 0}
    assert [key for key, _label, _number in page.choices] == ["web", "note", "stage"]
    assert {entry.group for entry in entries(timeline.read(lead.contact, cast.sam, group="stage"))} == {"stage"}
    assert len(entries(timeline.read(lead.contact, cast.sam, group="nonsense"))) == 6


def test_fields_of_one_edit_are_one_line_of_the_timeline(cast: Cast) -> None:
    contact = ada()
    contacts.update_contact(contact, {"city": "Ulm", "job_title": "CMO"}, by=cast.mia, source="form")
    edit = entries(timeline.read(contact, cast.mia))[0]
    assert edit.title == "Profile changed by Mia Kowalczyk"
    assert set(edit.lines) == {"City: empty → Ulm", "Job title: Marketing Manager → CMO"}


def test_a_day_cut_by_the_page_is_not_headed_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "SIZE", 2)
    contact = ada()
    for number in range(3):
        activities.record(contact, "page_view", at=NOON + timedelta(minutes=number))
    first = timeline.read(contact, cast.mia)
    second = timeline.read(contact, cast.mia, before=first.next)
    assert (first.days[0].is_whole, second.days[0].is_continued) == (False, True)


def test_foreign_text_is_cut_with_a_mark(cast: Cast) -> None:
    contact = ada()
    activities.record(contact, "page_view", properties={"url": "x" * 8000, "title": ["odd"], "minutes": True})
    line = entries(timeline.read(contact, cast.mia))[0]
    assert (line.title, line.lines) == ("Visited a page", ("x" * 512 + "…",))


def test_a_forged_cursor_begins_anew(cast: Cast) -> None:
    contact = ada()
    activities.record(contact, "page_view")
    assert len(entries(timeline.read(contact, cast.mia, before="forged"))) == 1


def test_a_kind_of_ones_own_with_an_unknown_icon_has_a_place(cast: Cast) -> None:
    ActivityKind.objects.create(key="hackathon", label="Came to our hackathon", group="event", icon="no-such-icon")
    contact = ada()
    activities.record(contact, "hackathon")
    entry = entries(timeline.read(contact, cast.mia))[0]
    assert (entry.title, entry.icon) == ("Came to our hackathon", "activity")


def test_moves_of_a_lead_out_of_sight_are_not_told(cast: Cast) -> None:
    first = qualified(cast)
    lifecycle.advance(first, "lose", by=cast.sam, reason=reason("lose"))
    capture.open_lead(first.contact, source=first.source, owner=cast.rosa)
    told = {entry.title for entry in entries(timeline.read(first.contact, cast.rosa))}
    assert told == {"New lead, episode 2"}
    assert timeline.read(first.contact, cast.rosa).counts["stage"] == 1
    assert "Given up as lost by Sam Okafor" in {e.title for e in entries(timeline.read(first.contact, cast.lena))}
