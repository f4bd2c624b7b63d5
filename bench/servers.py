"""Which store and broker does a benchmark run on? Names of its own on servers that others may use too, dropped in the end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

MOST_PROCESSES = 48  # of those that do nothing; so many queues are deleted in the end
AMQP = "amqp://guest:guest@127.0.0.1:5672/"
MONGO = "mongodb://127.0.0.1:27017"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark be told its pair: nothing for the embedded one."""
    parser.add_argument("--store", default="", help="URL of a MongoDB server without a database; nothing for SQLite")
    parser.add_argument("--broker", default="", help="URL of a RabbitMQ server, as the setting has it; nothing for the queue in SQLite")


@contextmanager
def pair(store: str, broker: str, var: Path) -> Iterator[dict[str, str]]:
    """Yield the variables that lead a deployment in `var` to a store and a broker of its own."""
    name = f"bench_{os.getpid()}_{uuid4().hex[:6]}"
    found = {"HORARIUM_STORE_URL": f"{store.rstrip('/')}/{name}" if store else f"sqlite:///{var / 'horarium.db'}"}
    if broker:
        found["HORARIUM_BROKER_URL"] = f"{broker}{'&' if '?' in broker else '?'}prefix={name}."
    try:
        yield found
    finally:
        if store:
            drop_database(store, name)
        if broker:
            delete_queues(broker, f"{name}.")


def kind_of(store: str, broker: str) -> str:
    """Return the raw limit that stands beside a pair."""
    return "mongodb" if store else "rabbitmq" if broker else "embedded"


def plain(broker: str) -> str:
    """Return a broker's URL without our options, as other libraries take it."""
    return broker.partition("?")[0]


def channel_to(broker: str) -> tuple[Any, Any]:
    """Return a connection to RabbitMQ and a channel."""
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(plain(broker)))
    return connection, connection.channel()


def delete_queues(broker: str, prefix: str) -> None:
    """Delete the queues of the benchmarks' contexts."""
    from mq.rabbit_topology import URGENT_END
    from system.context import DEAD_QUEUE, MANAGED_EXCHANGE, REPORT_QUEUE, UTILS_EXCHANGE
    from system.lanes import both_lanes

    names = both_lanes([f"queue_{token}_hourly" for token in _TOKENS])
    connection, channel = channel_to(broker)
    for name in [*names, REPORT_QUEUE, DEAD_QUEUE]:
        channel.queue_delete(prefix + name)
        channel.queue_delete(prefix + name + URGENT_END)
    for exchange in (MANAGED_EXCHANGE, UTILS_EXCHANGE):
        channel.exchange_delete(prefix + exchange)
    connection.close()


_TOKENS = [*(f"no_op_{n}" for n in range(MOST_PROCESSES)), *(f"{kind}_{n}" for kind in ("child", "parent") for n in range(2))]


def drop_database(store: str, name: str) -> None:
    """Drop a database of ours."""
    import pymongo

    client: Any = pymongo.MongoClient(store)
    client.drop_database(name)
    client.close()
