"""Does a process without a start of its own keep the one that it was registered with, whatever the default is later?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.desk import Desk
from scheduler.engine import Engine
from tests.support.lamp import SETTINGS, Lamp, january

FIRST, LATER, EARLIER = "2013010100", "2013010200", "2012123100"


def begun() -> Lamp:
    """Return a lamp whose two days are done, with no start but the default of its settings."""
    lamp = Lamp(january(("daily",), days=2, start=""), replace(SETTINGS, timetable_start=FIRST))
    lamp.run()
    return lamp


def under(lamp: Lamp, default: str) -> Engine:
    """Let a scheduler with another default take over."""
    lamp.store.close_sessions(["scheduler-1"])
    lamp.settings = replace(SETTINGS, timetable_start=default)
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.desk = Desk(lamp.store, lamp.broker, lamp.context, lamp.clock, lamp.settings)
    return lamp.engine


@pytest.mark.parametrize("default", [EARLIER, LATER])
def test_another_default_neither_refuses_nor_moves_what_is_registered(default: str) -> None:
    lamp = begun()
    engine = under(lamp, default)
    assert lamp.run() == 0
    assert (engine.leads, engine.refusal) == (True, "")
    (level,) = lamp.desk.timetable()
    assert (level.first, level.due, level.finished) == (FIRST, 2, 2)


def test_what_was_done_at_the_beginning_is_known_under_a_later_default() -> None:
    lamp = begun()
    under(lamp, LATER)
    lamp.give("reprocess", "flights_daily", FIRST)
    assert lamp.run() == 1


@pytest.mark.parametrize("default", [EARLIER, LATER])
def test_a_follower_learns_the_start_from_the_turn_that_registers_it(default: str) -> None:
    other = Lamp(january(("daily",), days=2, start=""), replace(SETTINGS, timetable_start=default))
    desk = other.desk
    assert desk.timetable()[0].first == default
    rows = [replace(row, start=FIRST, turn=row.turn + 1) for row in other.store.processes()]
    last = other.store.turns_after(0, 10)[-1]
    other.store.insert_turn(replace(last, number=last.number + 1, jobs=(), opened=(), moves=(), registered=tuple(rows)))
    assert desk.timetable()[0].first == FIRST
