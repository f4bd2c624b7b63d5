"""Which faults of the engine did the simulation find? Each as the shortest tale that shows it."""

from __future__ import annotations

from system.lifecycle import UowEvent
from tests.support.lamp import Lamp, hours, january


def test_a_failed_job_that_fills_its_max_in_flight_is_tried_again() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.clock.sleep(5)
    lamp.turn()
    assert lamp.requested() == hours(1)
