"""The kombu transport over `crm.broker.store`: what Celery needs of a broker, on one machine, without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

from crm.broker.store import Store, store_at

SCHEME = "sqlitebroker"
POLL_SECONDS = 0.1
LOOK_AGAIN_SECONDS = 1.0
TIDY_SECONDS = 2.0


def register() -> None:
    """Make addresses that begin with sqlitebroker:// known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


class Channel(virtual.Channel):
    """A consumer's or publisher's way to the queues."""

    supports_fanout = True
    do_restore = True

    def __init__(self, connection: Transport, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        options = connection.client.transport_options
        self._path: str = options["path"]
        self._lease: float = options.get("visibility_timeout", 600)
        self._unacknowledged_queues: set[str] = set()
        self._seen: tuple[int, int] | None = None
        self._look_again = self._tidy_again = self._renew_again = 0.0

    @property
    def store(self) -> Store:
        """The queues; looked up each time because a fork may lie between two calls."""
        return store_at(self._path)

    # --- Publishing

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        self._put_all([queue], message)

    def _put_fanout(self, exchange: str, message: dict[str, Any], routing_key: str, **kwargs: Any) -> None:
        self.store.tidy()
        self._put_all({queue for _, _, queue in self.store.bindings(exchange)}, message)

    def _put_all(self, queues: Iterable[str], message: dict[str, Any]) -> None:
        expiration = message["properties"].get("expiration")
        self.store.put_all(
            queues,
            dumps(message),
            priority=self._get_message_priority(message),
            lasting=None if expiration is None else int(expiration) / 1000,
        )

    # --- Consuming

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        return self._take(queue, keep=queue not in self._unacknowledged_queues)

    def _take(self, queue: str, *, keep: bool) -> dict[str, Any]:
        taken = self.store.take(queue, lease=self._lease, keep=keep)
        if taken is None:
            raise Empty
        message: dict[str, Any] = loads(taken.payload)
        message["properties"]["delivery_tag"] = taken.tag
        if taken.deliveries > 1:
            message["properties"]["delivery_info"]["redelivered"] = True
            message["headers"]["redelivered"] = True
        return message

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> virtual.Message | None:
        """Return the next message of `queue`, or None."""
        try:
            message = self.Message(self._take(queue, keep=not no_ack), channel=self)
        except Empty:
            return None
        if not no_ack:
            self.qos.append(message, message.delivery_tag)
        return message

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[..., Any], consumer_tag: str, **kwargs: Any
    ) -> None:
        """Let `callback` receive what comes into `queue`; with `no_ack` a message is gone when delivered."""
        (self._unacknowledged_queues.add if no_ack else self._unacknowledged_queues.discard)(queue)
        self._seen = None
        super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)

    def drain_events(self, timeout: float | None = None, callback: Callable[..., Any] | None = None) -> Any:
        """Deliver one message or raise Empty; on the way keep our leases and free those of the dead."""
        if self._consumers:
            self._keep_house()
        return super().drain_events(timeout=timeout, callback=callback)

    def _keep_house(self) -> None:
        now = monotonic()
        if now >= self._renew_again:
            self._renew_again = now + self._lease / 4
            held = [tag for tag in list(self.qos._delivered) if tag not in self.qos._dirty]
            if held:
                self.store.renew(held, lease=self._lease)
        if now >= self._tidy_again:
            self._tidy_again = now + TIDY_SECONDS
            self.store.tidy()

    def _poll(self, cycle: Any, callback: Callable[..., Any], timeout: float | None = None) -> Any:
        version, now = self.store.version(), monotonic()
        # Leases that run out change nothing in the file, hence a look once a second all the same.
        if version == self._seen and now < self._look_again:
            raise Empty
        try:
            return super()._poll(cycle, callback, timeout)
        except Empty:
            self._seen, self._look_again = version, now + LOOK_AGAIN_SECONDS
            raise

    # --- What becomes of a message

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """The message is done with."""
        self.store.acknowledge(delivery_tag)
        super().basic_ack(delivery_tag, multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """The message is refused: gone, or with `requeue` back in its queue."""
        if requeue:
            self.store.release(delivery_tag)
        else:
            self.store.acknowledge(delivery_tag)
        self.qos.ack(delivery_tag)

    def _restore(self, message: virtual.Message) -> None:
        self.store.release(message.delivery_tag, tried=False)

    # --- Queues and exchanges

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        self.store.declare(queue, temporary=bool(kwargs.get("auto_delete") or kwargs.get("exclusive")))

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return self.store.knows(queue)

    def _size(self, queue: str) -> int:
        return self.store.size(queue)

    def _purge(self, queue: str) -> int:
        return self.store.purge(queue)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        self.store.bind(exchange, routing_key or "", pattern or "", queue)

    def queue_unbind(
        self, queue: str, exchange: str | None = None, routing_key: str = "", arguments: Any = None, **kwargs: Any
    ) -> None:
        """Undo a binding."""
        self.state.binding_delete(queue, exchange, routing_key)
        self.store.unbind(exchange or "amq.direct", routing_key or "", queue)

    def queue_delete(self, queue: str, if_unused: bool = False, if_empty: bool = False, **kwargs: Any) -> None:
        """Remove `queue` with all it holds; with `if_empty` only when it holds nothing."""
        if not (if_empty and self._size(queue)):
            self.store.drop(queue)
            self.state.queue_bindings_delete(queue)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the bindings of `exchange` made by any process."""
        return self.store.bindings(exchange)


class Transport(virtual.Transport):
    """The way to the file named by the transport option `path`."""

    Channel = Channel
    default_port = 0
    polling_interval = POLL_SECONDS
    driver_type = SCHEME
    driver_name = "sqlite3"
    connection_errors = (*virtual.Transport.connection_errors, sqlite3.Error)
    implements = virtual.Transport.implements.extend(
        asynchronous=False, exchange_type=frozenset(["direct", "topic", "fanout"])
    )

    def driver_version(self) -> str:
        """Return the version of the SQLite library."""
        return sqlite3.sqlite_version

    def _reject_inbound_message(self, raw_message: dict[str, Any]) -> None:
        for channel in self.channels:
            channel.store.release(raw_message["properties"]["delivery_tag"], tried=False)
            return
