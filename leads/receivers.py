"""What leads does when something happened on the left: people come back, sleepers wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from crm import deletion
from crm import signals as crm_signals
from crm.activities import Recorded
from leads import feedback, handoff, lifecycle, news, packet, reference_data, returning, signals, touches, tracked
from leads.models import Lead, StageChange
from leads.stages import Verb


@receiver(post_migrate)
def ship_rows(sender: AppConfig, **kwargs: Any) -> None:
    if sender.name == "leads":
        reference_data.ship()


@receiver(crm_signals.activity_recorded)
def somebody_came_back(activities: list[Recorded], history: bool = False, **kwargs: Any) -> None:
    if not history:
        returning.begin_new_episodes(activities)
        returning.wake_sleepers(activities)
    touches.note(activities)


@receiver(crm_signals.people_identified)
def somebody_became_known(found: dict[int, datetime], **kwargs: Any) -> None:
    tracked.begin_first_leads(found)


@receiver(crm_signals.activities_removed)
def look_where_they_came_from_again(contact_ids: list[int], **kwargs: Any) -> None:
    touches.forget(contact_ids)


@receiver([crm_signals.contact_merged, crm_signals.contact_unmerged])
def look_where_the_merged_came_from(kept_id: int, merged_id: int, **kwargs: Any) -> None:
    touches.forget([kept_id, merged_id])


@receiver(crm_signals.contact_erased)
def empty_what_sales_got_to_see(contact_id: int, **kwargs: Any) -> None:
    with deletion.gate_open("erasure"):
        packet.forget(contact_id)


@receiver(signals.leads_opened)
def see_where_they_came_from(lead_ids: list[int], **kwargs: Any) -> None:
    touches.read_again(lead_ids)


@receiver(signals.leads_opened)
def tell_that_they_came(lead_ids: list[int], **kwargs: Any) -> None:
    news.tell_opened(lead_ids)


@receiver(signals.lead_moved)
def tell_of_the_move(lead: Lead, change: StageChange, **kwargs: Any) -> None:
    news.tell_move(lead, change)


@receiver(signals.lead_moved)
def team_accepts_by_itself(lead: Lead, change: StageChange, **kwargs: Any) -> None:
    if handoff.accepts_by_itself(lead, change):
        lifecycle.advance(lead, Verb.ACCEPT)


@receiver(signals.lead_moved)
def keep_what_sales_said_when_sending_back(lead: Lead, change: StageChange, **kwargs: Any) -> None:
    feedback.of_move(lead, change)
