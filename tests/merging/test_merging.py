"""What merging two contacts does, what it refuses, and what un-merging does with what came since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from crm import consents, contacts, signals
from crm.activities import Happening, record, record_many
from crm.deletion import gate_open, remove_contacts
from crm.merging import doing, refusing, rules, undoing
from crm.merging.refusing import Refused
from crm.models import Activity, Company, Contact, ContactMerge, ProfileChange, Suppression, TrackedId
from leads import capture, lifecycle
from leads.imports import undoing as import_undoing
from leads.models import ImportBatch, ImportRow, Lead
from tests.cast import Cast, a_lead, accepted, ada, an_mql, offered, reason
from tests.leads.test_doctor import behind_its_back, complaints
from tests.merging.pairs import settle

pytestmark = pytest.mark.django_db


def twin(**values: Any) -> Contact:
    """Return a second Ada, with another address unless said otherwise."""
    return ada(**{"email": "ada@private.example", "phone": ""} | values)


def refused(call: Any, *args: Any, **kwargs: Any) -> Refused:
    """Call and return the refusal; nothing may have been written."""
    before = Contact.objects.count(), ContactMerge.objects.count(), list(Lead.objects.values())
    with pytest.raises(Refused) as error:
        call(*args, **kwargs)
    assert (Contact.objects.count(), ContactMerge.objects.count(), list(Lead.objects.values())) == before
    return error.value


# --- Every relation -------------------------------------------------------------------------------


def test_every_relation_to_a_contact_has_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules.without_rule() == set()
    assert rules.RULES.keys() == rules.relations()
    monkeypatch.delitem(rules.RULES, "leads.Submission.contact")
    assert complaints()["merge_rules"] == ["No rule says what a merge does to leads.Submission.contact."]


# --- Fields ---------------------------------------------------------------------------------------


def test_the_kept_value_stays_unless_it_is_missing_or_somebody_chooses(cast: Cast) -> None:
    kept = ada(city="", custom={"size": 5})
    merged = twin(city="Ulm", job_title="CEO", custom={"size": 7, "colour": "red"})
    doing.merge(kept, merged, by=cast.mia, choices={"job_title": "merged"})
    kept.refresh_from_db()
    assert (kept.email, kept.city, kept.job_title) == ("ada@acme.example", "Ulm", "CEO")
    assert kept.custom == {"size": 5, "colour": "red"}
    changes = ProfileChange.objects.filter(contact=kept, source="merge", by=cast.mia)
    assert {change.field: (change.old, change.new) for change in changes} == {
        "job_title": ("Marketing Manager", "CEO"),
        "city": ("", "Ulm"),
        "custom": ({"size": 5}, {"size": 5, "colour": "red"}),
    }
    assert complaints() == {}


def test_a_choice_that_is_none_is_refused(cast: Cast) -> None:
    for choices in ({"owner": "kept"}, {"email": "both"}):
        assert "no choice" in str(refused(doing.merge, ada(), twin(), by=cast.mia, choices=choices))


# --- Who and when not -----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["sam", None])
def test_reps_and_the_system_merge_nobody(cast: Cast, who: str | None) -> None:
    by = getattr(cast, who) if who else None
    assert refused(doing.merge, ada(), twin(), by=by).reasons == [
        "Marketing, a sales lead or an admin merges contacts."
    ]


def test_nobody_merges_whom_they_may_not_see(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = ada(), twin()
    monkeypatch.setattr(refusing, "may_merge", lambda user: True)
    assert "may see" in str(refused(doing.merge, one, other, by=cast.sam))


@pytest.mark.parametrize("changed", [0, 1])
def test_a_stale_version_of_either_is_refused(cast: Cast, changed: int) -> None:
    people = ada(), twin()
    seen = people[0].version, people[1].version
    contacts.update_contact(Contact.objects.get(pk=people[changed].pk), {"city": "Ulm"}, by=cast.max, source="form")
    error = refused(doing.merge, *people, by=cast.mia, versions=seen)
    assert error.stale


def test_one_and_the_same_is_refused_and_so_is_who_is_gone(cast: Cast) -> None:
    one, other = ada(), twin()
    assert "same contact" in str(refused(doing.merge, one, one, by=cast.mia))
    doing.merge(one, other, by=cast.mia)
    assert "may see" in str(refused(doing.merge, one, other, by=cast.mia))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"email": "info@acme.example"}, "info@acme.example is the mailbox of an office, not of a person."),
        ({"email": "", "phone": "984XXXXXXX"}, "984XXXXXXX is masked: it says nothing about who this is."),
        ({"first_name": "Zoe"}, "The two share neither an e-mail address nor a phone number nor a name."),
    ],
)
def test_what_says_nothing_about_a_person_asks_for_a_second_look(cast: Cast, values: dict[str, str], says: str) -> None:
    kept, merged = ada(), twin(**values)
    error = refused(doing.merge, kept, merged, by=cast.mia)
    assert (error.reasons, error.asks) == ([says], True)
    doing.merge(kept, merged, by=cast.mia, sure=True)
    assert not Contact.objects.filter(pk=merged.pk).exists()


def test_an_activity_goes_to_another_contact_by_a_merge_only(cast: Cast) -> None:
    one, other = ada(), twin()
    record(one, "white_paper")
    with pytest.raises(DatabaseError, match="by a merge only"), transaction.atomic():
        Activity.objects.update(contact=other)
    assert Activity.objects.get().contact == one


# --- Consent --------------------------------------------------------------------------------------


def said(contact: Contact, kind: str, days: int, channel: str = "email", purpose: str = "newsletter") -> None:
    at = timezone.now() - timedelta(days=days)
    consents.note(contact, kind, purpose=purpose, channel=channel, source="form", at=at)


@pytest.mark.parametrize("older", ["kept", "merged"])
def test_a_withdrawal_wins_whenever_it_was_said(cast: Cast, older: str) -> None:
    kept, merged = ada(), twin()
    said(kept, "withdrawn", 9 if older == "kept" else 1)
    said(merged, "confirmed", 1 if older == "kept" else 9)
    entry = doing.merge(kept, merged, by=cast.mia)
    assert consents.state(kept)["newsletter", "email"].kind == "withdrawn"
    back = undoing.part(entry, by=cast.mia)
    assert consents.state(back)["newsletter", "email"].kind == "confirmed"
    assert consents.state(kept)["newsletter", "email"].kind == "withdrawn"


def test_an_objection_on_every_channel_silences_each(cast: Cast) -> None:
    kept, merged = ada(), twin()
    said(kept, "confirmed", 1, "email", "offer")
    said(merged, "objected", 9, "", "offer")
    doing.merge(kept, merged, by=cast.mia)
    assert consents.state(kept)["offer", "email"].kind == "objected"
    assert consents.has_objected(kept, "offer")


def test_a_yes_holds_for_the_address_it_was_given_for(cast: Cast) -> None:
    kept, merged = ada(), twin()
    said(merged, "confirmed", 1)
    entry = doing.merge(kept, merged, by=cast.mia)
    assert consents.state(kept)["newsletter", "email"].kind == "expired"
    undoing.part(entry, by=cast.mia)
    merged.refresh_from_db()
    doing.merge(Contact.objects.get(pk=kept.pk), merged, by=cast.mia, choices={"email": "merged"})
    assert consents.state(kept)["newsletter", "email"].kind == "confirmed"


def test_who_asked_never_to_be_contacted_is_not_reached_under_the_others_address(cast: Cast) -> None:
    kept, merged = ada(), twin()
    consents.suppress("ada@private.example", "asked")
    entry = doing.merge(kept, merged, by=cast.mia)
    assert consents.is_suppressed(kept)
    consents.suppress("ada@acme.example", "asked")  # by now the person asked for this one as well
    undoing.part(entry, by=cast.mia)
    assert consents.is_suppressed(kept)
    assert Suppression.objects.filter(reason="asked").count() == 2
    assert not Suppression.objects.filter(reason__startswith="merge").exists()


def test_a_no_that_was_said_since_holds_for_both(cast: Cast) -> None:
    kept, merged = ada(), twin()
    said(merged, "confirmed", 5)
    entry = doing.merge(kept, merged, by=cast.mia)
    consents.note(kept, "withdrawn", purpose="newsletter", channel="email", source="form")
    back = undoing.part(entry, by=cast.mia)
    assert {consents.state(person)["newsletter", "email"].kind for person in (kept, back)} == {"withdrawn"}


# --- Leads ----------------------------------------------------------------------------------------


def test_of_two_open_leads_the_further_one_stays(cast: Cast) -> None:
    further = accepted(cast)
    handed = offered(cast, contact=twin())
    handoff = handed.last_handoff
    entry = doing.merge(handed.contact, further.contact, by=cast.mia)
    leads = list(Lead.objects.filter(contact=handed.contact).order_by("episode"))
    assert [(lead.pk, lead.episode, lead.stage) for lead in leads] == [
        (handed.pk, 1, "disqualified"), (further.pk, 2, "sal"),
    ]  # fmt: skip
    change = leads[0].last_change
    assert change is not None
    assert (change.verb, change.by, str(change.reason), change.details["into"]) == (
        "absorb", cast.mia, "Duplicate", further.pk,
    )  # fmt: skip
    assert complaints() == {}
    undoing.part(entry, by=cast.max)
    handed = Lead.objects.get(pk=handed.pk)
    assert (handed.stage, handed.owner, handed.episode) == ("mql", cast.sam, 1)
    assert handed.open_handoff == handoff
    assert Lead.objects.get(pk=further.pk).contact_id == further.contact_id
    assert complaints() == {}


def test_an_absorbed_lead_is_opened_by_undoing_the_merge_only(cast: Cast) -> None:
    lead, other = an_mql(cast), a_lead(twin())
    doing.merge(lead.contact, other.contact, by=cast.mia)
    other = Lead.objects.get(pk=other.pk)
    with pytest.raises(lifecycle.Refused, match="Undo the merge"):
        lifecycle.advance(other, "undo", by=cast.lena)
    assert "undo" not in lifecycle.allowed(other, cast.lena)


def test_what_people_did_with_the_lead_since_stays(cast: Cast) -> None:
    lead, other = offered(cast), a_lead(twin())
    entry = doing.merge(lead.contact, other.contact, by=cast.mia)
    lifecycle.advance(Lead.objects.get(pk=lead.pk), "accept", by=cast.sam)
    undoing.part(entry, by=cast.mia)
    assert {one.pk: one.stage for one in Lead.objects.all()} == {lead.pk: "sal", other.pk: "lead"}


def test_a_new_lead_in_the_way_is_named(cast: Cast) -> None:
    own, further = a_lead(), an_mql(cast, contact=twin())
    entry = doing.merge(own.contact, further.contact, by=cast.mia)
    lifecycle.advance(Lead.objects.get(pk=further.pk), "disqualify", by=cast.mia, reason=reason("disqualify"))
    capture.open_lead(own.contact, source=None, owner=cast.mia)
    assert "A new lead (episode 3) began since" in str(refused(undoing.part, entry, by=cast.mia))
    assert complaints() == {}


def test_the_engine_takes_back_what_the_merged_score_moved(cast: Cast) -> None:
    people = ada(), twin()
    for person in people:
        lead = a_lead(person, owner=cast.mia)
        for _ in range(3):
            record(person, "white_paper")
    settle()
    assert set(Lead.objects.values_list("stage", flat=True)) == {"lead"}
    entry = doing.merge(*people, by=cast.mia)
    for _ in range(3):
        record(people[0], "webinar_attended")
    settle()
    assert "mql" in set(Lead.objects.values_list("stage", flat=True)), lead
    undoing.part(entry, by=cast.mia)
    assert set(Lead.objects.values_list("stage", "round", "round_open")) >= {("lead", 1, True)}


# --- What came since ------------------------------------------------------------------------------


def test_what_came_since_stays_unless_it_bears_an_id_of_the_other(cast: Cast) -> None:
    kept, merged = ada(), twin()
    TrackedId.objects.create(value="her phone", contact=merged)
    entry = doing.merge(kept, merged, by=cast.mia)
    for device in ("her phone", "a new one", ""):
        record_many([Happening(kept.pk, "page_view", timezone.now(), anonymous_id=device)])
    undoing.part(entry, by=cast.mia)
    assert set(Activity.objects.values_list("anonymous_id", "contact")) == {
        ("her phone", merged.pk), ("a new one", kept.pk), ("", kept.pk),
    }  # fmt: skip
    assert TrackedId.objects.get().contact == merged


def test_an_activity_that_waits_is_counted_for_whose_it_is(cast: Cast) -> None:
    lead, other = a_lead(), a_lead(twin())
    record(other.contact, "white_paper")
    entry = doing.merge(lead.contact, other.contact, by=cast.mia)
    record(lead.contact, "webinar_attended")
    settle()
    assert complaints() == {}
    undoing.part(entry, by=cast.mia)
    settle()
    assert complaints() == {}


def test_a_field_somebody_changed_since_is_named(cast: Cast) -> None:
    kept, merged = ada(city=""), twin(city="Ulm")
    entry = doing.merge(kept, merged, by=cast.mia)
    contacts.update_contact(Contact.objects.get(pk=kept.pk), {"city": "Köln"}, by=cast.max, source="form")
    assert refused(undoing.part, entry, by=cast.mia).reasons == ["“City” came from the merge and was changed since."]
    contacts.update_contact(Contact.objects.get(pk=kept.pk), {"city": "Ulm", "region": "BW"}, by=None, source="form")
    undoing.part(entry, by=cast.mia)
    kept.refresh_from_db()
    assert (kept.city, kept.region) == ("", "BW")


def test_merges_are_undone_from_the_last_to_the_first(cast: Cast) -> None:
    one, two, three = ada(), twin(), twin(email="a3@acme.example")
    for person in (one, two, three):
        record(person, "white_paper")
    first = doing.merge(two, three, by=cast.mia)
    second = doing.merge(one, Contact.objects.get(pk=two.pk), by=cast.mia)
    assert "once more since" in str(refused(undoing.part, first, by=cast.mia))
    assert complaints() == {}
    undoing.part(second, by=cast.mia)
    undoing.part(ContactMerge.objects.get(pk=first.pk), by=cast.mia)
    assert sorted(Activity.objects.values_list("contact", flat=True)) == [one.pk, two.pk, three.pk]
    assert "already" in str(refused(undoing.part, ContactMerge.objects.get(pk=first.pk), by=cast.mia))
    assert complaints() == {}


def test_a_company_that_is_gone_since_stays_out(cast: Cast) -> None:
    other = Company.objects.create(name="Gone")
    kept, merged = ada(), twin(company_id=other.pk)
    entry = doing.merge(kept, merged, by=cast.mia)
    Company.objects.filter(pk=other.pk).delete()
    assert undoing.part(entry, by=cast.mia).company is None


# --- The log --------------------------------------------------------------------------------------


def test_erasing_a_person_reaches_what_the_log_keeps(cast: Cast) -> None:
    kept, merged = ada(city=""), twin(city="Ulm")
    entry = doing.merge(kept, merged, by=cast.mia, note="Called")
    signals.contact_erased.send(sender=Contact, contact_id=kept.pk)
    entry.refresh_from_db()
    assert (entry.kept_values, entry.note, entry.merged_number) == ({}, "", merged.pk)
    assert "erased" in str(refused(undoing.part, entry, by=cast.mia))
    assert complaints() == {}
    with gate_open("erasure"):
        remove_contacts([kept.pk])
    assert not ContactMerge.objects.exists()


def test_an_undone_merge_keeps_nothing_of_the_person(cast: Cast) -> None:
    entry = doing.merge(ada(city=""), twin(city="Ulm"), by=cast.mia)
    undoing.part(entry, by=cast.lena)
    entry.refresh_from_db()
    assert (entry.kept_values, entry.by, entry.undone_by) == ({}, cast.mia, cast.lena)


def test_undoing_an_import_leaves_the_merged_alone(cast: Cast) -> None:
    kept, merged = ada(), twin(city="Ulm")
    batch = ImportBatch.objects.create(
        file_name="a.csv", file_sha256="", state="undoing", cursor=2, rows=1, created=1, mapping={"system": "list"}
    )
    row = ImportRow.objects.create(
        batch=batch, number=1, outcome="created", contact=merged, before={"made": ["contact"]}, after={}
    )
    doing.merge(kept, merged, by=cast.mia)
    import_undoing.carry_on(batch, float("inf"))
    row.refresh_from_db()
    assert (row.contact, row.undo, row.left) == (kept, "left", [{"why": "merged"}])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "breaks",
    [
        "INSERT INTO crm_contact SELECT * FROM crm_contact",
        "UPDATE crm_activity SET contact_id = (SELECT MAX(id) FROM crm_contact)",
        "UPDATE crm_contactmerge SET kept_values = '{}'",
        "UPDATE crm_contactmerge SET undone_at = at",
    ],
)
def test_the_doctor_notices(breaks: str) -> None:
    from tests.cast import assemble

    cast = assemble()
    kept, merged, third = ada(), twin(), ada(first_name="Third", email="")
    record(merged, "white_paper")
    doing.merge(kept, merged, by=cast.mia)
    assert complaints() == {}
    if breaks.startswith("INSERT"):
        Contact.objects.bulk_create([Contact(pk=merged.pk, last_name="Back", name_key="back")])
    else:
        behind_its_back(breaks)
    assert "merges" in complaints(), third
