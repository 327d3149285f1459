"""The worker's settings, and the schedule in plain words."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery, Task
from celery.beat import Scheduler

from crm.broker import transport
from crm.roomy_stack import with_room

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
transport.register()
log = logging.getLogger("baton.worker")

SECONDS, MINUTES = 1, 60

#: What is due how often. A sweep finds its own work in the database, so a run too many changes nothing.
SCHEDULE = {
    "score what has been recorded": ("scoring.tasks.drain", 2 * SECONDS),
    "deliver what leaves the house": ("crm.tasks.deliver_outbox", 2 * SECONDS),
    "tell others by webhooks": ("crm.tasks.deliver_webhooks", 2 * SECONDS),
    "carry on with long jobs": ("crm.tasks.run_jobs", 5 * SECONDS),
    "tell that the worker is alive": ("crm.worker.beat_heart", 10 * SECONDS),
    "seal the audit log": ("crm.tasks.seal_audit_log", 1 * MINUTES),
    "end surges of research that are over": ("crm.tasks.end_research_surges", 10 * MINUTES),
    "watch the clocks of handoffs": ("leads.tasks.watch_the_clocks", 30 * SECONDS),
    "remind of next steps": ("leads.tasks.remind_of_steps", 1 * MINUTES),
    "group who rests in nurture": ("leads.tasks.group_nurture", 1 * MINUTES),
    "wake leads whose day has come": ("leads.tasks.wake_leads", 10 * MINUTES),
    "send the daily mail where it is morning": ("leads.tasks.send_digests", 10 * MINUTES),
    "forget what people were told long ago": ("leads.tasks.forget_old_notifications", 60 * MINUTES),
    "delete lists that were imported a week ago": ("leads.tasks.put_imports_to_rest", 60 * MINUTES),
    "delete exported files that expired": ("crm.tasks.put_list_jobs_to_rest", 10 * MINUTES),
    "forget sign-ups nobody confirmed": ("leads.tasks.forget_unconfirmed", 60 * MINUTES),
    "delete prize draw entries that are over": ("leads.tasks.forget_prize_entries", 60 * MINUTES),
    "forget sessions that are over": ("crm.tasks.forget_what_expired", 60 * MINUTES),
    "let scores age where it is night": ("scoring.tasks.night_pass", 10 * MINUTES),
}


class RoomyTask(Task):  # type: ignore[type-arg]
    """A task whose frames find room in one piece."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task's function."""
        return with_room(self.run)(*args, **kwargs)


app: Celery[Any] = Celery("baton", task_cls=RoomyTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["crm"], related_name="worker")
app.conf.beat_schedule = {
    # A run that finds no worker within its own interval is dropped: the next one does the same work.
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, (task, seconds) in SCHEDULE.items()
}


class InMemoryScheduler(Scheduler):
    """Beat without a file that a crash could tear: every interval starts anew with the process."""

    def setup_schedule(self) -> None:
        """Take the schedule's known tasks."""
        known = {name: entry for name, entry in self.app.conf.beat_schedule.items() if entry["task"] in self.app.tasks}
        for name in self.app.conf.beat_schedule.keys() - known.keys():
            log.debug("no task here can %r", name)
        self.merge_inplace(known)
