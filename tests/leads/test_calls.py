"""A discovery call: one page, topics in any order, one activity and the answers in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from crm import render_token
from crm.models import Activity
from leads import lifecycle, qualification
from leads.models import Finding, Lead, Step
from tests.cast import Cast, accepted, confirm, reason
from tests.leads.test_doctor import complaints
from tests.leads.test_lead_page import signed_in, text_of

pytestmark = pytest.mark.django_db


def address(lead: Lead) -> str:
    return reverse("lead_call", args=[lead.pk])


def told(**more: Any) -> dict[str, Any]:
    return {"kind": "call_out", "outcome": "reached", "token": render_token.issue()} | more


def written() -> tuple[int, int, int]:
    return Activity.objects.count(), Finding.objects.count(), Step.objects.count()


def test_a_call_with_answers_in_any_order_is_one_form(cast: Cast) -> None:
    lead, day = accepted(cast), timezone.localdate() + timedelta(days=2)
    sent = told(
        minutes="12", text="Two halls, one budget.", next_step="Send the offer", next_step_on=day.isoformat(),
        **{"timing-status": "confirmed", "timing-evidence": "By spring", "budget-evidence": "About 40,000"},
    )  # fmt: skip
    answer = signed_in(cast.sam).post(address(lead), sent)
    assert (answer.status_code, written()) == (302, (1, 2, 1))
    call = Activity.objects.get()
    assert (call.kind_id, call.by, call.properties) == (
        "call_out", cast.sam, {"outcome": "reached", "minutes": 12, "text": "Two halls, one budget."},
    )  # fmt: skip
    known = {topic.key: (topic.status, topic.evidence) for topic in qualification.dimensions(lead)}
    assert (known["timing"], known["budget"]) == (("confirmed", "By spring"), ("stated", "About 40,000"))
    lead.refresh_from_db()
    assert (lead.next_step, lead.next_step_on) == ("Send the offer", day)
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    assert "Spoke with them" in page and "12 minutes" in page
    assert complaints() == {}


def test_sent_twice_it_is_recorded_once(cast: Cast) -> None:
    lead, client = accepted(cast), signed_in(cast.sam)
    sent = told(next_step="Mail", **{"need-status": "stated"})
    assert [client.post(address(lead), sent).status_code for _again in range(3)] == [302, 302, 302]
    assert written() == (1, 1, 1)


@pytest.mark.parametrize(
    "odd",
    [{"outcome": "bribed"}, {"minutes": "0"}, {"need-status": "confirmed"}, {"need-status": "sold"}, {"token": "x"},
     {"next_step_on": "2030-01-01"}, {"kind": "note"}],
)  # fmt: skip
def test_one_part_that_makes_no_sense_refuses_the_whole(cast: Cast, odd: dict[str, str]) -> None:
    lead = accepted(cast)
    sent = told(**{"budget-status": "stated", "budget-evidence": "kept in the form"}) | odd
    answer = signed_in(cast.sam).post(address(lead), sent)
    assert (answer.status_code, written()) == (400, (0, 0, 0))
    assert "kept in the form" in text_of(answer)


def test_when_a_finding_cannot_be_stored_the_call_is_not_either(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = accepted(cast)

    def fails(*_args: Any, **_more: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(qualification, "note_finding", fails)
    with pytest.raises(RuntimeError):
        signed_in(cast.sam).post(address(lead), told(**{"need-status": "stated"}))
    assert written() == (0, 0, 0)


def test_the_page_shows_what_is_known_and_what_is_too_old(cast: Cast, time_machine: Any) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam, "budget")
    time_machine.move_to(timezone.now() + timedelta(days=200))
    page = text_of(signed_in(cast.sam).get(address(lead)))
    assert "Too old to count" in page
    assert page.index("Budget") < page.index("Record the call")


def test_a_team_without_a_checklist_has_no_topics(cast: Cast) -> None:
    cast.north.uses_checklist = False
    cast.north.save(update_fields=["uses_checklist"])
    lead = accepted(cast)
    page = signed_in(cast.sam).get(address(lead))
    assert page.context["answers"] == []
    assert signed_in(cast.sam).post(address(lead), told(**{"need-status": "stated"})).status_code == 302
    assert written() == (1, 0, 0)


def test_a_closed_lead_takes_no_call(cast: Cast) -> None:
    lead = accepted(cast)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    assert signed_in(cast.sam).post(address(lead), told()).status_code == 409
    assert written() == (0, 0, 0)


@pytest.mark.parametrize(
    ("who", "status"),
    [("mia", 403), ("max", 403), ("sam", 200), ("jana", 403), ("rosa", 404), ("lena", 200), ("ava", 200)],
)
def test_who_may_record_a_call(cast: Cast, who: str, status: int) -> None:
    lead, client = accepted(cast), signed_in(getattr(cast, who))
    assert client.get(address(lead)).status_code == status
    assert client.post(address(lead), told()).status_code == (302 if status == 200 else status)
    assert written() == (int(status == 200), 0, 0)
