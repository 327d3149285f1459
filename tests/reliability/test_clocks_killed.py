"""Workers asleep for two hours over due times, and killed while they catch up: no breach is lost, none is doubled."""

from __future__ import annotations

import pytest

from tests.reliability.processes import FOUR_AT_ONCE, Installation, eventually, kill_group

SETTING = """
from datetime import timedelta
from django.utils import timezone
from leads import clock
from leads.lifecycle import advance
from leads.models import Handoff
from tests import cast as people

cast, now = people.assemble(), timezone.now()
leads = [people.offered(cast, contact=people.ada(email=f"ada{{n}}@acme.example")) for n in range({leads})]
for number, lead in enumerate(leads):  # due one after the other within the two hours nobody looked
    due = now - timedelta(hours=2) + number * timedelta(seconds=30)
    Handoff.objects.filter(lead=lead).update(due_at=due, remind_at=due - timedelta(hours=1))
for email in ("late", "early"):
    leads.append(people.offered(cast, contact=people.ada(email=f"{{email}}@acme.example")))
Handoff.objects.filter(lead=leads[-2]).update(due_at=now - timedelta(hours=1), remind_at=None)
advance(leads[-2], "accept", by=cast.sam)  # answered late while no worker ran
advance(leads[-1], "accept", by=cast.sam)
people.offered(cast, contact=people.ada(email="open@acme.example"))
"""
LOOKING = """
from leads import sla
def sweep():
    while sla.look():
        pass
"""
COUNT = """
from datetime import timedelta
from django.db.models import Count, F
from crm.models import OutboxMessage
from leads.models import Handoff, SlaEvent
breaches = SlaEvent.objects.filter(kind="breach")
late = breaches.filter(due_at=F("handoff__due_at"), noticed_at__gt=F("due_at") + timedelta(minutes=30)).count()
twice = SlaEvent.objects.values("handoff", "kind").annotate(n=Count("pk")).filter(n__gt=1).count()
mails = OutboxMessage.objects.filter(topic="lead.sla_escalation")
print(breaches.count(), late, twice, SlaEvent.objects.filter(kind="escalation").count(), mails.count())
"""


def test_sweeps_at_once_one_of_them_killed_write_each_breach_once(installation: Installation) -> None:
    installation.shell(SETTING.format(leads=12))
    killed = installation.shell(FOUR_AT_ONCE.format(define=LOOKING, module="leads.sla", name="_mail", fatal=3))
    assert killed in {"[-9, 0, 0, 0]", "[0, 0, 0, 0]"}  # the others may have been done before it came to its third
    assert installation.shell(COUNT) == "13 13 0 12 12"
    assert "invariants hold" in installation.manage("doctor")


@pytest.mark.soak
def test_workers_killed_over_due_times_lose_and_double_no_breach(installation: Installation) -> None:
    installation.shell(SETTING.format(leads=60))
    first, second = installation.start_worker(), installation.start_worker()
    for _ask in range(6):
        installation.send("leads.tasks.watch_the_clocks")
    eventually(lambda: int(installation.shell(COUNT).split()[0]) > 3, about=lambda: installation.log)
    kill_group(first)
    kill_group(second)
    installation.start_worker()
    installation.send("leads.tasks.watch_the_clocks")
    eventually(lambda: installation.shell(COUNT) == "61 61 0 60 60", about=lambda: installation.shell(COUNT))
