"""Tracking: messages per second from decoded batch to committed receipt, beside a bare executemany of activities."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks import activities, crowd
from benchmarks.figures import Figure, seconds
from crm.models import ContactKey, WriteKey
from crm.tracking import intake, keys
from scoring import drain

BATCH, BATCHES = 100, 50


def figures(leads: int) -> Iterator[Figure]:
    """Yield messages per second of people who are known and of strangers, one in twenty a repeat."""
    people = min(leads, 10_000)
    crowd.fill(people, 2)
    key = WriteKey(name="bench")
    keys.create(key, by=None)
    ContactKey.objects.bulk_create(
        ContactKey(system=key.system, key=f"u{n}", contact_id=n) for n in range(1, people + 1)
    )
    dice = random.Random(17)
    bare = median([activities._bare(people, dice) for _ in range(3)])
    yield Figure("tracking: bare executemany", bare, "/s")
    for name, who in (("known", "userId"), ("anonymous", "anonymousId")):
        rate = median([_taken(key, people, dice, who) for _ in range(3)])
        yield Figure(f"tracking: read, joined and stored, {name}", rate, "/s", rate / bare)
        drain.drain(seconds=600)


def _taken(key: WriteKey, people: int, dice: random.Random, who: str) -> float:
    batches = [[_message(people, dice, who) for _ in range(BATCH)] for _ in range(BATCHES)]
    for batch in batches:
        batch[::20] = batch[1::20]
    return BATCH * BATCHES / seconds(lambda: [intake.take(key, batch) for batch in batches])


def _message(people: int, dice: random.Random, who: str) -> dict[str, Any]:
    page = {"path": f"/docs/page-{dice.randrange(10)}", "title": "Docs page", "referrer": "https://search.example/"}
    about = {"messageId": str(uuid.uuid4()), who: f"u{dice.randint(1, people)}"}
    return {"type": "page", "properties": page, "timestamp": "2026-05-04T12:00:00Z", **about}
