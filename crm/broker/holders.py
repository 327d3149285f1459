"""Who holds a message: a process, named so that a later process with the same number is not mistaken for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """Return the name of the running process: machine, number and start time."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_alive(holder: str) -> bool:
    """Tell whether the process named `holder` still runs; another machine's process counts as running."""
    machine, number, started = holder.rsplit("/", 2)
    if machine != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(int(number)) == started


def _started(number: int) -> str:
    """Return the start time of a process in clock ticks, "gone" for a zombie, "0" where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return "0"
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone"
    return "gone" if fields[0] in {"Z", "X"} else fields[19]
