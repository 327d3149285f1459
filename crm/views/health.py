"""What a supervisor or load balancer asks: is the process alive, and can it work?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.models import Heartbeat
from crm.wake import impatient_connection
from crm.worker import HEART

CHECK_SECONDS = 3
HEARTBEAT_LATE = timedelta(seconds=60)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and queue work, else 503; beside it, whether the worker is late (that alone is 200)."""
    pool = ThreadPoolExecutor(thread_name_prefix="readyz")
    checks = {name: pool.submit(check) for name, check in CHECKS.items()}
    pool.shutdown(wait=False)
    words = {}
    for name, check in checks.items():
        try:
            words[name] = check.result(timeout=CHECK_SECONDS)
        except Exception:
            # Whatever it was, it is the operator's log that says so, not a public page.
            words[name] = "failing"
    failing = "failing" in (words["database"], words["queue"])
    return JsonResponse({"status": "degraded" if failing else "ready", **words}, status=503 if failing else 200)


def check_database() -> str:
    """Return "ok" when the database answers and its tables are this version's; raises otherwise."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "failing" if waiting else "ok"
    finally:
        connection.close()


def check_queue() -> str:
    """Return "ok" when the broker answers; raises otherwise."""
    with impatient_connection() as broker:
        broker.ensure_connection(max_retries=1, timeout=CHECK_SECONDS)
    return "ok"


def check_worker() -> str:
    """Return "ok" or "late", by the heartbeat that schedule, queue and worker leave in the database together."""
    try:
        alive = Heartbeat.objects.filter(name=HEART, at__gte=timezone.now() - HEARTBEAT_LATE).exists()
        return "ok" if alive else "late"
    finally:
        connection.close()


CHECKS: dict[str, Callable[[], str]] = {"database": check_database, "queue": check_queue, "worker": check_worker}
