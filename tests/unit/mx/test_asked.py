"""Does the dashboard go on answering, whatever goes wrong while nothing is asked?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from db.memory import MemoryStore
from launcher.beside import BesideBroker
from launcher.parts import Joined, Roof, open_parts
from launcher.web.asked import Asker
from launcher.web.parts import WebParts
from mq.broker import Broker
from mq.memory import MemoryBroker
from mx.errors import Busy
from scheduler.desk import Desk
from scheduler.timetable import Timetable
from settings import Settings
from system.clock import ManualClock
from system.entry_check import near
from system.errors import BrokerAway, Unavailable
from tests.support.gates import CONTEXT
from tests.support.mx import web_desk
from tests.support.waiting import wait_until


def test_an_asker_answers_though_what_it_does_idly_fails(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def idle() -> None:
        calls.append(1)
        raise OSError("no space left on device")

    asker = Asker(idle=idle, idle_s=0.001, patience_s=5)
    asker.start()
    wait_until(lambda: len(calls) > 3)
    assert asker.ask(lambda: 7) == 7
    asker.stop()
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_timetable_that_was_read_is_told_of_once(tmp_path: Path) -> None:
    with web_desk(tmp_path, CONTEXT) as desk:
        told: list[int] = []
        desk.parts.after_load = lambda: told.append(1)
        for _ in range(2):
            desk.asker.ask(lambda: desk.parts.desk)
        assert told == [1]


def test_something_may_come_before_each_question_and_never_within_one() -> None:
    said: list[str] = []
    asker = Asker(idle=lambda: None, before=lambda: said.append("before"))
    asker.start()
    for _ in range(2):
        asker.ask(lambda: asker.ask(lambda: said.append("asked")))
    asker.stop()
    assert said == ["before", "asked"] * 2


def test_a_store_that_fails_in_a_way_nobody_foresaw_is_refused_with_its_words_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_full, closed = [True], []

    @contextmanager
    def opened(settings: Settings, *, beside: Callable[[Broker], Broker]) -> Iterator[Joined]:
        if is_full:
            raise OSError(28, "No space left on device for mongodb://ann:secret@db")
        with open_parts(settings, beside=beside) as joined:
            yield joined
        closed.append(1)

    monkeypatch.setattr("launcher.web.parts.open_parts", opened)
    environ = {"HORARIUM_VAR": str(tmp_path), "HORARIUM_CONTEXT": str(CONTEXT), "HORARIUM_SETTINGS": "none"}
    parts = WebParts(Roof(environ=environ))
    parts.asker.start()
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"can't be opened: OSError: .*No space left on device for mongodb://ann:\*\*\*@db"):
            parts.asker.ask(lambda: parts.store)
    assert len([record for record in caplog.records if record.exc_info]) == 1
    is_full.clear()
    assert parts.shared_store.projected_turn() == 0
    assert not closed
    parts.close()
    assert closed


def test_turns_are_read_along_once_in_a_while_though_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    reads: list[int] = []
    really = Desk.read

    def read(desk: Desk) -> Timetable:
        reads.append(1)
        return really(desk)

    monkeypatch.setattr(Desk, "read", read)
    with web_desk(tmp_path, CONTEXT, clock=clock) as desk:
        parts = desk.parts

        def idle_after(seconds: float) -> int:
            clock.sleep(seconds)
            reads.clear()
            parts._idle()
            return len(reads)

        def asked() -> None:
            parts.desk.timetable()

        assert parts.asker.ask(lambda: idle_after(100)) == 0  # nobody has asked anything yet: the first question reads anew
        parts.asker.ask(asked)
        assert [parts.asker.ask(partial(idle_after, seconds)) for seconds in (61, 1, 58, 2)] == [1, 0, 0, 1]


@contextmanager
def held_up(work: Callable[[Iterator[str]], object]) -> Iterator[Asker]:
    """Yield an asker whose thread is at `work`, in which the first thing that it is given never comes."""
    begun, goes_on = Event(), Event()

    def never() -> Iterator[str]:
        begun.set()
        goes_on.wait()
        yield ""

    asker = Asker(idle=lambda: None, patience_s=0.05)
    asker.start()
    while not begun.is_set():  # one that is given up before its turn comes is not begun
        with suppress(Unavailable):
            asker.ask(lambda: work(never()))
    try:
        yield asker
    finally:
        goes_on.set()
        asker.stop()


def late_for(asker: Asker) -> Unavailable:
    """Return what somebody is told who asks now."""
    with pytest.raises(Unavailable) as told:
        asker.ask(lambda: None)
    return told.value


def test_who_is_late_is_told_that_it_is_the_store() -> None:
    with held_up(lambda never: MemoryStore().uows(cast("Sequence[str]", never))) as asker:
        late = late_for(asker)
    assert (type(late), str(late)) == (Unavailable, "the store has not answered for 0.05 s; `launch.py doctor` tells what is wrong with it")


def test_who_is_late_is_told_that_it_is_the_broker() -> None:
    broker = BesideBroker(MemoryBroker(), ManualClock().monotonic, patience_s=4.0)
    with held_up(lambda never: broker.depths(cast("Sequence[str]", never))) as asker:
        late = late_for(asker)
    assert (type(late), "the broker has not answered for 0.05 s" in str(late)) == (BrokerAway, True)


def test_who_is_late_since_something_is_worked_out_is_not_told_of_the_store() -> None:
    with held_up(lambda never: near("a", never)) as asker:
        late = late_for(asker)
    assert (type(late), "(in system.entry_check)" in str(late)) == (Busy, True)
