"""What happens when the clock runs out: a reminder before, a breach, a mail to the sales lead, another person's turn.

Each is a row of its own, written once for a due time, so a worker that slept over it finds it late and not twice.
Closing and re-assigning write the breach themselves when they come late; the sweep looks at open handoffs only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from crm import roles
from crm.models import OutboxMessage, Role, User
from leads import assignment, lifecycle, notifications
from leads.clock import write
from leads.models import Handoff, Notification, SlaEvent, StageChange
from leads.stages import Verb

Kind, State = SlaEvent.Kind, OutboxMessage.State
#: A move is committed at the latest so long after the instant it bears; before that a due time is not yet over.
GRACE = timedelta(seconds=30)
#: What is noticed later than this is written down and told nobody.
NEWS = timedelta(days=1)
AT_ONCE = 200
WHEN: dict[str, str] = {Kind.REMINDER: "remind_at", Kind.BREACH: "due_at", Kind.REASSIGNMENT: "reassign_at"}


# --- The sweep ------------------------------------------------------------------------------------


def look(now: datetime | None = None, *, tell: bool = True) -> int:
    """Do what is due, in the order in which it is due; return how much that was. `tell` False mails nobody."""
    now = now or timezone.now()
    _note_who_was_told()
    return sum(_each(kind, now, tell) for kind in (Kind.REMINDER, Kind.BREACH, Kind.REASSIGNMENT))


def waiting(kind: str, now: datetime) -> QuerySet[Handoff]:
    """Return the open handoffs for which `kind` was due before `now` and is not written down, the oldest first."""
    name = WHEN[kind]
    done = SlaEvent.objects.filter(handoff=OuterRef("pk"), kind=kind, due_at=OuterRef(name))
    due = Handoff.objects.open().filter(~Exists(done), **{f"{name}__lt": now - GRACE})
    if kind == Kind.REMINDER:
        due = due.filter(due_at__gte=now)  # a reminder of what is overdue helps nobody
    return due.order_by(name, "pk")


def _each(kind: str, now: datetime, tell: bool) -> int:
    acts: dict[str, Callable[[Handoff, datetime, bool], bool]] = {
        Kind.REMINDER: _remind, Kind.BREACH: _breach, Kind.REASSIGNMENT: _reassign,
    }  # fmt: skip
    found = waiting(kind, now).select_related("lead", "team", "assignee")[:AT_ONCE]
    return sum(acts[kind](handoff, now, tell) for handoff in found)


def _holds(handoff: Handoff, kind: str) -> bool:
    """Take the row, and say whether the handoff is still open and still due then."""
    name = WHEN[kind]
    same = Handoff.objects.select_for_update(of=("self",)).filter(pk=handoff.pk, closed_at=None)
    return same.filter(**{name: getattr(handoff, name)}).exists()


@transaction.atomic
def _remind(handoff: Handoff, now: datetime, tell: bool) -> bool:
    if handoff.remind_at is None or not _holds(handoff, Kind.REMINDER):
        return False
    made = write(handoff, Kind.REMINDER, handoff.remind_at)
    if made and tell:
        _tell(handoff, Kind.REMINDER, who_answers(handoff))
    return made


@transaction.atomic
def _breach(handoff: Handoff, now: datetime, tell: bool) -> bool:
    if not _holds(handoff, Kind.BREACH):
        return False
    made = write(handoff, Kind.BREACH, handoff.due_at)
    if made and tell and now - handoff.due_at < NEWS and write(handoff, Kind.ESCALATION, handoff.due_at):
        _tell(handoff, Kind.ESCALATION, who_leads(handoff))
    return made


def _reassign(handoff: Handoff, now: datetime, tell: bool) -> bool:
    """Give the lead to somebody else; where there is nobody, only write down that it was tried."""
    lead, due_at = handoff.lead, handoff.reassign_at
    assert due_at is not None
    with transaction.atomic():
        to = _elsewhere(handoff)
        if to:
            try:
                lifecycle.advance(lead, Verb.REASSIGN, details={"cause": "overdue"}, **to)
            except lifecycle.Refused as refused:
                if refused.stale:
                    return False
        elif not _holds(handoff, Kind.REASSIGNMENT):
            return False
        return write(handoff, Kind.REASSIGNMENT, due_at)


def _elsewhere(handoff: Handoff) -> dict[str, Any]:
    """Return who gets the lead instead: whom the rules name next, else the team's queue; {} when it waits there."""
    to = assignment.take(handoff.lead, but=handoff.assignee).details
    if not to and handoff.assignee_id and handoff.team:
        return {"team": handoff.team}
    return {} if not handoff.assignee_id and to.get("team") == handoff.team else to


# --- Who hears of it ------------------------------------------------------------------------------


def who_answers(handoff: Handoff) -> list[User]:
    """Return the person who has to answer; for a queue everybody of the team who could."""
    if handoff.assignee:
        return [handoff.assignee]
    return [one for one in User.objects.filter(team=handoff.team_id, is_active=True) if roles.is_sales(one)]


def who_leads(handoff: Handoff) -> list[User]:
    """Return the sales leads of the team; where it has none all of them, else the admins."""
    people = list(User.objects.filter(role__in=[Role.SALES_LEAD, Role.ADMIN], is_active=True).order_by("pk"))
    leads = [one for one in people if one.role == Role.SALES_LEAD]
    return [one for one in leads if one.team_id and one.team_id == handoff.team_id] or leads or people


def _tell(handoff: Handoff, kind: str, people: Iterable[User]) -> None:
    """Tell these people once for this due time, each in the way they have chosen."""
    what = Notification.Kind.DUE if kind == Kind.REMINDER else Notification.Kind.OVERDUE
    event = f"lead:{handoff.lead_id}:sla:{handoff.due_at.timestamp():.0f}"
    notifications.tell(people, what, handoff.lead, event=event, topic=f"lead.sla_{kind}")


# --- When the notice left -------------------------------------------------------------------------


def _note_who_was_told() -> None:
    """Keep when the notice of an offer left, so that what the system took can be told from what people took."""
    mails = OutboxMessage.objects.filter(topic__in=["lead.hand_off", "lead.reassign"])
    changes = StageChange.objects.filter(handoff=OuterRef("pk"), verb__in=[Verb.HAND_OFF, Verb.REASSIGN])
    untold = Handoff.objects.filter(told_at=None).order_by("offered_at", "pk")
    untold = untold.annotate(seq=Subquery(changes.order_by("-seq").values("seq")[:1]))
    waits = mails.filter(subject=_subject(OuterRef("lead_id"), OuterRef("seq")), state=State.PENDING)
    gone = mails.filter(subject=_subject(OuterRef("lead_id"), OuterRef("seq")), state=State.SENT)
    # Those that wait would stand before those that left.
    untold = untold.exclude(Q(closed_at=None) & Exists(waits) & ~Exists(gone))
    rows = list(untold.values_list("pk", "lead_id", "seq", "closed_at", "offered_at")[:AT_ONCE])
    subjects = [f"lead:{lead}:{seq}" for _pk, lead, seq, _closed, _offered in rows]
    # Of several people the first who was told counts: the last row of a subject stays.
    found = mails.filter(subject__in=subjects).order_by(F("sent_at").desc(nulls_first=True), "pk")
    left = {subject: (state, sent) for subject, state, sent in found.values_list("subject", "state", "sent_at")}
    for pk, lead, seq, closed, offered in rows:
        state, sent = left.get(f"lead:{lead}:{seq}", ("", None))
        ends: dict[str, datetime | None] = {
            State.SENT: sent,
            State.PENDING: closed,
            State.FAILED: closed or timezone.now(),
        }
        at = ends.get(state, offered)
        if at is not None:
            Handoff.objects.filter(pk=pk, told_at=None).update(told_at=min(at, closed) if closed else at)


def _subject(lead: OuterRef, seq: OuterRef) -> Concat:
    """Return what the outbox calls a change of a lead, "lead:42:7", as the database puts it together."""
    text = TextField()
    parts = (Value("lead:"), Cast(lead, text), Value(":"), Cast(seq, text))
    return Concat(*parts, output_field=text)
