"""What does dramatiq run in bench/compare.py? Actors that note that they ran, by a byte, and do nothing else."""

from __future__ import annotations

import os
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

# As durable as our messages are: each is confirmed.
broker: Any = RabbitmqBroker(url=os.environ["BENCH_AMQP"], confirm_delivery=True)
dramatiq.set_broker(broker)
_MARKS = os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@dramatiq.actor(queue_name=os.environ["BENCH_QUEUE"])  # type: ignore[untyped-decorator, unused-ignore]
def nothing(uow: str) -> None:
    """Note that a task ran."""
    os.write(_MARKS, b"x" if uow else b"")
