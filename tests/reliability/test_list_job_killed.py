"""kill -9 in the middle of a job on many rows: the next worker carries on, and no row is done twice."""

from __future__ import annotations

import signal
from random import Random

import pytest

from tests.reliability.processes import Installation

ROWS = 200
DJANGO = "import crm.celery, django; django.setup()\n"
PREPARE = f"""
from django.http import QueryDict
from crm import contacts
from crm.lists import actions, jobs, kinds
from crm.lists.asking import Asked
from leads.models import Reason
from tests import cast
people = cast.assemble()
for n in range({ROWS}):
    cast.a_lead(contacts.create_contact({{"last_name": f"No {{n}}"}}, by=None, source="test"))
asked = Asked.read(kinds.find("leads"), QueryDict("stage=lead"), people.mia)
why = Reason.objects.filter(kind="disqualify").first()
jobs.begin(
    asked, actions.find("leads", "disqualify", people.mia), {{"reason": why.pk}}, jobs.selected(asked, None),
    token="a" * 32, words="Disqualify", everything=True,
)
"""
WORK = """
import os, signal, time
from datetime import timedelta
from crm import bulk
from crm.lists import jobs
from crm.models import ListJob
jobs.CLAIM = timedelta(seconds=1)
left, store = {dies_after}, bulk._store
def stores(*args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return store(*args, **kwargs)
bulk._store = stores
while ListJob.objects.filter(state__in=ListJob.AT_WORK).exists():
    jobs.carry_on(5)
    time.sleep(0.05)
"""
TELL = """
from crm.models import ListJob
from leads.models import Lead
job = ListJob.objects.get()
print(job.state, job.done, job.lines.count(), Lead.objects.filter(stage="disqualified", version=1).count())
"""


@pytest.mark.soak
def test_a_job_on_rows_survives_its_workers(installation: Installation) -> None:
    dice = Random(5)
    installation.shell(PREPARE, seconds=300)
    for _death in range(5):
        worker = installation.start("-c", f"{DJANGO}{WORK.format(dies_after=dice.randint(1, 4))}")
        assert worker.wait(300) == -signal.SIGKILL, installation.log
    told = installation.shell(WORK.format(dies_after=0) + TELL, seconds=600).split()
    assert told == ["done", str(ROWS), str(ROWS), str(ROWS)]
    installation.run("manage.py", "rescore", seconds=600)
    installation.run("manage.py", "doctor", "--full", seconds=600)
