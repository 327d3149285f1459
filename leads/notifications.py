"""Telling people: a row in their list, and by e-mail at once, once a day or not at all, as each has chosen.

A person's move is told ten seconds later, in the list as by mail; undone by then it is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as gl

from crm import outbox, roles
from crm.models import User
from leads.handoff import NEWS
from leads.models import Lead, MailWish, Notification, StageChange
from leads.stages import Verb

How = MailWish.How
Kind = Notification.Kind
KEPT = timedelta(days=90)

#: How each kind reaches people who have chosen nothing.
DEFAULTS: dict[str, str] = {
    Kind.OFFERED: How.NOW, Kind.QUEUED: How.NEVER, Kind.REASSIGNED: How.NOW, Kind.DUE: How.NOW, Kind.OVERDUE: How.NOW,
    Kind.ACCEPTED: How.NOW, Kind.SENT_BACK: How.NOW, Kind.CLOSED: How.DAILY, Kind.STEP: How.DAILY,
}  # fmt: skip
# what happened when a person did it, what happened when nobody did; a mail names no lead, its page does
TITLES: dict[str, tuple[str | Promise, str | Promise]] = {
    Kind.OFFERED: (gl("%(who)s handed a lead over to you"), gl("A lead was handed over to you")),
    Kind.QUEUED: (gl("%(who)s handed a lead over to your team"), gl("A lead came into the queue of your team")),
    Kind.REASSIGNED: (gl("%(who)s re-assigned a lead to you"), gl("A lead was re-assigned to you")),
    Kind.DUE: (gl("A lead waits for your answer"), gl("A lead waits for your answer")),
    Kind.STEP: (gl("A next step of yours is due"), gl("A next step of yours is due")),
    Kind.OVERDUE: (gl("A handoff is overdue"), gl("A handoff is overdue")),
    Kind.ACCEPTED: (gl("%(who)s accepted a lead"), gl("A lead was accepted")),
    Kind.SENT_BACK: (gl("%(who)s sent a lead back"), gl("A lead was sent back")),
    Kind.CLOSED: (gl("%(who)s closed a lead you handed over"), gl("A lead you handed over was closed")),
}


def title(kind: str, by: User | None) -> str:
    """Return what happened as one sentence that names nobody but the colleague."""
    by_person, by_nobody = TITLES[kind]
    return str(by_person) % {"who": by.name} if by else str(by_nobody)


# --- A move ---------------------------------------------------------------------------------------


def announce(lead: Lead, change: StageChange) -> None:
    """Tell whom a move concerns, in the move's transaction; an undone one is taken back."""
    if change.verb == Verb.UNDO:
        if change.reverses:
            take_back(f"lead:{lead.pk}:{change.reverses.seq}")
        return
    _settle(lead, change)
    if timezone.now() - change.at > NEWS:
        return
    kind, people = _who_hears(lead, change)
    others = [one for one in people if one.pk != change.by_id]
    tell(others, kind, lead, event=f"lead:{lead.pk}:{change.seq}", by=change.by, topic=f"lead.{change.verb}")


def take_back(event: str) -> None:
    """Let an event be told to nobody: mails that wait are cancelled, rows in the lists go."""
    outbox.cancel(event)
    Notification.objects.filter(event=event).delete()


def _settle(lead: Lead, change: StageChange) -> None:
    """Take for read what told the mover of this lead, and drop what asked others for an answer that is given now."""
    about = Notification.objects.filter(lead=lead).unread()
    if change.by_id:
        about.filter(user=change.by_id).update(read_at=timezone.now(), for_digest=False)
    if change.handoff is not None and change.verb not in {Verb.HAND_OFF, Verb.REASSIGN}:
        about.filter(kind__in=[Kind.QUEUED, Kind.DUE, Kind.OVERDUE]).delete()


def _who_hears(lead: Lead, change: StageChange) -> tuple[str, list[User]]:
    verb = change.verb
    if verb in {Verb.HAND_OFF, Verb.REASSIGN}:
        if lead.owner:
            return (Kind.OFFERED if verb == Verb.HAND_OFF else Kind.REASSIGNED), [lead.owner]
        return Kind.QUEUED, _team(lead.team_id)
    kinds = {
        Verb.ACCEPT: Kind.ACCEPTED, Verb.SEND_BACK: Kind.SENT_BACK, Verb.WIN: Kind.CLOSED, Verb.LOSE: Kind.CLOSED,
    }  # fmt: skip
    handoff = change.handoff or lead.last_handoff
    if verb not in kinds or handoff is None or handoff.offered_by is None or not handoff.offered_by.is_active:
        return "", []
    return kinds[Verb(verb)], [handoff.offered_by]


def _team(team_id: int | None) -> list[User]:
    members = User.objects.filter(team=team_id, is_active=True) if team_id else []
    return [one for one in members if roles.is_sales(one)]


# --- Telling --------------------------------------------------------------------------------------


def tell(people: Iterable[User], kind: str, lead: Lead, *, event: str, by: User | None = None, topic: str = "") -> int:
    """Tell each of these people of one event, once; return how many were told for the first time.

    What a person did is held ten seconds; the mail goes with the outbox, under the event's name.
    """
    wanted = {one.pk: one for one in people}
    known = Notification.objects.filter(event=event, kind=kind, user__in=wanted).values_list("user_id", flat=True)
    new = [one for pk, one in wanted.items() if pk not in set(known)]
    if not new:
        return 0
    hold, now, chosen = (outbox.HOLD if by else timedelta()), timezone.now(), wishes(new, kind)
    rows = [
        Notification(
            user=one, kind=kind, lead=lead, event=event, by=by, at=now, shown_from=now + hold,
            for_digest=chosen[one.pk] == How.DAILY,
        )
        for one in new
    ]  # fmt: skip
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    for one in new:
        if chosen[one.pk] == How.NOW:
            outbox.put("mail", topic or f"lead.{kind}", mail(one, kind, lead, by), subject=event, hold=hold)
    return len(new)


def wishes(people: Iterable[User], kind: str) -> dict[int, str]:
    """Return person → how they want to hear of `kind` by e-mail. One query."""
    ids = [one.pk for one in people]
    said = dict(MailWish.objects.filter(user__in=ids, kind=kind).values_list("user_id", "how"))
    return {pk: said.get(pk, DEFAULTS[kind]) for pk in ids}


def choose(user: User, chosen: dict[str, str]) -> None:
    """Keep how the person wants to hear of each kind; what waits for a daily mail they no longer want is not mailed."""
    MailWish.objects.filter(user=user, kind__in=chosen).delete()
    MailWish.objects.bulk_create(
        [MailWish(user=user, kind=kind, how=how) for kind, how in chosen.items() if how != DEFAULTS[kind]]
    )
    unwanted = [kind for kind, how in chosen.items() if how != How.DAILY]
    Notification.objects.filter(user=user, kind__in=unwanted, for_digest=True).update(for_digest=False)


def chosen(user: User) -> dict[str, str]:
    """Return kind → how, for every kind."""
    return DEFAULTS | dict(MailWish.objects.filter(user=user).values_list("kind", "how"))


def address_of(lead_id: int) -> str:
    """Return the address of exactly this lead, for a mail."""
    return f"{settings.SITE_URL}{reverse('lead', args=[lead_id])}"


def mail(to: User, kind: str, lead: Lead, by: User | None) -> dict[str, Any]:
    """Return one mail in the reader's language. It names no lead: who reads along on the way learns nothing."""
    with translation.override(to.language):
        subject = title(kind, by)
        words = {"title": subject, "address": address_of(lead.pk), "wishes": wishes_address(), "language": to.language}
        body = _("%(title)s.\n\nOpen it here: %(address)s") % words
        return {"to": [to.email], "subject": subject, "body": body, "html": render_to_string("mail/told.html", words)}


def list_address() -> str:
    return f"{settings.SITE_URL}{reverse('notifications')}"


def wishes_address() -> str:
    return f"{settings.SITE_URL}{reverse('notification_wishes')}"


# --- Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """One row of the list, in words."""

    row: Notification
    title: str


def read(rows: Iterable[Notification]) -> list[Told]:
    return [Told(row, title(row.kind, row.by)) for row in rows]


def mark_read(user: User, pk: int | None = None) -> int:
    """Mark one of the person's notifications as read, or all; return how many were not before."""
    mine = Notification.objects.filter(user=user, shown_from__lte=timezone.now()).unread()
    return (mine if pk is None else mine.filter(pk=pk)).update(read_at=timezone.now(), for_digest=False)


def forget_old() -> int:
    """Delete what was told three months ago."""
    return Notification.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
