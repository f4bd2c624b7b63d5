"""Which period is looked at next?"""

from __future__ import annotations

from datetime import UTC, datetime

from scheduler.frontier import Frontier
from scheduler.timetable import States, ordinal_of
from system.lanes import HISTORY_S, Lane
from system.lifecycle import JobState
from system.timeperiod import HOURLY
from tests.support.contexts import managed

FIRST = ordinal_of(HOURLY, "2013010100")


def frontier(hours: int = 4) -> Frontier:
    """Return the frontier of an hourly process with `hours` periods, all due."""
    states = States(managed(start="2013010100", end=f"20130101{hours:02}", lag_s=0.0), "2020010100")
    return Frontier(states, datetime(2020, 1, 1, tzinfo=UTC), HISTORY_S)


def pop(found: Frontier) -> int | None:
    """Return the next candidate, whatever its lane."""
    live = found.pop(Lane.LIVE)
    return found.pop(Lane.BACKFILL) if live is None else live


def test_untouched_periods_come_oldest_first_and_once() -> None:
    found = frontier(3)
    assert [pop(found) for _ in range(4)] == [FIRST, FIRST + 1, FIRST + 2, None]


def test_finished_periods_are_passed_over() -> None:
    found = frontier(3)
    found.states[FIRST + 1] = JobState.PROCESSED
    assert [pop(found), pop(found), pop(found)] == [FIRST, FIRST + 2, None]


def test_what_was_passed_comes_back_when_it_is_woken() -> None:
    found = frontier(3)
    assert [pop(found), pop(found)] == [FIRST, FIRST + 1]
    found.wake(FIRST)
    assert [pop(found), pop(found), pop(found)] == [FIRST, FIRST + 2, None]


def test_a_period_woken_twice_or_ahead_of_the_cursor_comes_once() -> None:
    found = frontier(2)
    found.wake(FIRST)
    found.wake(FIRST)
    assert [pop(found), pop(found), pop(found)] == [FIRST, FIRST + 1, None]


def test_fault_15_an_unfinished_last_day_of_a_month_is_not_jumped() -> None:
    states = States(managed("flights_daily", "_daily", start="2013010100", lag_s=0.0), "2020010100")
    found = Frontier(states, datetime(2013, 3, 1, tzinfo=UTC), HISTORY_S)
    for ordinal in range(states.first, states.first + 30):
        states[ordinal] = JobState.PROCESSED
    assert [found.pop(Lane.BACKFILL), found.pop(Lane.BACKFILL)] == [states.first + 30, states.first + 31]


def test_time_lets_new_periods_in_and_says_when_the_next_comes() -> None:
    states = States(managed(start="2013010100", lag_s=0.0), "2020010100")
    found = Frontier(states, datetime(2013, 1, 1, 0, 30, tzinfo=UTC), HISTORY_S)
    assert pop(found) is None
    assert found.advance(datetime(2013, 1, 1, 1, 0, tzinfo=UTC)) == datetime(2013, 1, 1, 2, tzinfo=UTC)
    assert pop(found) == FIRST


def test_a_clock_that_jumps_back_takes_no_period_away() -> None:
    found = frontier(4)
    found.advance(datetime(2012, 1, 1, tzinfo=UTC))
    assert pop(found) == FIRST


def test_the_second_look_goes_round_what_the_cursor_left_behind() -> None:
    found = frontier(3)
    pop(found), pop(found)
    assert [found.look_again() for _ in range(4)] == [FIRST, FIRST + 1, None, FIRST]


def test_live_periods_are_taken_while_history_waits() -> None:
    states = States(managed(start="2013010100", lag_s=0.0), "2020010100")
    found = Frontier(states, datetime(2013, 1, 4, 0, 30, tzinfo=UTC), HISTORY_S)
    assert found.pop(Lane.LIVE) == FIRST + 48
    assert found.pop(Lane.BACKFILL) == FIRST
    assert [found.pop(Lane.LIVE) for _ in range(24)] == [*range(FIRST + 49, FIRST + 72), None]


def test_what_nobody_took_for_a_day_becomes_history_and_comes_once() -> None:
    states = States(managed(start="2013010100", lag_s=0.0), "2020010100")
    found = Frontier(states, datetime(2013, 1, 1, 3, 30, tzinfo=UTC), HISTORY_S)
    assert found.pop(Lane.LIVE) == FIRST
    found.wake(FIRST)
    tomorrow = datetime(2013, 1, 2, 2, 30, tzinfo=UTC)
    found.advance(tomorrow)
    found.age(tomorrow)
    assert [found.pop(Lane.BACKFILL) for _ in range(3)] == [FIRST, FIRST + 1, None]
    assert found.pop(Lane.LIVE) == FIRST + 2


def test_the_second_look_sees_what_both_cursors_left_behind() -> None:
    states = States(managed(start="2013010100", lag_s=0.0), "2020010100")
    found = Frontier(states, datetime(2013, 1, 4, 0, 30, tzinfo=UTC), HISTORY_S)
    found.pop(Lane.BACKFILL), found.pop(Lane.LIVE)
    assert [found.look_again() for _ in range(4)] == [FIRST, FIRST + 48, None, FIRST]


def test_only_a_process_that_ended_long_ago_has_no_live_periods_any_more() -> None:
    assert not frontier().may_be_live
    states = States(managed(start="2013010100", end="2013010500"), "2020010100")
    assert Frontier(states, datetime(2013, 1, 5, 12, tzinfo=UTC), HISTORY_S).may_be_live
