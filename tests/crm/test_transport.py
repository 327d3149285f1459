"""What Celery relies on in the embedded broker, tried on a real file with real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue

from crm.broker import holders, transport
from crm.broker.store import MAX_REDELIVERIES, Store, store_at

WORK = Queue("work", Exchange("work", type="direct"), routing_key="work")
NEWS = Exchange("news", type="fanout")

transport.register()


@pytest.fixture
def broker_file(tmp_path: Path) -> str:
    return str(tmp_path / "broker.sqlite3")


@pytest.fixture
def connection(broker_file: str) -> Iterator[Connection]:
    with connect(broker_file) as connection:
        yield connection


def connect(broker_file: str, **options: Any) -> Connection:
    return Connection("sqlitebroker://localhost", transport_options={"path": broker_file, **options})


def publish(connection: Connection, *bodies: Any, **options: Any) -> None:
    producer = Producer(connection)
    for body in bodies:
        producer.publish(body, exchange=WORK.exchange, routing_key="work", declare=[WORK], **options)


def get(connection: Connection, no_ack: bool = False) -> Any:
    queue = WORK(connection.default_channel)
    queue.declare()
    return queue.get(no_ack=no_ack)


def size(connection: Connection) -> int:
    return WORK(connection.default_channel).queue_declare(passive=True).message_count


def drain(connection: Connection, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not enough():
        try:
            connection.drain_events(timeout=left)
        except TimeoutError:
            return


def test_put_get_and_acknowledge(connection):
    publish(connection, {"lead": 1}, {"lead": 2})
    first, second = get(connection), get(connection)
    assert [first.payload, second.payload] == [{"lead": 1}, {"lead": 2}]
    assert get(connection) is None
    first.ack()
    second.ack()
    assert size(connection) == 0


def test_higher_priority_goes_first(connection):
    publish(connection, "later", priority=1)
    publish(connection, "first", priority=9)
    publish(connection, "last")
    assert [get(connection).payload for _ in range(3)] == ["first", "later", "last"]


def test_rejected_message_is_gone(connection):
    publish(connection, "bad")
    get(connection).reject()
    assert (get(connection), size(connection)) == (None, 0)


def test_requeued_message_comes_again_and_says_so(connection):
    publish(connection, "again")
    message = get(connection)
    assert "redelivered" not in message.delivery_info
    message.requeue()
    message = get(connection)
    assert (message.payload, message.delivery_info["redelivered"]) == ("again", True)


def test_size_counts_free_messages_and_purge_leaves_the_held(connection):
    publish(connection, *range(5))
    held = get(connection)
    assert size(connection) == 4
    assert WORK(connection.default_channel).purge() == 4
    held.requeue()
    assert get(connection).payload == 0


def test_get_without_acknowledgement_removes_at_once(connection, broker_file):
    publish(connection, "once")
    assert get(connection, no_ack=True).payload == "once"
    with store_at(broker_file)._writing() as db:
        assert db.execute("SELECT count(*) FROM message").fetchone() == (0,)


def test_message_survives_the_connection(broker_file):
    with connect(broker_file) as publisher:
        publish(publisher, "kept")
    with connect(broker_file) as consumer:
        assert get(consumer).payload == "kept"


def test_orderly_close_gives_back_what_was_held(broker_file):
    with connect(broker_file) as one:
        publish(one, "held")
        get(one)
    with connect(broker_file) as other:
        message = get(other)
        assert message.payload == "held"
        # Nobody tried it, so giving it back does not count towards the end of its life.
        assert "redelivered" not in message.delivery_info


def test_fan_out_reaches_every_consumer(broker_file):
    heard: dict[str, list[Any]] = {"ear-1": [], "ear-2": []}
    with connect(broker_file) as one, connect(broker_file) as two, connect(broker_file) as speaker:
        consumers = [
            Consumer(
                c, [Queue(name, NEWS)], callbacks=[lambda body, m, name=name: heard[name].append(body)], no_ack=True
            )
            for c, name in ((one, "ear-1"), (two, "ear-2"))
        ]
        for consumer in consumers:
            consumer.consume()
        Producer(speaker, exchange=NEWS).publish("hello", declare=[NEWS])
        drain(one, 2, enough=lambda: bool(heard["ear-1"]))
        drain(two, 2, enough=lambda: bool(heard["ear-2"]))
    assert heard == {"ear-1": ["hello"], "ear-2": ["hello"]}


def test_topic_matches_wildcards(connection):
    topic = Exchange("topics", type="topic")
    queue = Queue("eu", topic, routing_key="eu.#")(connection.default_channel)
    queue.declare()
    producer = Producer(connection, exchange=topic)
    producer.publish("yes", routing_key="eu.de.berlin", declare=[topic])
    producer.publish("no", routing_key="us.ny", declare=[topic])
    assert [queue.get(no_ack=True).payload, queue.get()] == ["yes", None]


def test_expired_message_is_not_delivered(connection):
    publish(connection, "stale", expiration=0.05)
    time.sleep(0.1)
    publish(connection, "fresh")
    assert get(connection).payload == "fresh"


def test_waiting_consumer_hears_within_200_ms(broker_file):
    delays: list[float] = []
    with connect(broker_file) as consumer_side, connect(broker_file) as publisher_side:
        consumer = Consumer(
            consumer_side, [WORK], callbacks=[lambda body, m: (delays.append(time.time() - body), m.ack())]
        )
        consumer.consume()

        def speak() -> None:
            for _ in range(10):
                time.sleep(0.13)
                publish(publisher_side, time.time())

        speaker = threading.Thread(target=speak)
        speaker.start()
        drain(consumer_side, 60, enough=lambda: len(delays) == 10)
        speaker.join()
    assert len(delays) == 10
    # The slower half may have met a busy machine.
    assert sorted(delays)[4] < 0.2


def test_idle_polling_costs_next_to_nothing(broker_file):
    with connect(broker_file) as idle:
        Consumer(idle, [WORK], callbacks=[lambda body, m: None]).consume()
        drain(idle, 0.2)
        before = time.process_time()
        drain(idle, 2)
        assert time.process_time() - before < 0.1


def test_lease_is_renewed_while_held(broker_file):
    with connect(broker_file, visibility_timeout=1.5) as holder, connect(broker_file) as other:
        held: list[Any] = []
        Consumer(holder, [WORK], callbacks=[lambda body, m: held.append(m)], prefetch_count=1).consume()
        publish(other, "long work")
        drain(holder, 3)
        assert get(other) is None
        held[0].ack()
        assert size(other) == 0


def test_lease_of_a_silent_holder_runs_out(broker_file):
    with connect(broker_file, visibility_timeout=0.2) as silent, connect(broker_file) as other:
        publish(other, "stuck")
        late = get(silent)
        time.sleep(0.3)
        message = get(other)
        assert message.delivery_info["redelivered"] is True
        # The first holder's late word must not take the message from the second.
        late.ack()
        message.requeue()
        assert get(other).payload == "stuck"


def test_poison_is_buried_after_too_many_deliveries(connection, broker_file, caplog):
    publish(connection, "poison")
    for _ in range(MAX_REDELIVERIES + 1):
        get(connection).requeue()
    publish(connection, "healthy")
    assert get(connection).payload == "healthy"
    [(queue, _, deliveries)] = store_at(broker_file).dead()
    assert (queue, deliveries) == ("work", MAX_REDELIVERIES + 1)
    assert "given up" in caplog.text


def test_each_message_goes_to_one_of_many_threads(broker_file):
    with connect(broker_file) as publisher:
        publish(publisher, *range(200))
    store, seen, lock = store_at(broker_file), [], threading.Lock()

    def work() -> None:
        while taken := store.take("work", lease=60):
            with lock:
                seen.append(taken.tag)
            store.acknowledge(taken.tag)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(set(seen)) == 200


def test_each_message_goes_to_one_of_many_processes(broker_file):
    with connect(broker_file) as publisher:
        publish(publisher, *range(300))
    script = f"""
        from crm.broker.store import Store
        store, count = Store({broker_file!r}), 0
        while taken := store.take("work", lease=60):
            store.acknowledge(taken.tag)
            count += 1
        print(count)
    """
    processes = [python(script, stdout=subprocess.PIPE) for _ in range(3)]
    counts = [int(process.communicate(timeout=30)[0]) for process in processes]
    assert sum(counts) == 300


def test_killed_consumer_loses_nothing(broker_file):
    with connect(broker_file) as connection:
        publish(connection, "precious")
        victim = python(
            f"""
            import time
            from kombu import Connection
            from crm.broker import transport
            transport.register()
            connection = Connection("sqlitebroker://localhost", transport_options={{"path": {broker_file!r}}})
            message = connection.default_channel.basic_get("work")
            print(message.payload, flush=True)
            time.sleep(60)
            """,
            stdout=subprocess.PIPE,
        )
        assert victim.stdout.readline().strip() == b"precious"
        assert get(connection) is None
        heard: list[Any] = []
        Consumer(connection, [WORK], callbacks=[lambda body, m: (heard.append(m.delivery_info), m.ack())]).consume()
        os.kill(victim.pid, signal.SIGKILL)
        drain(connection, 5, enough=lambda: bool(heard))  # not waited for: even as a zombie it counts as gone
        victim.wait()
    assert [info["redelivered"] for info in heard] == [True]


def test_writer_killed_at_any_moment_leaves_a_sound_file(broker_file):
    script = f"""
        from crm.broker.store import Store
        store = Store({broker_file!r})
        print("ready", flush=True)
        while True:
            store.put("work", "x" * 500)
            taken = store.take("work", lease=60)
            store.acknowledge(taken.tag)
            store.put("other", "x" * 500)
    """
    for kills, moment in enumerate((0.01, 0.05, 0.11, 0.23), start=1):
        writer = python(script, stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(moment)
        writer.kill()
        writer.wait()
        store = Store(broker_file)
        with store._writing() as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.tidy()
        assert store.size("work") <= kills
    assert store.size("other") > 0


def test_temporary_queue_of_a_dead_process_is_dropped(broker_file):
    python(
        f"""
        from crm.broker.store import Store
        store = Store({broker_file!r})
        store.declare("reply", temporary=True)
        store.bind("answers", "reply", "", "reply")
        store.put("reply", "never read")
        """
    ).wait()
    store = Store(broker_file)
    assert store.knows("reply")
    store.tidy()
    assert (store.knows("reply"), store.bindings("answers"), store.size("reply")) == (False, [], 0)


def test_temporary_queue_declared_anew_belongs_to_the_newcomer(broker_file):
    python(
        f"""
        from crm.broker.store import Store
        store = Store({broker_file!r})
        store.declare("control", temporary=True)
        store.bind("all", "", "", "control")
        """
    ).wait()
    store = Store(broker_file)
    store.declare("control", temporary=True)
    store.bind("all", "", "", "control")
    store.tidy()
    assert (store.knows("control"), store.bindings("all")) == (True, [("", "", "control")])


def test_forked_child_uses_a_connection_of_its_own(broker_file):
    store_at(broker_file).put("work", "from the parent")
    child = os.fork()
    if not child:
        try:
            store_at(broker_file).put("work", "from the child")
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert store_at(broker_file).size("work") == 2


def test_reused_process_number_is_another_holder():
    machine, number, started = holders.this_process().rsplit("/", 2)
    assert holders.is_alive(f"{machine}/{number}/{started}")
    assert not holders.is_alive(f"{machine}/{number}/1")
    assert holders.is_alive(f"elsewhere-{socket.gethostname()}/{number}/1")


def python(script: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], **options)
