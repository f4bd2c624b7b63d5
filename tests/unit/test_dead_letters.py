"""What becomes of messages that a broker gave up on?"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from db.memory import MemoryStore
from launcher.dead_letters import DeadLetter, Settled, dead_letters, drop, send_again
from mq.broker import Consumer, Delivery, Message
from mq.memory import MemoryBroker
from system.context import DEAD_QUEUE
from tests.support.builders import UOW_ID, turn, uow
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof, Terminal

QUEUE = "queue_flights_hourly"


@pytest.fixture
def store() -> MemoryStore:
    """A store with one unit of work that is requested."""
    made = MemoryStore()
    made.project(turn(opened=[uow()]), [])
    return made


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker that gave up on two messages: one for that unit of work, and one for none."""
    made = MemoryBroker()
    made.declare([DEAD_QUEUE, QUEUE])
    made.publish([Message(DEAD_QUEUE, UOW_ID), Message(DEAD_QUEUE, "nonsense")])
    return made


def test_they_are_shown_with_what_the_store_knows_and_stay(store: MemoryStore, broker: MemoryBroker) -> None:
    for _ in range(2):
        assert dead_letters(store, broker) == [DeadLetter(UOW_ID, QUEUE, "state_requested"), DeadLetter("nonsense", "", "")]


def test_what_is_still_due_is_sent_again_and_the_rest_dropped(store: MemoryStore, broker: MemoryBroker) -> None:
    assert send_again(store, broker) == Settled(sent=1, dropped=1)
    assert broker.depths([DEAD_QUEUE, QUEUE]) == {DEAD_QUEUE: 0, QUEUE: 1}


def test_a_dead_report_stands_for_each_unit_of_work_that_it_names(store: MemoryStore) -> None:
    broker = MemoryBroker()
    broker.declare([DEAD_QUEUE, QUEUE])
    broker.publish([Message(DEAD_QUEUE, f"{UOW_ID} gone/2013010100/1/1")])
    assert dead_letters(store, broker) == [DeadLetter(UOW_ID, QUEUE, "state_requested"), DeadLetter("gone/2013010100/1/1", "", "")]
    assert send_again(store, broker) == Settled(sent=1, dropped=0)
    assert broker.depths([DEAD_QUEUE, QUEUE]) == {DEAD_QUEUE: 0, QUEUE: 1}


class Trickle(Consumer):
    """A consumer to which a server sends one message after another: at every second look none has come yet."""

    def __init__(self, inner: Consumer) -> None:
        self._inner = inner
        self._looks = 0
        self._bell, hammer = os.pipe()
        os.close(hammer)  # so it is always readable

    def fileno(self) -> int:
        return self._bell

    def take(self, limit: int) -> list[Delivery]:
        self._looks += 1
        return self._inner.take(min(limit, 1)) if self._looks % 2 == 0 else []

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._inner.acknowledge(deliveries)

    def close(self) -> None:
        os.close(self._bell)
        self._inner.close()


def test_all_of_them_are_waited_for(store: MemoryStore, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = broker.consumer
    monkeypatch.setattr(broker, "consumer", lambda queues: Trickle(consumer(queues)))
    assert [letter.body for letter in dead_letters(store, broker)] == [UOW_ID, "nonsense"]
    assert send_again(store, broker) == Settled(sent=1, dropped=1)


def test_they_can_be_dropped(broker: MemoryBroker) -> None:
    assert drop(broker) == Settled(sent=0, dropped=2)
    assert broker.depths([DEAD_QUEUE]) == {DEAD_QUEUE: 0}


def test_where_none_is_meant_none_is_settled(store: MemoryStore, broker: MemoryBroker) -> None:
    assert (send_again(store, broker, only=[]), drop(broker, only=[])) == (Settled(0, 0), Settled(0, 0))
    assert broker.depths([DEAD_QUEUE]) == {DEAD_QUEUE: 2}


def test_a_broker_that_gives_up_on_nothing_has_none(store: MemoryStore) -> None:
    broker = MemoryBroker()
    assert (dead_letters(store, broker), send_again(store, broker), drop(broker)) == ([], Settled(0, 0), Settled(0, 0))


def test_the_command_shows_and_settles_them(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january())
    terminal = Terminal(LampRoof(lamp), capsys)
    assert terminal.run("queue", "dead") == 0
    assert "no dead letters" in terminal.out
    lamp.broker.declare([DEAD_QUEUE])
    lamp.broker.publish([Message(DEAD_QUEUE, "nonsense")])
    assert terminal.json("queue", "dead") == [{"message": "nonsense", "queue": "", "state": ""}]
    assert terminal.run("queue", "list") == 0
    assert [DEAD_QUEUE, "1", "dead", "letters"] in [line.split() for line in terminal.out.splitlines()]
    assert terminal.json("queue", "dead", "--requeue") == {"sent": 0, "dropped": 1}
    assert terminal.run("queue", "dead", "--requeue", "--drop") == 2


def test_what_a_letter_says_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january())
    terminal = Terminal(LampRoof(lamp), capsys)
    lamp.broker.declare([DEAD_QUEUE])
    lamp.broker.publish([Message(DEAD_QUEUE, "bad\x1b[31m")])
    assert terminal.run("queue", "dead") == 0
    assert ["bad\N{REPLACEMENT CHARACTER}[31m", "-", "unknown"] in [line.split() for line in terminal.out.splitlines()]


def test_more_letters_than_are_shown_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january())
    terminal = Terminal(LampRoof(lamp), capsys)
    lamp.broker.declare([DEAD_QUEUE])
    lamp.broker.publish([Message(DEAD_QUEUE, f"p/{n}") for n in range(1_001)])
    assert terminal.run("queue", "dead") == 0
    assert "the oldest 1,000 of 1,001 messages" in terminal.out
