"""Sweeps at once, one of them killed in the middle: nobody is reminded twice or forgotten, nobody stays ungrouped."""

from __future__ import annotations

from tests.reliability.processes import Installation

STEPS = """
from datetime import timedelta
from django.utils import timezone
from leads.models import Step
from tests import cast as people

cast, now = people.assemble(), timezone.now()
for number in range(12):
    lead = people.accepted(cast, contact=people.ada(email=f"ada{number}@acme.example"))
    Step.objects.create(
        lead=lead, what="Call", due_on=now.date(), person=cast.sam, remind_at=now - timedelta(minutes=30 + number)
    )
"""
NAPS = """
from datetime import timedelta
from django.utils import timezone
from crm import activities
from leads.lifecycle import advance
from leads.models import NurtureTopic
from tests import cast as people

cast, now = people.assemble(), timezone.now()
NurtureTopic.objects.create(name="Robots", words="robot")
for number in range(12):
    ada = people.ada(email=f"ada{number}@acme.example")
    if number % 2:
        activities.record(ada, "white_paper", at=now - timedelta(days=1), properties={"title": "Robots"})
    advance(people.a_lead(ada), "nurture", by=cast.mia, wake_on=(now + timedelta(days=40)).date())
"""
#: Four processes sweep at once; the first is killed in its third call of `place`, within the transaction there.
SWEEPS = """
import importlib, os, signal
from django.db import connection
connection.close()
module, name = importlib.import_module("{module}"), "{name}"
children = []
for number in range(4):
    child = os.fork()
    if not child:
        try:
            if number == 0:
                put, calls = getattr(module, name), []
                def counted(*args, **more):
                    calls.append(put(*args, **more))
                    if len(calls) == {fatal}:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return calls[-1]
                setattr(module, name, counted)
            {sweep}
        finally:
            os._exit(0)
    children.append(child)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
{sweep}
"""
REMINDED = """
from django.db.models import Count
from leads.models import Notification, Step
told = Notification.objects.filter(kind=Notification.Kind.STEP)
twice = told.values("lead").annotate(n=Count("pk")).filter(n__gt=1).count()
print(Step.objects.exclude(reminded_at=None).count(), told.values("lead").distinct().count(), twice)
"""
GROUPED = """
from leads import nurture
from leads.models import Nurturing, NurtureTopic
stamp = nurture.basis(NurtureTopic.objects.all())
right = Nurturing.objects.filter(basis=stamp)
print(right.filter(topic__name="Robots").count(), right.filter(topic=None).count(), nurture.behind(stamp).count())
"""


def test_sweeps_at_once_one_of_them_killed_remind_of_each_step_once(installation: Installation) -> None:
    installation.shell(STEPS)
    sweep = {"module": "leads.steps", "sweep": "from leads import steps; steps.remind()"}
    killed = installation.shell(SWEEPS.format(name="_event", fatal=3, **sweep))
    assert killed in {"[-9, 0, 0, 0]", "[0, 0, 0, 0]"}  # the others may have been done before it came to its third
    assert installation.shell(REMINDED) == "12 12 0"


def test_a_sweep_killed_before_it_writes_leaves_nobody_in_nurture_ungrouped(installation: Installation) -> None:
    installation.shell(NAPS)
    sweep = {"module": "leads.nurture", "sweep": "from leads import nurture; nurture.group(5); nurture.group(5)"}
    killed = installation.shell(SWEEPS.format(name="_happened", fatal=1, **sweep))
    assert "-9" in killed
    installation.shell("from leads import nurture\nwhile nurture.group(5): pass")
    assert installation.shell(GROUPED) == "6 6 0"
