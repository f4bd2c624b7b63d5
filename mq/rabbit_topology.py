"""Which exchanges and queues stand for the port's queues on a RabbitMQ server, and how are they made?"""

from __future__ import annotations

from collections.abc import Iterable

from mq.rabbit_errands import Errand
from mq.rabbit_url import RabbitPlace
from system.context import DEAD_QUEUE, Queue

URGENT_END = ".urgent"
_HAS_LIMIT = (4, 0)  # since then RabbitMQ limits also those quorum queues of which nothing was said


class Topology:
    """Names, all with the place's prefix. A queue that nobody told the way to is reached by RabbitMQ's own exchange.

    `server` is the version of the server, once one was connected to.
    """

    def __init__(self, place: RabbitPlace) -> None:
        self._place = place
        self.server: tuple[int, ...] = ()
        self._routes: dict[str, Queue] = {}

    def route(self, queues: Iterable[Queue]) -> None:
        """Go by the exchanges and routing keys of `queues` from now on."""
        self._routes.update({queue.name: queue for queue in queues})

    def name(self, queue: str) -> str:
        """Return what a queue is called on the server."""
        return self._place.prefix + queue

    def both(self, queue: str) -> tuple[str, ...]:
        """Return the queues on the server that stand for one: for what is urgent, and for the rest. Dead letters are never urgent."""
        name = self.name(queue)
        return (name,) if queue == DEAD_QUEUE else (name + URGENT_END, name)

    def address(self, queue: str, *, is_urgent: bool) -> tuple[str, str]:
        """Return exchange and routing key."""
        route = self._routes.get(queue)
        end = URGENT_END if is_urgent and queue != DEAD_QUEUE else ""
        if route is None:
            return "", self.name(queue) + end
        return self.name(route.exchange), self.name(route.routing) + end

    def declarations(self, queues: Iterable[str]) -> list[Errand]:
        """Return what makes queues, with their exchanges and bindings; all durable."""
        errands: list[Errand] = []
        exchanges: set[str] = set()
        for queue in queues:
            exchange, _ = self.address(queue, is_urgent=False)
            if exchange and exchange not in exchanges:
                exchanges.add(exchange)
                errands.append(_exchange(exchange))
            for name in self.both(queue):
                errands.append(self.declaration(queue, name))
                if exchange:
                    errands.append(_binding(name, *self.address(queue, is_urgent=name.endswith(URGENT_END))))
        return errands

    def declaration(self, queue: str, name: str) -> Errand:
        """Return what makes one of the queues that stand for `queue`."""
        return _queue(name, self._arguments(queue))

    def _arguments(self, queue: str) -> dict[str, object]:
        arguments: dict[str, object] = {"x-queue-type": self._place.queue_type}
        if self._place.queue_type != "quorum":
            return arguments
        if queue == DEAD_QUEUE and self.server >= _HAS_LIMIT:
            arguments["x-delivery-limit"] = -1  # else the server drops a letter once it was shown twenty times
        elif queue != DEAD_QUEUE:
            arguments["x-delivery-limit"] = self._place.delivery_limit
            arguments["x-dead-letter-exchange"] = ""
            arguments["x-dead-letter-routing-key"] = self.name(DEAD_QUEUE)
        return arguments


def _exchange(name: str) -> Errand:
    return lambda channel, done: channel.exchange_declare(name, "direct", durable=True, callback=done)


def _queue(name: str, arguments: dict[str, object]) -> Errand:
    return lambda channel, done: channel.queue_declare(name, durable=True, arguments=arguments, callback=done)


def _binding(name: str, exchange: str, routing: str) -> Errand:
    return lambda channel, done: channel.queue_bind(name, exchange, routing, callback=done)
