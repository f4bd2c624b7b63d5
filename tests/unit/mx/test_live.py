"""Are readers told of changes, and does nobody look while there are none?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mx.live import Live
from system.errors import Unavailable
from tests.support.waiting import wait_until


class Counting:
    """A desk whose version moves on when told; `is_away` has it refuse."""

    def __init__(self) -> None:
        self.number, self.asked, self.is_away = 1, 0, False
        self.unforeseen: Exception | None = None

    def version(self) -> int:
        self.asked += 1
        if self.is_away:
            raise Unavailable("away")
        if self.unforeseen:
            raise self.unforeseen
        return self.number


def number(event: str) -> int:
    return int(event.rpartition("data: ")[2])


def told_past(events: Iterator[str], seen: int) -> int:
    """Return the first number above `seen` that a reader is told."""
    return next(told for told in map(number, events) if told > seen)


def test_a_reader_is_told_at_once_and_after_each_change() -> None:
    desk = Counting()
    live = Live(desk, look_s=0.001)
    events = live.events()
    assert next(events).startswith("retry:")
    first = told_past(events, 0)
    desk.number = 2
    assert told_past(events, first) == first + 1
    live.close()


def test_a_store_that_goes_away_is_a_change() -> None:
    desk = Counting()
    live = Live(desk, look_s=0.001)
    events = live.events()
    first = told_past(events, 0)
    desk.is_away = True
    assert told_past(events, first) == first + 1
    live.close()


def test_what_nobody_foresaw_is_a_change_and_looking_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    desk = Counting()
    live = Live(desk, look_s=0.001)
    events = live.events()
    first = told_past(events, 0)
    desk.unforeseen = OSError("no space left on device")
    assert told_past(events, first) == first + 1
    asked = desk.asked
    wait_until(lambda: desk.asked > asked + 3)
    desk.unforeseen = None
    assert told_past(events, first + 1) == first + 2
    live.close()
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_nobody_looks_once_all_have_left() -> None:
    desk = Counting()
    live = Live(desk, look_s=0.001)
    events = live.events()
    next(events), next(events)
    events.close()  # type: ignore[attr-defined]
    wait_until(lambda: not live._is_looking)
    assert live.readers == 0


def test_a_closed_stream_ends() -> None:
    live = Live(Counting(), look_s=0.001)
    live.close()
    assert list(live.events()) == []


def test_one_reader_too_many_is_told_to_come_again_and_gets_the_place_of_one_who_left() -> None:
    live = Live(Counting(), look_s=0.001, most=1)
    first = live.events()
    next(first)
    assert list(live.events()) == ["retry: 20000\n\n"]
    first.close()  # type: ignore[attr-defined]
    assert "data:" in next(live.events())
    live.close()
