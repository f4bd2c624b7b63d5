"""How are states kept, one byte a period?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from db.model import Chunk
from scheduler.timetable import States, Timetable, ordinal_of
from system.lifecycle import JobState
from system.timeperiod import DAILY, HOURLY
from tests.support.builders import job, turn
from tests.support.contexts import managed
from tests.support.lamp import Lamp, context, january


def hourly(**fields: Any) -> States:
    """Return the states of an hourly process from 2013 on."""
    return States(managed(**{"start": "2013010100", "lag_s": 0.0, **fields}), "2020010100")


def hour(text: str) -> int:
    return ordinal_of(HOURLY, text)


def test_an_untouched_period_is_embryo_and_costs_nothing() -> None:
    assert hourly()[hour("2019123123")] == JobState.EMBRYO


def test_a_chunk_holds_the_hours_of_a_month_and_no_untouched_tail() -> None:
    states = hourly()
    states[hour("2013020103")] = JobState.NOOP
    chunk = states.chunk(HOURLY.chunk_of(hour("2013020103")), 7)
    assert (chunk.first, chunk.states, chunk.turn) == (hour("2013020100"), b"\0\0\0\4", 7)


def test_a_loaded_chunk_gives_the_same_states() -> None:
    source, target = hourly(), hourly()
    for text, state in (("2013010100", JobState.PROCESSED), ("2013013123", JobState.SKIPPED), ("2013020100", JobState.NOOP)):
        source[hour(text)] = state
    for number in {HOURLY.chunk_of(hour("2013010100")), HOURLY.chunk_of(hour("2013020100"))}:
        target.load(source.chunk(number, 1))
    assert target.between(hour("2013010100"), hour("2013020105")) == source.between(hour("2013010100"), hour("2013020105"))


def test_a_slice_beyond_what_is_stored_is_embryo() -> None:
    assert hourly().between(hour("2013010100"), hour("2013010103")) == b"\0\0\0"


def test_only_periods_of_the_process_itself_count_as_unfinished() -> None:
    table = Timetable(context(january(days=1)), "2020010100")
    day = ordinal_of(DAILY, "2013010100") * 24
    assert table.unfinished("flights_hourly", day - 24, day + 48) == (24, day)


def test_all_hours_finished_is_seen_in_one_slice() -> None:
    table = Timetable(context(january(days=1)), "2020010100")
    day = hour("2013010100")
    for ordinal in range(day, day + 24):
        table.states["flights_hourly"][ordinal] = JobState.NOOP
    assert table.unfinished("flights_hourly", day, day + 24) == (0, None)


def test_the_first_skipped_period_is_named() -> None:
    table = Timetable(context(january(days=1)), "2020010100")
    table.states["flights_hourly"][hour("2013010107")] = JobState.SKIPPED
    assert table.skipped("flights_hourly", hour("2013010100"), hour("2013010200")) == (1, hour("2013010107"))


def test_a_turn_applied_sets_states_and_records() -> None:
    table = Timetable(context(january(days=1)), "2020010100")
    table.apply(turn(3, jobs=[job("2013010104", JobState.IN_PROGRESS), job("2013010105", JobState.PROCESSED)]))
    assert list(table.active) == [("flights_hourly", hour("2013010104"))]
    assert (table.head, table.states["flights_hourly"][hour("2013010105")]) == (3, JobState.PROCESSED)


def test_records_of_retired_processes_are_left_alone() -> None:
    table = Timetable(context(january(days=1)), "2020010100")
    table.load([Chunk("gone_hourly", 1, 0, b"\3", 1)], [job(process="gone_hourly")])
    assert table.active == {}


def test_records_from_before_a_start_that_was_moved_are_left_alone() -> None:
    timetable = Timetable(context(january(("hourly",), start="2013020100", end="2013030100")), "2013010100")
    early = job("2013010100", JobState.IN_PROGRESS)
    timetable.load([], [early])
    timetable.apply(turn(1, jobs=(early,)))
    assert (timetable.active, timetable.nodes(turn(1, jobs=(early,)))) == ({}, [])


def test_fault_16_an_open_hour_is_not_due() -> None:
    states = hourly()
    assert states.due_end(datetime(2013, 1, 1, 5, 59, 59, tzinfo=UTC)) == hour("2013010105")
    assert states.due_end(datetime(2013, 1, 1, 6, 0, 0, tzinfo=UTC)) == hour("2013010106")


def test_a_period_is_due_when_its_lag_is_over() -> None:
    states = hourly(lag_s=300.0)
    assert states.due_end(datetime(2013, 1, 1, 6, 4, 59, tzinfo=UTC)) == hour("2013010105")
    assert states.due_at(hour("2013010105")) == datetime(2013, 1, 1, 6, 5, tzinfo=UTC)


def test_a_process_that_runs_at_three_waits_for_three_after_the_end() -> None:
    daily = States(managed("flights_daily", "_daily", start="2013010100", lag_s=0.0, trigger_frequency="at 03:00"), "2020010100")
    first = ordinal_of(DAILY, "2013010100")
    assert daily.due_at(first) == datetime(2013, 1, 2, 3, tzinfo=UTC)
    assert daily.due_end(datetime(2013, 1, 2, 2, 59, tzinfo=UTC)) == first
    assert daily.due_end(datetime(2013, 1, 2, 3, 0, tzinfo=UTC)) == first + 1


def test_a_process_with_a_cron_waits_for_its_time_in_its_zone() -> None:
    fields = {"start": "2013070100", "lag_s": 0.0, "trigger_frequency": "cron 30 4 * * 1-5 in Europe/Berlin"}
    daily = States(managed("flights_daily", "_daily", **fields), "2020010100")
    friday = ordinal_of(DAILY, "2013070500")
    assert daily.due_at(friday) == datetime(2013, 7, 8, 2, 30, tzinfo=UTC)  # the weekend's periods come on Monday, too
    assert daily.due_end(datetime(2013, 7, 8, 2, 29, tzinfo=UTC)) == friday
    assert daily.due_end(datetime(2013, 7, 8, 2, 30, tzinfo=UTC)) == friday + 3


@pytest.mark.parametrize("frequency", ["every 60", "at 03:00", "cron 0 3 * * * in Asia/Tokyo"])
def test_fault_17_a_process_goes_on_whatever_its_schedule_is_changed_to(frequency: str) -> None:
    lamp = Lamp(january(["hourly"], trigger_frequency="every 60"))
    lamp.turn()
    lamp.work("flights_hourly/2013010100/1/1")
    lamp.context = context(january(["hourly"], trigger_frequency=frequency))
    lamp.engine = lamp.another_engine("scheduler-2")
    assert lamp.run() == 23


def test_the_end_is_the_first_period_that_does_not_run() -> None:
    assert hourly(end="2013010102").due_end(datetime(2020, 1, 1, tzinfo=UTC)) == hour("2013010102")
