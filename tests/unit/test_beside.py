"""Is a broker that does not answer waited for once, and left alone then; is nothing left open behind it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from launcher.beside import BesideBroker
from launcher.bounded import TooSlow, within
from mq.broker import Consumer
from mq.memory import MemoryBroker
from system.clock import ManualClock
from system.errors import BrokerAway, ConfigError, HorariumError
from tests.support.waiting import wait_until


class Mute(MemoryBroker):
    """Answers once `answers` is set; until then every question waits."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = Event()
        self.asked: list[Sequence[str]] = []
        self.opened: list[Consumer] = []

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        self.asked.append(queues)
        self.answers.wait()
        return super().depths(queues)

    def consumer(self, queues: Sequence[str]) -> Consumer:
        self.answers.wait()
        self.opened.append(super().consumer(queues))
        return self.opened[-1]


@pytest.fixture
def mute() -> Iterator[Mute]:
    broker = Mute()
    broker.declare(["a"])
    yield broker
    broker.answers.set()


def test_a_broker_that_does_not_answer_is_waited_for_once_and_asked_again_after_a_while(
    mute: Mute, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    broker = BesideBroker(mute, clock.monotonic, patience_s=0.01)
    for _ in range(3):
        with pytest.raises(BrokerAway, match=r"the broker has not answered for 0.01 s; `launch.py doctor`"):
            broker.depths(["a"])
    assert mute.asked == [["a"]]
    mute.answers.set()
    clock.sleep(11)
    assert broker.depths(["a"]) == {"a": 0}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_consumer_that_is_opened_too_late_gives_back_what_it_is_sent(mute: Mute) -> None:
    with pytest.raises(BrokerAway):
        BesideBroker(mute, ManualClock().monotonic, patience_s=0.01).consumer(["a"])
    mute.answers.set()

    def is_closed() -> bool:
        try:
            return bool(mute.opened) and mute.opened[0].take(1) is None
        except HorariumError as error:
            return "closed" in str(error)

    wait_until(is_closed)


def test_what_is_wrong_is_said_as_it_is_and_logged_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    inner = MemoryBroker()
    broker = BesideBroker(inner, ManualClock().monotonic, patience_s=4.0)

    def refuse(_: Sequence[str]) -> dict[str, int]:
        raise ConfigError("the TLS files can't be used")

    monkeypatch.setattr(inner, "depths", refuse)
    for _ in range(2):
        with pytest.raises(HorariumError, match="TLS files can't be used") as told:
            broker.depths([])
        assert not isinstance(told.value, ConfigError)
    assert len(caplog.records) == 1


def test_a_broker_that_does_not_answer_is_not_waited_for_at_the_end(mute: Mute, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = BesideBroker(mute, ManualClock().monotonic, patience_s=0.01)
    with pytest.raises(BrokerAway):
        broker.depths(["a"])
    closed: list[bool] = []
    monkeypatch.setattr(mute, "close", lambda: closed.append(mute.answers.wait()))
    broker.close()
    assert closed == []
    mute.answers.set()
    wait_until(lambda: closed == [True])


def test_what_comes_too_late_is_handed_on() -> None:
    answers = Event()

    def ask() -> int:
        answers.wait()
        return 7

    found: list[int] = []
    with pytest.raises(TooSlow):
        within(0.01, ask, late=found.append)
    answers.set()
    wait_until(lambda: found == [7])
