"""How does a broker behave that lives in this process alone? For unit tests and simulation: no I/O, no clock, no chance."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from threading import Lock

from mq.broker import Broker, BrokerFacts, Consumer, Delivery, Message
from mq.declared import refuse_undeclared
from system.errors import BrokerError

# A message's number comes first, so that what comes back from a consumer takes its old place again.
Waiting = dict[str, list[tuple[bool, int, str]]]


class MemoryBroker(Broker):
    """Queues as heaps of numbered messages. Two runs with the same calls give the same answers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Waiting = {}
        self._numbers = count(1)

    def prepare(self) -> None:
        """Do nothing: there is nothing to create."""

    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """See Broker."""
        with self._lock:
            return BrokerFacts("memory", undeclared=tuple(queue for queue in queues if queue not in self._waiting))

    def mend(self) -> None:
        """Do nothing: nothing can be missing."""

    def declare(self, queues: Sequence[str]) -> None:
        """Create those of `queues` that are not there."""
        with self._lock:
            for queue in queues:
                self._waiting.setdefault(queue, [])

    def publish(self, messages: Sequence[Message]) -> None:
        """Hand over `messages` in order."""
        with self._lock:
            refuse_undeclared((m.queue for m in messages), self._waiting)
            for message in messages:
                heappush(self._waiting[message.queue], (not message.urgent, next(self._numbers), message.body))

    def consumer(self, queues: Sequence[str]) -> Consumer:
        """Return a new consumer of `queues`."""
        with self._lock:
            refuse_undeclared(queues, self._waiting)
            return MemoryConsumer(self._lock, tuple(queues), self._waiting)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages wait in each queue."""
        with self._lock:
            return {queue: len(self._waiting.get(queue, ())) for queue in queues}

    def purge(self, queue: str) -> int:
        """Drop every message that waits in `queue`."""
        with self._lock:
            waiting = self._waiting.get(queue, [])
            dropped = len(waiting)
            waiting.clear()
            return dropped

    def close(self) -> None:
        """Do nothing: messages outlive the process that published them, here as everywhere."""


class MemoryConsumer(Consumer):
    """Takes from the heaps of its queues, urgent ones first, then the lowest number."""

    def __init__(self, lock: Lock, queues: tuple[str, ...], waiting: Waiting) -> None:
        self._lock = lock
        self._queues = queues
        self._waiting = waiting
        self._held: dict[int, tuple[bool, Delivery]] = {}
        self._is_closed = False

    def fileno(self) -> int:
        """Return -1: there is nothing to wait on."""
        return -1

    def take(self, limit: int) -> list[Delivery]:
        """Return at most `limit` messages, urgent ones first, then the oldest, over all its queues."""
        if self._is_closed:
            raise BrokerError("this consumer is closed; ask the broker for a new one")
        taken: list[Delivery] = []
        with self._lock:
            while len(taken) < limit and (filled := [q for q in self._queues if self._waiting[q]]):
                queue = min(filled, key=lambda q: self._waiting[q][0])
                rank, number, body = heappop(self._waiting[queue])
                taken.append(Delivery(number, queue, body))
                self._held[number] = (rank, taken[-1])
        return taken

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Drop what was taken."""
        with self._lock:
            for delivery in deliveries:
                self._held.pop(delivery.tag, None)

    def close(self) -> None:
        """Put back what was not acknowledged."""
        with self._lock:
            self._is_closed = True
            for rank, delivery in self._held.values():
                heappush(self._waiting[delivery.queue], (rank, delivery.tag, delivery.body))
            self._held.clear()
