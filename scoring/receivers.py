"""What scoring does when something happened on the left: it queues the work, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save
from django.dispatch import receiver

from crm import signals as crm_signals
from crm.activities import Recorded
from crm.wake import wake
from leads import explanations
from leads import signals as lead_signals
from leads.models import Lead
from scoring import explain, shipped
from scoring.storing import write_pending_activities, write_pending_contacts

explanations.provide(explain.cards)


@receiver(post_migrate)
def ship_the_scorecard(sender: AppConfig, **kwargs: Any) -> None:
    if sender.name == "scoring":
        shipped.ship()


@receiver(crm_signals.activity_recorded)
def queue_activities(activities: list[Recorded], history: bool = False, **kwargs: Any) -> None:
    if history:  # told in any order and in parts: the whole person is counted, so that no half of it moves a lead
        _queue_contacts({a.contact_id for a in activities if a.contact_id is not None}, rebuild=True)
        return
    write_pending_activities([(a.id, a.contact_id) for a in activities if a.contact_id is not None])
    wake("pending")


def _queue_contacts(contact_ids: Iterable[int], *, rebuild: bool = False) -> None:
    write_pending_contacts(contact_ids, rebuild=rebuild)
    wake("pending")


@receiver(crm_signals.activities_removed)
def count_anew_what_is_left(contact_ids: list[int], **kwargs: Any) -> None:
    _queue_contacts(contact_ids, rebuild=True)


@receiver([crm_signals.profile_changed, crm_signals.consent_changed])
def look_at_contacts_anew(contact_ids: list[int], **kwargs: Any) -> None:
    _queue_contacts(contact_ids)


@receiver(crm_signals.contact_merged)
def count_the_kept_contact_anew(kept_id: int, **kwargs: Any) -> None:
    _queue_contacts([kept_id], rebuild=True)


@receiver(crm_signals.contact_unmerged)
def count_both_anew(kept_id: int, merged_id: int, **kwargs: Any) -> None:
    _queue_contacts([kept_id, merged_id], rebuild=True)


@receiver(crm_signals.contact_erased)
def count_the_erased_contact_anew(contact_id: int, **kwargs: Any) -> None:
    _queue_contacts([contact_id], rebuild=True)


@receiver(lead_signals.leads_opened)
def score_new_leads(lead_ids: list[int], **kwargs: Any) -> None:
    for start in range(0, len(lead_ids), 500):
        part = Lead.objects.filter(pk__in=lead_ids[start : start + 500])
        _queue_contacts(part.order_by().values_list("contact_id", flat=True))


@receiver(lead_signals.round_opened)
def look_at_the_next_round(lead: Lead, **kwargs: Any) -> None:
    _queue_contacts([lead.contact_id])


@receiver(post_save, sender=Lead)
def look_at_a_new_source(instance: Lead, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
    if update_fields and "source" in update_fields:
        _queue_contacts([instance.contact_id])
