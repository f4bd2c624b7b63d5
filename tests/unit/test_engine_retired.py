"""What becomes of a period whose process left the context in the middle of a crash, and came back?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from db.memory import MemoryStore
from db.model import Chunk, Turn
from db.store import nothing
from scheduler.engine import Engine
from system.errors import Unavailable
from system.lifecycle import JobState
from tests.support.lamp import Lamp, context, hours, january


class Failing(MemoryStore):
    """A store that does not project for a while."""

    is_failing = False

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        if self.is_failing:
            raise Unavailable("gone")
        super().project(turn, chunks, on_requested)


def lead_without_hours(lamp: Lamp) -> None:
    """Let a scheduler lead for a moment whose context has the days only."""
    lamp.open_session("scheduler-2", kind="scheduler")
    engine = Engine(lamp.store, lamp.broker, context(january(("daily",))), lamp.clock, lamp.settings, session="scheduler-2")
    engine.turn(lamp.clock.now())
    lamp.store.close_sessions(["scheduler-2"])


def test_a_period_that_ended_in_a_turn_which_was_replayed_without_its_process_is_not_under_way_for_ever() -> None:
    store = Failing()
    lamp = Lamp(january(), store=store)
    lamp.turn()
    lamp.finish(lamp.claim(*hours(1))[0])
    store.is_failing = True
    with pytest.raises(Unavailable):
        lamp.turn()
    store.is_failing = False
    store.close_sessions(["scheduler-1"])
    lead_without_hours(lamp)
    lamp.engine = lamp.another_engine("scheduler-3")
    lamp.run()
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
    assert lamp.state("flights_daily", "2013010100") is JobState.PROCESSED
