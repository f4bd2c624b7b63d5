"""How does a consumer of RabbitMQ take? From its shelf, without a word to the server as long as that sends by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from mq.broker import Consumer, Delivery
from mq.rabbit_feed import Feed
from mq.rabbit_reactor import Reactor, settle, silent
from mq.rabbit_shelf import Shelf
from mq.rabbit_subscription import MOST_PREFETCH
from system.clock import Clock
from system.errors import BrokerError, Unavailable

_MOMENT_S = 0.5


class _Look(NamedTuple):
    """What was asked of the feed: `whole` is answered when all is done, `some` as soon as anything has arrived."""

    whole: Future[None]
    some: Future[None]


class RabbitConsumer(Consumer):
    """One thread's consumer. `tide` counts by queue what this process has sent or given back: that is seen by the next `take`."""

    def __init__(
        self, reactor: Reactor, feed: Feed, shelf: Shelf, queues: Sequence[str], tide: Mapping[str, int],
        on_close: Callable[[RabbitConsumer], None], clock: Clock,
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._clock = clock
        self.shelf = shelf
        self.feed = feed
        self.queues = queues
        self._tide = tide
        self._seen = dict.fromkeys(queues, 0)
        self._unseen: set[str] = set()
        self._look: _Look | None = None
        self._is_new = True
        self._heard, self._heard_s = -1, 0.0
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
        if self._look is not None and self._fresh(limit):
            self._await(self._look, limit)  # it began too early
        if self._look is None:
            self._begin(limit)
        if self._look is not None:
            self._await(self._look, limit)
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

    def _begin(self, limit: int) -> None:
        """Have the feed look where something of this process may not have arrived, and where a subscription is missing or too small."""
        feed, fresh = self.feed, self._fresh(limit)
        is_small = len(self.shelf) < limit and feed.least_full < min(MOST_PREFETCH, len(self._held) + limit)
        if fresh or is_small or not feed.is_complete:
            some: Future[None] = Future()
            whole: Future[None] = self._reactor.begin(lambda future: feed.look(limit, fresh, some, future))
            whole.add_done_callback(lambda _: settle(some, None))
            self._look = _Look(whole, some)
            self._heard = -1

    def _fresh(self, limit: int) -> frozenset[str]:
        """Return the queues in which there may be something of this process that has not arrived yet."""
        if len(self.shelf) >= limit:
            return frozenset()
        for queue in self.queues:
            tide = self._tide.get(queue, 0)
            if tide != self._seen[queue]:
                self._seen[queue] = tide
                self._unseen.add(queue)
        return frozenset(self._unseen)

    def _await(self, look: _Look, limit: int) -> None:
        """Wait until what this process has sent is here, and a moment for the first that comes at all.

        For nothing else: with many queues, or where the server is busy, a look goes on meanwhile, and what comes rings. BrokerAway says
        that nothing at all was heard of it for too long.
        """
        answer = look.whole if self._unseen else look.some
        enough = limit if self._unseen else 1
        patience_s = self._reactor.wait_s if self._unseen else _MOMENT_S if self._is_new else 0.0
        while patience_s > 0 and not answer.done() and len(self.shelf) < enough:
            patience_s -= _MOMENT_S
            with suppress(TimeoutError):
                answer.result(_MOMENT_S)
        self._is_new = False
        if look.whole.done():
            self._look = None
            look.whole.result()
            self._unseen -= self.feed.empty
        elif self.feed.heard != self._heard:
            self._heard, self._heard_s = self.feed.heard, self._clock.monotonic()
        elif self._clock.monotonic() - self._heard_s >= self._reactor.wait_s:
            raise silent(self._reactor.wait_s, "subscribing to queues")
