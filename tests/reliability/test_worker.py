"""What survives the death of a worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from django.conf import settings

from crm.broker.store import MAX_REDELIVERIES
from tests.reliability.processes import Installation, eventually, kill_group

embedded = pytest.mark.skipif(not settings.EMBEDDED_BEAT, reason="about the embedded broker; Redis waits 600 s")


def words(trace: Path) -> list[str]:
    return [line.split()[0] for line in trace.read_text().splitlines()] if trace.exists() else []


@embedded
def test_work_of_a_killed_worker_is_done_by_the_next(installation: Installation, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    installation.send("tests.work", str(trace), 1.5)
    worker = installation.start_worker()
    eventually(lambda: words(trace) == ["started"], about=lambda: installation.log)
    kill_group(worker)
    installation.start_worker()
    eventually(lambda: words(trace) == ["started", "started", "finished"], about=lambda: installation.log)


@embedded
def test_task_that_kills_its_worker_is_given_up(installation: Installation, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    installation.send("tests.crash", str(trace))
    for _ in range(MAX_REDELIVERIES + 1):
        installation.start_worker().wait(timeout=60)
    installation.send("tests.work", str(trace), 0)
    installation.start_worker()
    eventually(lambda: "finished" in words(trace), about=lambda: installation.log)
    assert words(trace).count("started") == MAX_REDELIVERIES + 2


@pytest.mark.skipif(settings.EMBEDDED_BEAT, reason="the embedded worker has no child processes")
def test_work_of_a_killed_child_is_done_again(installation: Installation, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    installation.send("tests.work", str(trace), 2)
    installation.start_worker()
    eventually(lambda: words(trace) == ["started"], about=lambda: installation.log)
    os.kill(int(trace.read_text().split()[1]), signal.SIGKILL)
    eventually(lambda: words(trace) == ["started", "started", "finished"], about=lambda: installation.log)


def test_orderly_stop_lets_the_work_at_hand_finish(installation: Installation, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    installation.send("tests.work", str(trace), 2)
    worker = installation.start_worker()
    eventually(lambda: words(trace) == ["started"], about=lambda: installation.log)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=60) == 0
    assert words(trace) == ["started", "finished"]


@embedded
def test_what_was_committed_is_delivered_though_the_process_died_before_waking(installation: Installation) -> None:
    """T03: between COMMIT and the wake-up lies only time, because the worker sweeps."""
    installation.start(
        "-c",
        "import os, crm.celery, django; django.setup()\n"
        "from django.db import transaction; from crm import outbox\n"
        "with transaction.atomic():\n"
        "    outbox.put('mail', 'mail', {'to': ['ada@example.com'], 'subject': 's', 'body': 'b'})\n"
        "    transaction.on_commit(lambda: os._exit(137))",
    ).wait()
    installation.start_worker()
    sent = "from crm.models import OutboxMessage; print(*OutboxMessage.objects.values_list('state', flat=True))"
    eventually(lambda: installation.shell(sent) == "sent", about=lambda: installation.log)
