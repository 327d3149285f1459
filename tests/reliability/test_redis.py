"""A Redis that is away, frozen or full must not be felt by the people at work (T05–T09)."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.reliability.processes import Installation, eventually, own_database, redis_server

# Whoever waits for Redis waits half a minute here, so that a slow machine cannot be taken for somebody who waits.
WAITED_SECONDS = 10

MEASURE = """
import time
from django.db import transaction
from crm import wake
import crm.models
wake.PUBLISH_TIMEOUT_SECONDS = 30
longest = 0
for _ in range({times}):
    for queue in wake.DRAINS:
        started = time.monotonic()
        with transaction.atomic():
            crm.models.Workspace.objects.filter(pk=1).update(name="x")
            wake.wake(queue)
        longest = max(longest, time.monotonic() - started)
    time.sleep(0.05)
time.sleep({rest})
print(longest)
"""


@pytest.fixture
def redis(tmp_path: Path):
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as running:
        yield running


@pytest.fixture
def baton(tmp_path: Path, redis, django_db_setup: None):
    with own_database(tmp_path) as environment:
        baton = Installation(tmp_path, {**environment, "REDIS_URL": redis[0]})
        yield baton
        baton.end()


def readiness(baton: Installation) -> tuple[int, dict[str, str], float]:
    started = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{baton.port}/readyz", timeout=10) as reply:
            return reply.status, json.load(reply), time.monotonic() - started
    except urllib.error.HTTPError as reply:
        return reply.code, json.load(reply), time.monotonic() - started


def test_waking_reaches_a_healthy_redis_and_rings_once_for_many(baton: Installation) -> None:
    baton.shell(MEASURE.format(times=5, rest=1))
    queued = baton.shell(
        "import redis; from django.conf import settings\nprint(redis.from_url(settings.REDIS_URL).llen('celery'))"
    )
    assert 3 <= int(queued) <= 15


def test_frozen_redis_does_not_hold_a_request(baton: Installation, redis) -> None:
    redis[1].send_signal(signal.SIGSTOP)
    assert float(baton.shell(MEASURE.format(times=20, rest=0))) < WAITED_SECONDS


def test_absent_redis_does_not_hold_a_request(baton: Installation, redis) -> None:
    redis[1].kill()
    assert float(baton.shell(MEASURE.format(times=20, rest=0))) < WAITED_SECONDS


def test_full_redis_does_not_hold_a_request(baton: Installation) -> None:
    baton.shell(
        "import redis; from django.conf import settings\n"
        "r = redis.from_url(settings.REDIS_URL)\n"
        "try:\n"
        "    for n in range(10_000): r.set(n, 'x' * 10_000)\n"
        "except redis.exceptions.OutOfMemoryError: pass"
    )
    assert float(baton.shell(MEASURE.format(times=5, rest=1))) < WAITED_SECONDS


def test_readiness_tells_of_a_frozen_redis_in_time(baton: Installation, redis) -> None:
    web = ["-m", "gunicorn", "crm.wsgi", "-b", f"127.0.0.1:{baton.port}", "-k", "gthread", "--no-control-socket"]
    baton.start(*web, "--threads", "4")

    def ready() -> bool:
        try:
            return readiness(baton)[0] == 200
        except OSError:
            return False

    eventually(ready, about=lambda: baton.log)
    redis[1].send_signal(signal.SIGSTOP)
    status, words, seconds = readiness(baton)
    assert (status, words["status"], words["database"], words["queue"]) == (503, "degraded", "ok", "failing")
    assert seconds < 5
    with urllib.request.urlopen(f"http://127.0.0.1:{baton.port}/healthz", timeout=2) as reply:
        assert reply.status == 200
    redis[1].send_signal(signal.SIGCONT)
    eventually(ready, about=lambda: baton.log)


def test_worker_works_again_after_redis_came_back_empty(baton: Installation, redis, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    options = ["-P", "prefork", "-c", "1", "-l", "WARNING", "--without-gossip", "--without-mingle"]
    baton.start("-m", "celery", "-q", "-A", "tests.reliability.probe", "worker", *options)
    baton.send("tests.work", str(trace), 0)
    eventually(trace.exists, about=lambda: baton.log)
    redis[1].kill()
    redis[1].wait()
    trace.unlink()
    with redis_server(tmp_path, port=urlsplit(redis[0]).port):
        baton.send("tests.work", str(trace), 0)
        eventually(trace.exists, about=lambda: baton.log)
