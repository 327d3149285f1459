"""What a supervisor asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import Heartbeat
from crm.views import health
from crm.worker import HEART, beat_heart

pytestmark = pytest.mark.django_db(transaction=True)


def test_health_asks_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_ready_while_database_and_queue_work(client):
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()) == (
        200,
        {"status": "ready", "database": "ok", "queue": "ok", "worker": "late"},
    )


def test_worker_is_ok_after_its_heartbeat_and_late_a_minute_later(client):
    beat_heart()
    assert client.get("/readyz").json()["worker"] == "ok"
    Heartbeat.objects.filter(name=HEART).update(at=timezone.now() - timedelta(seconds=61))
    assert client.get("/readyz").json()["worker"] == "late"


@pytest.mark.parametrize("failing", ["database", "queue"])
def test_a_failing_dependency_is_named_without_its_secrets(client, monkeypatch, failing):
    def fail():
        raise OSError("postgres://me:geheim@db version 17.1")

    monkeypatch.setitem(health.CHECKS, failing, fail)
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()[failing], reply.json()["status"]) == (503, "failing", "degraded")
    assert "geheim" not in reply.text
    assert client.get("/healthz").status_code == 200


def test_a_hanging_dependency_is_given_up_in_time(client, monkeypatch):
    import threading

    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    release = threading.Event()
    monkeypatch.setitem(health.CHECKS, "queue", lambda: release.wait(5) or "ok")
    try:
        assert client.get("/readyz").json()["queue"] == "failing"
    finally:
        release.set()


def test_only_reading_is_allowed(client):
    assert client.post("/healthz").status_code == 405
