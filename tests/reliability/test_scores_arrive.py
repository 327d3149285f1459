"""What a person does becomes a visible score within seconds, by the worker, whatever dies in between."""

from __future__ import annotations

import json
import subprocess
import time

from django.conf import settings

from tests.reliability.processes import Installation, eventually, kill_group

PERSON = """
from tests import cast as people
print(people.a_lead(people.ada()).pk)
"""
ACTS = """
from crm.activities import record
from crm.models import Contact
for kind in ("newsletter_signup", "white_paper", "white_paper", "webinar_attended"):
    assert record(Contact.objects.get(email="ada@acme.example"), kind)
"""
STORY = """
import json
from crm.models import Contact
from leads.models import Lead, Standing
from scoring.models import PendingActivity
lead = Lead.objects.get()
print(json.dumps({
    "stage": lead.stage, "pending": PendingActivity.objects.count(), "score": Standing.objects.get(lead=lead).score,
    "log": [(c.verb, c.actor) for c in lead.changes.order_by("seq")],
}))
"""
ALIVE = """
from crm.models import Heartbeat
print("ready" if Heartbeat.objects.exists() else "")
"""
PROMOTED = [["qualify_for_marketing", "system"]]


def start_worker(installation: Installation) -> subprocess.Popen[bytes]:
    """Start worker and beat and wait until both have worked together once."""
    installation.shell("from crm.models import Heartbeat; Heartbeat.objects.all().delete()")
    if not settings.EMBEDDED_BEAT:
        installation.start("-m", "celery", "-q", "-A", "crm.celery", "beat", "-l", "WARNING")
    worker = installation.start_worker()
    eventually(lambda: installation.shell(ALIVE) == "ready", about=lambda: installation.log)
    return worker


def story(installation: Installation) -> dict[str, object]:
    told: dict[str, object] = json.loads(installation.shell(STORY))
    return told


def test_a_webinar_makes_an_mql_within_five_seconds_by_the_worker(installation: Installation) -> None:
    installation.shell(PERSON)
    start_worker(installation)
    installation.shell(ACTS)
    recorded = time.monotonic()
    eventually(lambda: story(installation)["stage"] == "mql", within=15, about=lambda: installation.log)
    took = time.monotonic() - recorded
    told = story(installation)
    assert (told["log"], told["pending"]) == (PROMOTED, 0)
    print(f"visible after {took:.1f} s, reading included")


def test_a_killed_worker_promotes_once_when_it_is_back(installation: Installation) -> None:
    installation.shell(PERSON)
    worker = start_worker(installation)
    kill_group(worker)
    installation.shell(ACTS)
    before = story(installation)
    assert (before["stage"], before["pending"]) == ("lead", 4)
    installation.start_worker()
    eventually(lambda: story(installation)["stage"] == "mql", about=lambda: installation.log)
    assert story(installation)["log"] == PROMOTED
