"""T21: two workers, and kill -9 while a webhook is being told. Everything arrives, repeats keep their id, and the log
says which tries were broken off.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from crm.webhooks.sending import AT_ONCE_PER_ENDPOINT
from tests.receiver import Receiver, receiver
from tests.reliability.processes import Installation, children, eventually, kill_group
from tests.reliability.test_scores_arrive import start_worker

LEADS = 3
PREPARE = """
from django.utils import timezone
from crm.models import OutboxMessage, WebhookEndpoint
from crm.webhooks import events, secrets
from tests import cast as people
cast = people.assemble()
endpoint = WebhookEndpoint(
    name="Hook", url={url!r}, recipient="Mailer GmbH", purpose="Nurturing", country="DE", is_ours=True,
    events=[name for name, _label in events.choices()],
)
secrets.issue(endpoint)
endpoint.save()
for number in range({leads}):
    people.accepted(cast, contact=people.ada(email=f"ada{{number}}@acme.example"))
OutboxMessage.objects.filter(channel="webhook").update(next_try_at=timezone.now())
"""
#: What only time would do: the turn and the leases of the dead end after a minute.
A_MINUTE_PASSES = """
from datetime import timedelta
from django.db.models import F
from crm.models import Heartbeat, OutboxMessage
ago = timedelta(seconds=61)
Heartbeat.objects.filter(name="webhooks").update(at=F("at") - ago)
OutboxMessage.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - ago)
"""
TELL = """
import json
from crm.models import Disclosure, OutboxMessage
told = OutboxMessage.objects.filter(channel="webhook")
print(json.dumps({
    "states": sorted(told.values_list("state", flat=True).distinct()),
    "tries": {one.key: list(one.attempts_made.order_by("at", "id").values_list("outcome", flat=True)) for one in told},
    "counted": {one.key: one.attempts for one in told},
    "disclosed": sum(Disclosure.objects.values_list("count", flat=True)),
}))
"""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, list[int], threading.Event]]:
    """A receiver that remembers who called and answers nobody before it is told to."""
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE_NETWORKS", "1")
    callers: list[int] = []
    answers = threading.Event()

    def acts(request: BaseHTTPRequestHandler) -> None:
        callers.append(request.client_address[1])
        answers.wait(30)
        request.send_response(200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    with receiver() as ours:
        ours.acts = acts
        yield ours, callers, answers
        answers.set()


def holds(process: int, port: int) -> bool:
    """Tell whether a process holds the end of a connection that has `port` on this machine."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    try:
        return any(str(one.readlink()) in sockets for one in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False


def teller(workers: list[subprocess.Popen[bytes]], port: int) -> subprocess.Popen[bytes]:
    """Return the worker, itself or a child of its pool, that is connected from `port`."""
    return next(one for one in workers if any(holds(pid, port) for pid in (one.pid, *children(one.pid))))


def told(baton: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(baton.shell(TELL))
    return found


@pytest.mark.parametrize("waits", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_worker_killed_while_it_tells_loses_nothing(
    slow: tuple[Receiver, list[int], threading.Event], installation: Installation, waits: bool
) -> None:
    ours, callers, answers = slow
    installation.shell(PREPARE.format(url=ours.url, leads=LEADS))
    workers = [start_worker(installation), installation.start_worker()]
    eventually(lambda: len(callers) == AT_ONCE_PER_ENDPOINT, about=lambda: installation.log)
    under_way = Counter(ours.ids)
    assert set(under_way.values()) == {1}  # two workers, one at a time tells

    kill_group(dead := teller(workers, callers[0]))
    answers.set()
    before = told(installation)
    assert not any(before["tries"].values())
    assert len(before["tries"]) == 6 * LEADS
    if not waits:
        installation.shell(A_MINUTE_PASSES)
    survivor = next(one for one in workers if one is not dead)
    # Time for a machine with other work: in its own time the turn of the dead is over after a minute.
    eventually(lambda: told(installation)["states"] == ["sent"], within=180, about=lambda: installation.log)
    assert survivor.poll() is None

    after, arrived = told(installation), Counter(ours.ids)
    assert arrived == {key: 1 + under_way[key] for key in after["tries"]}
    assert after["tries"] == {
        key: ["interrupted", "taken"] if key in under_way else ["taken"] for key in before["tries"]
    }
    assert after["counted"] == {key: len(tries) for key, tries in after["tries"].items()}
    assert after["disclosed"] == len(after["tries"])
    bodies = {(one.headers["webhook-id"], one.body) for one in ours.told}
    assert len(bodies) == len(arrived)  # who heard twice heard the same
    assert "invariants hold" in installation.manage("doctor")
