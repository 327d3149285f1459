"""Writers, drains and a publisher side by side, some of them killed: every score equals the reference in the end."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.reliability.processes import Installation, kill_group

PEOPLE = """
from tests import cast
from tests.scoring.cards import did, fact
for n in range(40):
    cast.a_lead(cast.ada(email=f"ada{n}@acme.example", job_title="Head of Sales" if n % 2 else ""))
"""
WRITER = """
import random, sys
import crm.celery, django; django.setup()
from django.db import OperationalError
from django.utils import timezone
from datetime import timedelta
from crm import activities, consents, contacts
from crm.models import Contact
dice, people = random.Random(int(sys.argv[1])), list(Contact.objects.all())
KINDS = ["white_paper", "page_view", "webinar_attended", "careers_view", "pricing_view"]
def act():
    who = dice.choice(people)
    if dice.random() < 0.85:
        at = timezone.now() - timedelta(days=dice.choice([0, 0, 1, 7, 40, 400]))
        activities.record(who, dice.choice(KINDS), at=at, properties={"path": f"/{dice.randrange(4)}"})
    elif dice.random() < 0.7:
        who = Contact.objects.get(pk=who.pk)
        title = dice.choice(["Student", "CTO", ""])
        contacts.update_contact(who, {"job_title": title}, by=None, source="test")
    else:
        kind = dice.choice(["objected", "confirmed"])
        consents.note(who, kind, purpose="profiling", source="test")
while True:
    try:
        act()
    except (OperationalError, contacts.Stale):
        continue
"""
DRAINER = """
import time
import crm.celery, django; django.setup()
from scoring import drain
while True:
    drain.drain(seconds=1)
    time.sleep(0.01)
"""
PUBLISHER = """
import random
import crm.celery, django; django.setup()
from django.db import OperationalError, transaction
from scoring import publishing
from scoring.models import ScorecardVersion
from tests.scoring.cards import a_draft, did, fact, sign
dice, count = random.Random(7), 0
while True:
    where = [{"property": "path", "operator": "is", "value": f"/{dice.randrange(4)}"}]
    try:
        with transaction.atomic():
            draft = a_draft(
                [fact("job_title", "contains", dice.choice(["head", "stud"]), dice.randrange(5, 60)),
                 fact("country", "is", "DE", 40), did("white_paper", dice.randrange(1, 30), half_life=90),
                 did("page_view", 5, where=where), did("webinar_attended", 20, max_count=2)],
                leave_total=30,
            )
            sign(draft)
            publishing.publish(draft, by=None)
    except OperationalError:
        continue
    while not publishing.carry_on(seconds=20):
        pass
    print("published", flush=True)
"""
END = """
import json
from scoring import drain, publishing
from scoring.models import PendingActivity, ScorecardVersion
from leads.models import StageChange
from crm import doctor
while drain.drain(seconds=60) or not publishing.carry_on(seconds=60):
    pass
found = [s for check, sentences in doctor.examine(full=True) for s in sentences
         if check.name in {"scores", "signals", "shown", "pointer", "frozen", "log", "standing"}]
rounds = list(StageChange.objects.filter(verb="qualify_for_marketing").values_list("lead_id", "round"))
print(json.dumps({"wrong": found[:5], "pending": PendingActivity.objects.count(),
                  "versions": ScorecardVersion.objects.count(), "twice": len(rounds) - len(set(rounds))}))
"""


@pytest.mark.parametrize(
    ("seconds", "writing", "pause"), [(6, 2, (0.8, 2.0)), pytest.param(60, 4, (3.0, 6.0), marks=pytest.mark.soak)]
)
def test_every_score_equals_the_reference_whatever_dies(
    installation: Installation, seconds: int, writing: int, pause: tuple[float, float]
) -> None:
    installation.shell(PEOPLE)
    writers = [installation.start("-c", WRITER, str(n)) for n in range(writing)]
    publisher = installation.start("-c", PUBLISHER)
    drainers = [installation.start("-c", DRAINER) for _ in range(2)]
    moments, until = random.Random(9), time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(moments.uniform(*pause))
        victim = moments.randrange(3)
        if victim == 2:
            kill_group(publisher)
            publisher = installation.start("-c", PUBLISHER)
        else:
            kill_group(drainers[victim])
            drainers[victim] = installation.start("-c", DRAINER)
    for process in [*writers, publisher, *drainers]:
        assert process.poll() is None, installation.log
        kill_group(process)
    told = json.loads(installation.shell(END))
    assert told["wrong"] == [], installation.log
    assert (told["pending"], told["twice"]) == (0, 0)
    assert told["versions"] > 1
