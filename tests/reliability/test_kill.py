"""T25: whatever moment everything is killed at, what was acknowledged is there and the file is sound."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time

import pytest
from django.conf import settings

from tests.reliability.processes import ROOT, Installation, kill_group

WRITER = """
import sys
import crm.celery, django; django.setup()
from django.db import transaction
from crm import outbox
from crm.models import Company
number = int(sys.argv[1])
while True:
    with transaction.atomic():
        company = Company.objects.create(name=f"Acme {number}")
        outbox.put("mail", "mail", {"to": ["ada@example.com"]}, subject=f"company:{number}")
    print(number, flush=True)
    number += 1
"""
TOGETHER = """
from crm.models import Company, OutboxMessage
print(*Company.objects.values_list("name", flat=True), sep="\\n")
print(*OutboxMessage.objects.values_list("subject", flat=True), sep="\\n")
"""


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.soak)])
def test_acknowledged_writes_survive_kill_9(installation: Installation, kills: int) -> None:
    moments, acknowledged = random.Random(25), 0
    for _ in range(kills):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(acknowledged + 1)],
            cwd=ROOT, env=installation.environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert writer.stdout
        acknowledged = int(writer.stdout.readline())
        time.sleep(moments.uniform(0, 0.3))
        kill_group(writer)
        acknowledged = int(([str(acknowledged), *writer.stdout.read().splitlines()])[-1])
        if settings.SQLITE:
            with sqlite3.connect(installation.folder / "baton.sqlite3") as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    stored = set(installation.shell(TOGETHER).splitlines())
    numbers = range(1, acknowledged + 1)
    assert {f"Acme {n}" for n in numbers} | {f"company:{n}" for n in numbers} <= stored
    # A company and its message were written together, so nothing has one without the other.
    assert len([line for line in stored if line.startswith("Acme")]) * 2 == len(stored)
