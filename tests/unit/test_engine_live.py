"""What does the engine do with processes that run while their period is open?"""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.blockers import Blocker
from scheduler.policy import SchedulerSettings
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, january

HOUR, DAY = "flights_hourly/2020010100", "flights_daily/2020010100"


def live(*levels: str, **fields: Any) -> Lamp:
    """Return an engine at the start of 2020-01-01, whose processes are continuous and start then."""
    given = {
        "start": "2020010100", "end": "2020010200", "state_machine_name": "continuous", "trigger_frequency": "every 600",
        "blocking_type": "blocking_normal", **fields,
    }
    lamp = Lamp(january(levels or ("hourly",), **given), SchedulerSettings(lease_s=1e9))  # nobody beats here
    lamp.turn()
    return lamp


def pass_s(lamp: Lamp, seconds: float) -> None:
    """Let time pass in the steps that the engine asks for, and whatever is requested be done at once."""
    end_s = lamp.clock.monotonic() + seconds
    while (left_s := end_s - lamp.clock.monotonic()) > 0:
        lamp.run()
        lamp.clock.sleep(min(left_s, max(0.01, lamp.turn())))
    lamp.run()


def leaf(lamp: Lamp, process: str, timeperiod: str) -> Blocker:
    """Return the first cause of what a job waits for."""
    return lamp.desk.why(process, timeperiod).leaves()[0]


def test_it_runs_when_its_period_begins_and_each_time_its_frequency_says() -> None:
    lamp = live()
    assert lamp.requested() == [f"{HOUR}/1/1"]
    pass_s(lamp, 3_599)
    job = lamp.job("flights_hourly", "2020010100")
    assert (job.run, job.good_runs, job.state) == (6, 6, JobState.IN_PROGRESS)


def test_the_frequency_is_kept_from_request_to_request() -> None:
    lamp = live()
    lamp.clock.sleep(200)
    lamp.work(f"{HOUR}/1/1")
    lamp.clock.sleep(399)
    assert lamp.turn() <= 1.0
    assert lamp.requested() == []
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == [f"{HOUR}/1/2"]


def test_a_run_that_takes_longer_than_the_frequency_is_followed_at_once() -> None:
    lamp = live()
    lamp.clock.sleep(900)
    lamp.turn()
    assert lamp.requested() == [f"{HOUR}/1/1"]
    lamp.work(f"{HOUR}/1/1")
    assert lamp.requested() == [f"{HOUR}/1/2"]


def test_the_final_run_comes_at_the_close_and_finishes_the_job() -> None:
    lamp = live(lag_s=60.0)
    pass_s(lamp, 3_659)
    assert lamp.job("flights_hourly", "2020010100").state is JobState.IN_PROGRESS
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.job("flights_hourly", "2020010100").state is JobState.FINAL_RUN
    lamp.run()
    assert lamp.state("flights_hourly", "2020010100") is JobState.PROCESSED
    assert lamp.engine.second_look_found == 0


def test_fault_16_an_empty_live_hour_is_not_finished_while_it_is_open() -> None:
    lamp = live()
    lamp.work(f"{HOUR}/1/1", event=UowEvent.EMPTY)
    assert lamp.state("flights_hourly", "2020010100") is JobState.IN_PROGRESS
    lamp.clock.sleep(600)
    lamp.turn()
    lamp.work(f"{HOUR}/1/2", event=UowEvent.EMPTY)
    lamp.clock.sleep(3_000)
    lamp.turn()
    lamp.work(f"{HOUR}/1/3", event=UowEvent.EMPTY)
    assert lamp.state("flights_hourly", "2020010100") is JobState.NOOP


def test_a_run_that_fails_for_good_on_the_open_period_is_followed_by_the_next() -> None:
    lamp = live(max_attempts=1)
    lamp.work(f"{HOUR}/1/1", event=UowEvent.FAILED)
    assert lamp.state("flights_hourly", "2020010100") is JobState.IN_PROGRESS
    lamp.clock.sleep(600)
    lamp.turn()
    assert lamp.requested() == [f"{HOUR}/1/2"]


@pytest.mark.parametrize(("first", "state"), [(UowEvent.DONE, JobState.FINAL_RUN), (UowEvent.FAILED, JobState.SKIPPED)])
def test_a_final_run_that_fails_for_good_is_held_where_earlier_ones_succeeded(first: UowEvent, state: JobState) -> None:
    lamp = live(max_attempts=1)
    lamp.work(f"{HOUR}/1/1", event=first)
    lamp.clock.sleep(3_600)
    lamp.turn()
    lamp.work(f"{HOUR}/1/2", event=UowEvent.FAILED)
    job = lamp.job("flights_hourly", "2020010100")
    assert (job.state, bool(job.held)) == (state, state is JobState.FINAL_RUN)


def test_a_released_final_run_finishes_the_job() -> None:
    lamp = live(max_attempts=1)
    lamp.work(f"{HOUR}/1/1")
    lamp.clock.sleep(3_600)
    lamp.turn()
    lamp.work(f"{HOUR}/1/2", event=UowEvent.FAILED)
    lamp.give("release", "flights_hourly", "2020010100")
    lamp.turn(2)
    lamp.work(f"{HOUR}/1/2")
    assert lamp.state("flights_hourly", "2020010100") is JobState.PROCESSED


def test_a_group_is_open_from_its_windows_start_under_the_id_of_its_end() -> None:
    lamp = live(time_grouping=3, start="2020010104")
    assert lamp.requested() == []
    lamp.clock.sleep(4 * 3_600)
    lamp.turn()
    (uow_id,) = lamp.requested()
    uow = lamp.uow(uow_id)
    assert (uow.timeperiod, uow.start_timeperiod, uow.end_timeperiod) == ("2020010106", "2020010104", "2020010107")
    assert lamp.state("flights_hourly", "2020010105") is JobState.EMBRYO
    pass_s(lamp, 3 * 3_600)
    states = [lamp.state("flights_hourly", f"202001010{hour}") for hour in (4, 5, 6)]
    assert states == [JobState.NOOP, JobState.NOOP, JobState.PROCESSED]


def test_at_moments_it_runs_at_these_moments() -> None:
    lamp = live(trigger_frequency="at *-00:20,*-00:50")
    assert lamp.requested() == []
    blocker = leaf(lamp, "flights_hourly", "2020010100")
    assert (blocker.kind, "00:20:00Z" in blocker.text) == ("frequency", True)
    lamp.clock.sleep(1_200)
    lamp.turn()
    lamp.work(f"{HOUR}/1/1")
    lamp.clock.sleep(1_799)
    lamp.turn()
    assert lamp.requested() == []
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == [f"{HOUR}/1/2"]


def test_the_next_run_is_known_after_a_restart() -> None:
    lamp = live()
    lamp.work(f"{HOUR}/1/1")
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)
    assert lamp.requested() == []
    lamp.clock.sleep(599)
    assert lamp.turn() <= 1.0
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == [f"{HOUR}/1/2"]


def test_the_close_is_seen_after_a_restart() -> None:
    lamp = live(trigger_frequency="every 90000")
    lamp.work(f"{HOUR}/1/1")
    lamp.store.close_sessions(["scheduler-1"])
    lamp.clock.sleep(3_600)
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)
    assert f"{HOUR}/1/2" in lamp.requested()
    assert lamp.job("flights_hourly", "2020010100").state is JobState.FINAL_RUN


def test_a_day_runs_beside_its_hours_and_finishes_after_the_last_of_them() -> None:
    lamp = live("hourly", "daily", trigger_frequency="every 50000")
    assert lamp.requested() == [f"{DAY}/1/1", f"{HOUR}/1/1"]
    pass_s(lamp, 86_399)
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == ["flights_hourly/2020010123/1/2"]
    assert lamp.job("flights_daily", "2020010100").state is JobState.IN_PROGRESS
    lamp.work("flights_hourly/2020010123/1/2")
    assert lamp.job("flights_daily", "2020010100").state is JobState.FINAL_RUN
    lamp.run()
    assert lamp.state("flights_daily", "2020010100") is JobState.PROCESSED


@pytest.mark.parametrize("machine", ["discrete", "continuous"])
def test_fault_31_a_day_is_never_finished_by_a_run_that_its_last_hour_overtook(machine: str) -> None:
    lamp = Lamp(january(days=4, blocking_type="blocking_normal", state_machine_name=machine))
    lamp.turn()
    early = [uow_id for uow_id in lamp.requested() if "daily" in uow_id]
    lamp.work(*early)
    lamp.run()
    for day in ("2013010100", "2013010200", "2013010300", "2013010400"):
        job = lamp.job("flights_daily", day)
        last = lamp.job("flights_hourly", f"{day[:8]}23")
        assert (job.state, lamp.uow(job.uow_id).turn >= last.turn) == (JobState.PROCESSED, True)
    assert len(early) == 4


def test_a_reopened_hour_takes_its_day_back_from_its_final_run() -> None:
    lamp = live("hourly", "daily", trigger_frequency="every 50000")
    pass_s(lamp, 86_399)
    lamp.clock.sleep(1)
    lamp.turn()
    lamp.work("flights_hourly/2020010123/1/2")
    assert lamp.job("flights_daily", "2020010100").state is JobState.FINAL_RUN
    lamp.give("reprocess", "flights_hourly", "2020010105")
    lamp.turn(2)
    lamp.run()
    day, hour = lamp.job("flights_daily", "2020010100"), lamp.job("flights_hourly", "2020010105")
    assert (day.state, day.generation, day.turn > hour.turn) == (JobState.PROCESSED, 2, True)


def test_an_open_period_does_not_keep_the_timetable_from_being_done() -> None:
    lamp = live()
    pass_s(lamp, 3_600)
    progress = lamp.desk.progress()
    assert (progress.due, progress.finished, progress.active, progress.is_done) == (1, 1, 1, True)
    assert lamp.desk.timetable()[0].open == 1


def test_a_held_hour_is_stuck_although_the_open_one_runs_on() -> None:
    lamp = live(max_attempts=1, on_failure="hold")
    lamp.work(f"{HOUR}/1/1", event=UowEvent.FAILED)
    lamp.clock.sleep(3_600)
    lamp.turn()
    assert lamp.desk.progress().is_stuck


def test_it_says_when_the_next_run_is_due() -> None:
    lamp = live()
    lamp.work(f"{HOUR}/1/1")
    blocker = leaf(lamp, "flights_hourly", "2020010100")
    assert (blocker.kind, blocker.text) == ("frequency", "its period is open, run 2 is due at 2020-01-01 00:10:00Z")
    later = leaf(lamp, "flights_hourly", "2020010105")
    assert (later.kind, later.text) == ("open period", "the period begins at 2020-01-01 05:00:00Z")


def test_a_job_in_its_final_run_goes_on_under_another_machine() -> None:
    lamp = live(trigger_frequency="every 90000")
    lamp.work(f"{HOUR}/1/1")
    lamp.clock.sleep(3_600)
    lamp.turn()
    assert lamp.job("flights_hourly", "2020010100").state is JobState.FINAL_RUN
    lamp.store.close_sessions(["scheduler-1"])
    lamp.context = Lamp(january(("hourly",), start="2020010100", end="2020010200", lag_s=0.0)).context
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)
    lamp.work(f"{HOUR}/1/2")
    assert lamp.state("flights_hourly", "2020010100") is JobState.PROCESSED
