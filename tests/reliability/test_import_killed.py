"""kill -9 in the middle of an import, and of its undo: the next worker carries on, and no row comes in twice (T27)."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from random import Random

import pytest

from tests.reliability.processes import Installation, own_database

MAPPING = {
    "system": "soak", "identity": {"column": "No"}, "source": "import", "legal_basis": "request",
    "columns": {
        "First": "contact.first_name", "Last": "contact.last_name", "Mail": "contact.email", "Firm": "company.name",
        "Size": {"to": "contact.custom.size"}, "Seen": {"to": "lead.entered_at", "format": "%Y-%m-%d"},
        "Stage": "lead.stage", "Asked": {"to": "activity", "kind": "question", "property": "text"},
        "No calls": {"to": "objection", "channel": "phone"},
    },
}  # fmt: skip
STAGES = ("lead", "lead", "mql", "sql", "won", "lost", "nurture")
DJANGO = "import crm.celery, django; django.setup()\n"
PREPARE = """
from tests import cast
cast.assemble()
"""
BEGIN = """
import json
import signal
from pathlib import Path
from leads.imports import Import, Mapping, Table, batches
from leads.models import ImportBatch
job = Import(Table(Path({path!r})), Mapping.from_dict(json.loads({mapping!r})))
batch = batches.from_file(job, file_name="list.csv")
ImportBatch.objects.filter(pk=batch.pk).update(state="running", total=job.check())
"""
WORK = """
import os, signal, time
from datetime import timedelta
from crm import bulk
from leads.imports import batches, undoing, writing
from leads.models import ImportBatch
for module in (batches, undoing, writing):
    module.CLAIM = timedelta(seconds=1)
left, store = {dies_after}, bulk._store
def stores(*args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return store(*args, **kwargs)
bulk._store = stores
while ImportBatch.objects.filter(state__in=ImportBatch.AT_WORK).exists():
    batches.carry_on(5)
    time.sleep(0.05)
"""
UNDO = """
from leads.imports import batches
from leads.models import ImportBatch
batches.undo(ImportBatch.objects.latest("pk"), by=None)
"""
TELL = """
from tests.leads import fingerprint
from leads.models import ImportBatch
b = ImportBatch.objects.latest("pk")
print(b.state, b.left, fingerprint.whole(logs={logs}))
"""


def write_list(path: Path, rows: int, *, again: bool = False) -> Path:
    """Write a list of invented people; `again` is the same list some weeks later: changed, further on, and longer."""
    dice = Random(7)
    lines = ["No,First,Last,Mail,Firm,Size,Seen,Stage,Asked,No calls"]
    for n in range(rows + (rows // 10 if again else 0)):
        stage, day = dice.choice(STAGES), dice.randint(1, 28)
        if again and stage in {"lead", "mql"}:
            stage = "won"
        lines.append(
            f"{n},F{n},L{n}{'x' if again and n % 5 == 0 else ''},p{n}@list.example,Firm {n % max(1, rows // 4)},"
            f"{'L' if again else 'S'},2026-05-{day:02},{stage},{'Why?' if n % 3 else ''},{'yes' if n % 7 == 0 else ''}"
        )
    path.write_text("\n".join([*lines, ""]))
    return path


def carry_out(installation: Installation, deaths: list[int], logs: bool) -> list[str]:
    """Let workers work until the batch ends, each killed at so many statements; return [state, left, hash]."""
    for dies_after in deaths:
        worker = installation.start("-c", f"{DJANGO}{WORK.format(dies_after=dies_after)}")
        assert worker.wait(1200) == -signal.SIGKILL, installation.log
    script = WORK.format(dies_after=0) + TELL.format(logs=logs)
    return installation.shell(script, seconds=3600).split()


def whole_story(installation: Installation, folder: Path, rows: int, deaths: list[int]) -> list[list[str]]:
    """Import a list, import it again, undo that; return what is told after each step."""
    mapping = json.dumps(MAPPING)
    first = write_list(folder / "first.csv", rows)
    second = write_list(folder / "second.csv", rows, again=True)
    installation.shell(PREPARE + BEGIN.format(path=str(first), mapping=mapping), seconds=600)
    before = carry_out(installation, [], logs=False)
    installation.shell(BEGIN.format(path=str(second), mapping=mapping), seconds=600)
    both = carry_out(installation, deaths, logs=True)
    installation.shell(UNDO)
    after = carry_out(installation, deaths[: len(deaths) // 2 + 1], logs=False)
    assert (both[0], after[:2], after[2]) == ("done", ["undone", "0"], before[2])
    return [before, both, after]


def the_same_twice(installation: Installation, tmp_path: Path, rows: int, deaths: list[int]) -> None:
    """Compare an installation whose workers are killed with one nobody disturbs; the doctor looks at it too."""
    disturbed = whole_story(installation, tmp_path, rows, deaths)
    (tmp_path / "calm").mkdir()
    with own_database(tmp_path / "calm") as environment:
        calm = Installation(tmp_path / "calm", {"REDIS_URL": "", **environment})
        try:
            assert whole_story(calm, tmp_path, rows, []) == disturbed
        finally:
            calm.end()
    installation.manage("rescore", seconds=3600)
    installation.manage("doctor", "--full", seconds=3600)


def test_an_import_survives_its_workers_and_its_undo_too(installation: Installation, tmp_path: Path) -> None:
    the_same_twice(installation, tmp_path, rows=600, deaths=[9])


@pytest.mark.soak
def test_100_000_rows_killed_again_and_again(installation: Installation, tmp_path: Path) -> None:
    dice = Random(3)
    the_same_twice(installation, tmp_path, rows=100_000, deaths=[dice.randint(50, 500) for _time in range(5)])
