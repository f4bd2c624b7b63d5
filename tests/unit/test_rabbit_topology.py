"""How are queues made on a RabbitMQ server of some version?"""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from mq.rabbit_topology import Topology
from mq.rabbit_url import place_of
from system.context import DEAD_QUEUE


def arguments_of(queue: str, server: tuple[int, ...], options: str = "") -> dict[str, object]:
    topology, channel = Topology(place_of(f"amqp://localhost/{options}")), Mock()
    topology.server = server
    topology.declaration(queue, queue)(channel, Mock())
    found: dict[str, object] = channel.queue_declare.call_args.kwargs["arguments"]
    return found


@pytest.mark.parametrize(("server", "limit"), [((), None), ((3, 10, 8), None), ((3, 13, 7), None), ((4, 0, 1), -1), ((4, 3), -1)])
def test_dead_letters_stay_however_often_they_are_looked_at(server: tuple[int, ...], limit: int | None) -> None:
    assert arguments_of(DEAD_QUEUE, server).get("x-delivery-limit") == limit


@pytest.mark.parametrize("server", [(3, 10, 8), (4, 0, 1)])
def test_a_message_that_kills_its_workers_is_given_up_on(server: tuple[int, ...]) -> None:
    found = arguments_of("q", server, "?delivery_limit=7&prefix=p.")
    assert (found["x-delivery-limit"], found["x-dead-letter-routing-key"]) == (7, f"p.{DEAD_QUEUE}")


def test_a_classic_queue_knows_no_limit() -> None:
    assert arguments_of("q", (4, 0, 1), "?queue_type=classic") == {"x-queue-type": "classic"}
