"""What do store and queue allow with no logic at all? The yardstick that stands beside the product's own figure in the same run.

Per unit of work exactly: one state inserted (requested), one message out, one state changed (outcome, conditional), one message back;
everything durable (SQLite WAL with synchronous=FULL; RabbitMQ persistent messages with confirms), in batches, between two processes.
Prints one JSON line.

    python -m bench.raw_limit embedded [--uows 20000] [--batch 100]
    python -m bench.raw_limit rabbitmq [...] [--amqp URL] [--queue-type classic]     states in SQLite, messages in RabbitMQ
    python -m bench.raw_limit mongodb  [...] [--mongo URL]                           states in MongoDB, messages in RabbitMQ
"""

import argparse
import json
import multiprocessing as mp
import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from bench.servers import AMQP, MONGO, channel_to, plain

BODY = "x" * 300
KINDS = ("embedded", "rabbitmq", "mongodb")


@dataclass(frozen=True)
class Yardstick:
    """What is measured: where states and messages are kept, how many, and how many at once."""

    kind: str
    file: str = ""
    uows: int = 20_000
    batch: int = 100
    amqp: str = AMQP
    mongo: str = MONGO
    queue_type: str = "classic"
    name: str = ""


class States(Protocol):
    """Where states are kept."""

    def insert(self, ids: Sequence[str]) -> None:
        """Insert requested states."""

    def finish(self, ids: Sequence[str]) -> None:
        """Change them, conditionally."""


class Queues(Protocol):
    """What carries messages."""

    def publish(self, queue: str, bodies: Sequence[str]) -> None:
        """Send messages; they are safe on return."""

    def take(self, queue: str, limit: int) -> list[str]:
        """Take messages, after a short wait where there are none."""


class SqliteStates:
    """States in SQLite."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS uow (id TEXT PRIMARY KEY, state TEXT, fence INTEGER, body TEXT)")

    def insert(self, ids: Sequence[str]) -> None:
        """Insert requested states."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO uow VALUES (?, 'requested', 0, ?)", [(i, BODY) for i in ids])
        self.db.execute("COMMIT")

    def finish(self, ids: Sequence[str]) -> None:
        """Change them, conditionally."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("UPDATE uow SET state='processed', fence=fence+1 WHERE id=? AND state='requested'", [(i,) for i in ids])
        self.db.execute("COMMIT")


class MongoStates:
    """States in MongoDB."""

    def __init__(self, url: str, name: str) -> None:
        import pymongo

        self.one = pymongo.UpdateOne
        self.uow: Any = pymongo.MongoClient(url)[name].uow

    def insert(self, ids: Sequence[str]) -> None:
        """Insert requested states."""
        self.uow.insert_many([{"_id": i, "state": "requested", "fence": 0, "body": BODY} for i in ids], ordered=False)

    def finish(self, ids: Sequence[str]) -> None:
        """Change them, conditionally."""
        change = {"$set": {"state": "processed"}, "$inc": {"fence": 1}}
        self.uow.bulk_write([self.one({"_id": i, "state": "requested"}, change) for i in ids], ordered=False)


class SqliteQueue:
    """A queue in SQLite."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS message (n INTEGER PRIMARY KEY, queue TEXT, body TEXT)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_queue ON message (queue, n)")

    def publish(self, queue: str, bodies: Sequence[str]) -> None:
        """Send messages."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO message (queue, body) VALUES (?, ?)", [(queue, b) for b in bodies])
        self.db.execute("COMMIT")

    def take(self, queue: str, limit: int) -> list[str]:
        """Take messages, after a short wait where there are none."""
        if not self.db.execute("SELECT 1 FROM message WHERE queue=? LIMIT 1", (queue,)).fetchone():
            time.sleep(0.001)
            return []
        self.db.execute("BEGIN IMMEDIATE")
        rows = self.db.execute("SELECT n, body FROM message WHERE queue=? ORDER BY n LIMIT ?", (queue, limit)).fetchall()
        self.db.executemany("DELETE FROM message WHERE n=?", [(n,) for n, _ in rows])
        self.db.execute("COMMIT")
        return [b for _, b in rows]


class RabbitQueue:
    """Queues in RabbitMQ, by the driver's plain channel: its usual one waits for each confirm."""

    def __init__(self, url: str, name: str) -> None:
        import pika

        self.name = name
        self.properties = pika.BasicProperties(delivery_mode=2)
        self.connection, self.channel = channel_to(url)
        self.channel.basic_qos(prefetch_count=500)
        self.buffer: list[tuple[int, str]] = []
        self.seen: set[str] = set()
        self.sent = self.confirmed = 0
        self.early: set[int] = set()
        ready: list[Any] = []
        self.out: Any = self.connection.channel()._impl
        self.out.confirm_delivery(self.on_confirm, callback=ready.append)
        while not ready:
            self.connection.process_data_events(time_limit=0.01)

    def on_confirm(self, frame: Any) -> None:
        """Count what is safe."""
        tag = frame.method.delivery_tag
        if frame.method.multiple:
            self.confirmed = max(self.confirmed, tag)
        else:
            self.early.add(tag)
        while self.confirmed + 1 in self.early:
            self.confirmed += 1
            self.early.discard(self.confirmed)

    def on_message(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        """Keep what came."""
        self.buffer.append((method.delivery_tag, body.decode()))

    def publish(self, queue: str, bodies: Sequence[str]) -> None:
        """Send messages, and wait until all are safe."""
        for body in bodies:
            self.out.basic_publish("", self.name + queue, body.encode(), self.properties)
        self.sent += len(bodies)
        while self.confirmed < self.sent:
            self.connection.process_data_events(time_limit=0.005)

    def take(self, queue: str, limit: int) -> list[str]:
        """Take messages, after a short wait where there are none."""
        if queue not in self.seen:
            self.seen.add(queue)
            self.channel.basic_consume(self.name + queue, self.on_message)
        self.connection.process_data_events(time_limit=0 if self.buffer else 0.002)
        got, self.buffer = self.buffer[:limit], self.buffer[limit:]
        if got:
            self.channel.basic_ack(got[-1][0], multiple=True)
        return [body for _, body in got]


def connect(given: Yardstick) -> tuple[States, Queues]:
    """Return states and queues of one process."""
    states: States = MongoStates(given.mongo, given.name) if given.kind == "mongodb" else SqliteStates(given.file)
    queues: Queues = SqliteQueue(given.file) if given.kind == "embedded" else RabbitQueue(given.amqp, given.name)
    return states, queues


def worker(given: Yardstick) -> None:
    """Finish what comes, and report it."""
    states, queue = connect(given)
    left = given.uows
    while left:
        ids = queue.take("raw_out", given.batch)
        if ids:
            states.finish(ids)
            queue.publish("raw_back", ids)
            left -= len(ids)


def measure(given: Yardstick) -> dict[str, object]:
    """Return the figures of one run, in a file, database and queues of its own."""
    name = f"raw_{os.getpid()}_{time.time_ns()}"
    with tempfile.TemporaryDirectory() as folder:
        own = replace(given, file=given.file or str(Path(folder) / "raw.db"), amqp=plain(given.amqp), name=name)
        prepare(own)
        try:
            seconds = _seconds(own)
        finally:
            drop(own)
    about = {} if given.kind == "embedded" else {"queue_type": given.queue_type}
    rate = round(given.uows / seconds)
    return {"kind": given.kind, **about, "uows": given.uows, "batch": given.batch, "seconds": round(seconds, 3), "uows_per_s": rate}


def _seconds(own: Yardstick) -> float:
    states, queue = connect(own)
    child = mp.get_context("spawn").Process(target=worker, args=(own,))
    child.start()
    time.sleep(1.5)
    start, sent, back, ids = time.perf_counter(), 0, 0, [f"process/20130101{n:06d}/1/1" for n in range(own.uows)]
    while back < own.uows:
        if sent < own.uows and sent - back < 20 * own.batch:
            part = ids[sent : sent + own.batch]
            states.insert(part)
            queue.publish("raw_out", part)
            sent += len(part)
        back += len(queue.take("raw_back", own.batch))
    seconds = time.perf_counter() - start
    child.join()
    return seconds


def prepare(own: Yardstick) -> None:
    """Make the queues."""
    if own.kind != "embedded":
        connection, channel = channel_to(own.amqp)
        for queue in ("raw_out", "raw_back"):
            channel.queue_declare(own.name + queue, durable=True, arguments={"x-queue-type": own.queue_type})
        connection.close()


def drop(own: Yardstick) -> None:
    """Leave nothing behind."""
    if own.kind != "embedded":
        connection, channel = channel_to(own.amqp)
        for queue in ("raw_out", "raw_back"):
            channel.queue_delete(own.name + queue)
        connection.close()
    if own.kind == "mongodb":
        from bench.servers import drop_database

        drop_database(own.mongo, own.name)


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--uows", type=int, default=20000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--amqp", default=AMQP)
    parser.add_argument("--mongo", default=MONGO)
    parser.add_argument("--queue-type", default="classic", choices=["classic", "quorum"])
    given = parser.parse_args()
    yardstick = Yardstick(given.kind, "", given.uows, given.batch, given.amqp, given.mongo, given.queue_type)
    print(json.dumps(measure(yardstick)))


if __name__ == "__main__":
    main()
