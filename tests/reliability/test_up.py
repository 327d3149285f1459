"""`manage.py up` keeps web and worker alive, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

from tests.reliability.processes import Installation, children, eventually, is_running


def start(installation: Installation) -> subprocess.Popen[bytes]:
    up = installation.start("manage.py", "up")
    eventually(lambda: "Baton runs at" in installation.log, about=lambda: installation.log)
    return up


def child(up: subprocess.Popen[bytes], word: str) -> int | None:
    return next((pid for pid, arguments in children(up.pid).items() if re.search(word, arguments)), None)


def family(up: subprocess.Popen[bytes]) -> set[int]:
    direct = set(children(up.pid))
    return direct | {pid for one in direct for pid in children(one)}


def answers(installation: Installation) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/healthz", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def stop(up: subprocess.Popen[bytes], by: signal.Signals) -> None:
    """Stop by a signal; nobody is left."""
    everybody = family(up)
    assert len(everybody) >= 3
    up.send_signal(by)
    assert up.wait(timeout=60) == 0
    assert [pid for pid in everybody if is_running(pid)] == []


def test_restarts_killed_children_and_stops_cleanly(installation: Installation) -> None:
    up = start(installation)
    for name in ("gunicorn", "celery.* worker"):
        victim = child(up, name)
        assert victim
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: child(up, name) not in {None, victim}, about=lambda: installation.log)  # noqa: B023
        eventually(lambda: answers(installation), about=lambda: installation.log)
    stop(up, signal.SIGTERM)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the bond between parent and child is Linux's")
def test_children_end_when_it_is_killed_itself(installation: Installation) -> None:
    up = start(installation)
    everybody = family(up)
    up.kill()
    up.wait()
    eventually(lambda: not [pid for pid in everybody if is_running(pid)], about=lambda: installation.log)


def test_says_in_one_sentence_that_the_port_is_taken(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.port))
        other.listen()
        up = installation.start("manage.py", "up")
        assert up.wait(timeout=60) == 1
    assert installation.log.strip().splitlines() == [
        f"CommandError: Port {installation.port} is taken: stop what uses it,"
        f" or choose another with PORT={installation.port + 1}."
    ]


def test_worker_shows_its_heartbeat_and_all_stop_at_ctrl_c(installation: Installation) -> None:
    up = start(installation)

    def worker_is_ok() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/readyz", timeout=5) as reply:
            return b'"worker": "ok"' in reply.read()

    if settings.EMBEDDED_BEAT:  # else beat is a process of its own, which is not started here
        eventually(worker_is_ok, about=lambda: installation.log)
    stop(up, signal.SIGINT)
