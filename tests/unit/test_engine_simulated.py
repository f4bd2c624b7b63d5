"""Which faults of the engine did the simulation find? Each as the shortest tale that shows it."""

from __future__ import annotations

from collections.abc import Callable

from db.memory import MemoryStore
from db.model import Command
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, hours, january


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
