"""What happens, on its way in: stored once and queued, then scored; one at a time, in batches, and in a burst."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from statistics import median

from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import crowd
from benchmarks.figures import Figure, median_seconds, seconds
from crm.activities import Happening, record, record_many
from crm.models import Contact
from scoring import bringing_up, drain
from scoring.models import PendingActivity, Score

ACTIVITIES_EACH = 20
BATCH, BATCHES = 100, 100
BURST, PEOPLE, AT_A_TIME = 1_000, 100, 10
DEBOUNCE = 1.0  # seconds a worker lets pass between two drains
BARE = (
    "INSERT INTO crm_activity (contact_id, anonymous_id, kind_id, occurred_at, received_at, day, feed, message_id,"
    " source, properties) VALUES (%s, '', %s, %s, %s, %s, 'bare', %s, '', {properties})"
)


def figures(leads: int) -> Iterator[Figure]:
    """Yield what an activity costs at `leads` leads."""
    crowd.fill(leads, ACTIVITIES_EACH)
    bringing_up.to_date(rebuild=True)
    yield from _ingested(leads)
    yield from _one_activity()
    yield _burst(leads)


# --- In batches -----------------------------------------------------------------------------------


def _ingested(leads: int) -> Iterator[Figure]:
    """Yield activities per second with dedupe and queue (one in twenty is a repeat), beside a bare executemany."""
    dice = random.Random(3)
    bare = median([_bare(leads, dice) for _ in range(3)])
    rates = []
    for _ in range(3):
        batches = [[_happening(leads, dice) for _ in range(BATCH)] for _ in range(BATCHES)]
        for batch in batches:
            batch[::20] = batch[1::20]
        rates.append(BATCH * BATCHES / seconds(lambda batches=batches: [record_many(batch) for batch in batches]))
    rate, goal = median(rates), 0.9 if connection.vendor == "postgresql" else 0.25
    reached = rate >= max(goal * bare, 5_000)
    yield Figure("ingest: bare executemany", bare, "/s")
    yield Figure("ingest: once each and queued", rate, "/s", rate / bare, f"≥ {goal} bare, ≥ 5,000/s", reached)
    drain.drain(seconds=600)


def _happening(leads: int, dice: random.Random) -> Happening:
    said = {"path": f"/docs/page-{dice.randrange(10)}", "title": "Docs page", "referrer": "search"}
    about = {"feed": "bench", "message_id": str(uuid.uuid4())}
    return Happening(dice.randint(1, leads), "page_view", timezone.now(), said, **about)


def _bare(leads: int, dice: random.Random) -> float:
    """Return how many activities per second go into the same table, indexes and all, unchecked and not queued."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    said = '{"path": "/docs/page-1", "title": "Docs page", "referrer": "search"}'
    json = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    sql = BARE.format(properties=json)
    batches = [
        [(dice.randint(1, leads), "page_view", now, now, 20_000, str(uuid.uuid4()), said) for _ in range(BATCH)]
        for _ in range(BATCHES)
    ]

    def write() -> None:
        for batch in batches:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(sql, batch)

    return BATCH * BATCHES / seconds(write)


# --- One at a time --------------------------------------------------------------------------------


def _one_activity() -> Iterator[Figure]:
    """Yield statements and time from one activity to its committed score, with few and many activities before."""
    took: dict[int, float] = {}
    for number, size in ((1, 10), (2, 10_000)):
        contact, now = Contact.objects.order_by("-pk")[number], timezone.now()
        record_many(Happening(contact.pk, "page_view", now) for _ in range(size))
        drain.drain(seconds=600)

        def once(contact: Contact = contact) -> None:
            record(contact, "pricing_view")
            drain.drain(seconds=60)

        once()
        took[size] = median_seconds(once, runs=21)
    asked = _statements(contact)
    yield Figure("one activity to its score, statements", asked, "", None, "≤ 8", asked <= 8)
    ratio = took[10_000] / took[10]
    yield Figure("one activity to its score", took[10] * 1000, "ms")
    yield Figure(
        "the same with 10,000 activities before", took[10_000] * 1000, "ms", ratio, "≤ 2.5 × with 10", ratio <= 2.5
    )


def _statements(contact: Contact) -> int:
    """Return the statements of the transaction that drains one activity; looking whether more waits is not counted."""
    record(contact, "pricing_view")
    once: Callable[[], int] = drain._drain_postgres if connection.vendor == "postgresql" else drain._drain_sqlite
    with CaptureQueriesContext(connection) as seen:
        assert once() == 1
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return len([query for query in seen.captured_queries if not query["sql"].startswith(control)])


# --- In a burst -----------------------------------------------------------------------------------


def _burst(leads: int) -> Figure:
    """Return how many scores are written while 1,000 activities of 100 people come in by requests of ten."""
    people = list(range(1, min(PEOPLE, leads) + 1))
    runs = [_recomputed(people) for _ in range(3)]
    written = median(runs)
    return Figure(
        f"{BURST:,} activities of {PEOPLE} contacts by tens, recomputes", written, "", None, "≤ 300", written <= 300
    )


def _recomputed(people: list[int]) -> int:
    mine = Score.objects.filter(lead__contact__in=people)
    before, stored = mine.aggregate(n=Sum("seq"))["n"], threading.Event()
    writer = threading.Thread(target=_write, args=(people, stored))
    writer.start()
    while not stored.is_set() or PendingActivity.objects.exists():
        stored.wait(DEBOUNCE)
        drain.drain(seconds=60)
    writer.join()
    return int(mine.aggregate(n=Sum("seq"))["n"] - before)


def _write(people: list[int], stored: threading.Event) -> None:
    dice = random.Random(5)
    try:
        for _ in range(BURST // AT_A_TIME):
            record_many(Happening(dice.choice(people), "white_paper", timezone.now()) for _ in range(AT_A_TIME))
    finally:
        connection.close()
        stored.set()
