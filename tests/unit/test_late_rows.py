"""What becomes of a finished period when rows come late? REFERENCE 1.5: it and what is made of it run again, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.model import Job
from db.source import Extent, MemorySource
from scheduler.engine import Engine
from scheduler.late_rows import AT_ONCE, late_reason
from scheduler.policy import SchedulerSettings
from scheduler.slices import slice_text
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, january
from tests.support.probers import AtOnce

MIDNIGHT = datetime(2020, 1, 1, tzinfo=UTC)
HOUR, DAY = "2020010100", "2020010100"
DONE = Job("p", HOUR, JobState.PROCESSED, MIDNIGHT, 7, covered=slice_text(Extent(1, 9, 3), None))


class Tide(Lamp):
    """A day of recomputing hours, each of which had one row, its own number, ten minutes after it began; all of it is finished."""

    def __init__(self, **fields: Any) -> None:
        self.source = MemorySource((MIDNIGHT + timedelta(hours=hour, minutes=10), hour) for hour in range(24))
        self.prober = AtOnce(self.source)
        hours, days = january(start="2020010100", trigger_frequency="every 600")
        live = {"state_machine_name": "recomputing", "source": "sqlite:///x.db#table=rows&time=at", "late_s": 90_000.0}
        hours = replace(hours, end="2020010200", **{**live, **fields})
        super().__init__([hours, replace(days, end="2020010200")], SchedulerSettings(lease_s=1e9), begins=MIDNIGHT + timedelta(days=1))
        self.settle()

    def another_engine(self, session: str) -> Engine:
        self.open_session(session, kind="scheduler")
        return Engine(self.store, self.broker, self.context, self.clock, self.settings, session=session, prober=self.prober)

    def settle(self) -> None:
        """Have everything done that is to be done now."""
        for _ in range(60):
            self.turn(3)
            if not self.run():
                break

    def come(self, hour: int, key: int = 99) -> None:
        """Let a row come late."""
        self.source.rows.append((MIDNIGHT + timedelta(hours=hour, minutes=30), key))

    def pass_rounds(self, count: int = 12) -> None:
        """Let as many of the process's moments pass."""
        for _ in range(count):
            self.clock.sleep(600)
            self.settle()

    def generations(self) -> dict[str, int]:
        """Return the generations of those that started anew."""
        hours = [("flights_hourly", f"20200101{hour:02}") for hour in range(24)]
        jobs = [self.job(*node) for node in [*hours, ("flights_daily", DAY)]]
        return {f"{job.process} {job.timeperiod}": job.generation for job in jobs if job.generation > 1}

    def states(self) -> set[JobState]:
        """Return the states that the periods are in."""
        hours = {self.state("flights_hourly", f"20200101{hour:02}") for hour in range(24)}
        return hours | {self.state("flights_daily", DAY)}


ONCE = {"flights_hourly 2020010105": 2, "flights_daily 2020010100": 2}


def test_a_late_row_reopens_its_hour_and_its_day_once() -> None:
    tide = Tide()
    tide.come(5)
    tide.pass_rounds()
    assert (tide.generations(), tide.states()) == (ONCE, {JobState.PROCESSED})
    assert tide.engine.second_look_found == 0


def test_the_day_runs_after_its_reopened_hour() -> None:
    tide = Tide()
    tide.come(5)
    tide.pass_rounds()
    hour, day = tide.job("flights_hourly", "2020010105"), tide.job("flights_daily", DAY)
    assert tide.uow(day.uow_id).turn >= hour.turn
    assert tide.uow(hour.uow_id).slice == slice_text(Extent(5, 99, 2), None)


def test_its_log_says_how_many_rows_there_are_and_were() -> None:
    tide = Tide()
    tide.come(5)
    tide.pass_rounds()
    for process, timeperiod in (("flights_hourly", "2020010105"), ("flights_daily", DAY)):
        told = [event.text for event in tide.store.events(process, timeperiod, 10) if event.kind == "reopened"]
        assert told == ["late data: 2 rows instead of 1"]


def test_where_nothing_came_nothing_runs_again() -> None:
    tide = Tide()
    tide.pass_rounds()
    assert tide.generations() == {}


def test_without_late_s_nobody_asks() -> None:
    tide = Tide(late_s=0.0)
    asked = len(tide.prober.asked)
    tide.come(5)
    tide.pass_rounds(3)
    assert (len(tide.prober.asked), tide.generations()) == (asked, {})


def test_after_late_s_a_row_is_too_late() -> None:
    tide = Tide(late_s=19 * 3_600.0)
    tide.come(4)
    tide.come(20)
    tide.pass_rounds()
    assert "flights_hourly 2020010104" not in tide.generations()
    assert tide.generations()["flights_hourly 2020010120"] == 2


def test_each_moment_asks_about_a_few_and_never_sooner() -> None:
    tide = Tide()
    asked = len(tide.prober.asked)
    tide.clock.sleep(600)
    tide.turn(5)
    assert len(tide.prober.asked) == asked + AT_ONCE
    tide.clock.sleep(500)
    tide.turn(5)
    assert len(tide.prober.asked) == asked + AT_ONCE


def test_another_schedule_says_at_once_when_is_asked() -> None:
    tide = Tide(trigger_frequency="at 00:30")
    tide.pass_rounds(6)
    tide.switch("frequency", frequency="every 600")
    tide.settle()
    tide.come(5)
    tide.pass_rounds()
    assert tide.generations() == ONCE


def test_rows_of_what_is_not_caught_up_let_nothing_run() -> None:
    tide = Tide(catchup="none")
    tide.pass_rounds()
    assert {tide.state("flights_hourly", f"20200101{hour:02}") for hour in range(24)} == {JobState.NOOP}


def test_what_an_operator_skipped_stays() -> None:
    tide = Tide()
    tide.give("reprocess", "flights_daily", DAY)
    tide.give("skip", "flights_daily", DAY)
    tide.turn(2)
    tide.come(5)
    tide.pass_rounds()
    assert tide.state("flights_daily", DAY) is JobState.SKIPPED
    assert tide.generations()["flights_hourly 2020010105"] == 2


def test_an_hour_without_rows_that_gets_some_runs() -> None:
    tide = Tide()
    tide.source.rows = [row for row in tide.source.rows if row[1] != 5]
    tide.pass_rounds()
    assert tide.state("flights_hourly", "2020010105") is JobState.NOOP
    tide.come(5)
    tide.pass_rounds()
    assert tide.state("flights_hourly", "2020010105") is JobState.PROCESSED


def test_a_source_that_is_away_reopens_nothing() -> None:
    tide = Tide()
    tide.come(5)
    tide.source.fault = "no answer"
    tide.pass_rounds()
    assert tide.generations() == {}
    tide.source.fault = ""
    tide.pass_rounds()
    assert tide.generations() == ONCE


def asked() -> Tide:
    """Return a tide whose late row has come and whose source was asked and has not answered yet."""
    tide = Tide()
    tide.come(5)
    tide.prober.is_mute = True
    for _ in range(6):
        tide.clock.sleep(600)
        tide.turn(2)
    return tide


def test_a_take_over_between_question_and_answer_reopens_once() -> None:
    tide = asked()
    tide.store.close_sessions(["scheduler-1"])
    tide.engine = tide.another_engine("scheduler-2")
    tide.prober.is_mute = False
    tide.pass_rounds()
    assert tide.generations() == ONCE


def test_a_doubled_answer_reopens_once() -> None:
    tide = Tide()
    tide.come(5)
    tide.prober.is_doubled = True
    tide.pass_rounds()
    assert tide.generations() == ONCE


def test_a_reprocess_while_the_source_is_asked_is_all_that_happens() -> None:
    tide = asked()
    tide.give("reprocess", "flights_hourly", "2020010105")
    tide.prober.is_mute = False
    tide.settle()
    tide.pass_rounds()
    assert tide.generations() == ONCE


def test_a_failed_second_run_is_left_to_its_operator() -> None:
    tide = Tide(max_attempts=1)
    tide.come(5)
    while not tide.requested():
        tide.clock.sleep(600)
        tide.turn(5)
    tide.work("flights_hourly/2020010105/2/1", event=UowEvent.FAILED)
    tide.pass_rounds()
    assert tide.job("flights_hourly", "2020010105").generation == 2
    assert tide.state("flights_hourly", "2020010105") is JobState.SKIPPED


@pytest.mark.parametrize(
    ("job", "extent", "turn", "reason"),
    [
        (DONE, Extent(1, 9, 3), 7, ""),
        (DONE, Extent(1, 9, 4), 7, "late data: 4 rows instead of 3"),
        (DONE, Extent(1, 10, 3), 7, "late data: other keys, 3 rows as before"),
        (DONE, None, 7, "late data: 0 rows instead of 3"),
        (DONE, Extent(1, 9, 4), 6, ""),  # asked before it was finished
        (replace(DONE, turn=0, covered=""), Extent(1, 9, 4), 7, ""),  # archived
        (replace(DONE, covered=""), Extent(1, 9, 4), 7, ""),  # run by another machine: nobody knows what it covered
        (replace(DONE, covered="", state=JobState.NOOP), Extent(1, 9, 4), 7, "late data: 4 rows instead of 0"),
        (replace(DONE, covered="", state=JobState.NOOP), None, 7, ""),
    ],
)  # fmt: skip
def test_what_is_late_is_what_the_final_run_did_not_cover(job: Job, extent: Extent | None, turn: int, reason: str) -> None:
    assert late_reason(job, extent, turn) == reason
