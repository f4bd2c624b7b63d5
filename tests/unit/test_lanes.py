"""In which lane does a period travel, and what are its queues called?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.timetable import States, ordinal_of
from system.context import Context
from system.lanes import HISTORY_S, Lane, both_lanes, lane_of, may_be_live, places_for_backfill, queue_in
from system.timeperiod import qualifier_named
from tests.support.contexts import managed
from workers.policy import WorkerSettings

NOW = datetime(2013, 6, 15, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("qualifier", "newest_history", "oldest_live"),
    [
        ("_hourly", "2013061411", "2013061412"),
        ("_daily", "2013061200", "2013061300"),
        ("_monthly", "2013030000", "2013040000"),
        ("_yearly", "2010000000", "2011000000"),
    ],
)
def test_history_is_what_became_due_over_a_day_and_over_two_periods_ago(qualifier: str, newest_history: str, oldest_live: str) -> None:
    states = States(managed("flights_x", qualifier, start="", lag_s=0.0), "2000010100")
    end = states.history_end(NOW, HISTORY_S)
    assert ordinal_of(qualifier_named(qualifier), newest_history) == end - 1
    assert ordinal_of(qualifier_named(qualifier), oldest_live) == end


def test_the_last_periods_of_a_process_that_ended_long_ago_are_history_too() -> None:
    states = States(managed(start="2012010100", end="2012010200"), "2000010100")
    assert states.last is not None
    assert states.history_end(NOW, HISTORY_S) > states.last


def test_a_process_that_has_just_begun_has_no_history() -> None:
    states = States(managed(start="2013061510"), "2000010100")
    assert states.history_end(NOW, HISTORY_S) == states.first


def test_a_queue_tells_its_lane_by_its_name() -> None:
    assert [queue_in("queue_a", lane) for lane in Lane] == ["queue_a", "queue_a_backfill"] == both_lanes(["queue_a", "queue_a"])
    assert [lane_of("queue_a"), lane_of("queue_a_backfill")] == [Lane.LIVE, Lane.BACKFILL]


@pytest.mark.parametrize(("most", "places"), [(1, 1), (2, 1), (3, 2), (10, 9)])
def test_backfill_leaves_a_place_to_live_work_where_there_is_more_than_one(most: int, places: int) -> None:
    assert places_for_backfill(most) == places


@pytest.mark.parametrize(
    ("slots", "share", "kept"),
    [(1, 0.75, 0), (1, 0.0, 0), (2, 0.75, 1), (4, 0.75, 1), (8, 0.75, 2), (8, 0.0, 7), (2, 1.0, 0), (2, 0.99, 1)],
)
def test_a_worker_keeps_a_share_of_its_slots_for_live_work(slots: int, share: float, kept: int) -> None:
    assert WorkerSettings(slots=slots, backfill_share=share).kept_for_live == kept


def test_live_work_may_come_unless_every_process_ended_over_a_day_ago() -> None:
    context = Context((managed("a_hourly", start="2013010100", end="2013061500"),), {})
    ended = datetime(2013, 6, 15, tzinfo=UTC)
    assert may_be_live(context, ended + timedelta(hours=23))
    assert not may_be_live(context, ended + timedelta(hours=25))
    assert may_be_live(Context((*context.processes, managed("b_hourly")), {}), ended + timedelta(days=900))
