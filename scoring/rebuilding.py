"""Counting signals from the raw activities: for repair, merge, and questions that are new."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from json import loads

from django.db import connection

from scoring.matching import Catalogue
from scoring.models import HORIZON
from scoring.packing import Counts, pack
from scoring.storing import among

# An activity that waits in the queue is left to the drain.
_SQL = (
    "SELECT a.contact_id, a.kind_id, a.day, {columns} FROM crm_activity a"
    " WHERE a.contact_id {contacts} AND a.kind_id {kinds} AND a.day > %s"
    " AND NOT EXISTS (SELECT 1 FROM scoring_pendingactivity p WHERE p.activity_id = a.id){grouped}"
)


def hits_of(contacts: Sequence[int], catalogue: Catalogue, as_of_day: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (contact, matcher, day, how many) of all activities that were drained; the same more than once."""
    known: dict[tuple[str, str], list[int]] = {}  # people do the same things: each is asked about once
    for contact, kind, day, said, n in _activities(contacts, catalogue, as_of_day - HORIZON):
        if (kind, said) not in known:
            known[kind, said] = catalogue.hits(kind, loads(said))
        for matcher in known[kind, said]:
            yield contact, matcher, day, n


def counts_of(contacts: Sequence[int], catalogue: Catalogue, as_of_day: int) -> dict[int, Counts]:
    """Return {contact: counts} of all activities that were drained, for those who have any."""
    found: dict[int, Counts] = defaultdict(Counter)
    for contact, matcher, day, n in hits_of(contacts, catalogue, as_of_day):
        found[contact][matcher, day] += n
    return dict(found)


def count(contacts: Sequence[int], catalogue: Catalogue, as_of_day: int) -> dict[int, bytes]:
    """Return {contact: packed signals}, counted from the raw activities."""
    if not contacts:
        return {}
    counts = counts_of(contacts, catalogue, as_of_day)
    return {contact: pack(counts.get(contact, Counter()), as_of_day) for contact in contacts}


def _activities(contacts: Sequence[int], catalogue: Catalogue, after: int) -> Iterator[tuple[int, str, int, str, int]]:
    """Yield (contact, kind, day, properties as JSON, how many); properties are read only where somebody asks."""
    plain = [kind for kind, rows in catalogue.matchers.items() if all(not where for _pk, where in rows)]
    choosy = [kind for kind in catalogue.matchers if kind not in plain]
    yield from _asked(contacts, plain, after, "'null', count(*)", " GROUP BY a.contact_id, a.kind_id, a.day")
    yield from _asked(contacts, choosy, after, "a.properties, 1", "")


def _asked(
    contacts: Sequence[int], kinds: Sequence[str], after: int, columns: str, grouped: str
) -> list[tuple[int, str, int, str, int]]:
    if not kinds or not contacts:
        return []
    whose, ids = among(contacts)
    places = ", ".join(["%s"] * len(kinds))
    sql = _SQL.format(columns=columns, contacts=whose, kinds=f"IN ({places})", grouped=grouped)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*ids, *kinds, after])
        return cursor.fetchall()
