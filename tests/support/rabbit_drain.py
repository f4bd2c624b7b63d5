"""What does a process do that only consumes? It prints what it took, a line for each message; started by the tests of RabbitMQ.

    python -m tests.support.rabbit_drain URL QUEUE LIMIT drain|hold

`drain` acknowledges, and ends when nothing comes any more; `hold` takes once, prints, and keeps what it took until it is killed.
"""

from __future__ import annotations

import select
import sys
from pathlib import Path

from mq.broker import Broker
from mq.urls import open_broker

QUIET_S = 2.0


def main(url: str, queue: str, limit: str, what: str) -> None:
    """Take from `queue`."""
    broker = open_broker(url, file=None, var=Path())
    broker.prepare()
    if what == "hold":
        hold(broker, queue, int(limit))
    else:
        drain(broker, queue, int(limit))
        broker.close()


def drain(broker: Broker, queue: str, limit: int) -> None:
    """Take and acknowledge until nothing came for a while."""
    consumer = broker.consumer([queue])
    while True:
        taken = consumer.take(limit)
        consumer.acknowledge(taken)
        for delivery in taken:
            sys.stdout.write(delivery.body + "\n")
        if not taken and not select.select([consumer.fileno()], [], [], QUIET_S)[0]:
            return


def hold(broker: Broker, queue: str, limit: int) -> None:
    """Take something, say so, and stand still."""
    consumer = broker.consumer([queue])
    taken = consumer.take(limit)
    while len(taken) < limit:
        select.select([consumer.fileno()], [], [], QUIET_S)
        taken += consumer.take(limit - len(taken))
    for delivery in taken:
        sys.stdout.write(delivery.body + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
