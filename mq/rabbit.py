"""How does a broker behave that is RabbitMQ? Two connections in one thread: one publishes and asks, the other one consumes."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from pika.exceptions import AMQPError

from mq.broker import Broker, BrokerFacts, Consumer, Message
from mq.declared import queue_missing
from mq.rabbit_consumer import RabbitConsumer
from mq.rabbit_errands import Errand, Errands
from mq.rabbit_errors import is_missing, of_channel
from mq.rabbit_feed import Feed
from mq.rabbit_frames import Letter
from mq.rabbit_link import Link
from mq.rabbit_publisher import Publisher, Returned
from mq.rabbit_reactor import Reactor, fail, settle
from mq.rabbit_shelf import Item, Shelf
from mq.rabbit_topology import Topology
from mq.rabbit_url import RabbitPlace
from system.clock import Clock
from system.context import DEAD_QUEUE, Queue
from system.errors import BrokerError, ConfigError, HorariumError, Unavailable

log = logging.getLogger(__name__)

# The first with dead letters at the delivery limit of a quorum queue, and passive counts that are exact.
OLDEST = (3, 8)
# How long at most somebody waits until what is foretold is on its way.
_FORETOLD_S = 0.005
_CONSUMER_TIMEOUT = (
    "the server's consumer_timeout can't be asked for by AMQP; no job is ever cut short by it, as deliveries are acknowledged at once"
)


class RabbitBroker(Broker):
    """Queues on a RabbitMQ server. The thread that owns the connections begins with `prepare`, or the first call."""

    def __init__(self, place: RabbitPlace, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._topology = Topology(place)
        self._lock = Lock()
        self._reactor: Reactor | None = None
        self._is_closed = False
        self._publisher, self._errands = Publisher(place, self._soon), Errands(place)
        self._links: dict[str, Link] = {}
        self._consumers: set[RabbitConsumer] = set()
        # Which queues are there as far as we know, and which we made, and so would make again.
        self._known: set[str] = set()
        self._own: set[str] = set()
        self._tide: Counter[str] = Counter()
        self._stamp = 0

    def prepare(self) -> None:
        """See Broker. There is nothing to create yet, but whoever starts wants to know whether the server is there."""
        self._connect("publishes")

    def route(self, queues: Iterable[Queue]) -> None:
        """See Broker."""
        self._topology.route(queues)

    def declare(self, queues: Sequence[str]) -> None:
        """See Broker."""
        new = [queue for queue in dict.fromkeys(queues) if queue not in self._known]
        if new:
            self._ready()
            self._run(self._topology.declarations([*new, *([] if DEAD_QUEUE in self._known else [DEAD_QUEUE])]), "declaring queues")
            self._known.update(new, [DEAD_QUEUE])
            self._own.update(new)

    def publish(self, messages: Sequence[Message]) -> None:
        """See Broker."""
        if not messages:
            return
        self._refuse_undeclared(message.queue for message in messages)
        self._count_tide(message.queue for message in messages)
        lost = self._send_or_mend(messages)
        if again := [message for message in messages if message.queue in lost & self._own]:
            self._make_anew(lost & self._own)
            lost -= self._own
            lost |= self._send(again)
        if lost:
            raise queue_missing(lost, is_rest_sent=True)

    def foretell(self, messages: Sequence[Message]) -> None:
        """See Broker."""
        link = self._links.get("publishes")
        if link is None or link.blocked or not self._known.issuperset(message.queue for message in messages):
            return
        letters = self._letters(messages)
        sent: Future[None] = Future()

        def begin() -> None:
            self._publisher.send(letters, Future())
            settle(sent, None)

        self._soon(begin)
        with suppress(TimeoutError):  # else this thread would go on with Python, and the message would wait until it waits itself
            sent.result(_FORETOLD_S)

    def consumer(self, queues: Sequence[str]) -> Consumer:
        """See Broker."""
        names = tuple(dict.fromkeys(queues))
        self._refuse_undeclared(names)
        connection = self._connect("consumes")
        reactor, shelf = self._running(), Shelf()
        feed = Feed(reactor, self._place, shelf, {name: self._topology.both(name) for name in names}, self._give_back, self._known.clear)
        consumer = RabbitConsumer(reactor, feed, shelf, names, self._tide, self._forget, self._clock)
        with self._lock:
            self._consumers.add(consumer)
        try:
            reactor.ask(lambda future: feed.open(connection, future), "opening a channel")
        except (AMQPError, HorariumError) as error:
            consumer.close()
            if isinstance(error, HorariumError):
                raise
            raise of_channel(error, self._place) from error  # the connection was lost since it was asked for
        return consumer

    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """See Broker."""
        connection = self._ready()
        told = connection.server_properties
        names = [(queue, name) for queue in queues for name in self._topology.both(queue)]
        counts = self._ask_each([_counting(name) for _, name in names], "looking for queues")
        there = {name: queue for (queue, name), frame in zip(names, counts, strict=True) if frame}
        dead, *_ = self._ask_each([_counting(self._topology.name(DEAD_QUEUE))], "counting dead letters")
        version = str(told.get("version", ""))
        return BrokerFacts(
            f"{told.get('product', 'a broker of unknown make')} {version}",
            unsupported="" if version_of(version) >= OLDEST else f"install RabbitMQ {OLDEST[0]}.{OLDEST[1]} or later",
            undeclared=tuple(dict.fromkeys(queue for queue, name in names if name not in there)),
            differing=self._differing(there),
            dead={DEAD_QUEUE: dead.method.message_count} if dead and dead.method.message_count else {},
            notes=(_CONSUMER_TIMEOUT,),
        )

    def mend(self) -> None:
        """See Broker."""
        self.prepare()

    def _differing(self, there: Mapping[str, str]) -> dict[str, str]:
        """Return which queues were made with other arguments than ours: what is declared as it is, changes nothing."""
        found: dict[str, str] = {}
        for name, queue in there.items():
            try:
                self._run([self._topology.declaration(queue, name)], "comparing queues")
            except BrokerError as error:
                found.setdefault(queue, str(error))
        return found

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See Broker. What lies on the shelves of this process counts; what others got and did not take yet does not, for a moment."""
        found: Counter[str] = Counter(dict.fromkeys(queues, 0))
        names = [(queue, name) for queue in found for name in self._topology.both(queue)]
        answers = self._ask_each([_counting(name) for _, name in names], "counting messages")
        for (queue, _), frame in zip(names, answers, strict=True):
            found[queue] += frame.method.message_count if frame else 0
        with self._lock:
            consumers = list(self._consumers)
        for consumer in consumers:
            for queue, count in consumer.shelf.counts().items():
                if queue in found:
                    found[queue] += count
        return dict(found)

    def purge(self, queue: str) -> int:
        """See Broker."""
        names = self._topology.both(queue)
        answers = self._ask_each([_purging(name) for name in names], "purging")
        with self._lock:
            consumers = list(self._consumers)
        dropped: int = sum(frame.method.message_count for frame in answers if frame)
        return dropped + sum(consumer.drop(queue) for consumer in consumers)

    def close(self) -> None:
        """See Broker."""
        with self._lock:
            self._is_closed = True
            consumers, reactor, self._reactor = list(self._consumers), self._reactor, None
        for consumer in consumers:
            consumer.close()
        if reactor is not None:
            for link in self._links.values():
                try:
                    reactor.ask(link.close, "closing a connection")
                except Unavailable as error:
                    log.warning("%s", error, extra={"action": "broker_failed"})
            reactor.stop()

    # -- connections

    def _running(self) -> Reactor:
        """Return the thread that owns the connections, started when it is first asked for."""
        with self._lock:
            if self._is_closed:
                raise BrokerError("this broker is closed")
            if self._reactor is None:
                self._reactor = self._begin()
            return self._reactor

    def _begin(self) -> Reactor:
        """Return a new thread, with its two links; raises ConfigError where these can't be made, as without the files of TLS."""
        reactor = Reactor(self._place.wait_s)
        lost = (self._main_up, self._main_down, self._main_blocked)
        got = (_ignore, self._consumers_down, _ignore)
        try:
            self._links = {
                name: Link(reactor, self._place, f"{os.getpid()} {name}", *told) for name, told in (("publishes", lost), ("consumes", got))
            }
        except ConfigError:
            reactor.stop()
            raise
        return reactor

    def _soon(self, call: Callable[[], None]) -> None:
        reactor = self._reactor
        if reactor is not None:
            reactor.soon(call)

    def _connect(self, name: str) -> Any:
        """Return a connection, waiting for it only where it was never tried; raises what is wrong with it."""
        reactor = self._running()
        return reactor.ask(self._links[name].open, "connecting")

    def _ready(self) -> Any:
        """Return the connection that publishes; raises what is wrong with it, at once where the server reads nothing from it just now."""
        connection = self._connect("publishes")
        if blocked := self._links["publishes"].blocked:
            raise blocked
        return connection

    def _main_up(self, connection: Any) -> None:
        self._topology.server = version_of(str(connection.server_properties.get("version", "")))
        self._publisher.attach(connection)
        self._errands.attach(connection)

    def _main_down(self, error: HorariumError) -> None:
        self._known.clear()  # they may not survive what has happened
        self._publisher.detach(error)
        self._errands.detach(error)

    def _main_blocked(self, error: HorariumError) -> None:
        self._publisher.give_up(error)
        self._errands.give_up(error)

    def _consumers_down(self, error: HorariumError) -> None:
        with self._lock:
            consumers = list(self._consumers)
        for consumer in consumers:
            consumer.feed.end(error)

    def _forget(self, consumer: RabbitConsumer) -> None:
        with self._lock:
            self._consumers.discard(consumer)
        self._count_tide(consumer.queues)

    # -- asking

    def _run(self, errands: Iterable[Errand], what: str) -> None:
        """Ask one after another, also for what follows a refusal; raises what the server refused first."""
        refused: AMQPError | None = None
        with self._begun(errands) as futures:
            for future in futures:
                try:
                    self._running().answer(future, what)
                except AMQPError as error:
                    refused = refused or error
        if refused:
            raise of_channel(refused, self._place) from refused

    def _ask_each(self, errands: Iterable[Errand], what: str) -> list[Any]:
        """Return the answers, None where what was asked for is not there."""
        self._ready()
        answers = []
        with self._begun(errands) as futures:
            for future in futures:
                try:
                    answers.append(self._running().answer(future, what))
                except AMQPError as error:
                    if not is_missing(error):
                        raise of_channel(error, self._place) from error
                    answers.append(None)
        return answers

    @contextmanager
    def _begun(self, errands: Iterable[Errand]) -> Iterator[list[Future[Any]]]:
        """Yield what will become the answers; those that were not waited for in the end are not asked for any more."""
        asked: list[tuple[Errand, Future[Any]]] = [(errand, Future()) for errand in errands]

        def begin() -> None:
            for errand, future in asked:
                self._errands.run(errand, future)

        self._running().soon(begin)
        try:
            yield [future for _, future in asked]
        finally:
            for _, future in asked:
                future.cancel()

    def _refuse_undeclared(self, queues: Iterable[str]) -> None:
        unknown = sorted(set(queues) - self._known)
        if not unknown:
            return
        answers = self._ask_each([_counting(self._topology.name(queue)) for queue in unknown], "looking for queues")
        missing = {queue for queue, frame in zip(unknown, answers, strict=True) if frame is None}
        self._known.update(set(unknown) - missing)
        if ours := missing & self._own:
            self._make_anew(ours)
        if others := missing - self._own:
            raise queue_missing(others)

    def _make_anew(self, queues: set[str]) -> None:
        log.warning("queues were deleted, making them anew: %s", ", ".join(sorted(queues)), extra={"action": "queues_made_anew"})
        self.declare(sorted(queues))

    # -- sending

    def _send(self, messages: Sequence[Message]) -> set[str]:
        """Publish; returns the queues that were not there."""
        self._ready()
        letters = self._letters(messages)

        def begin(future: Future[Returned]) -> None:
            self._publisher.send(letters, future)

        returned = self._running().ask(begin, "publishing")
        if not returned:
            return set()
        lost = {message.queue for message, letter in zip(messages, letters, strict=True) if letter.routing in returned}
        self._known -= lost
        return lost

    def _send_or_mend(self, messages: Sequence[Message]) -> set[str]:
        """Publish; where an exchange was deleted, make it and the queues anew and publish again."""
        try:
            return self._send(messages)
        except BrokerError as error:
            ours = {message.queue for message in messages} & self._own
            if not ours:
                raise
            log.warning("making queues anew: %s", error, extra={"action": "queues_made_anew"})
            self._known -= ours
            self.declare(sorted(ours))
            return self._send(messages)

    def _letters(self, messages: Sequence[Message]) -> list[Letter]:
        with self._lock:
            first = max(self._stamp + 1, int(self._clock.now().timestamp() * 1_000_000))
            self._stamp = first + len(messages)
        address = self._topology.address
        return [
            Letter(*address(message.queue, is_urgent=message.urgent), message.body.encode(), message.urgent, first + n)
            for n, message in enumerate(messages)
        ]

    def _give_back(self, items: Sequence[Item], done: Callable[[bool], None]) -> None:
        """Publish what a consumer got and has no time for where it is got first; belongs to the reactor's thread."""
        address = self._topology.address
        letters = [Letter(*address(item.queue, is_urgent=True), item.body.encode(), not item.is_late, item.stamp) for item in items]
        future: Future[Returned] = Future()
        future.add_done_callback(lambda f: done(f.exception() is None and not f.result()))
        if blocked := self._links["publishes"].blocked:
            fail(future, blocked)
        else:
            self._publisher.send(letters, future)

    def _count_tide(self, queues: Iterable[str]) -> None:
        with self._lock:
            self._tide.update(queues)


def version_of(text: str) -> tuple[int, ...]:
    """Return a version's numbers, as far as it has some: (3, 10, 8)."""
    return tuple(int(digits) for digits in re.findall(r"\d+", text)[:3])


def _ignore(_what: object) -> None:
    """Do nothing: a consumer opens its own channel, and a connection that publishes nothing is not blocked."""


def _counting(name: str) -> Errand:
    return lambda channel, done: channel.queue_declare(name, passive=True, callback=done)


def _purging(name: str) -> Errand:
    return lambda channel, done: channel.queue_purge(name, callback=done)
