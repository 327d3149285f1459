"""Several people, one lead: real processes on the real database (T13)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.reliability.processes import Installation

SETTING = """
from tests import cast as people
cast = people.assemble()
for number in range({leads}):
    people.offered(cast, contact=people.ada(email=f"ada{{number}}@acme.example"))
"""
RACER = """
import json, sys, time, crm.celery, django; django.setup()
from pathlib import Path
from crm.models import User
from leads.lifecycle import Refused, advance
from leads.models import Lead
email, gun, answer = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
me = User.objects.get(email=email)
leads = list(Lead.objects.order_by("pk"))
answer.with_suffix(".ready").touch()
while not gun.exists():
    time.sleep(0.01)
won, lost = [], []
def accept(lead, seen):
    try:
        advance(lead, "accept", by=me, version=seen)
        won.append(lead.pk)
    except Refused as refused:
        if "Try again" in refused.reasons[0]:  # the row was locked for four seconds: do as the sentence says
            return accept(lead, seen)
        lost.append((lead.pk, refused.stale, refused.reasons[0]))
for lead in leads:
    accept(lead, lead.version)
answer.write_text(json.dumps({"won": won, "lost": lost}))
"""
COUNT = """
from leads.models import Lead, StageChange
print(Lead.objects.filter(stage="sal", version=3).count(), StageChange.objects.filter(verb="accept").count())
"""
RACERS = ("sam@example.com", "jana@example.com", "lena@example.com", "sam@example.com")


def _await_all(marks: list[Path]) -> None:
    """Wait until every runner has read the leads, so that all saw the same versions."""
    deadline = time.monotonic() + 60
    while not all(mark.exists() for mark in marks):
        assert time.monotonic() < deadline, f"not ready: {[mark.name for mark in marks if not mark.exists()]}"
        time.sleep(0.01)


@pytest.mark.parametrize("leads", [40, pytest.param(200, marks=pytest.mark.soak)])
def test_four_processes_accept_the_same_leads_and_each_has_one_winner(
    installation: Installation, tmp_path: Path, leads: int
) -> None:
    installation.shell(SETTING.format(leads=leads), seconds=60 + leads)
    gun, answers = tmp_path / "gun", [tmp_path / f"answer{number}" for number in range(len(RACERS))]
    runners = [
        installation.start("-c", RACER, email, str(gun), str(answer))
        for email, answer in zip(RACERS, answers, strict=True)
    ]
    _await_all([answer.with_suffix(".ready") for answer in answers])
    gun.touch()
    assert [runner.wait(timeout=120) for runner in runners] == [0] * len(RACERS), installation.log
    told = [json.loads(answer.read_text()) for answer in answers]
    won = [pk for answer in told for pk in answer["won"]]
    assert (len(won), len(set(won))) == (leads, leads)
    losers = [line for answer in told for line in answer["lost"]]
    names = ("Sam Okafor", "Jana Hübner", "Lena Brandt")
    assert len(losers) == 3 * leads
    assert all(stale and any(name in sentence for name in names) for _pk, stale, sentence in losers)
    assert installation.shell(COUNT) == f"{leads} {leads}"


ROW = """
from crm.models import Team, User
from tests import cast as people
cast = people.assemble()
Team.objects.update(way="round_robin", capacity=5000)
for number in range(3):
    User.objects.create_user(f"rep{{number}}@example.com", name=f"Rep {{number}}", team=cast.north)
for number in range({leads}):
    people.an_mql(cast, contact=people.ada(email=f"ada{{number}}@acme.example"))
"""
GIVER = """
import sys, time, crm.celery, django; django.setup()
from pathlib import Path
from django.db import OperationalError, transaction
from leads import assignment
from leads.lifecycle import Refused, advance
from leads.models import Lead
share, of, gun, ready = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
mine = list(Lead.objects.order_by("pk"))[share::of]
ready.touch()
while not gun.exists():
    time.sleep(0.01)
while mine:
    try:
        with transaction.atomic():
            decision = assignment.take(mine[-1])
            advance(mine[-1], "hand_off", details={"assigned": decision.told}, **decision.details)
    except Refused as refused:
        assert "Try again" in refused.reasons[0]  # the row was held for four seconds: do as the sentence says
    except OperationalError as error:
        assert "locked" in str(error)  # SQLite knows no queue: with six writers one may wait too long and comes again
    else:
        mine.pop()
"""
SHARES = """
import json
from collections import Counter
from leads.models import StageChange
given = StageChange.objects.filter(verb="hand_off")
turns = [before["seat"]["turn"] for before in given.values_list("before", flat=True)]
shares = Counter(given.values_list("handoff__assignee", flat=True))
print(json.dumps([len(turns), len(set(turns)), sorted(shares.values())]))
"""


@pytest.mark.parametrize(("leads", "givers"), [pytest.param(12, 2), pytest.param(1000, 6, marks=pytest.mark.soak)])
def test_processes_that_give_leads_out_together_share_them_fairly(
    installation: Installation, tmp_path: Path, leads: int, givers: int
) -> None:
    installation.shell(ROW.format(leads=leads), seconds=60 + leads)
    gun, marks = tmp_path / "gun", [tmp_path / f"ready{number}" for number in range(givers)]
    runners = [
        installation.start("-c", GIVER, str(number), str(givers), str(gun), str(mark))
        for number, mark in enumerate(marks)
    ]
    _await_all(marks)
    gun.touch()
    assert [runner.wait(timeout=600) for runner in runners] == [0] * givers, installation.log
    given, turns, shares = json.loads(installation.shell(SHARES))
    assert (given, turns, len(shares)) == (leads, leads, 5)
    assert shares[-1] - shares[0] <= 1


FIFTY = """
import json, os, sys, time
from pathlib import Path
from django.db import connection
from crm.models import Role, User
from leads.lifecycle import Refused, advance
from leads.models import Handoff, Lead, StageChange
from tests import cast as people

cast, folder = people.assemble(), Path({folder!r})
reps = [
    User.objects.create_user(f"rep{{n}}@example.com", name=f"Rep {{n:02}}", role=Role.SALES_REP, team=cast.north).pk
    for n in range(50)
]
lead = people.an_mql(cast)
advance(lead, "hand_off", by=cast.mia, team=cast.north)
connection.close()

def accept(pk, number):
    me, mine = User.objects.get(pk=pk), Lead.objects.get(pk=lead.pk)
    seen = mine.version
    (folder / f"ready{{number}}").touch()
    while not (folder / "gun").exists():
        time.sleep(0.01)
    while True:
        try:
            advance(mine, "accept", by=me, version=seen)
            return me.name, ""
        except Refused as refused:
            if "Try again" not in refused.reasons[0]:  # else the row was locked for four seconds: do as it says
                return "", refused.reasons[0]
            mine = Lead.objects.get(pk=lead.pk)

children = []
for number, pk in enumerate(reps):
    child = os.fork()
    if not child:
        try:
            (folder / f"answer{{number}}").write_text(json.dumps(accept(pk, number)))
        finally:
            os._exit(0)
    children.append(child)
deadline = time.monotonic() + 60
while len(list(folder.glob("ready*"))) < 50 and time.monotonic() < deadline:
    time.sleep(0.02)
(folder / "gun").touch()
for child in children:
    os.waitpid(child, 0)
rows = Handoff.objects.filter(outcome="accepted", closed_by__name__startswith="Rep").count()
print(StageChange.objects.filter(verb="accept").count(), rows)
"""


def test_fifty_people_accept_one_lead_and_forty_nine_hear_who_was_faster(
    installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "fifty"
    folder.mkdir()
    assert installation.shell(FIFTY.format(folder=str(folder)), seconds=180) == "1 1"
    told = [json.loads((folder / f"answer{number}").read_text()) for number in range(50)]
    (winner,) = [name for name, _sentence in told if name]
    heard = [sentence for _name, sentence in told if sentence]
    assert len(heard) == 49
    assert {sentence.split(" was ")[0] for sentence in heard} == {winner}
