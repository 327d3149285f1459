"""What crm does by itself: triggers and shipped rows after a migration, notes when somebody signs in."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver
from django.http import HttpRequest

from crm import audit, consent_texts, deletion, research, sessions, signals, triggers
from crm.activities import Recorded, ship_kinds
from crm.merging import doing as merges
from crm.models import ResearchSurge, TrackedId, User, Workspace
from crm.tracking import rules
from crm.webhooks import keeping, queueing


@receiver(connection_created)
def answer_at_once(sender: type, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Keep PostgreSQL from compiling what it thinks dear: that takes 10 to 20 ms of a page, and no report won it back.

    Said to each connection, as poolers refuse it among the parameters one connects with.
    """
    if connection.vendor == "postgresql":
        connection.connection.execute("SET jit TO off")


@receiver(pre_migrate)
def take_triggers_away(sender: AppConfig, plan: list[Any] | None = None, **kwargs: Any) -> None:
    if sender.name == "crm" and plan:
        triggers.remove()


@receiver(post_migrate)
def put_triggers_back(sender: AppConfig, **kwargs: Any) -> None:
    if sender.name in {"crm", "leads", "scoring"}:
        triggers.install()


@receiver(post_migrate)
def ship_rows(sender: AppConfig, **kwargs: Any) -> None:
    if sender.name == "crm":
        Workspace.objects.get_or_create(pk=1)
        ship_kinds()
        rules.ship()
        consent_texts.ship()


@receiver(user_logged_in)
def note_sign_in(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    sessions.begin(request.session, sessions.device_name(request.headers.get("User-Agent", "")))
    audit.record(user, "signin", f"user:{user.pk}")


@receiver(signals.activity_recorded)
def see_what_is_researched(activities: list[Recorded], **kwargs: Any) -> None:
    if people := {one.contact_id for one in activities if one.kind == research.KIND and one.contact_id is not None}:
        research.look_again(people)


@receiver(signals.activities_removed)
def see_what_is_still_researched(contact_ids: list[int], **kwargs: Any) -> None:
    known = list(ResearchSurge.objects.filter(pk__in=contact_ids).values_list("pk", flat=True))
    if known:
        research.look_again(known)


@receiver(signals.contact_merged)
def see_what_both_research(kept_id: int, **kwargs: Any) -> None:
    research.look_again([kept_id])


@receiver(signals.contact_unmerged)
def see_what_each_researches(kept_id: int, merged_id: int, **kwargs: Any) -> None:
    research.look_again([kept_id, merged_id])


@receiver(signals.contact_erased)
def forget_tracked_ids(contact_id: int, **kwargs: Any) -> None:
    TrackedId.objects.filter(contact_id=contact_id).delete()


@receiver(signals.contact_erased)
def forget_who_was_merged(contact_id: int, **kwargs: Any) -> None:
    with deletion.gate_open("erasure"):
        merges.forget_values(contact_id)


@receiver(signals.contact_erased)
def tell_recipients_of_the_erasure(contact_id: int, **kwargs: Any) -> None:
    keeping.forget_answers_about(contact_id)
    queueing.tell_of_erasure(contact_id)
