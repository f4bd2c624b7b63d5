"""Which reports has the engine to take in now? Out of the broker in batches, a bounded number of units of work for each turn.

A broker that is away holds nothing up: the sweep finds out without it.
"""

from __future__ import annotations

import logging
from collections import deque

from mq.broker import Broker, Consumer, Delivery
from system.context import REPORT_QUEUE
from system.errors import BrokerError, QueueMissing, Unavailable
from system.reports import named_in

log = logging.getLogger(__name__)


class Inbox:
    """The consumer of reports, made when it is first needed and again when it failed. `most`: how many units of work a batch may name."""

    def __init__(self, broker: Broker, most: int) -> None:
        self._broker = broker
        self._most = most
        self._consumer: Consumer | None = None
        self._waiting: deque[Delivery] = deque()  # taken, and too many for the batch before

    @property
    def has_more(self) -> bool:
        """Whether reports lie here for the next batch."""
        return bool(self._waiting)

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when a report may have come; -1 while there is none."""
        return self._consumer.fileno() if self._consumer else -1

    def take(self) -> list[Delivery]:
        """Return the next batch; empty where nothing came, or where the broker is away."""
        try:
            if self._consumer is None:
                self._consumer = self._broker.consumer([REPORT_QUEUE])
            if not self._waiting:
                self._waiting.extend(self._consumer.take(self._most))
        except (BrokerError, Unavailable) as error:
            log.warning("no reports from the broker, will ask again: %s", error)
            self.close()
            if isinstance(error, QueueMissing):
                self._declare_again()
            return []
        return self._batch()

    def acknowledge(self, deliveries: list[Delivery]) -> None:
        """Drop what was taken in."""
        try:
            if self._consumer is not None and deliveries:
                self._consumer.acknowledge(deliveries)
        except (BrokerError, Unavailable) as error:
            log.warning("could not acknowledge %d reports: %s", len(deliveries), error)
            self.close()

    def close(self) -> None:
        """Stop consuming. What was taken and not acknowledged comes back, at the latest when this consumer is found gone."""
        consumer, self._consumer = self._consumer, None
        self._waiting.clear()
        try:
            if consumer is not None:
                consumer.close()
        except (BrokerError, Unavailable) as error:
            log.warning("the consumer of reports did not close cleanly: %s", error)

    def _batch(self) -> list[Delivery]:
        batch: list[Delivery] = []
        named = 0
        while self._waiting and named < self._most:
            batch.append(self._waiting.popleft())
            named += max(1, len(named_in(batch[-1].body)))
        return batch

    def _declare_again(self) -> None:
        """Make the queue of reports anew: somebody deleted it behind our back."""
        try:
            self._broker.declare([REPORT_QUEUE])
        except (BrokerError, Unavailable) as error:
            log.warning("could not declare %s: %s", REPORT_QUEUE, error)
