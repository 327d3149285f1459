"""The same POST twenty times at once, and a server that is killed in the middle of it (T14)."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.reliability.processes import Installation, answers, eventually

#: A server of threads, each with a database connection of its own. Who is called Slow never gets stored.
SERVER = """
import sys, time, socketserver, crm.celery, django; django.setup()
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from crm import contacts
from crm.wsgi import application
create = contacts.create_contact
def slow(values, **more):
    if values.get("first_name") == "Slow":
        Path(sys.argv[2]).touch()
        time.sleep(600)
    return create(values, **more)
contacts.create_contact = slow
class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads, request_queue_size = True, 64
class Quiet(WSGIRequestHandler):
    log_message = lambda *told: None
make_server("127.0.0.1", int(sys.argv[1]), application, Server, Quiet).serve_forever()
"""
TOKEN = """
from crm import api_tokens
from tests import cast
print(api_tokens.issue(cast.assemble().mia, ["contacts:write"], name="test")[1])
"""
#: What is there: contacts, kept answers, and how long the claim of a dead request still lasts.
LEFT = """
import json
from django.utils import timezone
from crm.models import Contact, KeptReply
open_claims = KeptReply.objects.filter(status=None)
print(json.dumps([Contact.objects.count(), KeptReply.objects.count(),
                  [(row.lease_until - timezone.now()).total_seconds() for row in open_claims]]))
"""
A_MINUTE_LATER = """
from datetime import timedelta
from django.db.models import F
from crm.models import KeptReply
KeptReply.objects.filter(status=None).update(lease_until=F("lease_until") - timedelta(seconds=60))
"""


class Sender:
    """Sends one body with one key, and remembers what came back."""

    def __init__(self, port: int, token: str) -> None:
        self.address, self.token = f"http://127.0.0.1:{port}/api/v1/contacts/", token
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []

    def send(self, body: dict[str, str], key: str) -> None:
        request = urllib.request.Request(self.address, json.dumps(body).encode(), method="POST")
        for name, value in (("Authorization", f"Bearer {self.token}"), ("Idempotency-Key", key),
                            ("Content-Type", "application/json")):  # fmt: skip
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answers.append((answer.status, json.load(answer), dict(answer.headers)))
        except urllib.error.HTTPError as refusal:
            self.answers.append((refusal.code, json.load(refusal), dict(refusal.headers)))
        except OSError:
            self.answers.append((0, {}, {}))

    def send_at_once(self, times: int, body: dict[str, str], key: str) -> None:
        gun = threading.Barrier(times)

        def one() -> None:
            gun.wait()
            self.send(body, key)

        threads = [threading.Thread(target=one) for _number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_twenty_at_once_have_one_effect_and_a_kill_leaves_the_key_usable(
    installation: Installation, tmp_path: Path
) -> None:
    mark = tmp_path / "inside"
    sender = Sender(installation.port, installation.shell(TOKEN))
    server = installation.start("-c", SERVER, str(installation.port), str(mark))
    eventually(lambda: answers(installation.port), about=lambda: installation.log)

    sender.send_at_once(20, {"first_name": "Ada", "email": "ada@acme.example"}, "k1")
    told = [(status, body.get("code"), "Retry-After" in headers) for status, body, headers in sender.answers]
    assert set(told) <= {(201, None, False), (409, "in_flight", True)}, told
    assert len({body["id"] for status, body, _headers in sender.answers if status == 201}) == 1
    sender.send({"first_name": "Ada"}, "k1")
    assert sender.answers[-1][0] == 422
    assert json.loads(installation.shell(LEFT)) == [1, 1, []]

    slow = threading.Thread(target=sender.send, args=({"first_name": "Slow"}, "k2"))
    slow.start()
    eventually(mark.exists, about=lambda: installation.log)
    os.killpg(server.pid, signal.SIGKILL)
    slow.join()
    assert sender.answers[-1][0] == 0
    contacts, replies, (lease,) = json.loads(installation.shell(LEFT))
    assert (contacts, replies) == (1, 2)
    assert lease <= 60

    # The same process group is dead for good; a new one finds the claim, and after its minute runs the request.
    port = installation.port
    eventually(lambda: not answers(port))
    mended = SERVER.replace('== "Slow"', '== "Nobody"')
    installation.start("-c", mended, str(port), str(mark))
    eventually(lambda: answers(port), about=lambda: installation.log)
    sender.send({"first_name": "Slow"}, "k2")
    assert (sender.answers[-1][0], sender.answers[-1][1]["code"]) == (409, "in_flight")
    installation.shell(A_MINUTE_LATER)
    sender.send_at_once(20, {"first_name": "Slow"}, "k2")
    assert {status for status, _body, _headers in sender.answers[-20:]} <= {201, 409}
    assert json.loads(installation.shell(LEFT)) == [2, 2, []]
