"""kill -9 in the middle of a back-test and of a preview: the next worker carries on, and nothing is counted twice."""

from __future__ import annotations

import json
from typing import Any

from tests.reliability.processes import Installation, eventually, kill_group

WORLD = """
from crm import activities
from leads import lifecycle
from scoring import drain
from tests import cast as people
from tests.scoring.cards import a_draft, did, fact
cast = people.assemble()
for n in range(16):
    lead = people.offered(cast, contact=people.ada(email=f"{n}@acme.example", country="DE" if n % 3 else "US"))
    activities.record(lead.contact, "page_view", properties={"path": "/prices" if n % 2 else "/"})
    lifecycle.advance(lead, "accept" if n % 2 else "withdraw", by=cast.sam if n % 2 else cast.mia)
drain.drain()
prices = [{"property": "path", "operator": "is", "value": "/prices"}]
a_draft([did("page_view", points=60, where=prices), fact("country", "is", "DE", points=50)])
"""
ASK = """
from scoring import backtest, previews
from scoring.models import ScorecardVersion
for kind in (backtest, previews):
    kind.ask(ScorecardVersion.objects.get(state="draft"), by=None)
"""
WORKER = """
import crm.celery, django; django.setup()
import time
from crm import jobs
from scoring import backtest, looks, previews
from scoring.models import BacktestRun, PreviewRun
backtest.AT_ONCE = previews.AT_ONCE = 2
looks.CLAIM = looks.timedelta(seconds=1)
here, kinds = looks.Kind._here, (BacktestRun, PreviewRun)
def hangs_in_the_middle(kind, run):
    if {hangs} and all(kind.objects.latest("pk").done >= 3 for kind in kinds):
        time.sleep(3600)
    return here(kind, run)
looks.Kind._here = hangs_in_the_middle
while any(kind.objects.filter(state="running").exists() for kind in kinds):
    jobs.run(2)
    time.sleep(0.1)
"""
TOLD = """
import json
from scoring.models import BacktestRun, PreviewRun
runs = [kind.objects.order_by("pk").last() for kind in (BacktestRun, PreviewRun)]
print(json.dumps([[run.state, run.done, run.result | {"seconds": 0}] for run in runs]))
"""


def told(installation: Installation) -> list[Any]:
    answer: list[Any] = json.loads(installation.shell(TOLD))
    return answer


def test_a_look_survives_its_worker(installation: Installation) -> None:
    installation.shell(WORLD)
    installation.shell(ASK)
    installation.run("-c", WORKER.format(hangs=False))
    whole = told(installation)
    assert [(state, done) for state, done, _result in whole] == [("done", 16)] * 2
    installation.shell(ASK)
    worker = installation.start("-c", WORKER.format(hangs=True))
    eventually(lambda: all(done >= 3 for _state, done, _result in told(installation)), about=lambda: installation.log)
    kill_group(worker)
    assert "running" in {state for state, _done, _result in told(installation)}
    installation.run("-c", WORKER.format(hangs=False))
    assert told(installation) == whole
