"""How is a broker asked that may not answer? Beside all else, and for a moment only.

A page, or a status, is of the store; what it says of the broker must not keep it from whoever is on call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from launcher.bounded import TooSlow, within
from mq.broker import Broker, BrokerFacts, Consumer, Message
from system.context import Queue
from system.errors import BrokerAway, BrokerError, ConfigError, HorariumError, QueueMissing, Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")
E = TypeVar("E", bound=HorariumError)
_REST_S = 10.0


class BesideBroker(Broker):
    """Asks `broker` in threads of their own. After an answer that did not come in time nothing is asked for a while.

    Whatever is late raises BrokerAway; it may be done all the same. `monotonic` gives seconds.
    """

    def __init__(self, broker: Broker, monotonic: Callable[[], float], *, patience_s: float) -> None:
        self._broker, self._monotonic, self._patience_s = broker, monotonic, patience_s
        self._rests_until_s: float | None = None
        self._fault = ""  # what was wrong last

    def prepare(self) -> None:
        """See Broker."""
        self._ask(self._broker.prepare)

    def route(self, queues: Iterable[Queue]) -> None:
        """See Broker."""
        self._broker.route(queues)

    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """See Broker."""
        return self._ask(lambda: self._broker.describe(queues))

    def mend(self) -> None:
        """See Broker."""
        self._ask(self._broker.mend)

    def declare(self, queues: Sequence[str]) -> None:
        """See Broker."""
        self._ask(lambda: self._broker.declare(queues))

    def publish(self, messages: Sequence[Message]) -> None:
        """See Broker."""
        self._ask(lambda: self._broker.publish(messages))

    def consumer(self, queues: Sequence[str]) -> Consumer:
        """See Broker. One that is opened too late is closed: nobody would give back what it is sent."""
        return self._ask(lambda: self._broker.consumer(queues), late=lambda consumer: consumer.close())

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See Broker."""
        return self._ask(lambda: self._broker.depths(queues))

    def purge(self, queue: str) -> int:
        """See Broker."""
        return self._ask(lambda: self._broker.purge(queue))

    def close(self) -> None:
        """See Broker. One that does not answer is left to a thread that ends with this process."""
        with suppress(TooSlow):
            within(0.0 if self._rests() else self._patience_s, self._broker.close)

    def _ask(self, ask: Callable[[], T], *, late: Callable[[T], object] = lambda _: None) -> T:
        if self._rests():
            raise self._refusal()
        try:
            found = within(self._patience_s, ask, late=late)
        except TooSlow as error:
            self._rests_until_s = self._monotonic() + _REST_S
            raise self._said(self._refusal()) from error
        except ConfigError as error:  # the files of its TLS, say: a matter of the broker, and of nothing else that is asked
            raise self._said(BrokerError(str(error))) from error
        except QueueMissing:
            raise
        except (BrokerError, Unavailable) as error:
            self._said(error)
            raise
        self._rests_until_s = None
        if self._fault:
            log.info("the broker answers again", extra={"action": "broker_back"})
            self._fault = ""
        return found

    def _rests(self) -> bool:
        return self._rests_until_s is not None and self._monotonic() < self._rests_until_s

    def _refusal(self) -> BrokerAway:
        return BrokerAway(f"the broker has not answered for {self._patience_s:g} s; `launch.py doctor` tells what is wrong with it")

    def _said(self, error: E) -> E:
        """Tell of a fault once, however many pages ask."""
        if str(error) != self._fault:
            log.warning("%s", error, extra={"action": "broker_away"})
        self._fault = str(error)
        return error
