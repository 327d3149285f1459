"""Keeps the processes of one machine running: starts them, restarts one that dies or hangs, stops them cleanly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.3
STOP_SECONDS = 35
STEADY_SECONDS = 60
LONGEST_PAUSE_SECONDS = 30


@dataclass
class Child:
    """One process of ours, and how often it fell lately."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 1.0
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches only the supervisor."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # nosec B603
            self.command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with(os.getpid())
        )

    def fallen(self) -> int | None:
        """Return the exit status of a process that ended, else None."""
        return self.process.poll() if self.process else None

    def put_off(self) -> float:
        """Wait longer after each fall, unless it ran steadily in between; return the pause in seconds."""
        if time.monotonic() - self.started > STEADY_SECONDS:
            self.pause = 1.0
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.due = time.monotonic() + pause
        self.process = None
        return pause

    def signal(self, number: int) -> None:
        """Send a signal to the process if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process and all it started, at once."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Runs `children` until told to stop; `say` prints a line, `hangs` names a child that must be replaced."""

    def __init__(
        self, children: Sequence[Child], *, say: Callable[[str], None], hangs: Callable[[Child], bool]
    ) -> None:
        self.children = children
        self._say, self._hangs = say, hangs
        self._stopping = False

    def stop_soon(self, *_: object) -> None:
        """End `run` after its current look; usable as a signal handler."""
        self._stopping = True

    def run(self, *, ready: Callable[[], bool]) -> None:
        """Start all children and look after them until `stop_soon`; `ready` is asked until it says yes."""
        for child in self.children:
            child.start()
        is_ready = False
        try:
            while not self._stopping:
                time.sleep(LOOK_SECONDS)
                is_ready = is_ready or ready()
                for child in self.children:
                    self._look_after(child)
        finally:
            self._stop()

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.due:
                child.start()
            return
        if child.fallen() is None and self._hangs(child):
            self._say(f"{child.name} has not answered for too long and is replaced.")
            child.kill()
        if (status := child.fallen()) is not None and not self._stopping:
            self._say(f"{child.name} ended with status {status} and starts again in {child.put_off():.0f} s.")

    def _stop(self) -> None:
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(c.process and c.fallen() is None for c in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.kill()


def _die_with(parent: int) -> Callable[[], None] | None:
    """Return what makes a new process end when `parent` does, however that comes; None where Linux is not."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return bind
