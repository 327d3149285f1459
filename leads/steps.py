"""What is to be done next: the earliest open step of a lead is its next step, and the lead repeats it for the boards.

A reminder comes once per step and time: for a step with a time a quarter of an hour before, for one with only a day in
the morning, early enough for that day's mail. Who writes a step down after that is not reminded of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from crm.models import User
from crm.workdays import local_date, workspace_zone
from leads import notifications
from leads.models import Lead, Notification, Step
from leads.stages import OPEN

MORNING = time(6, 30)
BEFORE = timedelta(minutes=15)
#: A worker that slept longer over a reminder does not give it: the lead stands among what is overdue by then.
NEWS = timedelta(days=1)
AT_ONCE = 200
ASKED = ("what", "due_on", "at_time", "person_id")


def reminder(step: Step, owner: User | None) -> datetime | None:
    """Return when to remind of the step; None without a day, and when that moment has passed."""
    if step.due_on is None:
        return None
    person = step.person or owner
    zone = person.zone if person and person.time_zone else workspace_zone()
    at = datetime.combine(step.due_on, step.at_time or MORNING, zone)
    at -= BEFORE if step.at_time else timedelta()
    return at if at > timezone.now() else None


def earliest(lead_ids: Iterable[int]) -> dict[int, Step]:
    """Return lead → its earliest open step. One query."""
    found: dict[int, Step] = {}
    for step in Step.objects.open().filter(lead__in=list(lead_ids)).soonest_first():
        found.setdefault(step.lead_id, step)
    return found


def repeat(*lead_ids: int, **more: Any) -> None:
    """Write the earliest open step of each lead onto the lead; `more` are other columns to set with it."""
    soonest = earliest(lead_ids)
    for pk in lead_ids:
        step = soonest.get(pk)
        what, day = (step.what, step.due_on) if step else ("", None)
        Lead.objects.filter(pk=pk).update(next_step=what, next_step_on=day, **more)


def mark(by: User) -> dict[str, Any]:
    """Return the columns that say that the facts of a lead were changed, and by whom."""
    return {"edits": F("edits") + 1, "edited_by": by, "changed_at": timezone.now()}


# --- What people do -------------------------------------------------------------------------------


@transaction.atomic
def add(lead: Lead, values: Mapping[str, Any], *, by: User | None) -> Step:
    """Write a step down. `values` are some of what, due_on, at_time, person_id."""
    step = Step(lead=lead, made_by=by, **values)
    step.remind_at = reminder(step, lead.owner)
    step.save()
    repeat(lead.pk, **(mark(by) if by else {}))
    return step


@transaction.atomic
def change(step: Step, values: Mapping[str, Any], *, seen: Mapping[str, Any], by: User) -> bool:
    """Write `values` where the step still is what the reader has `seen`; return whether it was.

    A new day or time reminds anew.
    """
    same = Step.objects.open().filter(pk=step.pk, **seen)
    new = Step(lead=step.lead, **{name: values.get(name, getattr(step, name)) for name in ASKED})
    if not same.update(**values, remind_at=reminder(new, step.lead.owner), reminded_at=None):
        return False
    notifications.take_back(_event(step))
    repeat(step.lead_id, **mark(by))
    return True


@transaction.atomic
def finish(step: Step, *, by: User) -> bool:
    """Call the step done; False when somebody else has."""
    if not Step.objects.open().filter(pk=step.pk).update(done_by=by, done_at=timezone.now()):
        return False
    notifications.take_back(_event(step))
    repeat(step.lead_id, **mark(by))
    return True


@transaction.atomic
def drop(step: Step, *, seen: Mapping[str, Any], by: User) -> bool:
    """Take a step off that nobody has to do any more; False when it is no longer what the reader has `seen`."""
    if not Step.objects.open().filter(pk=step.pk, **seen).delete()[0]:
        return False
    notifications.take_back(_event(step))
    repeat(step.lead_id, **mark(by))
    return True


# --- What files and programs write onto the lead ---------------------------------------------------


def follow(lead_ids: Iterable[int]) -> None:
    """Bring the steps in line with what was written onto these leads: their earliest step changes, begins or ends."""
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=list(lead_ids)).select_related("owner")}
    soonest, new, changed = earliest(leads), [], []
    for pk, lead in leads.items():
        step = soonest.get(pk)
        if (step.what, step.due_on) == (lead.next_step, lead.next_step_on) if step else _has_none(lead):
            continue
        changed.append(pk)
        if step is None:
            step = Step(lead=lead, what=lead.next_step, due_on=lead.next_step_on)
            new.append(step)
        elif _has_none(lead):
            step.delete()
            continue
        else:
            step.what, step.due_on, step.reminded_at = lead.next_step, lead.next_step_on, None
        step.remind_at = reminder(step, lead.owner)
        if step.pk:
            step.save()
    Step.objects.bulk_create(new)
    repeat(*(pk for pk in changed if pk in soonest))


def _has_none(lead: Lead) -> bool:
    return not lead.next_step and lead.next_step_on is None


def people(lead: Lead, user: User) -> list[User]:
    """Return who may be named on a step: the reader, who owns the lead, and their team."""
    near = Q(pk__in=[pk for pk in (user.pk, lead.owner_id) if pk])
    near |= Q(team=lead.team_id) if lead.team_id else Q()
    near |= Q(steps__lead=lead, steps__done_at=None)
    return list(User.objects.filter(near, is_active=True).distinct().order_by("name", "pk"))


def current(lead: Lead) -> Step | None:
    """Return the lead's next step as a row of its own."""
    return earliest([lead.pk]).get(lead.pk)


def due(user: User) -> QuerySet[Step]:
    """Return what is this person's turn by today, of open leads they may see, the longest overdue first."""
    mine = Step.objects.open().of(user).on_open_leads().filter(due_on__lte=local_date())
    return mine.filter(lead__in=Lead.objects.visible_to(user)).soonest_first()


# --- When two leads become one ----------------------------------------------------------------------


def hand_on(goes: Lead, to: Lead) -> list[int]:
    """Let the open steps of a lead that closes go on with another; return which, for `give_back`."""
    moved = list(Step.objects.open().filter(lead=goes).values_list("pk", flat=True))
    _carry(moved, goes.pk, to.pk)
    return moved


def give_back(step_ids: Iterable[int], *, lead: int, back_to: int) -> None:
    """Undo `hand_on`: the steps that still hang on `lead` return, with whatever was done about them since."""
    _carry(step_ids, lead, back_to)


def _carry(step_ids: Iterable[int], away_from: int, to: int) -> None:
    if Step.objects.filter(pk__in=list(step_ids), lead=away_from).update(lead=to):
        repeat(away_from, to)


# --- Reminding ---------------------------------------------------------------------------------------


def remind(now: datetime | None = None) -> int:
    """Remind of what is due, each step once; return how many people were told."""
    now = now or timezone.now()
    due = Step.objects.open().filter(remind_at__lte=now, reminded_at=None)
    rows = due.select_related("lead__owner", "person").order_by("remind_at", "pk")[:AT_ONCE]
    return sum(_remind(step, now) for step in rows)


@transaction.atomic
def _remind(step: Step, now: datetime) -> int:
    """Take the step, so that no other worker reminds of it, and tell whose turn it is."""
    same = Step.objects.open().filter(pk=step.pk, reminded_at=None, remind_at=step.remind_at)
    if not same.update(reminded_at=now) or now - (step.remind_at or now) > NEWS:
        return 0
    person = step.person or step.lead.owner
    if person is None or not person.is_active or step.lead.stage not in OPEN:
        return 0
    if not Lead.objects.visible_to(person).filter(pk=step.lead_id).exists():
        return 0
    return notifications.tell([person], Notification.Kind.STEP, step.lead, event=_event(step))


def _event(step: Step) -> str:
    at = f"{step.remind_at.timestamp():.0f}" if step.remind_at else ""
    return f"lead:{step.lead_id}:step:{step.pk}:{at}"
