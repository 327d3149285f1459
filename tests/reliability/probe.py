"""Tasks that leave traces, for a worker that is about to be killed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from crm.celery import app

__all__ = ["app"]


@app.task(name="tests.work")
def work(trace: str, seconds: float) -> None:
    """Write "started" and, `seconds` later, "finished" into the file `trace`, each with the process number."""
    note(trace, "started")
    time.sleep(seconds)
    note(trace, "finished")


@app.task(name="tests.crash")
def crash(trace: str) -> None:
    """Kill the process that runs this, as the system does when memory runs out."""
    note(trace, "started")
    os.kill(os.getpid(), 9)


def note(trace: str, word: str) -> None:
    with Path(trace).open("a") as file:
        file.write(f"{word} {os.getpid()}\n")
