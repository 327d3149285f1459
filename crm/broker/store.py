"""A message queue in one SQLite file: what waits, who holds what until when, and what was given up.

A message taken is leased, not removed: it is gone when acknowledged, and free again when its lease runs out or its
holder dies. One connection per process serves all threads under a lock; a forked child opens its own.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crm.broker import holders

log = logging.getLogger("baton.broker")

MAX_REDELIVERIES = 5
DEAD_KEPT = 1000

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    payload TEXT NOT NULL,
    expires_at REAL,
    lease_until REAL NOT NULL DEFAULT 0,
    holder TEXT,
    tag TEXT,
    deliveries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_next ON message (queue, priority DESC, id);
CREATE INDEX IF NOT EXISTS message_tag ON message (tag) WHERE tag IS NOT NULL;
CREATE INDEX IF NOT EXISTS message_holder ON message (holder) WHERE holder IS NOT NULL;
CREATE INDEX IF NOT EXISTS message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS queue (name TEXT PRIMARY KEY, owner TEXT);
CREATE TABLE IF NOT EXISTS binding (
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    pattern TEXT NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (exchange, routing_key, pattern, queue)
);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    payload TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    died_at REAL NOT NULL
);
"""


@dataclass(frozen=True)
class Taken:
    """A message in our hands: `tag` names this delivery, `deliveries` counts it and all before it."""

    payload: str
    tag: str
    deliveries: int


class Store:
    """The queues in the SQLite file at `path`. Times are seconds since the epoch; leases are in seconds."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        self._writes = 0
        self._holder = holders.this_process()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        self._prepare()

    def put(self, queue: str, payload: str, *, priority: int = 0, lasting: float | None = None) -> None:
        """Add a message; a higher `priority` goes first; it expires untouched after `lasting` seconds."""
        self.put_all([queue], payload, priority=priority, lasting=lasting)

    def put_all(self, queues: Iterable[str], payload: str, *, priority: int = 0, lasting: float | None = None) -> None:
        """Add one copy of a message to each of `queues`, all or none."""
        now = time.time()
        expires_at = None if lasting is None else now + lasting
        with self._writing() as db:
            db.execute("DELETE FROM message WHERE expires_at < ? AND deliveries = 0", (now,))
            db.executemany(
                "INSERT INTO message (queue, priority, payload, expires_at) VALUES (?, ?, ?, ?)",
                [(queue, priority, payload, expires_at) for queue in queues],
            )

    def take(self, queue: str, *, lease: float, keep: bool = True) -> Taken | None:
        """Lease the next free message of `queue` for `lease` seconds, or None; without `keep` it is removed at once.

        One that was delivered MAX_REDELIVERIES times again is buried instead and the next one taken.
        """
        if not self.size(queue, at_most=1):
            return None
        with self._writing() as db:
            while row := self._next_free(db, queue):
                number, payload, deliveries = row
                if deliveries > MAX_REDELIVERIES:
                    self._bury(db, number, queue, deliveries)
                    continue
                return self._hand_out(db, number, payload, deliveries + 1, lease if keep else None)
        return None

    def acknowledge(self, tag: str) -> None:
        """Remove the message delivered as `tag`; nothing happens when its lease went to somebody else."""
        with self._writing() as db:
            db.execute("DELETE FROM message WHERE tag = ?", (tag,))

    def release(self, tag: str, *, tried: bool = True) -> None:
        """Give the message back to its queue; not counted as a delivery unless it was `tried`."""
        with self._writing() as db:
            db.execute(
                "UPDATE message SET lease_until = 0, holder = NULL, tag = NULL, deliveries = deliveries - ?"
                " WHERE tag = ?",
                (0 if tried else 1, tag),
            )

    def renew(self, tags: Iterable[str], *, lease: float) -> None:
        """Let the leases of `tags` run `lease` seconds from now."""
        until = time.time() + lease
        with self._writing() as db:
            db.executemany("UPDATE message SET lease_until = ? WHERE tag = ?", [(until, tag) for tag in tags])

    def size(self, queue: str, *, at_most: int = -1) -> int:
        """Count the free messages of `queue`, counting no further than `at_most`."""
        with self._lock:
            found = self._db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM message WHERE queue = ? AND lease_until <= ? LIMIT ?)",
                (queue, time.time(), at_most),
            ).fetchone()
        return int(found[0])

    def purge(self, queue: str) -> int:
        """Remove the free messages of `queue` and return how many there were."""
        with self._writing() as db:
            gone = db.execute("DELETE FROM message WHERE queue = ? AND lease_until <= ?", (queue, time.time()))
            return gone.rowcount

    def dead(self) -> list[tuple[str, str, int]]:
        """Return (queue, payload, deliveries) of the messages given up, oldest first."""
        with self._lock:
            return self._db.execute("SELECT queue, payload, deliveries FROM dead ORDER BY id").fetchall()

    def declare(self, queue: str, *, temporary: bool = False) -> None:
        """Make `queue` known; a `temporary` one belongs to the process that declared it last, and goes with it."""
        owner = self._holder if temporary else None
        with self._lock:
            known = self._db.execute("SELECT owner FROM queue WHERE name = ?", (queue,)).fetchone()
        if known != (owner,):
            with self._writing() as db:
                db.execute("INSERT OR REPLACE INTO queue VALUES (?, ?)", (queue, owner))

    def knows(self, queue: str) -> bool:
        """Tell whether `queue` was declared."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM queue WHERE name = ?", (queue,)).fetchone() is not None

    def bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Let messages for `exchange` that match reach `queue`."""
        binding = (routing_key, pattern, queue)
        if binding not in self.bindings(exchange):
            with self._writing() as db:
                db.execute("INSERT OR IGNORE INTO binding VALUES (?, ?, ?, ?)", (exchange, *binding))

    def unbind(self, exchange: str, routing_key: str, queue: str) -> None:
        """Undo `bind`."""
        with self._writing() as db:
            db.execute(
                "DELETE FROM binding WHERE exchange = ? AND routing_key = ? AND queue = ?",
                (exchange, routing_key, queue),
            )

    def bindings(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return (routing key, pattern, queue) of everything bound to `exchange`."""
        with self._lock:
            return self._db.execute(
                "SELECT routing_key, pattern, queue FROM binding WHERE exchange = ?", (exchange,)
            ).fetchall()

    def drop(self, queue: str) -> None:
        """Remove `queue` with its messages and bindings."""
        with self._writing() as db:
            self._drop(db, queue)

    def tidy(self) -> None:
        """Free what dead processes held, and drop the temporary queues they left."""
        with self._lock:
            rows = self._db.execute(
                "SELECT holder FROM message WHERE holder IS NOT NULL"
                " UNION SELECT owner FROM queue WHERE owner IS NOT NULL"
            ).fetchall()
        gone = [holder for (holder,) in rows if not holders.is_alive(holder)]
        if not gone:
            return
        with self._writing() as db:
            for holder in gone:
                db.execute("UPDATE message SET lease_until = 0, holder = NULL, tag = NULL WHERE holder = ?", (holder,))
                for (queue,) in db.execute("SELECT name FROM queue WHERE owner = ?", (holder,)).fetchall():
                    self._drop(db, queue)

    def version(self) -> tuple[int, int]:
        """Return a value that changes whenever anybody has written to the file; cheap enough to poll."""
        with self._lock:
            return self._db.execute("PRAGMA data_version").fetchone()[0], self._writes

    def _prepare(self) -> None:
        for attempt in range(50):
            try:
                # Switching to WAL does not wait for the lock as other statements do.
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                with self._writing() as db:
                    for statement in SCHEMA.split(";"):
                        db.execute(statement)
                return
            except sqlite3.OperationalError:
                if attempt == 49:
                    raise
                time.sleep(0.1)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._writes += 1

    @staticmethod
    def _next_free(db: sqlite3.Connection, queue: str) -> tuple[int, str, int] | None:
        now = time.time()
        row: tuple[int, str, int] | None = db.execute(
            "SELECT id, payload, deliveries FROM message WHERE queue = ? AND lease_until <= ?"
            " AND (expires_at IS NULL OR expires_at >= ? OR deliveries > 0) ORDER BY priority DESC, id LIMIT 1",
            (queue, now, now),
        ).fetchone()
        return row

    def _hand_out(
        self, db: sqlite3.Connection, number: int, payload: str, deliveries: int, lease: float | None
    ) -> Taken:
        # A tag of its own for each delivery: a late acknowledgement cannot remove what somebody else holds now.
        tag = uuid.uuid4().hex
        if lease is None:
            db.execute("DELETE FROM message WHERE id = ?", (number,))
        else:
            db.execute(
                "UPDATE message SET lease_until = ?, holder = ?, tag = ?, deliveries = ? WHERE id = ?",
                (time.time() + lease, self._holder, tag, deliveries, number),
            )
        return Taken(payload, tag, deliveries)

    @staticmethod
    def _bury(db: sqlite3.Connection, number: int, queue: str, deliveries: int) -> None:
        log.error("message %d of queue %s given up after %d deliveries", number, queue, deliveries)
        db.execute(
            "INSERT INTO dead SELECT id, queue, payload, deliveries, ? FROM message WHERE id = ?", (time.time(), number)
        )
        db.execute("DELETE FROM message WHERE id = ?", (number,))
        db.execute("DELETE FROM dead WHERE id <= (SELECT max(id) FROM dead) - ?", (DEAD_KEPT,))

    @staticmethod
    def _drop(db: sqlite3.Connection, queue: str) -> None:
        db.execute("DELETE FROM message WHERE queue = ?", (queue,))
        db.execute("DELETE FROM binding WHERE queue = ?", (queue,))
        db.execute("DELETE FROM queue WHERE name = ?", (queue,))


_stores: dict[tuple[int, str], Store] = {}
_opening = threading.Lock()


def store_at(path: str) -> Store:
    """Return this process's store of the file at `path`, the same one for all its threads."""
    key = (os.getpid(), path)
    if key not in _stores:
        with _opening:
            if key not in _stores:
                _stores[key] = Store(path)
    return _stores[key]


def _renew_lock() -> None:
    # The parent's stores stay in the table unused: closing its connections here could disturb its file.
    global _opening
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
