"""Does the dashboard go on answering, whatever goes wrong while nothing is asked?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from launcher.parts import Joined, Roof, open_parts
from launcher.web.asked import Asker
from launcher.web.parts import WebParts
from scheduler.desk import Desk
from scheduler.timetable import Timetable
from settings import Settings
from system.clock import ManualClock
from system.errors import Unavailable
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
    def opened(settings: Settings, *, needs_broker: bool) -> Iterator[Joined]:
        if is_full:
            raise OSError(28, "No space left on device for mongodb://ann:secret@db")
        with open_parts(settings, needs_broker=needs_broker) as joined:
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
