"""Does the engine forget what it decided and could not commit, whatever else goes wrong in that moment?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from db.memory import MemoryStore
from db.model import Session
from mq.broker import Consumer, Delivery, Message
from mq.memory import MemoryBroker
from system.errors import BrokerError, Unavailable
from system.lifecycle import JobState
from tests.support.lamp import Lamp, hours, january


class Stubborn(Consumer):
    """A consumer whose `close` takes effect and fails all the same, while its broker is away."""

    def __init__(self, inner: Consumer, broker: Moody) -> None:
        self._inner = inner
        self._broker = broker

    def fileno(self) -> int:
        return self._inner.fileno()

    def take(self, limit: int) -> list[Delivery]:
        return self._inner.take(limit)

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        if self._broker.is_away:
            raise Unavailable("no broker")
        self._inner.acknowledge(deliveries)

    def close(self) -> None:
        self._broker.closed += 1
        self._inner.close()
        if self._broker.is_away:
            raise Unavailable("no broker")


class Moody(MemoryBroker):
    """A broker that may be away, for what writes."""

    is_away = False
    closed = 0

    def consumer(self, queues: Sequence[str]) -> Consumer:
        return Stubborn(super().consumer(queues), self)

    def publish(self, messages: Sequence[Message]) -> None:
        if self.is_away:
            raise BrokerError("no room for messages")
        super().publish(messages)


class Blind(MemoryStore):
    """A store whose sessions can't be read for a while."""

    is_blind = False

    def sessions(self) -> list[Session]:
        if self.is_blind:
            raise Unavailable("no sessions")
        return super().sessions()


def test_what_a_round_decided_before_it_failed_is_read_again_also_where_the_consumer_fails_to_close() -> None:
    store, broker = Blind(), Moody()
    lamp = Lamp(january(("hourly",), end="2013010101"), store=store, broker=broker)
    lamp.turn()
    lamp.finish(lamp.claim(*hours(1))[0])
    lamp.clock.sleep(lamp.settings.sweep_s)
    store.is_blind = broker.is_away = True
    with pytest.raises(Unavailable, match="sessions"):
        lamp.turn()
    store.is_blind = broker.is_away = False
    lamp.sweep()
    assert lamp.job("flights_hourly", "2013010100").state is JobState.PROCESSED


def test_a_leader_whose_turn_was_taken_steps_down_also_where_its_consumer_fails_to_close() -> None:
    broker = Moody()
    lamp = Lamp(january(("hourly",), end="2013010102"), broker=broker)
    lamp.turn()
    lamp.store.close_sessions(["scheduler-1"])
    lamp.another_engine("scheduler-2").turn(lamp.clock.now())
    lamp.finish(lamp.claim(*hours(1))[0])
    broker.is_away = True
    lamp.turn()
    assert not lamp.engine.leads


def test_a_consumer_that_failed_is_closed() -> None:
    broker = Moody()
    lamp = Lamp(january(("hourly",), end="2013010101"), broker=broker)
    lamp.turn()
    lamp.finish(lamp.claim(*hours(1))[0])
    broker.is_away = True
    lamp.turn()
    assert broker.closed == 1


def test_messages_that_can_not_be_sent_are_kept_once_however_often_the_sweep_says_them() -> None:
    broker = Moody()
    lamp = Lamp(january(("hourly",), end="2013010102"), broker=broker)
    broker.is_away = True
    for _ in range(5):
        lamp.sweep()
    broker.is_away = False
    lamp.turn()
    assert broker.depths(["queue_flights_hourly_backfill"]) == {"queue_flights_hourly_backfill": 2}
