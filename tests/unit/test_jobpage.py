"""Does a list that is read page by page hold every job once, in its order, while jobs move around it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from scheduler.jobpage import Key, PageJob, Wanted, page_of
from scheduler.trees import Topology
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, hours, january

BOTH = ("flights_hourly", "flights_daily")


class Listed(Lamp):
    """Two days of hours and days, listed by pages."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(january(days=2, **fields))
        self.turn()

    def page(self, wanted: Wanted, after: Key | None = None, limit: int = 7) -> list[PageJob]:
        table = self.desk.read()
        return page_of(table, Topology(self.context), wanted, after, limit, self.clock.now(), self.store.uows)

    def all(self, limit: int = 7, **wanted: Any) -> list[tuple[str, str]]:
        found: list[PageJob] = []
        for _ in count():
            page = self.page(Wanted(**{"processes": BOTH, **wanted}), (found[-1].ends_at, found[-1].node[0]) if found else None, limit)
            found += page
            if len(page) < limit:
                break
        return [(each.node[0], each.timeperiod) for each in found]


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
@pytest.mark.parametrize("is_oldest_first", [True, False])
def test_every_job_comes_once_in_the_order_of_the_ends(limit: int, is_oldest_first: bool) -> None:
    lamp = Listed()
    lamp.run()
    found = lamp.all(limit, is_oldest_first=is_oldest_first)
    assert len(found) == len(set(found)) == 50
    ends = {name: lamp.context.managed[name].qualifier for name in BOTH}
    periods = [period if ends[name].name == "_hourly" else period[:8] + "23" for name, period in found]
    assert periods == sorted(periods, reverse=not is_oldest_first)


def test_jobs_that_nothing_has_touched_are_listed_where_they_are_asked_for() -> None:
    lamp = Listed()
    begun = [f"201301{day}{hour:02}" for day in ("02", "01") for hour in reversed(range(24))]
    assert lamp.all() == [("flights_hourly", period) for period in begun]
    assert lamp.all(states=frozenset([JobState.EMBRYO])) == [("flights_daily", "2013010200"), ("flights_daily", "2013010100")]


def test_a_list_by_state_holds_these_only() -> None:
    lamp = Listed()
    lamp.work(*hours(3))
    assert lamp.all(states=frozenset([JobState.PROCESSED]), limit=2) == [("flights_hourly", f"20130101{h:02}") for h in (2, 1, 0)]


def test_a_list_by_phase_holds_what_is_at_that() -> None:
    lamp = Listed(max_attempts=1, on_failure="hold")
    lamp.claim(*hours(2)[1:])
    lamp.work(hours(1)[0], event=UowEvent.FAILED)
    lamp.turn()
    assert lamp.all(phase="held") == [("flights_hourly", "2013010100")]
    assert lamp.all(phase="running") == [("flights_hourly", "2013010101")]
    assert len(lamp.all(phase="requested", limit=5)) == 46
    assert lamp.page(Wanted(BOTH))[0].phase == "requested"


@pytest.mark.parametrize("is_oldest_first", [True, False])
def test_bounds_are_half_open_at_the_ends_of_periods(is_oldest_first: bool) -> None:
    lamp = Listed()
    since = datetime(2013, 1, 1, 5, tzinfo=UTC)
    found = lamp.all(since=since, until=since + timedelta(hours=3), is_oldest_first=is_oldest_first, limit=1)
    assert sorted(period for _, period in found) == ["2013010104", "2013010105", "2013010106"]


def test_late_ones_are_those_that_the_list_of_late_ones_counts() -> None:
    lamp = Listed(deadline=60.0, time_grouping=1)
    lamp.work(*hours(2))
    found = lamp.all(late=True)
    assert len(found) == sum(each.count for each in lamp.desk.late()) == 48
    assert all(each.late_since is not None for each in lamp.page(Wanted(BOTH, late=True)))


def test_a_list_without_deadlines_has_no_late_ones() -> None:
    assert Listed().all(late=True) == []


def test_what_is_finished_between_two_pages_moves_nothing() -> None:
    lamp = Listed()
    first = lamp.page(Wanted(("flights_hourly",)), limit=20)
    lamp.work(*hours(5))
    place = first[-1].ends_at, first[-1].node[0]
    rest = lamp.page(Wanted(("flights_hourly",)), place, limit=100)
    assert [e.timeperiod for e in (*first, *rest)] == [p for _, p in lamp.all(processes=("flights_hourly",))]


def test_an_ended_process_lists_what_lies_before_its_end() -> None:
    lamp = Listed()
    lamp.run()
    wanted = Wanted(("flights_hourly",))
    assert replace(wanted, until=datetime(2013, 1, 1, 1, 30, tzinfo=UTC)) is not wanted
    assert len(lamp.page(replace(wanted, until=datetime(2013, 1, 1, 1, 30, tzinfo=UTC)))) == 1
