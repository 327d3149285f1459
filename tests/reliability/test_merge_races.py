"""Several people merge and part the same contacts at once, and processes die in the middle: all of them real."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.reliability.processes import Installation

pytestmark = pytest.mark.soak
DJANGO = "import crm.celery, django; django.setup()\n"
SETTING = """
from tests import cast as people
cast = people.assemble()
for number in range({pairs}):
    make = people.a_lead if number % 2 else lambda contact, owner: people.offered(cast, contact=contact)
    for twin in (0, 1):
        make(people.ada(first_name=f"Ada{{number}}", email=f"ada{{number}}.{{twin}}@acme.example"), owner=cast.mia)
"""
RACER = """
import json, sys, time, crm.celery, django; django.setup()
from pathlib import Path
from crm.merging import doing, undoing
from crm.merging.refusing import Refused
from crm.models import Contact, ContactMerge, User
verb, email, gun, answer = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
me = User.objects.get(email=email)
people = list(Contact.objects.filter(first_name__startswith="Ada").order_by("pk"))
turned = int(sys.argv[4][-1]) % 2  # every second one keeps the other of the two
pairs = [(b, a) if turned else (a, b) for a, b in zip(people[::2], people[1::2])]
work = list(ContactMerge.objects.order_by("pk")) if verb == "part" else pairs
answer.with_suffix(".ready").touch()
while not gun.exists():
    time.sleep(0.01)
won, lost = 0, []
for one in work:
    while True:
        try:
            undoing.part(one, by=me) if verb == "part" else doing.merge(*one, by=me)
            won += 1
        except Refused as refused:
            if "Try again" in refused.reasons[0]:  # somebody held the two for too long: do as the sentence says
                continue
            lost.append(refused.reasons[0])
        break
answer.write_text(json.dumps({"won": won, "lost": lost}))
"""
COUNT = """
from crm.models import Contact, ContactMerge
from leads.models import Lead
print(Contact.objects.filter(first_name__startswith="Ada").count(), ContactMerge.objects.count(),
    ContactMerge.objects.exclude(undone_at=None).count(), Lead.objects.open().count())
"""
RACERS = ("mia@example.com", "max@example.com", "lena@example.com", "ava@example.com")
DIES = """
import os, signal
from random import Random
from django.db import connection
from crm.merging import doing, undoing
from crm.models import Contact, ContactMerge, User
left = {dies_after}
def counts(execute, sql, params, many, context):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)
me = User.objects.get(email="mia@example.com")
people = list(Contact.objects.filter(first_name="Ada{number}").order_by("pk"))
with connection.execute_wrapper(counts):
    if {part}:
        undoing.part(ContactMerge.objects.get(undone_at=None, kept=people[0]), by=me)
    else:
        doing.merge(*people, by=me)
"""
WHOLE = """
from tests.leads import fingerprint
print(fingerprint.whole())
"""


def race(installation: Installation, folder: Path, verb: str) -> tuple[list[int], list[str]]:
    """Let four people merge (or part) everybody at once; return how often each won, and what the losers were told."""
    gun = folder / f"{verb}-gun"
    answers = [folder / f"{verb}-answer{number}" for number in range(len(RACERS))]
    runners = [
        installation.start("-c", RACER, verb, email, str(gun), str(answer))
        for email, answer in zip(RACERS, answers, strict=True)
    ]
    deadline = time.monotonic() + 120
    while not all(answer.with_suffix(".ready").exists() for answer in answers):
        assert time.monotonic() < deadline, installation.log
        time.sleep(0.02)
    gun.touch()
    assert [runner.wait(timeout=300) for runner in runners] == [0] * len(RACERS), installation.log
    told = [json.loads(answer.read_text()) for answer in answers]
    return [answer["won"] for answer in told], [sentence for answer in told for sentence in answer["lost"]]


def test_four_people_merge_and_part_the_same_and_each_pair_has_one_winner(
    installation: Installation, tmp_path: Path
) -> None:
    pairs = 40
    installation.shell(SETTING.format(pairs=pairs), seconds=300)
    won, lost = race(installation, tmp_path, "merge")
    assert (sum(won), len(lost)) == (pairs, 3 * pairs)
    assert installation.shell(COUNT) == f"{pairs} {pairs} 0 {pairs}"
    installation.manage("doctor", "--full")
    won, lost = race(installation, tmp_path, "part")
    assert (sum(won), len(lost)) == (pairs, 3 * pairs)
    assert installation.shell(COUNT) == f"{2 * pairs} {pairs} {pairs} {2 * pairs}"
    installation.manage("doctor", "--full")


def test_a_merge_that_dies_at_any_statement_was_not_begun_and_so_does_a_parting(installation: Installation) -> None:
    dice, deaths = Random(11), 8
    installation.shell(SETTING.format(pairs=deaths), seconds=300)
    for number in range(deaths):
        before = installation.shell(WHOLE)
        for part in (False, True):
            dying = DIES.format(dies_after=dice.randint(3, 60), number=number, part=part)
            assert installation.start("-c", DJANGO + dying).wait(120) == -signal.SIGKILL, installation.log
            assert installation.shell(WHOLE) == before, (number, part)
            installation.shell(DIES.format(dies_after=0, number=number, part=part))
            before = installation.shell(WHOLE)
    assert installation.shell(COUNT) == f"{2 * deaths} {deaths} {deaths} {2 * deaths}"
    installation.manage("doctor", "--full")
