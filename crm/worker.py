"""The worker's own life: its heartbeat, and on one machine the beat inside it."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.beat import EmbeddedService
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.utils import timezone

from crm.celery import app

HEART = "worker"
_beat: list[Any] = []


@shared_task(name="crm.worker.beat_heart")
def beat_heart() -> None:
    """Note that schedule, broker, worker and database work together right now."""
    from crm.models import Heartbeat

    Heartbeat.objects.update_or_create(name=HEART, defaults={"at": timezone.now()})


@worker_ready.connect
def start_beat(**kwargs: Any) -> None:
    """Run beat as a thread of the worker where all is on one machine, else leave it to a process of its own."""
    # The signal comes again after every lost connection to the broker.
    if settings.EMBEDDED_BEAT and not _beat:
        service: Any = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
        service.start()
        _beat.append(service)
        app.send_task(beat_heart.name)


@worker_shutting_down.connect
def stop_beat(**kwargs: Any) -> None:
    """Let beat go before the worker does."""
    while _beat:
        _beat.pop().service.stop()
