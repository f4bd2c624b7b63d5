"""How do messages get from RabbitMQ onto a consumer's shelf? As many as are wanted, and none is kept from others by who has no time.

Each queue has an urgent one beside it, since quorum queues know no priorities. How large they are, `mq/rabbit_subscription.py` says.

A consumer that does not come back for what lies on its shelf loses it after a moment: it goes to the urgent queue, so
that another one gets it next, and that queue's subscription rests until the consumer asks again. One that says that it has no time loses
the few messages that come then at once; where there are more, everybody is likely to be busy, and it would be for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from mq.rabbit_errors import is_missing, of_channel
from mq.rabbit_frames import URGENT
from mq.rabbit_reactor import Reactor, fail, settle
from mq.rabbit_shelf import Item, Shelf
from mq.rabbit_subscription import NONE_FULL, Subscription, choose, prefetch_for
from mq.rabbit_url import RabbitPlace
from system.errors import BrokerError, HorariumError

# How long something may lie there that nobody comes for: where no more was wanted, and where it was.
HOLD_S, HOLD_WANTED_S = 0.25, 5.0
FEW = 4
# How often at most a look asks what waits; the first times at once, then with pauses: a busy server takes its time to send.
_LOOKS, _AT_ONCE, _PAUSE_S = 60, 20, 0.01

# Publishes items anew where they are got first; then calls with whether it worked.
GiveBack = Callable[[Sequence[Item], Callable[[bool], None]], None]


class Feed:
    """The channel of one consumer. Belongs to the reactor's thread, but for what has no underscore.

    `takes`, `wants_more` and `is_idle` are told by the consumer: how often it came, whether it had room for more the last time, and
    whether it said that it has no time. `is_complete`: nothing rests. `least_full` is the smallest prefetch of a full subscription,
    `empty` are the queues in which nothing waited when they were looked at, and `heard` counts what the server said.
    """

    def __init__(
        self, reactor: Reactor, place: RabbitPlace, shelf: Shelf, names: dict[str, Sequence[str]], give_back: GiveBack,
        on_missing: Callable[[], None],
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._place = place
        self._shelf = shelf
        self._subscriptions = [Subscription(queue, name) for queue, both in names.items() for name in both]
        self._by_tag: dict[str, Subscription] = {}
        self._out: dict[int, tuple[Subscription, str]] = {}
        self._give_back = give_back
        self._on_missing = on_missing
        self._channel: Any = None
        self._count = 0
        self._is_watching = False
        self._asked: Future[None] = Future()
        self._some: Future[None] = Future()
        self._qos = 0
        self.gone: HorariumError | None = None
        self.is_complete = False
        self.least_full = NONE_FULL
        self.empty: set[str] = set()
        self.heard = 0
        self.wants_more = True
        self.is_idle = False
        self.takes = 0

    def open(self, connection: Any, future: Future[None]) -> None:
        """Open the channel."""
        self._asked = future

        def opened(channel: Any) -> None:
            channel.add_on_close_callback(self._on_close)
            channel.add_on_cancel_callback(self._on_cancel)
            self._channel = channel
            settle(future, None)

        connection.channel(on_open_callback=opened)

    def end(self, error: HorariumError) -> None:
        """Know that nothing comes any more."""
        if self.gone is None:
            self.gone = error
            if isinstance(error, BrokerError):
                self._on_missing()
            fail(self._asked, error)
            self._shelf.drain()
            self._shelf.ring()

    def close(self, future: Future[None]) -> None:
        """Give back everything, then the channel."""
        channel = self._channel
        if self.gone or channel is None or not channel.is_open:
            settle(future, None)
            return
        self.gone = BrokerError("this consumer is closed")
        fail(self._asked, self.gone)
        for subscription in self._subscriptions:
            self._cancel(subscription)
        if self._out:
            channel.basic_nack(max(self._out), multiple=True, requeue=True)
        self._out.clear()
        self._shelf.drain()
        channel.add_on_close_callback(lambda *_: settle(future, None))
        # The answer comes after the server has done all that was said before.
        channel.basic_qos(prefetch_count=1, callback=lambda _: channel.close())

    def acknowledge(self, tags: set[int]) -> None:
        """Drop messages for good: those at the front of what is out in one word."""
        if self.gone or not self._channel.is_open:
            return
        front = 0
        for tag in self._out:
            if tag not in tags:
                break
            front = tag
        if front:
            self._channel.basic_ack(front, multiple=True)
        for tag in tags:
            subscription, by = self._out.pop(tag, (None, ""))
            if subscription is not None:
                subscription.credit += by == subscription.tag
                if tag > front:
                    self._channel.basic_ack(tag)

    def look(self, limit: int, fresh: Collection[str], some: Future[None], future: Future[None]) -> None:
        """Have all queues subscribed with room for `limit` more, and see that what waits in the `fresh` queues has arrived.

        One look after another. `future` is answered when that is done, `some` as soon as anything arrives.
        """
        if self.gone:
            fail(future, self.gone)
            return
        self._asked, self._some = future, some
        self.empty = set(fresh)
        names = [subscription for subscription in self._subscriptions if subscription.queue in fresh]
        self._get(limit, names, lambda: settle(future, None))

    def _get(self, limit: int, names: Sequence[Subscription], done: Callable[[], None]) -> None:
        """Make the subscriptions that are to be made, and see what `names` hold."""
        steps = [partial(self._consume, subscription) for subscription in self._choose(limit)]
        self._follow([*steps, partial(self._see, limit, names, names, _LOOKS)] if names else steps, done)

    def _follow(self, steps: Sequence[Callable[[Callable[..., None]], None]], done: Callable[[], None]) -> None:
        """Take one step after another."""
        self.heard += 1
        if self.gone or not self._channel.is_open:
            fail(self._asked, self.gone or BrokerError("this consumer is closed"))
        elif not steps:
            done()
        else:
            steps[0](lambda *_: self._follow(steps[1:], done))

    def _choose(self, limit: int) -> list[Subscription]:
        """Return the subscriptions to be made, each with the prefetch that it shall have."""
        self.is_complete = True
        chosen, self.least_full = choose(self._subscriptions, self._wanted(limit), is_short=len(self._shelf) < limit)
        return chosen

    def _wanted(self, limit: int) -> int:
        """Return the prefetch, all in all, by which `limit` messages could lie here untaken."""
        return len(self._out) - len(self._shelf) + limit

    def _consume(self, subscription: Subscription, done: Callable[..., None]) -> None:
        if subscription.tag:
            self._leave(subscription)
        if self._qos != subscription.prefetch:
            self._qos = subscription.prefetch
            self._channel.basic_qos(prefetch_count=self._qos, callback=lambda _: None)
        self._count += 1
        subscription.tag, subscription.credit, subscription.is_full = f"c{self._count}", subscription.prefetch, False
        self._by_tag[subscription.tag] = subscription
        ended = subscription.ended

        def begun(frame: Any) -> None:
            # Pika remembers what was canceled as long as the channel is open, to reject what still comes for it. That is over once the
            # server has answered to what was said after it; else a worker would grow with each job that it can't start at once.
            self._channel._cancelled.discard(ended)
            done(frame)

        self._channel.basic_consume(subscription.name, self._on_message, consumer_tag=subscription.tag, callback=begun)

    def _cancel(self, subscription: Subscription) -> None:
        if subscription.tag:
            self._leave(subscription)
            subscription.is_full = False
            self.is_complete = False

    def _leave(self, subscription: Subscription) -> None:
        del self._by_tag[subscription.tag]
        self._channel.basic_cancel(subscription.tag)
        subscription.ended, subscription.tag = subscription.tag, ""

    def _see(
        self, limit: int, names: Sequence[Subscription], asked: Sequence[Subscription], looks: int, done: Callable[..., None],
        *, is_last: bool = False,
    ) -> None:  # fmt: skip
        """Ask queues how much waits in them, until that is nothing or has arrived; those again that had something, all of `names` at last.

        What a queue sent before it said that nothing waits, is here before its next answer: the server's end of the channel has it by
        then, but passes the first answer on before it.
        """
        if self.gone or not self._channel.is_open:
            done()
            return
        answers: list[int] = []

        def answered(frame: Any) -> None:
            self.heard += 1
            answers.append(frame.method.message_count)
            if len(answers) < len(asked):
                return
            holding = [subscription for count, subscription in zip(answers, asked, strict=True) if count]
            coming = [subscription for subscription in holding if subscription.credit > 0]
            smallest = min((subscription.prefetch for subscription in holding), default=NONE_FULL)
            if not coming and not is_last:
                self._see(limit, names, names, looks, done, is_last=True)
            elif not coming and len(self._shelf) < limit and smallest < prefetch_for(self._wanted(limit)):
                self._get(limit, names, done)
            elif not coming:
                self.empty -= {subscription.queue for subscription in holding}
                done()
            elif len(self._shelf) >= limit or looks == 1:
                self.empty.clear()
                done()
            elif looks > _LOOKS - _AT_ONCE:
                self._see(limit, names, coming, looks - 1, done)
            else:
                self._reactor.later(_PAUSE_S, lambda: self._see(limit, names, coming, looks - 1, done))

        for subscription in asked:
            self._channel.queue_declare(subscription.name, passive=True, callback=answered)

    def _on_message(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.heard += 1
        subscription = self._by_tag[method.consumer_tag]
        subscription.credit -= 1
        if subscription.credit <= 0:
            subscription.is_full = True
            self.least_full = min(self.least_full, subscription.prefetch)
        self._out[method.delivery_tag] = (subscription, method.consumer_tag)
        is_late = (properties.priority or 0) < URGENT
        text = body.decode("utf-8", "replace")
        self._shelf.put(Item(is_late, properties.timestamp or 0, method.delivery_tag, subscription.queue, text))
        if not self._some.done():
            settle(self._some, None)
        if self.is_idle and is_late:  # what is urgent was given back once: others are busy, too
            self._reactor.soon(self.relieve)
        self._watch()

    def relieve(self) -> None:
        """Let others have at once what lies here, if that is little and the consumer has no time for it."""
        if self.is_idle and not self.gone and 0 < len(self._shelf) <= FEW:
            self._rest()

    def _watch(self) -> None:
        if not self._is_watching:
            self._is_watching = True
            self._check_soon(self.takes, 0.0)

    def _check_soon(self, takes: int, waited_s: float) -> None:
        self._reactor.later(HOLD_S, lambda: self._check(takes, waited_s + HOLD_S))

    def _check(self, takes: int, waited_s: float) -> None:
        """Let others have what the consumer does not come for."""
        self._is_watching = False
        if self.gone or not len(self._shelf):
            return
        if takes == self.takes and (waited_s >= HOLD_WANTED_S or not self.wants_more):
            self._rest()
            return
        self._is_watching = True
        self._check_soon(self.takes, waited_s if takes == self.takes else 0.0)

    def _rest(self) -> None:
        items = [item for item in self._shelf.drain() if item.tag in self._out]
        for item in items:
            self._cancel(self._out[item.tag][0])
        tags = {item.tag for item in items}

        def given(is_safe: bool) -> None:  # noqa: FBT001  what a callback is told
            if is_safe:
                self.acknowledge(tags)
            elif not self.gone:
                for tag in tags & self._out.keys():
                    del self._out[tag]
                    self._channel.basic_nack(tag, requeue=True)

        self._give_back(items, given)

    def _on_cancel(self, _frame: Any) -> None:
        """Let go of all queues where one of them was deleted: nobody comes for what the server would go on to send of the others."""
        self.end(BrokerError("a queue was deleted while it was consumed"))
        if self._channel.is_open:
            self._channel.close()

    def _on_close(self, _channel: Any, error: BaseException) -> None:
        if is_missing(error):
            self.end(BrokerError(f"a queue is not there any more: {error}"))
        else:
            self.end(error if isinstance(error, HorariumError) else of_channel(error, self._place))
