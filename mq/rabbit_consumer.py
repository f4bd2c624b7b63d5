"""How does a consumer of RabbitMQ take? From its shelf, without a word to the server as long as that sends by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from mq.broker import Consumer, Delivery
from mq.rabbit_feed import Feed
from mq.rabbit_reactor import Reactor
from mq.rabbit_shelf import Shelf
from system.errors import BrokerError, Unavailable


class RabbitConsumer(Consumer):
    """One thread's consumer. `tide` counts by queue what this process has sent or given back: that is seen by the next `take`."""

    def __init__(
        self, reactor: Reactor, feed: Feed, shelf: Shelf, queues: Sequence[str], tide: Mapping[str, int],
        on_close: Callable[[RabbitConsumer], None],
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self.shelf = shelf
        self.feed = feed
        self.queues = queues
        self._tide = tide
        self._seen = dict.fromkeys(queues, 0)
        self._held: set[int] = set()
        self._on_close = on_close
        self._is_closed = False

    def fileno(self) -> int:
        """See Consumer."""
        return self.shelf.bell

    def take(self, limit: int) -> list[Delivery]:
        """See Consumer."""
        if self._is_closed:
            raise BrokerError("this consumer is closed; ask the broker for a new one")
        feed = self.feed
        if feed.gone:
            raise feed.gone
        feed.is_idle = limit <= 0
        if limit <= 0:
            if len(self.shelf):
                self._reactor.soon(feed.relieve)
            return []
        feed.takes += 1
        fresh = self._fresh(limit)
        if fresh or not feed.is_complete or len(self._held) + limit > feed.prefetch:
            self._look(limit, fresh)
        items = self.shelf.take(limit)
        feed.wants_more = len(items) < limit
        self._held.update(item.tag for item in items)
        return [Delivery(item.tag, item.queue, item.body) for item in items]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """See Consumer."""
        tags = {delivery.tag for delivery in deliveries} & self._held
        if tags and not self._is_closed:
            self._held -= tags
            self._reactor.soon(lambda: self.feed.acknowledge(tags))

    def close(self) -> None:
        """See Consumer."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._reactor.ask(self.feed.close, "giving back messages")
        except Unavailable:
            # The server finds out by itself, and gives them back then.
            self._reactor.soon(lambda: self.feed.end(BrokerError("this consumer is closed")))
        finally:
            self._on_close(self)
            self.shelf.close()

    def drop(self, queue: str) -> int:
        """Drop what lies here of a queue, untaken; from any thread. Returns how many."""
        items = self.shelf.drop(queue)
        self._reactor.soon(lambda: self.feed.acknowledge({item.tag for item in items}))
        return len(items)

    def _fresh(self, limit: int) -> list[str]:
        """Return the queues in which there may be something of this process that has not arrived yet."""
        if len(self.shelf) >= limit:
            return []
        fresh = []
        for queue in self.queues:
            tide = self._tide.get(queue, 0)
            if tide != self._seen[queue] or (tide and self.feed.was_full):
                self._seen[queue] = tide
                fresh.append(queue)
        return fresh

    def _look(self, limit: int, fresh: Sequence[str]) -> None:
        def begin(future: Future[None]) -> None:
            self.feed.look(limit, fresh, future)

        self._reactor.ask(begin, "subscribing to queues")
