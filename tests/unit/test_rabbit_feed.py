"""Does a consumer see what its process has published, though the server sends it bit by bit?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pika.exceptions import ConnectionWrongStateError

from mq.rabbit import RabbitBroker
from mq.rabbit_consumer import RabbitConsumer
from mq.rabbit_feed import Feed
from mq.rabbit_reactor import Reactor
from mq.rabbit_shelf import Shelf
from mq.rabbit_url import place_of
from system.clock import RealClock
from system.errors import Unavailable


class SlowServer:
    """A channel to one queue "a": it sends `burst` messages before each answer to a count, as far as the subscription's prefetch goes."""

    def __init__(self, waiting: int, burst: int) -> None:
        self.waiting = deque(str(n) for n in range(waiting))
        self.burst = burst
        self.is_open = True
        self._prefetch = self._tag = 0
        self._subscriptions: dict[str, list[Any]] = {}  # consumer tag: who is told, and how many more

    def channel(self, on_open_callback: Callable[[Any], None]) -> None:
        on_open_callback(self)

    def add_on_close_callback(self, _: object) -> None: ...

    def add_on_cancel_callback(self, _: object) -> None: ...

    def basic_qos(self, prefetch_count: int, callback: Callable[[Any], None]) -> None:
        self._prefetch = prefetch_count
        callback(None)

    def basic_consume(self, queue: str, told: Callable[..., None], consumer_tag: str, callback: Callable[[Any], None]) -> None:
        self._subscriptions[consumer_tag] = [told, self._prefetch if queue == "a" else 0]
        callback(None)

    def basic_cancel(self, consumer_tag: str) -> None:
        self._subscriptions.pop(consumer_tag, None)

    def queue_declare(self, queue: str, passive: bool, callback: Callable[[Any], None]) -> None:
        assert passive
        if queue == "a":
            self.send(self.burst)
        callback(SimpleNamespace(method=SimpleNamespace(message_count=len(self.waiting) if queue == "a" else 0)))

    def send(self, most: int) -> None:
        for tag, subscription in self._subscriptions.items():
            while most and self.waiting and subscription[1]:
                most -= 1
                subscription[1] -= 1
                self._tag += 1
                method = SimpleNamespace(consumer_tag=tag, delivery_tag=self._tag)
                subscription[0](self, method, SimpleNamespace(priority=0, timestamp=self._tag), self.waiting.popleft().encode())


class OneThread:
    """A reactor without a thread: all is done at once, and nothing later."""

    def ask(self, begin: Callable[[Future[Any]], None], _: str) -> Any:
        future: Future[Any] = Future()
        begin(future)
        return future.result(0)

    def soon(self, call: Callable[[], None]) -> None:
        call()

    def later(self, _: float, call: Callable[[], None]) -> None: ...


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.close()


def test_what_came_short_at_the_first_take_is_waited_for_at_the_second(shelf: Shelf) -> None:
    server, reactor = SlowServer(waiting=5, burst=3), cast("Reactor", OneThread())
    feed = Feed(reactor, place_of("amqp://localhost/"), shelf, {"a": ["a", "a.urgent"]}, lambda *_: None, lambda: None)
    opened: Future[None] = Future()
    feed.open(server, opened)
    consumer = RabbitConsumer(reactor, feed, shelf, ["a"], {"a": 5}, lambda _: None)
    first = consumer.take(3)  # its subscription has room for 4, of which the server sent 3
    assert [delivery.body for delivery in first + consumer.take(3)] == ["0", "1", "2", "3", "4"]


def open_descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


class Closed:
    """A connection that was lost a moment ago."""

    def channel(self, on_open_callback: object) -> None:
        raise ConnectionWrongStateError("Channel allocation requires an open connection")


def test_a_consumer_whose_connection_is_lost_while_it_is_made_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = RabbitBroker(place_of("amqp://ann:geheim@127.0.0.1:1/"), RealClock())
    monkeypatch.setattr(broker, "_connect", lambda _: Closed())
    monkeypatch.setattr(broker, "_refuse_undeclared", lambda _: None)
    begun: Callable[[Future[None]], None] = lambda future: future.set_result(None)  # noqa: E731  says which future it is
    broker._running().ask(begun, "the thread to run")
    before = open_descriptors()
    with pytest.raises(Unavailable, match="was lost"):
        broker.consumer(["a"])
    assert (broker._consumers, open_descriptors()) == (set(), before)
    broker.close()
