"""How does a test use a RabbitMQ server that others use too? By a prefix of its own, of which nothing is left in the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pika

from mq.rabbit import RabbitBroker
from mq.rabbit_link import parameters_of
from mq.rabbit_topology import Topology
from mq.rabbit_url import OPTIONS, RabbitPlace, place_of
from system.clock import RealClock
from system.context import DEAD_QUEUE, FREERUN_EXCHANGE, MANAGED_EXCHANGE, UTILS_EXCHANGE
from tests.services.rabbitmq import RabbitMQ
from tests.support.services import service_url

_NUMBERS = count(1)


def own_place(url: str = "", **options: Any) -> RabbitPlace:
    """Return the server of the tests, or another one, with a prefix that nobody else has."""
    place = place_of(url or service_url("AMQP_URL"))
    return replace(place, prefix=f"test-{os.getpid()}-{next(_NUMBERS)}.", **options)


def url_of(place: RabbitPlace) -> str:
    """Return the URL that leads to a place."""
    said = {name: getattr(place, name) for name in OPTIONS}
    options = urlencode({name: value for name, value in said.items() if value})
    user = f"{quote(place.user, safe='')}:{quote(place.password, safe='')}"
    scheme = "amqps" if place.is_tls else "amqp"
    return f"{scheme}://{user}@{place.host}:{place.port}/{quote(place.vhost, safe='') if place.vhost != '/' else ''}?{options}"


class Remembering(RabbitBroker):
    """A broker that knows what it declared."""

    def __init__(self, place: RabbitPlace) -> None:
        super().__init__(place, RealClock())
        self.declared: set[str] = set()

    def declare(self, queues: Sequence[str]) -> None:
        self.declared.update(queues)
        super().declare(queues)


@contextmanager
def rabbit_broker(url: str = "", **options: Any) -> Iterator[RabbitBroker]:
    """Yield a broker over names of its own, and delete what was made in the end."""
    place = own_place(url, **options)
    broker = Remembering(place)
    try:
        yield broker
    finally:
        broker.close()
        delete(place, broker.declared)


@contextmanager
def private_rabbit(folder: Path, settings: Mapping[str, str]) -> Iterator[RabbitMQ]:
    """Yield a server of a test's own with other settings, and remove it in the end."""
    service_url("AMQP_URL")  # where there is none, there is no other one
    server = RabbitMQ(folder, settings=settings).start()
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def channel_to(place: RabbitPlace) -> Iterator[Any]:
    """Yield a plain channel of pika, for what no broker of ours does."""
    connection = pika.BlockingConnection(parameters_of(place, "a test's channel"))
    try:
        yield connection.channel()
    finally:
        connection.close()


def delete(place: RabbitPlace, queues: Iterable[str]) -> None:
    """Delete queues, with all that stands for them, and the exchanges."""
    with channel_to(place) as channel:
        for queue in {*queues, DEAD_QUEUE}:
            for name in Topology(place).both(queue):
                channel.queue_delete(name)
        for exchange in (MANAGED_EXCHANGE, FREERUN_EXCHANGE, UTILS_EXCHANGE):
            channel.exchange_delete(place.prefix + exchange)
