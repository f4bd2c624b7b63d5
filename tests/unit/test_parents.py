"""Does a parent go with the last of its children, whatever skips each of them, in whatever order, and in however many turns?"""

from __future__ import annotations

from itertools import permutations, product

import pytest

from db.model import UnitOfWork
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, january, with_fields

DAY, HOURS = "2013010100", ("2013010122", "2013010123")
WAYS = ("skip", "cancel", "fail")
EVENTS = {"skip": UowEvent.CANCELED, "cancel": UowEvent.CANCELED, "fail": UowEvent.FAILED, "done": UowEvent.DONE}


def two_hours(**daily: object) -> Lamp:
    """Return a lamp of a day that is made of two hours, which run; an attempt that fails is the last one."""
    lamp = Lamp(with_fields(january(max_attempts=1, start=HOURS[0]), "flights_daily", {"start": DAY, **daily}))
    lamp.turn()
    return lamp


def end(lamp: Lamp, uow: UnitOfWork, way: str) -> None:
    """Write how a unit of work ended: what is called off can only be canceled."""
    assert lamp.finish(uow, EVENTS[way]) or lamp.finish(uow, UowEvent.CANCELED)


@pytest.mark.parametrize("turns", [(), (0,), (1,), (0, 1)], ids=["in one turn", "1, 2", "2, 1", "in three"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("ways", list(product(WAYS, WAYS)), ids=" ".join)
def test_a_running_day_goes_with_its_hours_in_whatever_order_they_end(
    ways: tuple[str, str], order: tuple[int, ...], turns: tuple[int, ...]
) -> None:
    lamp = two_hours(blocking_type="blocking_normal")
    running = lamp.claim(*(f"flights_hourly/{hour}/1/1" for hour in HOURS), f"flights_daily/{DAY}/1/1")
    for hour, way in zip(HOURS, ways, strict=True):
        if way != "fail":
            lamp.give(way, "flights_hourly", hour)
    for place, which in enumerate(order):
        end(lamp, running[which], (*ways, "done")[which])
        if place in turns:
            lamp.turn(2)
    lamp.turn(3)
    lamp.run()
    job = lamp.job("flights_daily", DAY)
    assert (job.state, job.run, job.reason) == (JobState.SKIPPED, 1, "children: all in flights_hourly are skipped")


@pytest.mark.parametrize("ways", list(product(WAYS, WAYS)), ids=" ".join)
def test_a_day_that_waits_for_its_hours_goes_with_them(ways: tuple[str, str]) -> None:
    lamp = two_hours()
    running = lamp.claim(*(f"flights_hourly/{hour}/1/1" for hour in HOURS))
    for uow, hour, way in zip(running, HOURS, ways, strict=True):
        if way != "fail":
            lamp.give(way, "flights_hourly", hour)
        end(lamp, uow, way)
        lamp.turn(3)
    assert lamp.state("flights_daily", DAY) is JobState.SKIPPED


def test_an_outcome_that_is_written_before_the_day_is_called_off_does_not_run_it_again() -> None:
    lamp = two_hours(blocking_type="blocking_normal")
    *running, day = lamp.claim(*(f"flights_hourly/{hour}/1/1" for hour in HOURS), f"flights_daily/{DAY}/1/1")
    for uow in running:
        lamp.finish(uow, UowEvent.FAILED)
    lamp.finish(day, report=False)  # the turn that skips the hours does not know of it
    lamp.turn(3)
    assert (lamp.state("flights_daily", DAY), lamp.requested()) == (JobState.SKIPPED, [])


def test_a_day_that_is_reprocessed_by_its_name_runs_over_hours_that_stay_skipped() -> None:
    lamp = two_hours()
    lamp.give("skip", "flights_hourly", HOURS[0], until="2013010200")
    lamp.turn(2)
    lamp.give("reprocess", "flights_daily", DAY)
    lamp.run()
    assert lamp.state("flights_daily", DAY) is JobState.PROCESSED


def test_a_day_that_is_called_off_for_its_hours_starts_anew_with_one_of_them() -> None:
    lamp = two_hours(blocking_type="blocking_normal")
    day = lamp.claim(f"flights_daily/{DAY}/1/1")[0]
    lamp.give("skip", "flights_hourly", HOURS[0], until="2013010200")
    lamp.turn(2)
    lamp.give("reprocess", "flights_hourly", HOURS[0])
    lamp.finish(day, UowEvent.CANCELED)
    lamp.run()
    assert lamp.state("flights_daily", DAY) is JobState.PROCESSED


def test_the_plan_of_a_skip_names_a_day_that_runs_and_goes_with_its_hours() -> None:
    lamp = two_hours(blocking_type="blocking_normal")
    lamp.claim(f"flights_daily/{DAY}/1/1")
    plan = lamp.desk.plan("skip", "flights_hourly", HOURS[0], until="2013010200")
    assert [step.node[0] for step in plan.steps] == ["flights_hourly", "flights_hourly", "flights_daily"]
