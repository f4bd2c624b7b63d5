"""Which faults of the engine did the simulation find? Each as the shortest tale that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from db.memory import MemoryStore
from db.model import Command, Turn
from mq.broker import Message
from scheduler.timetable import States
from system.context import REPORT_QUEUE
from system.lifecycle import JobState, UowEvent, UowState
from system.timeperiod import HOURLY
from tests.support.lamp import NOW, Lamp, hours, january


def test_a_failed_job_that_fills_its_max_in_flight_is_tried_again() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.clock.sleep(5)
    lamp.turn()
    assert lamp.requested() == hours(1)


class _QuickWorker(MemoryStore):
    """A store in which an outcome is written just before the engine reads the commands, and after it read the units of work."""

    before_commands: Callable[[], object] = staticmethod(lambda: None)

    def open_commands(self, limit: int) -> list[Command]:
        self.before_commands()
        return super().open_commands(limit)


def test_a_cancel_that_comes_after_the_outcome_leaves_the_job_as_the_outcome_says() -> None:
    store = _QuickWorker()
    lamp = Lamp(january(("hourly",), end="2013010101"), store=store)
    lamp.turn()
    won = lamp.claim(*hours(1))
    store.before_commands = lambda: won and lamp.finish(won.pop(), report=False)
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
    assert lamp.desk.answer(number).answer == "too late: processed"


class _BusyRival(MemoryStore):
    """A store in which another scheduler inserts a turn just after `projected_turn` was read."""

    after_reading: Callable[[], object] = staticmethod(lambda: None)

    def projected_turn(self) -> int:
        found = super().projected_turn()
        self.after_reading()
        return found


def test_a_turn_that_came_after_the_reading_is_not_replayed_with_chunks_that_lack_it() -> None:
    store = _BusyRival()
    lamp = Lamp(january(("hourly",), end="2013010101"), store=store)
    lamp.turn()
    late = replace(lamp.job("flights_hourly", "2013010100"), state=JobState.PROCESSED, uow_state=UowState.PROCESSED, turn=3)
    turn = Turn(3, "scheduler-1", NOW, jobs=(late,))
    rival = lamp.another_engine("scheduler-2")
    rival.turn(NOW)
    store.close_sessions(["scheduler-1"])
    store.after_reading = lambda: store.insert_turn(turn)
    rival.turn(NOW)
    states = States(lamp.context.managed["flights_hourly"], "2013010100")
    states[states.first] = JobState.PROCESSED
    store.project(turn, [states.chunk(HOURLY.chunk_of(states.first), 3)])
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_a_leader_of_yesterday_that_obeys_a_command_steps_down_without_a_fault() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.work(*hours(1))
    rival = lamp.another_engine("scheduler-2")
    lamp.store.close_sessions(["scheduler-1"])
    rival.turn(NOW)
    lamp.desk.give("reprocess", "flights_hourly", "2013010100", "ann", "test")
    rival.turn(NOW)
    lamp.desk.give("reprocess", "flights_hourly", "2013010100", "ann", "test")
    lamp.broker.publish([Message(REPORT_QUEUE, "command:2")])
    lamp.turn()
    assert not lamp.engine.leads
