"""T17: messages that come shuffled, repeated and through kills are stored once, and score as if all had gone well."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.reliability.processes import Installation, children, eventually

EVENTS = ("White Paper Downloaded", "Webinar Attended", "Case Study Downloaded", "Wheel Turned")
PEOPLE = """
from crm.models import Team, User
Team.objects.create(name="Marketing", side="marketing")
User.objects.create_user("ava@example.com", name="Ava")
"""
WAITING = """
from scoring.models import PendingActivity, PendingContact
print(PendingActivity.objects.count() + PendingContact.objects.count())
"""
OUTCOME = """
from crm.models import Activity, Contact
print(Activity.objects.exclude(kind="identify").count(), Activity.objects.filter(contact=None).count())
for side in ("torn", "calm"):
    rows = Contact.objects.filter(email__startswith=side).order_by("email")
    print(*rows.values_list("leads__standing__score", flat=True))
"""


def life(side: str, people: int, messages: int) -> list[dict[str, Any]]:
    """Return the messages of one world; both sides have the same, under other names."""
    dice, now = random.Random(17), datetime.now(UTC)
    told: list[dict[str, Any]] = [
        {"type": "identify", "userId": f"{side}-{n}", "anonymousId": f"{side}-an-{n}", "messageId": f"{side}-who-{n}",
         "traits": {"email": f"{side}{n:03}@acme.example"}}
        for n in range(people)
    ]  # fmt: skip
    for number in range(messages):
        person = dice.randrange(people)
        who = {"userId": f"{side}-{person}"} if dice.random() < 0.5 else {"anonymousId": f"{side}-an-{person}"}
        at = (now - timedelta(days=dice.randrange(1, 60))).isoformat()
        told.append(
            {"type": "track", "event": dice.choice(EVENTS), "messageId": f"{side}-{number}", "timestamp": at, **who}
        )
    return told


def send(installation: Installation, key: str, batch: list[dict[str, Any]]) -> None:
    """Send until it is taken, as an SDK does."""
    url = f"http://127.0.0.1:{installation.port}/v1/batch"
    headers = {
        "Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}", "Content-Type": "application/json",
    }  # fmt: skip
    until = time.monotonic() + 120
    while True:
        request = urllib.request.Request(url, json.dumps({"batch": batch}).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert json.load(answer) == {"success": True}
                return
        except urllib.error.HTTPError as error:
            assert error.code in {429, 503}, error.read()
        except OSError:
            pass
        assert time.monotonic() < until, installation.log
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("people", "messages", "kills"), [(10, 300, 2), pytest.param(200, 10_000, 5, marks=pytest.mark.soak)]
)
def test_replay_and_kills_change_nothing(installation: Installation, people: int, messages: int, kills: int) -> None:
    key = installation.manage("create_write_key", "Web site").splitlines()[-1]
    installation.shell(PEOPLE)
    up = installation.start("manage.py", "up")
    eventually(lambda: "Baton runs at" in installation.log, within=60, about=lambda: installation.log)
    dice = random.Random(4)
    torn = life("torn", people, messages)
    torn += dice.sample(torn, len(torn) * 3 // 10)
    dice.shuffle(torn)
    size = max(20, len(torn) // 20)
    batches = [torn[start : start + size] for start in range(0, len(torn), size)]
    moments = set(dice.sample(range(len(batches)), kills))
    for number, batch in enumerate(batches):
        if number in moments:
            word = "gunicorn" if number % 2 else "celery.* worker"
            victims = [pid for pid, told in children(up.pid).items() if re.search(word, told)]
            for pid in victims:
                os.killpg(os.getpgid(pid), signal.SIGKILL)
        send(installation, key, batch)
    for batch in (life("calm", people, messages)[start : start + 500] for start in range(0, people + messages, 500)):
        send(installation, key, batch)
    eventually(lambda: installation.shell(WAITING) == "0", within=120, about=lambda: installation.log)
    counts, torn_scores, calm_scores = installation.shell(OUTCOME).splitlines()
    assert counts == f"{2 * messages} 0"
    assert torn_scores == calm_scores
    assert "None" not in torn_scores
    installation.manage("doctor", "--full")
