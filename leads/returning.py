"""Coming back: a closed episode is followed by a new one, a lead in nurture wakes, when the person does something."""

from __future__ import annotations

from collections.abc import Sequence

from crm.activities import Recorded
from crm.models import ActivityKind, Contact
from crm.workdays import local_date
from leads import capture, lifecycle
from leads.models import Lead, Source
from leads.stages import Stage, Verb


def _by_the_person(activities: Sequence[Recorded]) -> dict[int, Recorded]:
    """Return the newest inbound activity per contact."""
    inbound = set(ActivityKind.objects.filter(inbound=True).values_list("key", flat=True))
    newest: dict[int, Recorded] = {}
    for activity in activities:
        if activity.contact_id is None or activity.kind not in inbound:
            continue
        known = newest.get(activity.contact_id)
        if known is None or known.occurred_at < activity.occurred_at:
            newest[activity.contact_id] = activity
    return newest


def begin_new_episodes(activities: Sequence[Recorded]) -> list[Lead]:
    """Open a lead for each contact who did something after their last episode was closed."""
    newest = _by_the_person(activities)
    idle = capture.without_open_lead(newest)
    if not idle:
        return []
    last = {lead.contact_id: lead for lead in Lead.objects.filter(contact_id__in=idle).order_by("episode")}
    fallback = Source.objects.filter(key="unknown").first()
    opened = []
    for contact in Contact.objects.filter(pk__in=last):
        activity, lead = newest[contact.pk], last[contact.pk]
        if activity.occurred_at > lead.stage_since:
            opened.append(capture.open_lead(contact, source=lead.source or fallback, at=activity.occurred_at))
    return opened


def wake_sleepers(activities: Sequence[Recorded]) -> list[Lead]:
    """Wake the leads in nurture whose contact did something after they fell asleep."""
    newest = _by_the_person(activities)
    asleep = Lead.objects.filter(contact_id__in=newest, stage=Stage.NURTURE).select_related("contact")
    woken = [lead for lead in asleep if newest[lead.contact_id].occurred_at > lead.stage_since]
    for lead in woken:
        lifecycle.advance(lead, Verb.WAKE, details={"cause": "activity"})
    return woken


def wake_due(limit: int = 500) -> int:
    """Wake the leads whose wake-up date has come; return how many."""
    due = Lead.objects.filter(stage=Stage.NURTURE, wake_on__lte=local_date()).select_related("contact")
    leads = list(due.order_by("wake_on", "pk")[:limit])
    for lead in leads:
        try:
            lifecycle.advance(lead, Verb.WAKE, details={"cause": "date"})
        except lifecycle.Refused:
            continue
    return len(leads)
