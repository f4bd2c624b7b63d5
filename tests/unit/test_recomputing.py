"""What is a recomputing job owed, and what does the engine make of what its source says? REFERENCE 1.4."""

from __future__ import annotations

import json

import pytest

from db.source import Extent
from scheduler.slices import new_part, slice_text
from system.lifecycle import JobState, UowEvent
from tests.support.probers import AtOnce
from tests.support.spring import HOUR, Backlog, Spring


def test_a_run_covers_the_rows_that_are_there() -> None:
    spring = Spring(3, 5)
    assert spring.slice(1) == {"lowest": 3, "highest": 5, "count": 2, "after": None}


def test_the_next_run_covers_what_is_new() -> None:
    spring = Spring(3, 5)
    spring.work(f"{HOUR}/1/1")
    spring.come(8)
    spring.pass_s(600)
    assert spring.slice(2) == {"lowest": 3, "highest": 8, "count": 3, "after": 5}


def test_nothing_runs_while_nothing_is_new() -> None:
    spring = Spring(3)
    spring.work(f"{HOUR}/1/1")
    spring.pass_s(600)
    assert (spring.requested(), spring.why().kind) == ([], "source")
    spring.come(9)
    spring.pass_s(600)
    assert spring.requested() == [f"{HOUR}/1/2"]


def test_the_final_run_covers_the_whole_window() -> None:
    spring = Spring(3)
    spring.work(f"{HOUR}/1/1")
    spring.come(50)
    spring.pass_s(3_600)
    assert spring.slice(2) == {"lowest": 3, "highest": 50, "count": 2, "after": None}
    assert spring.now_is() is JobState.FINAL_RUN
    spring.work(f"{HOUR}/1/2")
    assert spring.now_is() is JobState.PROCESSED


def test_where_nothing_is_new_the_job_is_finished_at_once() -> None:
    spring = Spring(3)
    spring.work(f"{HOUR}/1/1")
    spring.pass_s(3_600)
    assert (spring.now_is(), spring.requested()) == (JobState.PROCESSED, [])


def test_a_row_that_came_in_between_is_covered_by_the_final_run_also_where_nothing_is_new() -> None:
    spring = Spring(1, 5)
    spring.work(f"{HOUR}/1/1")
    spring.come(3, 7)
    spring.pass_s(600)
    assert spring.slice(2)["after"] == 5
    spring.work(f"{HOUR}/1/2")
    spring.pass_s(3_600)
    assert spring.slice(3) == {"lowest": 1, "highest": 7, "count": 4, "after": None}


def test_a_source_is_asked_again_where_its_answer_got_old_while_the_job_waited_for_room() -> None:
    spring = Backlog(max_in_flight=1)
    spring.turn(4)
    assert (spring.requested(), len(spring.prober.asked)) == ([f"{HOUR}/1/1"], 3)
    spring.clock.sleep(31)
    spring.rows_for_all(key=99)
    spring.work(f"{HOUR}/1/1")
    spring.turn(4)
    assert spring.uow("flights_hourly/2020010101/1/1").slice == slice_text(Extent(1, 99, 2), None)


def test_of_a_long_backlog_no_more_is_asked_at_once_than_may_be_requested() -> None:
    spring = Backlog()
    spring.prober.is_mute = True
    spring.turn(4)
    assert len(spring.prober.asked) == 3
    spring.prober.is_mute = False
    spring.turn(20)
    assert (len(spring.requested()), len(spring.prober.asked)) == (3, 3)


def test_a_backlog_without_rows_is_finished_to_its_end() -> None:
    spring = Backlog()
    spring.source.rows.clear()
    spring.turn(40)
    assert {spring.state("flights_hourly", f"20200101{hour:02}") for hour in range(24)} == {JobState.NOOP}


def test_fault_16_an_hour_without_rows_waits_while_it_is_open_and_is_noop_after_that() -> None:
    spring = Spring()
    assert (spring.now_is(), spring.why().kind) == (JobState.EMBRYO, "source")
    spring.pass_s(3_599)
    assert spring.now_is() is JobState.EMBRYO
    spring.pass_s(1)
    assert spring.now_is() is JobState.NOOP


def test_a_source_that_is_away_is_said_so_and_asked_again() -> None:
    spring = Spring()
    spring.source.fault = "connection refused"
    spring.pass_s(600)
    assert "connection refused" in spring.why().text
    spring.source.fault = ""
    spring.come(3)
    spring.pass_s(30)
    assert spring.requested() == [f"{HOUR}/1/1"]


def test_a_job_is_not_finished_while_its_source_is_away() -> None:
    spring = Spring(3)
    spring.work(f"{HOUR}/1/1")
    spring.source.fault = "connection refused"
    spring.pass_s(3_600)
    assert (spring.now_is(), spring.why().kind) == (JobState.IN_PROGRESS, "source")
    spring.source.fault = ""
    spring.pass_s(30)
    assert spring.now_is() is JobState.PROCESSED


def test_what_failed_is_covered_by_the_next_run() -> None:
    spring = Spring(3)
    spring.clock.sleep(48 * 3_600)
    spring.work(f"{HOUR}/1/1", event=UowEvent.FAILED)
    assert spring.job("flights_hourly", "2020010100").covered == ""


def test_a_source_that_never_answers_is_not_asked_twice_and_holds_nobody_up() -> None:
    spring = Spring()
    asked = len(spring.prober.asked)
    spring.prober.is_mute = True
    spring.pass_s(600)
    spring.pass_s(600)
    assert len(spring.prober.asked) == asked + 1


def test_another_leader_asks_again() -> None:
    spring = Spring()
    spring.prober.is_mute = True
    spring.pass_s(600)
    spring.store.close_sessions(["scheduler-1"])
    spring.prober = AtOnce(spring.source)
    spring.come(3)
    spring.engine = spring.another_engine("scheduler-2")
    spring.turn(5)
    assert spring.requested() == [f"{HOUR}/1/1"]


def test_a_requested_run_that_nobody_has_claimed_is_widened_in_place() -> None:
    spring = Spring(3)
    spring.come(9)
    spring.pass_s(600)
    assert (spring.slice(1), spring.requested()) == ({"lowest": 3, "highest": 9, "count": 2, "after": None}, [f"{HOUR}/1/1"])
    spring.come(25)
    spring.pass_s(600)
    spring.work(f"{HOUR}/1/1")
    spring.pass_s(600)
    assert (spring.slice(1)["highest"], spring.requested()) == (25, [])


def test_a_run_that_somebody_has_claimed_is_not_widened() -> None:
    spring = Spring(3)
    (uow,) = spring.claim(f"{HOUR}/1/1")
    spring.come(9)
    spring.pass_s(600)
    assert spring.slice(1)["highest"] == 3
    spring.finish(uow)
    spring.pass_s(600)
    assert spring.slice(2) == {"lowest": 3, "highest": 9, "count": 2, "after": 3}


def test_a_requested_run_is_widened_after_a_restart_too() -> None:
    spring = Spring(3)
    spring.store.close_sessions(["scheduler-1"])
    spring.engine = spring.another_engine("scheduler-2")
    spring.turn(3)
    spring.come(9)
    spring.pass_s(600)
    assert spring.slice(1)["highest"] == 9


@pytest.mark.parametrize(
    ("extent", "after"),
    [
        (Extent(1, 9, 5), 5),
        (Extent(0, 9, 5), None),  # a row came in front
        (Extent(1, 9, 2), None),  # rows went away
        (Extent(1, 5, 4), None),  # one came in between
        (Extent("1", "9", 5), None),
    ],
)
def test_a_slice_begins_behind_what_was_covered_where_that_only_grew(extent: Extent, after: int | None) -> None:
    assert json.loads(new_part(extent, Extent(1, 5, 3)))["after"] == after
