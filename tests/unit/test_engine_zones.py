"""Does the engine run the days of a zone whole, once, and when they are over there?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from db.model import UnitOfWork
from scheduler.registry import fit, read_registered
from system.context import ManagedProcess
from system.lifecycle import JobState
from tests.support.contexts import managed
from tests.support.lamp import NOW, Lamp, context

LATER = datetime(2024, 5, 1, tzinfo=UTC)


def level(name: str, start: str, end: str, **fields: Any) -> ManagedProcess:
    """Return `flights_<name>`, which waits for its children and has no lag."""
    return managed(f"flights_{name}", f"_{name}", start=start, end=end, lag_s=0.0, blocking_type="blocking_children", **fields)


def spring(**hourly: Any) -> list[ManagedProcess]:
    """Return the hours of two local days of Berlin, the first of which has 23, and the days."""
    return [level("hourly", "2024033023", "2024040122", **hourly), level("daily", "2024033100", "2024040200")]


def in_berlin(processes: list[ManagedProcess]) -> Lamp:
    """Return a lamp in which all of it is due, and was requested as far as it may be."""
    lamp = Lamp(processes, time_zone="Europe/Berlin", begins=LATER)
    lamp.turn(2)
    return lamp


def opened(lamp: Lamp, process: str) -> list[UnitOfWork]:
    """Return the units of work of a process in the order in which they were opened."""
    return [uow for turn in lamp.store.turns_after(0, 10_000) for uow in turn.opened if uow.process == process]


def test_fault_27_a_day_on_which_clocks_change_runs_once_after_each_of_its_hours() -> None:
    lamp = in_berlin(spring())
    assert lamp.run() == 23 + 24 + 2
    assert [uow.timeperiod for uow in opened(lamp, "flights_daily")] == ["2024033100", "2024040100"]
    assert {lamp.state("flights_daily", day) for day in ("2024033100", "2024040100")} == {JobState.PROCESSED}


def test_a_local_day_waits_for_its_own_hours_and_for_no_other() -> None:
    lamp = in_berlin(spring())
    first, *others = lamp.requested()
    assert first == "flights_hourly/2024033023/1/1"
    lamp.work(*others)
    assert [uow.timeperiod for uow in opened(lamp, "flights_daily")] == ["2024040100"]
    lamp.work(first)
    assert lamp.requested() == ["flights_daily/2024033100/1/1", "flights_daily/2024040100/1/1"]


def test_a_local_day_is_due_when_it_is_over_there_and_why_says_when_in_both_clocks() -> None:
    days = [level("daily", "2024033100", "2024040200")]
    lamp = Lamp(days, time_zone="Europe/Berlin", begins=datetime(2024, 3, 31, 21, 59, 59, tzinfo=UTC))
    (cause,) = lamp.desk.why("flights_daily", "2024033100").causes
    assert cause.text == "the period is due at 2024-03-31 22:00:00Z, which is 2024-04-01 00:00:00 in Europe/Berlin"
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == ["flights_daily/2024033100/1/1"]


def test_a_job_is_shown_with_its_bounds_on_the_clocks_of_its_zone() -> None:
    lamp = in_berlin(spring())
    view = lamp.desk.job("flights_daily", "2024033100")
    assert (view.time_zone, view.start.isoformat(), view.end.isoformat()) == (
        "Europe/Berlin", "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00",
    )  # fmt: skip
    assert lamp.desk.job("flights_hourly", "2024033100").time_zone == "UTC"


def test_fault_27_a_day_that_a_zone_left_out_has_no_hours_and_nobody_runs_it() -> None:
    hours, days = level("hourly", "2011122910", "2012010110"), level("daily", "2011122900", "2012010100")
    lamp = Lamp([hours, days, level("monthly", "2011120000", "2012010000")], time_zone="Pacific/Apia", begins=LATER)
    assert lamp.run() == 3 * 24 - 24 + 2 + 1 + 24
    job = lamp.job("flights_daily", "2011123000")
    assert (job.state, job.run, job.reason) == (JobState.NOOP, 0, "Pacific/Apia has no such day: its clocks were put over it")
    assert lamp.state("flights_monthly", "2011120000") is JobState.PROCESSED


def test_a_day_that_was_left_out_stays_so_when_it_is_reprocessed() -> None:
    lamp = Lamp([level("daily", "2011122900", "2012010100")], time_zone="Pacific/Apia", begins=LATER)
    lamp.run()
    lamp.give("reprocess", "flights_daily", "2011123000")
    assert lamp.run() == 0
    assert lamp.state("flights_daily", "2011123000") is JobState.NOOP


def test_a_group_of_days_with_one_that_was_left_out_runs_for_the_others() -> None:
    lamp = Lamp([level("daily", "2011122900", "2012010100", time_grouping=2)], time_zone="Pacific/Apia", begins=LATER)
    lamp.run()
    assert [(uow.start_timeperiod, uow.timeperiod) for uow in opened(lamp, "flights_daily")] == [
        ("2011122900", "2011123000"), ("2011123100", "2011123100"),
    ]  # fmt: skip


def test_reprocessing_an_hour_reopens_the_local_day_that_it_is_in() -> None:
    lamp = in_berlin(spring())
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2024033122")  # of UTC's 31st, and of Berlin's 1st
    assert lamp.state("flights_daily", "2024033100") is JobState.PROCESSED
    assert lamp.state("flights_daily", "2024040100") is JobState.EMBRYO


def test_skipping_a_local_day_skips_its_own_hours_only() -> None:
    lamp = in_berlin(spring(time_grouping=5))
    lamp.give("skip", "flights_daily", "2024033100")
    lamp.run()
    assert lamp.state("flights_hourly", "2024033120") is JobState.SKIPPED
    assert lamp.state("flights_hourly", "2024033123") is JobState.PROCESSED


def test_a_local_day_whose_last_hour_ends_no_group_waits_for_the_end_in_the_next_day() -> None:
    lamp = in_berlin(spring(time_grouping=5))
    last = "flights_hourly/2024033123/1/1"  # with the hours 21, of Berlin's 31st, and 22
    lamp.work(*[uow_id for uow_id in lamp.requested() if uow_id != last])
    assert opened(lamp, "flights_daily") == []
    lamp.work(last)
    assert lamp.requested() == ["flights_daily/2024033100/1/1", "flights_daily/2024040100/1/1"]


def test_the_first_day_contains_the_deployments_start_there() -> None:
    for zone, first in (("Europe/Berlin", "2020010100"), ("America/New_York", "2019123100")):
        lamp = Lamp([managed("flights_daily", "_daily", lag_s=0.0)], time_zone=zone, begins=datetime(2020, 1, 3, tzinfo=UTC))
        lamp.turn()
        assert lamp.requested()[0] == f"flights_daily/{first}/1/1"


def test_a_registered_tree_keeps_its_zone() -> None:
    lamp = Lamp(spring(), begins=LATER)
    found = fit(read_registered(lamp.store), context(spring(), "Europe/Berlin"), "2020010100", NOW, 2)
    assert [str(change) for change in found.changes] == ["flights_daily: time_zone was None and is 'Europe/Berlin' now"]
