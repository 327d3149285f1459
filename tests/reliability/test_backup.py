"""A backup taken while people write comes back whole, into an empty place only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.reliability.processes import Installation, eventually, own_database

WRITE = """
from crm.models import Company
import time
for number in range({count}):
    Company.objects.create(name=f"Acme {{number}}")
    time.sleep({pause})
"""
COUNT = "from crm.models import Company; print(Company.objects.count())"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        baton = Installation(folder, {"REDIS_URL": "", **stack.enter_context(own_database(folder, empty=True))})
        stack.callback(baton.end)
        yield baton


def test_backup_under_load_is_restored(installation: Installation, elsewhere: Installation, tmp_path: Path) -> None:
    installation.shell(WRITE.format(count=50, pause=0))
    writer = installation.start(
        "-c", "import crm.celery, django; django.setup()\n" + WRITE.format(count=10_000, pause=0.002)
    )
    eventually(lambda: int(installation.shell(COUNT)) > 60)
    backup = tmp_path / "copies" / "baton.backup"
    installation.manage("backup", str(backup))
    writer.kill()
    writer.wait()
    assert [file.name for file in backup.parent.iterdir()] == ["baton.backup"]
    assert backup.stat().st_mode & 0o077 == 0
    elsewhere.manage("restore", str(backup))
    assert 60 < int(elsewhere.shell(COUNT)) <= int(installation.shell(COUNT))
    assert "is not empty" in refused(elsewhere, "restore", str(backup))
    assert "exists already" in refused(installation, "backup", str(backup))


def test_what_is_no_backup_is_refused(elsewhere: Installation, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"no backup" * 300)
    assert "CommandError" in refused(elsewhere, "restore", str(nonsense))
    assert "There is no backup at" in refused(elsewhere, "restore", str(tmp_path / "nowhere"))


def refused(baton: Installation, *arguments: str) -> str:
    process = baton.start("manage.py", *arguments)
    assert process.wait(timeout=60) == 1
    return baton.log
