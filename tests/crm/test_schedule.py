"""The schedule names tasks that exist."""

from __future__ import annotations

from crm.celery import SCHEDULE, app
from crm.wake import DRAINS


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    named = {task for task, _ in SCHEDULE.values()} | set(DRAINS.values())
    assert named <= set(app.tasks)
