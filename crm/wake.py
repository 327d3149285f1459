"""Waking the worker after a commit, without ever keeping the request waiting.

What is to be done stands in the database; a wake-up only saves the seconds until the next sweep. So a request sets a
flag, one thread per process publishes, and whatever goes wrong there is dropped.
"""

from __future__ import annotations

import logging
import os
import threading
from functools import partial

from django.conf import settings
from django.db import transaction
from kombu import Connection

from crm.celery import app

log = logging.getLogger("baton.wake")

#: The queues of work, each with the task that drains it.
DRAINS = {
    "pending": "scoring.tasks.drain",
    "outbox": "crm.tasks.deliver_outbox",
    "jobs": "crm.tasks.run_jobs",
}
PUBLISH_TIMEOUT_SECONDS = 1
WAKE_UP_LASTS_SECONDS = 60


def wake(queue_name: str) -> None:
    """Have the worker look at the queue of work `queue_name` as soon as this transaction has committed.

    Raises KeyError when there is no such queue.
    """
    task = DRAINS[queue_name]
    if settings.WAKE_WORKERS:
        transaction.on_commit(partial(_bell.ring, task), robust=True)


class Bell:
    """Remembers which tasks are wanted, and publishes each once from a thread of its own."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._rung = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, task: str) -> None:
        """Ask for one run of `task`, soon; returns at once."""
        with self._rung:
            self._wanted.add(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._answer, name="wake", daemon=True)
                self._thread.start()
            self._rung.notify()

    def _answer(self) -> None:
        while True:
            with self._rung:
                self._rung.wait_for(lambda: self._wanted)
                tasks, self._wanted = self._wanted, set()
            try:
                _publish(tasks)
            except Exception as error:
                log.warning("the worker was not woken: %s", type(error).__name__)


def impatient_connection() -> Connection:
    """Return a connection to the broker that gives up after a second instead of waiting for it."""
    options = {**app.conf.broker_transport_options}
    if settings.REDIS_URL:
        options |= {"socket_timeout": PUBLISH_TIMEOUT_SECONDS, "socket_connect_timeout": PUBLISH_TIMEOUT_SECONDS}
    return app.connection_for_write(transport_options=options, connect_timeout=PUBLISH_TIMEOUT_SECONDS)


def _publish(tasks: set[str]) -> None:
    with impatient_connection() as connection:
        for task in tasks:
            app.send_task(task, connection=connection, retry=False, expires=WAKE_UP_LASTS_SECONDS)


def _new_bell() -> None:
    # A forked child has neither the parent's thread nor a lock it could trust.
    global _bell
    _bell = Bell()


_bell = Bell()
os.register_at_fork(after_in_child=_new_bell)
