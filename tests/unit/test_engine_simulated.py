"""Which faults of the engine did the simulation find? Each as the shortest tale that shows it."""

from __future__ import annotations

from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, hours, january


def test_a_failed_job_that_fills_its_max_in_flight_is_tried_again() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.clock.sleep(5)
    lamp.turn()
    assert lamp.requested() == hours(1)


def test_a_cancel_that_comes_after_the_outcome_leaves_the_job_as_the_outcome_says() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.finish(lamp.claim(*hours(1))[0], report=False)
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
    assert lamp.desk.answer(number).answer == "too late: processed"
