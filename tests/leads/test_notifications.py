"""What people are told: once per event, ten seconds late, in the list and by mail as each of them wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import deletion, outbox
from crm.models import OutboxMessage, User
from leads import digests, lifecycle, notifications
from leads.models import Digest, Lead, MailWish, Notification
from tests.cast import Cast, accepted, ada, an_mql, next_month, offered, qualified, reason
from tests.crm.test_settings_pages import post_form, sign_in
from tests.leads.test_doctor import complaints

pytestmark = pytest.mark.django_db
Kind, How = Notification.Kind, MailWish.How


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def mails(**about: Any) -> list[tuple[str, str]]:
    """Return (address, subject) of every mail that has left or will."""
    rows = OutboxMessage.objects.filter(channel="mail", **about).exclude(state="cancelled").order_by("pk")
    return [(row.payload["to"][0], row.payload["subject"]) for row in rows]


def a_while_later() -> None:
    """Let the ten seconds pass."""
    Notification.objects.update(shown_from=timezone.now() - timedelta(seconds=1))


def daily(user: User, *kinds: str) -> None:
    notifications.choose(user, dict.fromkeys(kinds or Kind.values, How.DAILY))


# --- Who hears of what ----------------------------------------------------------------------------


def test_each_side_hears_of_what_the_other_does(cast: Cast) -> None:
    lead = offered(cast)
    assert (told(cast.sam), told(cast.mia), told(cast.jana)) == (["offered"], [], [])
    lifecycle.advance(lead, "accept", by=cast.sam)
    assert told(cast.mia) == ["accepted"]
    lifecycle.advance(lead, "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month())
    assert told(cast.mia) == ["accepted", "sent_back"]
    assert mails() == [
        (cast.sam.email, "Mia Kowalczyk handed a lead over to you"),
        (cast.mia.email, "Sam Okafor accepted a lead"),
        (cast.mia.email, "Sam Okafor sent a lead back"),
    ]
    assert complaints() == {}


def test_a_queue_is_told_in_the_list_and_forgets_when_somebody_accepts(cast: Cast) -> None:
    lead = an_mql(cast)
    lifecycle.advance(lead, "hand_off", by=cast.mia, team=cast.north)
    assert (told(cast.sam), told(cast.jana), told(cast.lena), told(cast.rosa)) == (
        ["queued"], ["queued"], ["queued"], [],
    )  # fmt: skip
    assert mails() == []  # by default a queue mails nobody
    lifecycle.advance(lead, "accept", by=cast.sam)
    assert told(cast.jana) == []
    assert Notification.objects.get(user=cast.sam, kind="queued").read_at is not None


def test_who_handed_over_hears_that_it_was_won_once_a_day(cast: Cast) -> None:
    lead = qualified(cast)
    lifecycle.advance(lead, "win", by=cast.sam, amount=5000, date=timezone.localdate())
    row = Notification.objects.get(user=cast.mia, kind="closed")
    assert (row.for_digest, mails(topic="lead.win")) == (True, [])


def test_a_re_assigned_lead_is_told_to_its_new_owner_only(cast: Cast) -> None:
    lead = accepted(cast)
    lifecycle.advance(lead, "reassign", by=cast.lena, assignee=cast.jana)
    assert told(cast.jana) == ["reassigned"]


def test_nobody_hears_of_their_own_move_or_of_history(cast: Cast) -> None:
    lead = an_mql(cast)
    lifecycle.advance(lead, "hand_off", by=cast.mia, assignee=cast.sam, at=timezone.now() - timedelta(days=2))
    lifecycle.advance(lead, "reassign", by=cast.lena, assignee=cast.lena)
    assert (told(cast.sam), told(cast.lena), mails()) == ([], [], [])


def test_an_event_is_told_once_however_often_it_is_said(cast: Cast) -> None:
    lead = an_mql(cast)
    for _again in range(3):
        notifications.tell([cast.sam, cast.sam, cast.jana], Kind.DUE, lead, event=f"lead:{lead.pk}:due")
    assert (told(cast.sam), told(cast.jana), len(mails())) == (["due"], ["due"], 2)


# --- Ten seconds ----------------------------------------------------------------------------------


def test_an_undone_move_is_told_to_nobody(cast: Cast) -> None:
    lead = offered(cast)
    page = sign_in(cast.sam)
    assert page.get(reverse("notifications")).context["told"] == []  # not yet
    lifecycle.advance(lead, "undo", by=cast.mia)
    a_while_later()
    outbox.deliver()
    assert (told(cast.sam), mails()) == ([], [])
    assert page.get(reverse("notifications")).context["told"] == []


def test_after_ten_seconds_it_stands_in_the_list_and_counts_at_the_bell(cast: Cast) -> None:
    lead = offered(cast)
    sam = sign_in(cast.sam)
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        page = sam.get(reverse("notifications"))
    assert [one.title for one in page.context["told"]] == ["Mia Kowalczyk handed a lead over to you"]
    assert page.context["shell"]["bell"]["count"] == "1"
    assert lead.contact.name in page.content.decode()


def test_what_the_system_does_is_told_at_once(cast: Cast) -> None:
    lead = an_mql(cast)
    lifecycle.advance(lead, "hand_off", assignee=cast.sam)
    page = sign_in(cast.sam).get(reverse("notifications"))
    assert [one.title for one in page.context["told"]] == ["A lead was handed over to you"]


# --- Reading --------------------------------------------------------------------------------------


def test_opening_one_marks_it_and_leads_to_its_lead(cast: Cast) -> None:
    lead = offered(cast)
    a_while_later()
    row = Notification.objects.get()
    sam = sign_in(cast.sam)
    answer = sam.post(reverse("notification_open", args=[row.pk]))
    assert answer["Location"] == reverse("lead", args=[lead.pk])
    assert sam.get(reverse("notifications"), {"only": "unread"}).context["told"] == []
    assert sign_in(cast.jana).post(reverse("notification_open", args=[row.pk])).status_code == 404
    assert sam.get(reverse("notification_open", args=[row.pk])).status_code == 405


def test_all_are_marked_by_one_press_and_only_mine(cast: Cast) -> None:
    for number in range(3):
        offered(cast, contact=ada(email=f"a{number}@acme.example"))
    lifecycle.advance(Lead.objects.first(), "accept", by=cast.sam)  # type: ignore[arg-type]
    a_while_later()
    sign_in(cast.sam).post(reverse("notifications_read"))
    assert Notification.objects.filter(user=cast.sam).unread().count() == 0  # type: ignore[attr-defined]
    assert Notification.objects.filter(user=cast.mia).unread().count() == 1  # type: ignore[attr-defined]


def test_a_rep_does_not_see_what_was_told_of_leads_they_lost(cast: Cast) -> None:
    lead = offered(cast)
    lifecycle.advance(lead, "reassign", by=cast.lena, assignee=cast.rosa)
    a_while_later()
    sam = sign_in(cast.sam)
    row = Notification.objects.get(user=cast.sam)
    assert sam.get(reverse("notifications")).context["told"] == []
    assert sam.post(reverse("notification_open", args=[row.pk])).status_code == 404


def test_the_list_costs_the_same_few_queries_for_few_and_many(cast: Cast, django_assert_max_num_queries: Any) -> None:
    lead = an_mql(cast)
    for number in range(70):
        notifications.tell([cast.sam], Kind.OFFERED, lead, event=f"lead:{lead.pk}:{number}", by=cast.mia)
    Lead.objects.update(owner=cast.sam)
    a_while_later()
    sam = sign_in(cast.sam)
    sam.get(reverse("notifications"))
    with django_assert_max_num_queries(8):
        page = sam.get(reverse("notifications"))
    assert (len(page.context["told"]), bool(page.context["page"].next)) == (50, True)


# --- By mail --------------------------------------------------------------------------------------


def test_the_button_of_a_mail_opens_exactly_that_lead_also_after_signing_in(cast: Cast, settings: Any) -> None:
    lead = offered(cast)
    payload = OutboxMessage.objects.get(channel="mail").payload
    address = f"{settings.SITE_URL}{reverse('lead', args=[lead.pk])}"
    assert address in payload["body"] and f'href="{address}"' in payload["html"]
    assert lead.contact.name not in payload["html"] + payload["body"] + payload["subject"]
    browser = Client()
    asked = browser.get(address.removeprefix(settings.SITE_URL))
    assert asked.status_code == 302
    form = browser.get(asked["Location"])
    data = {"login": cast.sam.email, "password": "baton-demo", "next": form.context["redirect_field_value"]}
    answer = browser.post(asked["Location"], data)
    assert answer["Location"] == reverse("lead", args=[lead.pk])


def test_a_person_chooses_for_each_kind_what_they_want_by_mail(cast: Cast) -> None:
    sam = sign_in(cast.sam)
    url = reverse("notification_wishes")
    assert set(sam.get(url).context["form"].fields) == {"offered", "queued", "reassigned", "due", "step"}
    assert set(sign_in(cast.mia).get(url).context["form"].fields) == {"accepted", "sent_back", "closed", "step"}
    assert post_form(sam, url, offered="never", queued="now").status_code == 302
    assert MailWish.objects.filter(user=cast.sam).count() == 2
    offered(cast)
    assert (told(cast.sam), mails()) == (["offered"], [])
    lead = an_mql(cast, contact=ada(email="q@acme.example"))
    lifecycle.advance(lead, "hand_off", by=cast.mia, team=cast.north)
    assert mails() == [(cast.sam.email, "Mia Kowalczyk handed a lead over to your team")]
    assert post_form(sam, url, offered="now", queued="never").status_code == 302
    assert MailWish.objects.count() == 0  # as by default
    assert sam.post(url, {"offered": "hourly"}).status_code == 422


# --- The daily mail -------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_daily_mail_goes_out_in_the_persons_morning_once(cast: Cast) -> None:
    User.objects.filter(pk=cast.sam.pk).update(time_zone="America/New_York", language="de")
    cast.sam.refresh_from_db()
    daily(cast.sam)
    with time_machine.travel(at("2026-03-03T15:00:00+00:00"), tick=False):
        leads = [offered(cast, contact=ada(email=f"a{number}@acme.example")) for number in range(2)]
        assert mails() == []
    with time_machine.travel(at("2026-03-04T11:59:00+00:00"), tick=False):  # 6:59 in New York
        assert digests.send_due() == 0
    with time_machine.travel(at("2026-03-04T12:01:00+00:00"), tick=False):
        assert (digests.send_due(), digests.send_due()) == (1, 0)
    assert mails() == [(cast.sam.email, "2 Neuigkeiten zu den eigenen Leads")]
    payload = OutboxMessage.objects.get(channel="mail").payload
    assert all(reverse("lead", args=[lead.pk]) in payload["body"] for lead in leads)
    assert all(reverse("lead", args=[lead.pk]) in payload["html"] for lead in leads)
    assert "Brömmel" not in payload["body"] + payload["html"]


def test_what_happens_after_the_morning_waits_for_the_next(cast: Cast) -> None:
    daily(cast.sam)
    with time_machine.travel(at("2026-03-03T08:00:00+01:00"), tick=False):
        offered(cast)
    with time_machine.travel(at("2026-03-03T23:00:00+01:00"), tick=False):
        assert digests.send_due() == 0
    with time_machine.travel(at("2026-03-04T07:10:00+01:00"), tick=False):
        assert digests.send_due() == 1


@pytest.mark.parametrize(
    "back", ["2026-03-04T13:00:00+01:00", "2026-03-04T23:50:00+01:00", "2026-03-07T09:00:00+01:00"]
)
def test_a_worker_that_was_away_sends_one_mail_when_it_is_back(cast: Cast, back: str) -> None:
    daily(cast.sam)
    with time_machine.travel(at("2026-03-03T08:00:00+01:00"), tick=False):
        offered(cast)
    with time_machine.travel(at(back), tick=False):
        assert (digests.send_due(), digests.send_due()) == (1, 0)
    with time_machine.travel(at(back) + timedelta(days=1), tick=False):
        assert (digests.send_due(), len(mails())) == (0, 1)


def test_a_second_worker_finds_the_day_taken(cast: Cast) -> None:
    daily(cast.sam)
    with time_machine.travel(at("2026-03-03T08:00:00+01:00"), tick=False):
        offered(cast)
    with time_machine.travel(at("2026-03-04T08:00:00+01:00"), tick=False):
        Digest.objects.create(user=cast.sam, day=timezone.localdate())
        assert (digests.send_due(), mails()) == (0, [])
        assert Notification.objects.get(user=cast.sam).for_digest  # tomorrow, then


def test_what_was_read_undone_or_lost_is_left_out(cast: Cast) -> None:
    daily(cast.sam)
    leads = [offered(cast, contact=ada(email=f"a{number}@acme.example")) for number in range(3)]
    lifecycle.advance(leads[0], "accept", by=cast.sam)  # read by doing it
    lifecycle.advance(leads[1], "undo", by=cast.mia)
    lifecycle.advance(leads[2], "reassign", by=cast.lena, assignee=cast.rosa)
    OutboxMessage.objects.all().delete()
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=23), tick=False):
        digests.send_due()
    assert mails(payload__to=[cast.sam.email]) == []


def test_whoever_wants_no_daily_mail_any_more_gets_none(cast: Cast) -> None:
    daily(cast.sam)
    offered(cast)
    notifications.choose(cast.sam, {"offered": How.NEVER})
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        assert digests.send_due() == 0


# --- Going ----------------------------------------------------------------------------------------


def test_what_is_old_and_what_is_deleted_goes(cast: Cast) -> None:
    lead, other = offered(cast), offered(cast, contact=ada(email="b@acme.example"))
    with deletion.gate_open("test"):
        deletion.remove_contacts([lead.contact_id])
    assert Notification.objects.filter(lead=other).count() == Notification.objects.count() == 1
    Digest.objects.create(user=cast.sam, day=datetime(2026, 1, 1, tzinfo=UTC).date())
    with time_machine.travel(timezone.now() + timedelta(days=91), tick=False):
        assert (notifications.forget_old(), digests.forget_old()) == (1, 1)
