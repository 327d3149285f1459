"""Run Baton on this machine: the web server and the worker, kept alive until Ctrl-C."""

from __future__ import annotations

import http.client
import signal
import socket
import sys
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from crm.supervisor import Child, Supervisor
from crm.worker import HEART

HOST = "127.0.0.1"
WEB_THREADS = 8
WORKER_THREADS = 2
HEARTBEAT_TOO_OLD_SECONDS = 180
HEARTBEAT_LOOK_SECONDS = 10
DEMO_PEOPLE = {
    "mia@example.com": "marketing",
    "sam@example.com": "sales",
    "lena@example.com": "sales lead",
    "ava@example.com": "admin",
}


class Command(BaseCommand):
    """Bring the database up to date, show the demo world on a first start, and run until stopped."""

    help = "Run the web server and the worker on this machine."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C or SIGTERM."""
        _refuse_busy_port()
        self._prepare_database()
        pulse = Pulse()
        supervisor = Supervisor(_children(), say=self.stderr.write, hangs=pulse.has_stopped)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, supervisor.stop_soon)
        supervisor.run(ready=self._greet_when_ready)
        self.stdout.write("Stopped.")

    def _prepare_database(self) -> None:
        if _migrations_wait():
            self.stdout.write("Preparing the database …")
            call_command("migrate", verbosity=0, interactive=False)
        wants_demo = settings.DEMO and settings.LOOPBACK and "seed_demo" in get_commands()
        if wants_demo and not get_user_model()._default_manager.exists():
            self.stdout.write("First start: making a demo world (DEMO=0 leaves it out) …")
            call_command("seed_demo", "--no-input")
        connection.close()

    def _greet_when_ready(self) -> bool:
        if not _answers():
            return False
        self.stdout.write(f"\nBaton runs at http://{HOST}:{settings.PORT}   (Ctrl-C stops it)")
        people = get_user_model()._default_manager.filter(email__in=DEMO_PEOPLE).values_list("email", flat=True)
        known = set(people)
        connection.close()
        if known:
            self.stdout.write("Demo sign-ins, from this machine only, password baton-demo:")
            for email, role in DEMO_PEOPLE.items():
                if email in known:
                    self.stdout.write(f"  {email:<18} {role}")
        self.stdout.flush()
        return True


class Pulse:
    """Watches the worker's heartbeat row by our own clock, so that a jump of the machine's clock kills nobody."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._changed = self._look_again = time.monotonic()

    def has_stopped(self, child: Child) -> bool:
        """Tell whether `child` is the worker and has let its heart rest for too long."""
        now = time.monotonic()
        if child.name == "worker" and now >= self._look_again:
            self._look_again = now + HEARTBEAT_LOOK_SECONDS
            self._look(now)
        return child.name == "worker" and now - max(self._changed, child.started) > HEARTBEAT_TOO_OLD_SECONDS

    def _look(self, now: float) -> None:
        from crm.models import Heartbeat

        try:
            at = Heartbeat.objects.filter(name=HEART).values_list("at", flat=True).first()
        except DatabaseError:
            # A database that is away is not the worker's fault.
            self._changed = now
            return
        finally:
            connection.close()
        if at != self._last:
            self._last, self._changed = at, now


def _children() -> list[Child]:
    python = sys.executable
    # Celery warns everyone who is root; whoever runs a container is, and takes JSON only.
    calm = ["-W", "ignore:You're running the worker with superuser privileges"]
    celery = [python, *calm, "-m", "celery", "--quiet", "-A", "crm"]
    web = [python, "-m", "gunicorn", "crm.wsgi", "--bind", f"{HOST}:{settings.PORT}", "--no-control-socket"]
    web += ["--worker-class", "gthread", "--workers", "1", "--threads", str(WEB_THREADS)]
    web += ["--graceful-timeout", "10", "--log-level", "warning"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    if settings.EMBEDDED_BEAT:
        worker += ["--pool", "threads", "--concurrency", str(WORKER_THREADS)]
        return [Child("web", web), Child("worker", worker)]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""]
    return [Child("web", web), Child("worker", [*worker, "--pool", "prefork"]), Child("beat", beat)]


def _migrations_wait() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _refuse_busy_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.PORT))
        except OSError:
            raise CommandError(
                f"Port {settings.PORT} is taken: stop what uses it, or choose another with PORT={settings.PORT + 1}."
            ) from None


def _answers() -> bool:
    web = http.client.HTTPConnection(HOST, settings.PORT, timeout=1)
    try:
        web.request("GET", "/healthz")
        web.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()
    return True
