"""One lead's page: what it shows, who may change what, and every form sent without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from crm import activities, consents, contacts, render_token
from crm.models import Activity, Contact, ContactKey, LegalBasis, User, Workspace
from leads import capture, lifecycle, rights
from leads.models import Finding, Lead, Source
from leads.packet import frozen_reasons
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, next_month, offered, qualified, reason

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def without_token(response: Any) -> str:
    return re.sub(r"[A-Za-z0-9]{64}|/leads/[0-9]+/", "", response.content.decode())


# --- What it shows --------------------------------------------------------------------------------


def test_the_head_names_stage_owner_score_next_step_and_legal_basis(cast: Cast) -> None:
    lead = accepted(cast)
    lead.standing.score, lead.standing.grade = 118, "A1"
    lead.standing.save(update_fields=["score", "grade"])
    Lead.objects.filter(pk=lead.pk).update(next_step="Call about the hall", next_step_on=timezone.localdate())
    LegalBasis.objects.create(contact=lead.contact, basis="consent", since=timezone.localdate(), source="form")
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    head = page[page.index("fact-row") : page.index("lead-body")]
    for expected in ("Sam Okafor", "118", "Fit A, engagement 1", "Call about the hall", "Consent, ", "Accepted (SAL)"):
        assert expected in head


def test_the_stage_bar_opens_the_allowed_moves_and_says_why_the_others_are_closed(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.sam)
    response = client.get(reverse("lead", args=[lead.pk]))
    assert "Waits for 3 more confirmed topics out of: Budget, Authority, Need, Timing." in text_of(response)
    assert {move.verb: move.open for move in response.context["moves"]} == {
        "qualify_for_sales": False, "lose": True, "send_back": True, "disqualify": True,
    }  # fmt: skip
    confirm(lead, cast.sam)
    response = client.get(reverse("lead", args=[lead.pk]))
    assert {move.verb for move in response.context["moves"] if move.open} >= {"qualify_for_sales"}


def test_a_move_is_made_from_the_page_without_javascript(cast: Cast) -> None:
    lead = offered(cast)
    client, address = signed_in(cast.sam), reverse("lead", args=[lead.pk])
    page = text_of(client.get(address))
    assert f'action="{address}moves/accept/"' in page
    assert f'href="{address}moves/send_back/?version=2' in page
    accepted_ = client.post(f"{address}moves/accept/", {"version": lead.version, "next": address}, follow=True)
    assert accepted_.redirect_chain[-1][0] == address
    assert "Accepted by Sam Okafor" in text_of(accepted_)
    assert f'action="{address}moves/undo/"' in text_of(accepted_)
    client.post(f"{address}moves/undo/", {"version": lead.version + 1, "next": address})
    lead.refresh_from_db()
    assert lead.stage == "mql"


def test_every_stage_of_life_has_a_page(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    client = signed_in(cast.lena)

    def now() -> str:
        response = client.get(reverse("lead", args=[lead.pk]))
        assert response.status_code == 200
        return response.context["now"].label

    assert now() == "New lead"
    lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
    assert now() == "Nurture"
    lifecycle.advance(lead, "wake", by=cast.mia)
    lifecycle.advance(lead, "qualify_for_marketing", by=cast.mia, reason=reason("qualify_for_marketing"))
    assert now() == "MQL"
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam)
    assert client.get(reverse("lead", args=[lead.pk])).context["holder"] == "handing"
    lifecycle.advance(lead, "accept", by=cast.sam)
    assert now() == "Accepted (SAL)"
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    assert now() == "Lost"
    lifecycle.advance(lead, "undo", by=cast.sam)
    assert now() == "Accepted (SAL)"
    assert [s.state for s in client.get(reverse("lead", args=[lead.pk])).context["bar"]] == [
        "done",
        "done",
        "now",
        "later",
        "later",
    ]


def test_the_timeline_holds_both_sides_and_is_filtered_by_kind(cast: Cast) -> None:
    lead = accepted(cast)
    activities.record(lead.contact, "white_paper", properties={"title": "Cold chains"})
    activities.record(lead.contact, "call_out", by=cast.sam, properties={"text": "Hall opens in May", "minutes": 12})
    client = signed_in(cast.sam)
    page = text_of(client.get(reverse("lead", args=[lead.pk])))
    for expected in ("Cold chains", "Hall opens in May", "12 minutes", "Accepted by Sam Okafor", "Handed over by Mia"):
        assert expected in page
    only_calls = text_of(client.get(reverse("lead", args=[lead.pk]), {"kind": "call"}))
    assert "Hall opens in May" in only_calls
    assert "Cold chains" not in only_calls


def test_htmx_gets_the_timeline_alone(cast: Cast) -> None:
    lead = a_lead(owner=cast.mia)
    response = signed_in(cast.mia).get(
        reverse("lead", args=[lead.pk]), {"kind": "stage"}, headers={"HX-Request": "true", "HX-Target": "timeline"}
    )
    assert "<html" not in text_of(response)
    assert "New lead" in text_of(response)


def test_foreign_text_is_shown_as_text(cast: Cast) -> None:
    evil = "<script>alert(1)</script>"
    contact = ada(
        first_name=evil, last_name="<img src=x onerror=alert(1)>", job_title="{{7*7}}", email="x@acme.example"
    )
    lead = a_lead(contact, owner=cast.sam, source_detail='" onmouseover="alert(1)')
    activities.record(contact, "question", properties={"text": evil, "title": "{% load static %}", "url": "x" * 9000})
    page = signed_in(cast.sam).get(reverse("lead", args=[lead.pk])).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{7*7}}" in page
    assert "x" * 600 not in page


def test_the_page_asks_the_same_number_of_questions_for_one_and_for_thirty_activities(cast: Cast) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam)
    activities.record(lead.contact, "white_paper")
    client = signed_in(cast.sam)

    def queries() -> int:
        """Count with nothing remembered: what the frame knows for five seconds would go in or not by the clock."""
        cache.delete("backlog")
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("lead", args=[lead.pk])).status_code == 200
        return len(asked)

    queries()  # what a process asks once
    few = queries()
    for number in range(30):
        activities.record(lead.contact, "page_view", by=cast.sam, message_id=str(number))
    assert queries() == few
    assert few <= 50


def test_a_lead_out_of_sight_and_a_lead_that_never_was_answer_alike(cast: Cast, time_machine: Any) -> None:
    lead = accepted(cast)
    client = signed_in(cast.rosa)
    time_machine.move_to(timezone.now(), tick=False)  # the page tells the second
    hidden, missing = client.get(reverse("lead", args=[lead.pk])), client.get(reverse("lead", args=[lead.pk + 999]))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert without_token(hidden) == without_token(missing)


def test_the_page_needs_a_sign_in(cast: Cast) -> None:
    lead = a_lead()
    assert Client().get(reverse("lead", args=[lead.pk])).status_code == 302


def test_call_is_closed_with_its_reason(cast: Cast) -> None:
    lead = accepted(cast)
    client, address = signed_in(cast.sam), reverse("lead", args=[lead.pk])
    assert 'href="tel:+49301234567"' in text_of(client.get(address))
    consents.note(lead.contact, "objected", purpose="offer", channel="phone", source="test")
    page = text_of(client.get(address))
    assert "tel:" not in page
    assert "Calls were refused on" in page
    contacts.update_contact(lead.contact, {"phone": ""}, by=None, source="test")
    assert "No phone number is known." in text_of(client.get(address))


def test_previous_and_next_walk_the_list_one_came_from(cast: Cast) -> None:
    people = [ada(first_name=name, email=f"{name}@acme.example", phone="") for name in ("Ann", "Bea", "Cleo")]
    leads = [a_lead(person, owner=cast.mia) for person in people]
    client = signed_in(cast.mia)
    middle = client.get(reverse("lead", args=[leads[1].pk]), {"from": "marketing:new"}).context["place"]
    assert (middle.position, middle.total, middle.part, middle.list_label) == (2, 3, "New", "Marketing board")
    assert middle.before.startswith(reverse("lead", args=[leads[2].pk]))
    assert middle.after.startswith(reverse("lead", args=[leads[0].pk]))
    by_name = client.get(reverse("lead", args=[leads[0].pk]), {"from": "contacts?q=brommel"}).context["place"]
    assert by_name is None, "ö is searched as oe"
    by_name = client.get(reverse("lead", args=[leads[0].pk]), {"from": "contacts?q=broemmel"}).context["place"]
    assert (by_name.position, by_name.total, by_name.before) == (1, 3, "")
    assert client.get(reverse("lead", args=[leads[0].pk]), {"from": "sales:nonsense"}).context["place"] is None


def test_the_packet_holds_what_had_happened_by_the_offer(cast: Cast) -> None:
    lead = an_mql(cast)
    activities.record(lead.contact, "white_paper", at=timezone.now() - timedelta(days=1))
    activities.record(lead.contact, "question", at=timezone.now() + timedelta(days=1), properties={"text": "Later"})
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam, note="Call before Friday")
    activities.record(lead.contact, "webinar_attended")
    response = signed_in(cast.sam).get(reverse("lead", args=[lead.pk]))
    packet = text_of(response)[text_of(response).index("handoff-title") :]
    assert [str(kind) for kind, _at in response.context["touches"]] == ["Downloaded a white paper"]
    assert "Call before Friday" in packet
    assert response.context["packet"]["questions"] == []


def test_frozen_reasons_are_read_in_the_readers_language() -> None:
    packet = {"reasons": [["White paper ×2", 18], ["Our own rule ×3", 10], ["Demo request", 40]]}
    with translation.override("de"):
        assert frozen_reasons(packet) == ["Whitepaper ×2", "Our own rule ×3", "Demoanfrage"]
    assert frozen_reasons({}) == []


def test_somebody_alike_is_named_with_the_reason(cast: Cast) -> None:
    other = ada(first_name="A.", email="ada@private.example")
    lead = accepted(cast)
    page = text_of(signed_in(cast.lena).get(reverse("lead", args=[lead.pk])))
    assert "Perhaps the same person" in page
    assert "same phone number" in page
    assert reverse("contact_compare", args=[lead.contact_id, other.pk]) in page


def test_an_objection_to_profiling_is_said_and_is_no_zero(cast: Cast) -> None:
    lead = accepted(cast)
    consents.note(lead.contact, "objected", purpose="profiling", source="mail")
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    assert "No score: objection to profiling" in page


# --- Logging in one line --------------------------------------------------------------------------


def test_a_call_is_logged_in_one_line_without_javascript(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.sam)
    form = client.get(reverse("lead", args=[lead.pk])).context["log"]
    sent = {"kind": "call_out", "text": "Wants an offer", "minutes": "7", "token": form["token"].value()}
    for _again in range(3):
        assert client.post(reverse("lead_log", args=[lead.pk]), sent).status_code == 302
    stored = Activity.objects.get(contact=lead.contact, kind="call_out")
    assert (stored.by, stored.feed, stored.properties) == (cast.sam, "baton", {"text": "Wants an offer", "minutes": 7})


def test_a_forged_token_and_an_empty_note_are_refused(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.sam)
    forged = client.post(reverse("lead_log", args=[lead.pk]), {"kind": "meeting", "text": "x", "token": "forged"})
    empty = client.post(reverse("lead_log", args=[lead.pk]), {"kind": "note", "token": render_token.issue()})
    nul = client.post(
        reverse("lead_log", args=[lead.pk]), {"kind": "note", "text": "a\x00b", "token": render_token.issue()}
    )
    assert (forged.status_code, empty.status_code, nul.status_code) == (400, 400, 400)
    assert "Write what should be remembered." in text_of(empty)
    assert not Activity.objects.filter(contact=lead.contact).exists()


# --- The checklist --------------------------------------------------------------------------------


def test_findings_are_recorded_in_any_order_and_open_the_next_move(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.sam)
    for topic in ("timing", "budget", "need"):
        sent = {f"{topic}-status": "confirmed", f"{topic}-evidence": "Said so", f"{topic}-dated_on": "2026-01-05"}
        sent[f"{topic}-dated_on"] = timezone.localdate().isoformat()
        assert client.post(reverse("lead_finding", args=[lead.pk, topic]), sent).status_code == 302
    assert Finding.objects.filter(lead=lead, author=cast.sam).count() == 3
    assert client.get(reverse("lead", args=[lead.pk])).context["confirmed"] == 3
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "qualify_for_sales", by=cast.sam)


def test_a_finding_of_tomorrow_or_without_evidence_is_refused_beside_its_field(cast: Cast) -> None:
    lead = accepted(cast)
    client, tomorrow = signed_in(cast.sam), timezone.localdate() + timedelta(days=1)
    response = client.post(
        reverse("lead_finding", args=[lead.pk, "budget"]),
        {"budget-status": "confirmed", "budget-evidence": "", "budget-dated_on": tomorrow.isoformat()},
    )
    assert response.status_code == 400
    assert "The date cannot lie in the future." in text_of(response)
    assert "Say what it rests on" in text_of(response)
    assert not Finding.objects.exists()
    assert client.post(reverse("lead_finding", args=[lead.pk, "shoe-size"]), {}).status_code == 404


def test_a_closed_lead_takes_no_findings(cast: Cast) -> None:
    lead = accepted(cast)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    sent = {"need-status": "stated", "need-evidence": "x", "need-dated_on": timezone.localdate().isoformat()}
    assert signed_in(cast.sam).post(reverse("lead_finding", args=[lead.pk, "need"]), sent).status_code == 409
    assert not Finding.objects.exists()


def test_old_evidence_is_flagged(cast: Cast, time_machine: Any) -> None:
    lead = accepted(cast)
    confirm(lead, cast.sam, "budget")
    time_machine.move_to(timezone.now() + timedelta(days=200))
    assert "Too old to count" in text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))


# --- The next step and the facts of the lead ------------------------------------------------------


def step(lead: Lead, text: str, day: str = "", **seen: str) -> dict[str, str]:
    return {
        "next_step": text,
        "next_step_on": day,
        "initial-next_step": seen.get("text", lead.next_step),
        "initial-next_step_on": seen.get("day", lead.next_step_on.isoformat() if lead.next_step_on else ""),
    }


def test_the_next_step_is_one_line_and_a_day(cast: Cast) -> None:
    lead = accepted(cast)
    client, day = signed_in(cast.sam), timezone.localdate()
    client.post(reverse("lead_next_step", args=[lead.pk]), step(lead, "Call", day.isoformat()))
    lead.refresh_from_db()
    assert (lead.next_step, lead.next_step_on) == ("Call", day)
    client.post(reverse("lead_next_step", args=[lead.pk]), step(lead, "Call", day.isoformat()) | {"done": "1"})
    lead.refresh_from_db()
    assert (lead.next_step, lead.next_step_on) == ("", None)


def test_a_newer_next_step_is_not_overwritten(cast: Cast) -> None:
    lead = accepted(cast)
    Lead.objects.filter(pk=lead.pk).update(next_step="Send the offer")
    response = signed_in(cast.sam).post(reverse("lead_next_step", args=[lead.pk]), step(lead, "Call"))
    lead.refresh_from_db()
    assert (response.status_code, lead.next_step) == (409, "Send the offer")
    assert "Send the offer" in text_of(response)
    shown = response.context["next_step"]
    again = {"next_step": "Call", "initial-next_step": shown.data["initial-next_step"], "initial-next_step_on": ""}
    assert signed_in(cast.sam).post(reverse("lead_next_step", args=[lead.pk]), again).status_code == 302
    lead.refresh_from_db()
    assert lead.next_step == "Call"


def test_amount_and_source_are_edited_and_a_conflict_writes_nothing(cast: Cast) -> None:
    lead = accepted(cast)
    client, address = signed_in(cast.sam), reverse("lead_edit", args=[lead.pk])
    form = client.get(address).context["form"]
    seen = {f"initial-{name}": form[name].value() or "" for name in form.fields}
    new = {"source": lead.source_id, "source_detail": "Fair", "amount": "48,000.50", "currency": "EUR"}
    assert client.post(address, new | seen).status_code == 302
    lead.refresh_from_db()
    assert (str(lead.amount), lead.source_detail) == ("48000.50", "Fair")
    stale = client.post(address, new | {"amount": "1"} | seen)
    lead.refresh_from_db()
    assert (stale.status_code, str(lead.amount)) == (409, "48000.50")
    assert "48000.5" in text_of(stale).replace(",", "")


# --- Who may what ---------------------------------------------------------------------------------


def test_editing_follows_the_role_matrix(cast: Cast) -> None:
    before, after = offered(cast), qualified(cast, contact=ada(email="b@acme.example", phone="", first_name="B"))
    verdicts = {
        user.name.split()[0]: (rights.may_edit(user, before), rights.may_edit(user, after)) for user in cast.everyone
    }
    assert verdicts == {
        "Mia": (True, False), "Max": (True, False), "Sam": (True, True), "Jana": (False, False),
        "Rosa": (False, False), "Lena": (True, True), "Ava": (True, True),
    }  # fmt: skip


def test_a_queue_belongs_to_its_whole_team(cast: Cast) -> None:
    lead = an_mql(cast)
    lifecycle.advance(lead, "hand_off", by=cast.mia, team=cast.north)
    assert (rights.may_edit(cast.jana, lead), rights.may_edit(cast.rosa, lead)) == (True, False)


@pytest.mark.parametrize("who", ["mia", "jana"])
def test_readers_are_refused_with_who_can_and_nothing_is_written(cast: Cast, who: str) -> None:
    lead = accepted(cast)
    client = signed_in(getattr(cast, who))
    page = text_of(client.get(reverse("lead", args=[lead.pk])))
    assert 'id="log"' not in page
    assert "Sam Okafor, a sales lead or an admin can change this." in page
    for name, args, sent in (
        ("lead_log", [lead.pk], {"kind": "call_out", "token": render_token.issue()}),
        ("lead_next_step", [lead.pk], step(lead, "x")),
        ("lead_edit", [lead.pk], {"currency": "EUR"}),
        ("lead_finding", [lead.pk, "budget"], {"budget-status": "stated", "budget-dated_on": "2026-01-01"}),
    ):
        response = client.post(reverse(name, args=args), sent)
        assert response.status_code == 403, name
        assert "Sam Okafor, a sales lead or an admin can change this." in text_of(response)
    lead.refresh_from_db()
    assert (lead.next_step, Activity.objects.count(), Finding.objects.count()) == ("", 0, 0)


def test_marketing_reads_notes_but_writes_none(cast: Cast) -> None:
    lead = an_mql(cast)
    activities.record(lead.contact, "note", by=cast.lena, properties={"text": "Prefers mornings"})
    client = signed_in(cast.mia)
    assert "Prefers mornings" in text_of(client.get(reverse("lead", args=[lead.pk])))
    refused = client.post(
        reverse("lead_log", args=[lead.pk]), {"kind": "note", "text": "x", "token": render_token.issue()}
    )
    assert refused.status_code == 403
    call = {"kind": "call_out", "text": "x", "token": render_token.issue()}
    assert client.post(reverse("lead_log", args=[lead.pk]), call).status_code == 302


def test_a_rep_who_may_read_every_lead_still_reads_only_the_notes_of_the_team(cast: Cast) -> None:
    Workspace.objects.update(reps_read_everything=True)
    lead = accepted(cast)
    confirm(lead, cast.sam, "budget")
    activities.record(lead.contact, "note", by=cast.sam, properties={"text": "Prefers mornings"})
    activities.record(lead.contact, "call_out", by=cast.sam, properties={"text": "Talked of the hall"})
    ours = text_of(signed_in(cast.jana).get(reverse("lead", args=[lead.pk])))
    theirs = text_of(signed_in(cast.rosa).get(reverse("lead", args=[lead.pk])))
    for secret in ("Prefers mornings", "Talked of the hall", "Told us."):
        assert secret in ours
        assert secret not in theirs


# --- Adding a lead by hand ------------------------------------------------------------------------


def new_lead(**values: str) -> dict[str, Any]:
    given = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@navy.example", "phone": ""}
    source = Source.objects.get(key="trade_fair").pk
    return given | {"source": source, "token": render_token.issue(), "company": "Navy Ltd"} | values


@pytest.mark.parametrize("who", ["sam", "mia", "lena", "ava"])
def test_a_lead_added_by_hand_belongs_to_who_added_it(cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    response = signed_in(user).post(reverse("add_lead"), new_lead(basis="request", source_detail="Spring fair"))
    lead = Lead.objects.get(contact__email="grace@navy.example")
    assert response.url == reverse("lead", args=[lead.pk])
    assert (lead.owner, lead.created_by, lead.source.key, lead.contact.company.name, lead.source_detail) == (
        user, user, "trade_fair", "Navy Ltd", "Spring fair",
    )  # fmt: skip
    assert lead.contact.legal_bases.get().basis == "request"


def test_the_form_sent_three_times_stores_one_lead(cast: Cast) -> None:
    client, sent = signed_in(cast.sam), new_lead()
    answers = {client.post(reverse("add_lead"), sent).url for _again in range(3)}
    assert len(answers) == 1
    assert (Lead.objects.count(), Contact.objects.count(), ContactKey.objects.count()) == (1, 1, 1)


def test_a_name_and_one_channel_are_asked_for(cast: Cast) -> None:
    client = signed_in(cast.sam)
    nobody = client.post(reverse("add_lead"), new_lead(first_name="", last_name="", email="", phone=""))
    assert nobody.status_code == 400
    assert "Enter a name." in text_of(nobody)
    assert "Enter an e-mail address or a phone number" in text_of(nobody)
    for bad in ("a@b..de", "two@a.example, b@b.example", "x" * 300 + "@a.example", "a@b"):
        assert client.post(reverse("add_lead"), new_lead(email=bad)).status_code == 400, bad
    assert client.post(reverse("add_lead"), new_lead(last_name="x" * 10_000)).status_code == 400
    assert client.post(reverse("add_lead"), new_lead(last_name="a\x00b")).status_code == 400
    assert not Lead.objects.exists()


def test_somebody_known_is_asked_about_before_anything_is_stored(cast: Cast) -> None:
    known = ada()
    client = signed_in(cast.mia)
    sent = new_lead(email="ADA@acme.example")
    asked = client.post(reverse("add_lead"), sent)
    assert asked.status_code == 409
    assert "same e-mail address" in text_of(asked)
    assert not Lead.objects.exists()
    client.post(reverse("add_lead"), sent | {"existing": str(known.pk)})
    lead = Lead.objects.get()
    assert (lead.contact, Contact.objects.count()) == (known, 1)
    again = client.post(reverse("add_lead"), new_lead(email="ada@acme.example") | {"existing": str(known.pk)})
    assert again.status_code == 409
    assert reverse("lead", args=[lead.pk]) in text_of(again)
    client.post(reverse("add_lead"), sent | {"anyway": "1"})
    assert Contact.objects.count() == 2


def test_a_rep_hears_that_somebody_is_known_without_seeing_whom(cast: Cast) -> None:
    a_lead(owner=cast.mia)
    page = text_of(signed_in(cast.sam).post(reverse("add_lead"), new_lead(email="ada@acme.example")))
    assert "Somebody outside of what you may see." in page
    assert "Brömmel" not in page


def test_somebody_we_know_is_offered_to_the_form(cast: Cast) -> None:
    contact = ada()
    page = text_of(signed_in(cast.mia).get(reverse("contact", args=[contact.pk])))
    assert f"{reverse('add_lead')}?contact={contact.pk}" in page
    form = signed_in(cast.mia).get(reverse("add_lead"), {"contact": contact.pk}).context["form"]
    assert (form["email"].value(), form["company"].value()) == ("ada@acme.example", "Acme GmbH")
    hidden = signed_in(cast.rosa).get(reverse("add_lead"), {"contact": contact.pk}).context["form"]
    assert hidden["email"].value() is None


def test_the_hint_comes_while_typing(cast: Cast) -> None:
    ada()
    page = text_of(signed_in(cast.mia).get(reverse("add_lead_lookalikes"), {"email": "ada@acme.example"}))
    assert "Perhaps the same person" in page
    assert text_of(signed_in(cast.mia).get(reverse("add_lead_lookalikes"), {"email": "a"})) == ""


def test_who_asked_to_be_forgotten_is_not_entered_again(cast: Cast) -> None:
    consents.suppress("grace@navy.example", "erased")
    response = signed_in(cast.sam).post(reverse("add_lead"), new_lead(email="Grace@NAVY.example "))
    assert response.status_code == 400
    assert "asked not to be contacted" in text_of(response)
    assert not Contact.objects.exists()


def test_a_closed_person_gets_a_second_episode(cast: Cast) -> None:
    lead = qualified(cast)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    second = capture.open_lead(lead.contact, source=lead.source, owner=cast.sam)
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[second.pk])))
    assert "Other episodes" in page
    assert reverse("lead", args=[lead.pk]) in page
