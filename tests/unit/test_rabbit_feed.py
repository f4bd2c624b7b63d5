"""Does a consumer see what its process has published, though the server sends it bit by bit?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from pika.exceptions import ChannelClosedByClient, ConnectionWrongStateError

from mq.rabbit import RabbitBroker
from mq.rabbit_consumer import RabbitConsumer
from mq.rabbit_feed import Feed, GiveBack
from mq.rabbit_reactor import Reactor
from mq.rabbit_shelf import Shelf
from mq.rabbit_url import place_of
from system.clock import ManualClock, RealClock
from system.errors import BrokerAway, Unavailable


class SlowServer:
    """A channel to queues: each sends `burst` messages before each answer to a count, as far as the subscription's prefetch goes.

    `consumed` lists the queues that were subscribed, `counted` those that were asked how much waits. `later` are the answers to
    subscriptions where it is `busy`.
    """

    def __init__(self, waiting: int, burst: int, *, queues: Sequence[str] = ("a",)) -> None:
        self.waiting = {queue: deque(str(n) for n in range(waiting)) for queue in queues}
        self.burst = burst
        self.is_open = True
        self.is_busy = False
        self.consumed: list[str] = []
        self.counted: list[str] = []
        self.later: deque[Callable[[], None]] = deque()
        self._prefetch = self._tag = 0
        self._at_close: list[Callable[..., None]] = []
        self._cancelled: set[str] = set()  # as pika calls it
        self._subscriptions: dict[str, list[Any]] = {}  # consumer tag: its queue, who is told, and how many more

    def channel(self, on_open_callback: Callable[[Any], None]) -> None:
        on_open_callback(self)

    def add_on_close_callback(self, told: Callable[..., None]) -> None:
        self._at_close.append(told)

    def add_on_cancel_callback(self, _: object) -> None: ...

    def close(self) -> None:
        self.is_open = False
        for told in self._at_close:
            told(self, ChannelClosedByClient(200, "closed"))

    def basic_qos(self, prefetch_count: int, callback: Callable[[Any], None]) -> None:
        assert prefetch_count < 2**16  # what the protocol has room for
        self._prefetch = prefetch_count
        callback(None)

    def basic_consume(self, queue: str, told: Callable[..., None], consumer_tag: str, callback: Callable[[Any], None]) -> None:
        self.consumed.append(queue)
        self._subscriptions[consumer_tag] = [queue, told, self._prefetch]
        if self.is_busy:
            self.later.append(lambda: callback(None))
        else:
            callback(None)

    def basic_cancel(self, consumer_tag: str) -> None:
        self._subscriptions.pop(consumer_tag, None)
        self._cancelled.add(consumer_tag)

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None: ...

    def basic_nack(self, tag: int, **_: object) -> None: ...

    def queue_declare(self, queue: str, passive: bool, callback: Callable[[Any], None]) -> None:
        assert passive
        self.counted.append(queue)
        self.send(queue)
        callback(SimpleNamespace(method=SimpleNamespace(message_count=len(self.waiting.get(queue, ())))))

    def send(self, queue: str) -> None:
        most, waiting = self.burst, self.waiting.get(queue, deque())
        for tag, subscription in self._subscriptions.items():
            while subscription[0] == queue and most and waiting and subscription[2]:
                most -= 1
                subscription[2] -= 1
                self.deliver(subscription[1], tag, waiting.popleft())

    def deliver(self, told: Callable[..., None], consumer_tag: str, body: str) -> None:
        self._tag += 1
        method = SimpleNamespace(consumer_tag=consumer_tag, delivery_tag=self._tag)
        told(self, method, SimpleNamespace(priority=0, timestamp=self._tag), body.encode())


class OneThread:
    """A reactor without a thread: all is done at once, and nothing later."""

    wait_s = 1.0

    def ask(self, begin: Callable[[Future[Any]], None], _: str) -> Any:
        return self.begin(begin).result(0)

    def begin(self, begin: Callable[[Future[Any]], None]) -> Future[Any]:
        future: Future[Any] = Future()
        begin(future)
        return future

    def soon(self, call: Callable[[], None]) -> None:
        call()

    def later(self, _: float, call: Callable[[], None]) -> None: ...


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.close()


def consumer_of(server: SlowServer, shelf: Shelf, *, published: int, give_back: GiveBack = lambda *_: None) -> RabbitConsumer:
    """Return a consumer of the queues of `server`, to which this process has published."""
    reactor, queues = cast("Reactor", OneThread()), list(server.waiting)
    feed = Feed(reactor, place_of("amqp://localhost/"), shelf, {name: [f"{name}.urgent", name] for name in queues}, give_back, Mock())
    opened: Future[None] = Future()
    feed.open(server, opened)
    return RabbitConsumer(reactor, feed, shelf, queues, dict.fromkeys(queues, published), lambda _: None, ManualClock())


def test_what_came_short_at_the_first_take_is_waited_for_at_the_second(shelf: Shelf) -> None:
    consumer = consumer_of(SlowServer(waiting=5, burst=3), shelf, published=5)
    first = consumer.take(3)  # its subscription has room for 4, of which the server sent 3
    assert [delivery.body for delivery in first + consumer.take(3)] == ["0", "1", "2", "3", "4"]


def test_of_many_queues_each_sends_its_share(shelf: Shelf) -> None:
    server = SlowServer(waiting=50, burst=50, queues=[f"q{n}" for n in range(40)])
    consumer = consumer_of(server, shelf, published=1)
    taken = consumer.take(64)
    assert (len(taken), len(shelf)) == (64, 40 + 2 * 40 - 64)  # one of each was not enough; then two more


def test_what_many_queues_send_together_needs_no_larger_subscriptions(shelf: Shelf) -> None:
    server = SlowServer(waiting=50, burst=50, queues=[f"q{n}" for n in range(40)])
    consumer = consumer_of(server, shelf, published=1)
    taken = [len(consumer.take(limit)) for limit in (1, 2, 4, 8, 16)]
    assert (taken, len(server.consumed)) == ([1, 2, 4, 8, 16], 2 * 40)


def test_however_much_is_asked_for_the_server_is_told_a_number_that_it_takes(shelf: Shelf) -> None:
    consumer = consumer_of(SlowServer(waiting=9, burst=9), shelf, published=9)
    assert len(consumer.take(1_000_000)) == 9


def test_only_the_queue_that_holds_more_is_subscribed_anew(shelf: Shelf) -> None:
    server = SlowServer(waiting=0, burst=50, queues=[f"q{n}" for n in range(40)])
    server.waiting["q7"].extend("abcdefgh")
    consumer = consumer_of(server, shelf, published=1)
    bodies = [delivery.body for delivery in consumer.take(8)]
    assert (bodies, server.consumed[80:]) == (list("abcdefgh"), ["q7"])


def test_queues_that_were_seen_empty_are_not_asked_again(shelf: Shelf) -> None:
    server = SlowServer(waiting=0, burst=50, queues=["a", "b"])
    consumer = consumer_of(server, shelf, published=1)
    consumer.take(5)
    asked = len(server.counted)
    consumer.take(5)
    assert (asked, len(server.counted)) == (8, 8)


def test_what_is_here_is_taken_while_the_server_still_answers(shelf: Shelf) -> None:
    server = SlowServer(waiting=3, burst=3, queues=["a", "b"])
    server.is_busy = True
    consumer = consumer_of(server, shelf, published=0)
    looks = [consumer.take(2)]
    while server.later:
        server.send(server.consumed[-1])
        server.later.popleft()()
        looks.append(consumer.take(2))
    assert [len(look) for look in looks] == [0, 0, 1, 0, 1]


def test_a_consumer_that_closes_in_the_middle_subscribes_no_more(shelf: Shelf) -> None:
    server = SlowServer(waiting=1, burst=1, queues=["a", "b"])
    server.is_busy = True
    consumer = consumer_of(server, shelf, published=0)
    consumer.take(1)
    consumer.close()
    while server.later:
        server.later.popleft()()
    assert server.consumed == ["a.urgent"]


class Silent:
    """A connection that is lost before it answers."""

    def channel(self, on_open_callback: object) -> None: ...


def test_who_opens_a_channel_is_told_at_once_that_the_connection_was_lost(shelf: Shelf) -> None:
    feed = Feed(cast("Reactor", OneThread()), place_of("amqp://localhost/"), shelf, {"a": ["a"]}, lambda *_: None, lambda: None)
    opened: Future[None] = Future()
    feed.open(Silent(), opened)
    feed.end(BrokerAway("the connection was lost"))
    with pytest.raises(BrokerAway):
        opened.result(0)


def test_a_consumer_without_time_does_not_grow_with_each_message(shelf: Shelf) -> None:
    server = SlowServer(waiting=300, burst=1)
    consumer = consumer_of(server, shelf, published=0, give_back=lambda _, done: done(True))
    for _ in range(100):
        consumer.acknowledge(consumer.take(1))
        server.send("a")
        consumer.take(0)
    assert len(server.consumed) > 50
    assert len(server._cancelled) <= 2


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
