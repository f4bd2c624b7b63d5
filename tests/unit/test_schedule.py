"""Is a schedule read as the grammar says, printed back as it was given, and due at the right moments?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from system.errors import ScheduleError
from system.schedule import At, Every, parse_schedule

GOOD = ["every 60", "every 0.5", "every   7", " every 60 ", "at 17:30", "at *-17:30", "at 0-07:15,3-12:00", "at 06:00, 18:00"]
BAD = [
    "", "60", "every", "every 0", "every 0.0", "every -5", "every 1e3", "every 60s", "every " + "9" * 400, "at", "at ", "at 24:00",
    "at 7:30", "at 07:60", "at 7-07:30", "at 07:30,", "at ,07:30", "at 07.30", "at 1-1-07:30", "crom 0 7 * * *", "EVERY 60", "every ٦٠",
]  # fmt: skip
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


def at(text: str) -> At:
    schedule = parse_schedule(text)
    assert isinstance(schedule, At)
    return schedule


@pytest.mark.parametrize("text", GOOD)
def test_a_schedule_is_printed_back_as_it_was_given(text: str) -> None:
    assert parse_schedule(text).text == text


@pytest.mark.parametrize("text", BAD)
def test_a_bad_schedule_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(ScheduleError, match="is not a schedule: write 'every SECONDS'") as caught:
        parse_schedule(text)
    assert repr(text) in str(caught.value)


def test_an_interval_is_in_seconds() -> None:
    assert parse_schedule("every 2.5") == Every("every 2.5", 2.5)


def test_an_interval_names_no_moments_and_so_holds_nothing_back() -> None:
    every = parse_schedule("every 60")
    assert every.last_fire(MONDAY) == MONDAY
    assert every.next_fire(MONDAY) == MONDAY + timedelta.resolution


def test_day_0_is_monday_and_day_6_sunday() -> None:
    assert at("at 0-07:15").next_fire(MONDAY) == MONDAY.replace(hour=7, minute=15)
    assert at("at 6-07:15").next_fire(MONDAY) == MONDAY.replace(day=7, hour=7, minute=15)


def test_the_moment_itself_counts_as_fired() -> None:
    due = MONDAY.replace(hour=7, minute=15)
    assert at("at 07:15").last_fire(due) == due
    assert at("at 07:15").next_fire(due) == due.replace(day=2)


def test_before_the_first_event_of_a_week_the_last_one_was_in_the_week_before() -> None:
    schedule = at("at 2-12:00")
    assert schedule.last_fire(MONDAY) == datetime(2023, 12, 27, 12, tzinfo=UTC)
    assert schedule.next_fire(MONDAY.replace(day=5)) == MONDAY.replace(day=10, hour=12)


def test_the_same_moment_written_twice_is_one() -> None:
    assert at("at 07:15,*-07:15,0-07:15").minutes == at("at 07:15").minutes


@pytest.mark.parametrize("schedule", ["at 00:00", "at 12:30,3-07:00", "at 0-00:00", "at *-23:59,6-23:59,0-00:00"])
@pytest.mark.parametrize("days", [0, 1, 5, 6.5, 7, 30, 1000])
def test_moments_of_the_week_are_counted_without_going_from_one_to_the_next(schedule: str, days: float) -> None:
    found = at(schedule)
    after = datetime(2020, 2, 27, 12, 30, tzinfo=UTC)
    until = after + timedelta(days=days)
    moments, moment = 0, found.next_fire(after)
    while moment <= until:
        moments, moment = moments + 1, found.next_fire(moment)
    assert found.count(after, until) == moments
