"""kill -9 in the middle of a publish, again and again: every score is right in the end, and nobody moves twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import pytest

from tests.reliability.processes import ROOT, Installation, kill_group

CROWD = """
from benchmarks import crowd
from crm import research
from crm.models import Activity
from crm.workdays import day_of, local_date
from leads.models import Lead
from scoring import bringing_up
crowd.fill({leads}, 20)
told = Activity.objects.filter(kind_id=research.KIND, day__gt=day_of(local_date()) - research.WINDOW)
research.look_again(told.values_list("contact_id", flat=True))  # the crowd comes in past whoever looks for surges
Lead.objects.filter(pk__in=range(0, {leads}, 10)).update(round_open=True)
bringing_up.to_date(rebuild=True)
"""
PUBLISH = """
from scoring import publishing
from tests.scoring.cards import a_draft, did, fact, sign
draft = a_draft(
    [fact("country", "is", "DE", 30), fact("job_title", "contains", "e", 20), did("white_paper", 15, half_life=200),
     did("page_view", 3, where=[{"property": "path", "operator": "starts_with", "value": "/blog/"}])],
    bar_fit=20, bar_engagement=10, leave_total=20,
)
sign(draft)
print(publishing.publish(draft, by=None).pk)
"""
WORKER = """
import time
import crm.celery, django; django.setup()
from scoring import chunks, passes, publishing
chunks.LEADS_ON_POSTGRES = chunks.LEADS_ON_SQLITE = {chunk}
step = passes.step
def slowly(run):
    time.sleep({pause})
    return step(run)
passes.step = slowly
print("at work", flush=True)
while not publishing.carry_on(seconds=60):
    time.sleep(0.02)
"""
END = """
import json
from crm import doctor
from leads.models import Lead, StageChange
from scoring import drain, promotion
from scoring.models import PublishRun, Score
while drain.drain(seconds=60):
    pass
run = PublishRun.objects.get(pk={run})
rises = list(StageChange.objects.filter(verb="qualify_for_marketing").values_list("lead_id", "round"))
print(json.dumps({{
    "phase": run.phase, "wrong": [s for _check, found in doctor.examine(full=True) for s in found][:5],
    "twice": len(rises) - len(set(rises)), "waiting": promotion.at_the_bar(0, 5),
    "rises": len(rises), "falls": StageChange.objects.filter(verb="demote").count(),
    "mql": Lead.objects.filter(stage="mql").count(),
    "by_this": Score.objects.filter(version=run.version_id).count(),
}}))
"""


@pytest.mark.parametrize(
    ("leads", "chunk", "pause", "kills"),
    [(120, 10, 0.1, 3), pytest.param(100_000, 5_000, 0, 10, marks=pytest.mark.soak)],
)
def test_a_publish_survives_its_worker(
    installation: Installation, leads: int, chunk: int, pause: float, kills: int
) -> None:
    installation.shell(CROWD.format(leads=leads), seconds=3600)
    run = installation.shell(PUBLISH)
    moments, at_work = random.Random(10), WORKER.format(chunk=chunk, pause=pause)
    for _ in range(kills):
        worker = subprocess.Popen(
            [sys.executable, "-c", at_work], cwd=ROOT, env=installation.environment, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert worker.stdout
        assert worker.stdout.readline() == b"at work\n"
        time.sleep(moments.uniform(0.1, 0.7))
        assert worker.poll() is None, "the pass was over before it could be killed"
        kill_group(worker)
    installation.run("-c", WORKER.format(chunk=chunk, pause=0), seconds=3600)
    told = json.loads(installation.shell(END.format(run=run), seconds=3600))
    assert (told["phase"], told["wrong"], told["twice"], told["waiting"]) == ("done", [], 0, [])
    assert told["rises"] - told["falls"] == told["mql"] > 0
    assert told["by_this"] > leads // 4
