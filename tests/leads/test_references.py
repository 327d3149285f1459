"""Customers who recommend us, evidence that grew old, and how a lead ages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from crm import activities, render_token
from crm.merging import doing, undoing
from crm.models import User
from leads import ageing, lifecycle, references
from leads.models import Lead, Source
from tests.cast import Cast, a_lead, accepted, ada, an_mql, confirm, qualified
from tests.leads.test_boards import see
from tests.leads.test_doctor import complaints
from tests.leads.test_lead_page import signed_in, text_of

pytestmark = pytest.mark.django_db


def won(cast: Cast, **fields: Any) -> Lead:
    lead = qualified(cast, **fields)
    lifecycle.advance(lead, "win", by=cast.sam, amount=5000, date=timezone.localdate())
    return lead


def mark(user: User, lead: Lead, **sent: str) -> int:
    return signed_in(user).post(reverse("lead_reference", args=[lead.pk]), sent).status_code


def marked(lead: Lead) -> bool:
    lead.refresh_from_db()
    return lead.refers_since is not None


def new(**more: Any) -> dict[str, Any]:
    source = Source.objects.get(key="referral").pk
    return {"first_name": "Bo", "last_name": "Berg", "email": "bo@berg.example", "source": source} | more


# --- Referrers ------------------------------------------------------------------------------------


def test_a_won_customer_is_marked_and_a_new_lead_carries_who_referred_it(cast: Cast) -> None:
    customer, client = won(cast), signed_in(cast.sam)
    assert (mark(cast.sam, customer), marked(customer)) == (302, True)
    form = client.get(reverse("add_lead"), {"referrer": customer.contact_id}).context["form"]
    assert (form.initial["referrer"], form.initial["source"].key) == (customer.contact_id, "referral")
    client.post(reverse("add_lead"), new(referrer=customer.contact_id, token=render_token.issue()))
    lead = Lead.objects.get(contact__last_name="Berg")
    assert lead.referrer == customer.contact
    assert "referred by Ada" in text_of(client.get(reverse("lead", args=[lead.pk])))
    assert "Bo Berg" in text_of(client.get(reverse("lead", args=[customer.pk])))
    assert complaints() == {}


def test_the_mark_is_taken_off_and_counts_only_while_the_lead_is_won(cast: Cast) -> None:
    customer = won(cast)
    mark(cast.sam, customer)
    lifecycle.advance(customer, "undo", by=cast.sam)
    assert list(references.referrers(cast.sam)) == []
    assert (mark(cast.sam, customer, off="1"), marked(customer)) == (409, True)
    lifecycle.advance(customer, "win", by=cast.sam, amount=5000, date=timezone.localdate())
    assert list(references.referrers(cast.sam)) == [customer.contact]
    assert (mark(cast.sam, customer, off="1"), marked(customer)) == (302, False)


def test_who_has_not_bought_is_no_referrer(cast: Cast) -> None:
    lead = accepted(cast)
    assert (mark(cast.sam, lead), marked(lead)) == (409, False)
    sent = new(referrer=lead.contact_id, token=render_token.issue())
    signed_in(cast.sam).post(reverse("add_lead"), sent)
    assert not Lead.objects.filter(referrer__isnull=False).exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [("mia", 403), ("max", 403), ("sam", 302), ("jana", 403), ("rosa", 404), ("lena", 302), ("ava", 302)],
)
def test_who_may_mark(cast: Cast, who: str, status: int) -> None:
    customer = won(cast)
    assert (mark(getattr(cast, who), customer), marked(customer)) == (status, status == 302)


def test_nobody_is_offered_a_referrer_they_may_not_see(cast: Cast) -> None:
    mark(cast.sam, won(cast))
    assert "referrer" not in signed_in(cast.rosa).get(reverse("add_lead")).context["form"].fields
    assert "referrer" in signed_in(cast.mia).get(reverse("add_lead")).context["form"].fields


def test_a_referrer_stays_one_through_a_merge_and_back(cast: Cast) -> None:
    customer = won(cast)
    mark(cast.sam, customer)
    other = a_lead(ada(email="ada.l@acme.example", phone=""))
    referred = a_lead(ada(email="c@acme.example", phone="", first_name="C"))
    Lead.objects.filter(pk=referred.pk).update(referrer=customer.contact)
    entry = doing.merge(other.contact, customer.contact, by=cast.lena, choices={}, sure=True)
    referred.refresh_from_db()
    assert (referred.referrer, list(references.referrers(cast.lena))) == (other.contact, [other.contact])
    undoing.part(entry, by=cast.ava)
    referred.refresh_from_db()
    assert referred.referrer_id == customer.contact_id


# --- Ageing ---------------------------------------------------------------------------------------


def test_the_page_says_how_a_lead_ages_and_what_resets_it(cast: Cast, time_machine: Any) -> None:
    lead = accepted(cast)
    time_machine.move_to(timezone.now() + timedelta(days=12))
    page = text_of(signed_in(cast.sam).get(reverse("lead", args=[lead.pk])))
    assert "12 days without contact, limit 10" in page
    assert "A call, mail, meeting or note starts this count anew." in page
    activities.record(lead.contact, "page_view")
    lead = Lead.objects.select_related("standing").get(pk=lead.pk)
    assert ageing.of(lead, timezone.now()).silent == 12
    activities.record(lead.contact, "call_out", by=cast.sam)
    age = ageing.of(lead, timezone.now())
    assert (age.silent, age.is_over, age.in_stage) == (0, False, 12)
    assert ageing.of(an_mql(cast, contact=ada(email="b@acme.example", phone="")), timezone.now()) is None


def test_evidence_too_old_to_count_is_half_filled_on_the_card(cast: Cast, time_machine: Any) -> None:
    confirm(accepted(cast), cast.sam, "budget")
    fresh = see(cast.sam, "/boards/sales/")
    assert "Budget: Confirmed" in fresh and "too old to count" not in fresh
    time_machine.move_to(timezone.now() + timedelta(days=200))
    stale = see(cast.sam, "/boards/sales/")
    assert "Budget: Confirmed, too old to count" in stale
    assert '<span class="half">B</span>' in stale
