"""Real processes to break: an installation in a folder of its own, with its servers, ended with the test."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.migrated import DONE_WITH, MIGRATED, admin_connection

ROOT = Path(__file__).resolve().parents[2]
#: Has Django loaded once and runs each script it is told in a fork of its own: a process per script, and no start-up.
SCRIPT_RUNNER = """
import json, os, sys, traceback
import crm.celery, django; django.setup()
for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        code = 1
        try:
            os.dup2(os.open(told["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            exec(compile(told["script"], "<shell>", "exec"), {"__name__": "__main__"})
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

#: Four processes `sweep()` at once, which `define` defines; the first is killed in its call number `fatal` of `name` in
#: `module`, within the transaction there. Prints how they ended, and sweeps up after them.
FOUR_AT_ONCE = """
import importlib, os, signal
from django.db import connection
{define}
connection.close()
module, children = importlib.import_module("{module}"), []
for number in range(4):
    child = os.fork()
    if not child:
        try:
            if number == 0:
                put, calls = module.{name}, []
                def counted(*args, **more):
                    calls.append(put(*args, **more))
                    if len(calls) == {fatal}:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return calls[-1]
                module.{name} = counted
            sweep()
        finally:
            os._exit(0)
    children.append(child)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
sweep()
"""


class Installation:
    """Baton in `folder`, with the databases its `environment` names."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))},
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "DEMO": "0",
            **environment,
        }
        self._started: list[subprocess.Popen[bytes]] = []
        self._script_runner: subprocess.Popen[bytes] | None = None

    def run(self, *command: str, seconds: float = 60) -> str:
        """Run a Python command to its end and return what it printed; an error fails the test."""
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str, seconds: float = 60) -> str:
        """Run a management command to its end, in a process of its own, and return what it printed."""
        line = ["manage.py", *arguments]
        return self.shell(f"from django.core.management import execute_from_command_line as do\ndo({line!r})", seconds)

    def shell(self, script: str, seconds: float = 60) -> str:
        """Run lines of Python inside Django, in a process of their own, and return what they printed."""
        runner = self._script_runner = self._script_runner or self._start_script_runner()
        assert runner.stdin and runner.stdout
        output = self.folder / f"shell-{uuid.uuid4().hex}"
        runner.stdin.write(json.dumps({"script": script, "output": str(output)}).encode() + b"\n")
        runner.stdin.flush()
        assert select.select([runner.stdout], [], [], seconds)[0], f"not done within {seconds} s: {script}"
        code = runner.stdout.readline().strip()
        printed = output.read_text() if output.exists() else ""
        output.unlink(missing_ok=True)
        assert code == b"0", printed + self.log
        return printed.strip()

    def _start_script_runner(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            runner = subprocess.Popen(
                [sys.executable, "-c", SCRIPT_RUNNER],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(runner)
        return runner

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a Python command that goes on; its output is in `log`."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker that also knows the probe tasks; wait for nothing."""
        pool = ["-P", "threads"] if settings.EMBEDDED_BEAT else ["-P", "prefork"]
        options = [*pool, "-c", "2", "-l", "WARNING", "--without-gossip", "--without-mingle"]
        return self.start("-m", "celery", "-q", "-A", "tests.reliability.probe", "worker", *options)

    def send(self, task: str, *arguments: object) -> None:
        """Ask for a probe task."""
        self.shell(f"from crm.celery import app; app.send_task({task!r}, args={list(arguments)!r})")

    @property
    def log(self) -> str:
        """What the started processes have said so far."""
        return (self.folder / "log").read_text()

    def end(self) -> None:
        """Kill whatever still runs of what was started."""
        for process in self._started:
            kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process and its children, and collect it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def eventually(holds: Callable[[], object], *, within: float = 60, about: Callable[[], str] = str) -> None:
    """Wait until `holds`, looking often; fail after `within` seconds with what `about` says."""
    until, pause = time.monotonic() + within, 0.02
    while not holds():
        assert time.monotonic() < until, f"not within {within} s. {about()}"
        time.sleep(pause)
        pause = min(1.3 * pause, 0.25)  # to look costs a process, which those we wait for could use


def is_running(number: int) -> bool:
    """Tell whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(number: int) -> dict[int, str]:
    """Return the command lines of the running children of a process, by process number."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(number)], capture_output=True, text=True
    ).stdout
    rows = (line.split(None, 1) for line in listing.splitlines())
    return {int(pid): arguments for pid, arguments in rows if is_running(int(pid))}


def free_port() -> int:
    """Return a port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def redis_server(folder: Path, *options: str, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Redis of our own; yields its address and process. Skips the test where Redis is not installed."""
    if not shutil.which("redis-server"):
        pytest.skip("needs redis-server: apt install redis-server")
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: answers(port))
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.send_signal(signal.SIGCONT)
        kill_group(server)


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def own_database(folder: Path, *, empty: bool = False) -> Iterator[dict[str, str]]:
    """Yield the environment of a database for the installation in `folder`: PostgreSQL where the tests run on it.

    Its tables are there, copied from the database that was migrated for the tests, unless it is to be `empty`.
    """
    if settings.SQLITE:
        if not empty:
            shutil.copy(MIGRATED, folder / "baton.sqlite3")
        yield {}
        return
    base = settings.DATABASES["default"]
    name = f"baton_test_{uuid.uuid4().hex[:12]}"
    with admin_connection() as admin:
        admin.execute(f'CREATE DATABASE "{name}"' + ("" if empty else f' TEMPLATE "{MIGRATED}"'))
        try:
            secret = f":{base['PASSWORD']}" if base["PASSWORD"] else ""
            yield {"DATABASE_URL": f"postgres://{base['USER']}{secret}@{base['HOST']}:{base['PORT'] or 5432}/{name}"}
        finally:
            DONE_WITH.append(name)
