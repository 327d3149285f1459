"""Waking the worker: after the commit, coalesced, and never a reason to fail."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from django.db import transaction

from crm import wake
from crm.celery import SCHEDULE
from tests.reliability.processes import eventually


class Publications(list):
    """What was published, and a gate that holds the publisher."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()

    def publish(self, tasks: set[str]) -> None:
        self.gate.wait(5)
        self.append(tasks)


@pytest.fixture
def published(monkeypatch, settings):
    settings.WAKE_WORKERS = True
    publications = Publications()
    monkeypatch.setattr(wake, "_publish", publications.publish)
    monkeypatch.setattr(wake, "_bell", wake.Bell())
    return publications


@pytest.mark.django_db(transaction=True)
def test_wakes_after_the_commit_only(published):
    with transaction.atomic():
        wake.wake("outbox")
        time.sleep(0.1)
        assert published == []
    eventually(lambda: published == [{"crm.tasks.deliver_outbox"}])


@pytest.mark.django_db(transaction=True)
def test_a_rollback_wakes_nobody(published):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        wake.wake("outbox")
        1 / 0  # noqa: B018
    time.sleep(0.1)
    assert published == []


@pytest.mark.django_db(transaction=True)
def test_many_wishes_become_one_message(published):
    published.gate.clear()
    for _ in range(100):
        wake.wake("outbox")
        wake.wake("pending")
    published.gate.set()
    eventually(lambda: set().union(*published) == {"crm.tasks.deliver_outbox", "scoring.tasks.drain"})
    assert len(published) <= 2


@pytest.mark.django_db(transaction=True)
def test_an_error_is_dropped_and_the_next_wish_is_tried(published, monkeypatch, caplog):
    def fail(tasks):
        raise OSError

    monkeypatch.setattr(wake, "_publish", fail)
    wake.wake("jobs")
    eventually(lambda: "not woken" in caplog.text)
    monkeypatch.setattr(wake, "_publish", published.publish)
    wake.wake("jobs")
    eventually(lambda: published == [{"crm.tasks.run_jobs"}])


def test_a_forked_child_wakes_with_a_thread_of_its_own(settings, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(wake, "_publish", lambda tasks: (tmp_path / f"{os.getpid()}").write_text(" ".join(tasks)))
    wake._bell.ring("parent")
    eventually(lambda: (tmp_path / f"{os.getpid()}").exists())
    child = os.fork()
    if not child:
        try:
            wake._bell.ring("child")
            own = tmp_path / f"{os.getpid()}"
            eventually(lambda: own.exists() and own.read_text())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / str(child)).read_text() == "child"


@pytest.mark.django_db
def test_tests_wake_nobody(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        wake.wake("outbox")
    assert callbacks == []


def test_every_drain_is_also_swept_by_the_schedule():
    assert set(wake.DRAINS.values()) <= {task for task, _ in SCHEDULE.values()}
