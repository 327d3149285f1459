"""Sweeps at once, one of them killed in the middle: nobody is reminded twice or forgotten, nobody stays ungrouped."""

from __future__ import annotations

from tests.reliability.processes import FOUR_AT_ONCE, Installation

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
    reminding = "from leads.steps import remind as sweep"
    killed = installation.shell(FOUR_AT_ONCE.format(define=reminding, module="leads.steps", name="_event", fatal=3))
    assert killed in {"[-9, 0, 0, 0]", "[0, 0, 0, 0]"}  # the others may have been done before it came to its third
    assert installation.shell(REMINDED) == "12 12 0"


def test_a_sweep_killed_before_it_writes_leaves_nobody_in_nurture_ungrouped(installation: Installation) -> None:
    installation.shell(NAPS)
    grouping = "from leads import nurture\ndef sweep():\n    nurture.group(5), nurture.group(5)"
    killed = installation.shell(FOUR_AT_ONCE.format(define=grouping, module="leads.nurture", name="_happened", fatal=1))
    assert "-9" in killed
    installation.shell("from leads import nurture\nwhile nurture.group(5): pass")
    assert installation.shell(GROUPED) == "6 6 0"
