"""Which periods run together? The fixtures of REFERENCE 1.1, and the engine's use of them."""

from __future__ import annotations

import pytest

from scheduler.desk import Desk
from scheduler.trees import Topology
from system.context import dependency_entry, timetable_tree_entry
from system.context_check import check
from system.grouping import group_of, largest_grouping
from system.lifecycle import JobState
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Qualifier, Timeperiod, parse
from tests.support.contexts import managed
from tests.support.lamp import Lamp, with_fields


def window(qualifier: Qualifier, timeperiod: str, grouping: int) -> tuple[str, str]:
    """Return the first and the last id of a period's group."""
    found = group_of(qualifier, parse(qualifier, timeperiod).ordinal, grouping)
    return Timeperiod(qualifier, found[0]).id, Timeperiod(qualifier, found[-1]).id


def ends(qualifier: Qualifier, unit: Timeperiod, grouping: int) -> list[int]:
    """Return the tokens that end a group inside `unit`, counted from the unit's first."""
    inside = unit.inside(qualifier)
    return sorted({group_of(qualifier, ordinal, grouping)[-1] - inside.start for ordinal in inside})


@pytest.mark.parametrize(
    ("grouping", "tokens"),
    [(3, [3, 6, 9, 12, 15, 18, 21, 23]), (5, [5, 10, 15, 20, 23]), (20, [20, 23]), (1, list(range(24))), (23, [23])],
)
def test_hours_group_inside_their_day_and_token_00_ends_no_group(grouping: int, tokens: list[int]) -> None:
    assert ends(HOURLY, parse(DAILY, "2015031400"), grouping) == tokens


def test_days_of_february_group_by_seven() -> None:
    assert [token + 1 for token in ends(DAILY, parse(MONTHLY, "2015020000"), 7)] == [7, 14, 21, 28]


def test_a_month_that_seven_does_not_divide_ends_with_a_short_group() -> None:
    assert [token + 1 for token in ends(DAILY, parse(MONTHLY, "2015030000"), 7)] == [7, 14, 21, 28, 31]


def test_months_group_into_quarters() -> None:
    assert [token + 1 for token in ends(MONTHLY, parse(YEARLY, "2015000000"), 3)] == [3, 6, 9, 12]


@pytest.mark.parametrize(("hour", "start"), [("12", "10"), ("11", "10"), ("03", "00"), ("23", "22"), ("00", "00")])
def test_an_hours_window_starts_after_the_previous_groups_end(hour: str, start: str) -> None:
    assert window(HOURLY, f"20150314{hour}", 3)[0] == f"20150314{start}"


@pytest.mark.parametrize(("day", "start"), [("06", "04"), ("31", "31"), ("01", "01"), ("30", "28")])
def test_a_days_window_starts_after_the_previous_groups_end(day: str, start: str) -> None:
    assert window(DAILY, f"201503{day}00", 3)[0] == f"201503{start}00"


@pytest.mark.parametrize(("month", "start"), [("12", "10"), ("01", "01")])
def test_a_months_window_starts_after_the_previous_groups_end(month: str, start: str) -> None:
    assert window(MONTHLY, f"2015{month}0000", 3)[0] == f"2015{start}0000"


@pytest.mark.parametrize(("qualifier", "unit"), [(HOURLY, DAILY), (DAILY, MONTHLY), (MONTHLY, YEARLY)])
def test_groups_partition_their_enclosing_unit(qualifier: Qualifier, unit: Qualifier) -> None:
    for grouping in range(1, largest_grouping(qualifier) + 1):
        inside = parse(unit, {DAILY: "2016022900", MONTHLY: "2016020000", YEARLY: "2016000000"}[unit]).inside(qualifier)
        groups = dict.fromkeys(group_of(qualifier, ordinal, grouping) for ordinal in inside)
        assert [ordinal for group in groups for ordinal in group] == list(inside)


# -- in the engine

BOUNDS = {"start": "2013010100", "end": "2013010200", "lag_s": 0.0}


def grouped(grouping: int, **fields: object) -> Lamp:
    """Return a lamp with grouped hours below a day."""
    hourly = managed("flights_hourly", "_hourly", time_grouping=grouping, **{**BOUNDS, **fields})
    return Lamp([hourly, managed("flights_daily", "_daily", blocking_type="blocking_children", **BOUNDS)])


def test_only_the_end_of_a_group_gets_a_unit_of_work_and_its_window_is_the_group() -> None:
    lamp = grouped(8)
    lamp.turn()
    assert lamp.requested() == [f"flights_hourly/20130101{hour}/1/1" for hour in ("08", "16", "23")]
    uow = lamp.uow("flights_hourly/2013010116/1/1")
    assert (uow.start_timeperiod, uow.end_timeperiod) == ("2013010109", "2013010117")


def test_a_period_that_ends_no_group_is_noop_with_the_reason() -> None:
    lamp = grouped(8)
    lamp.turn()
    assert lamp.state("flights_hourly", "2013010101") is JobState.NOOP
    assert lamp.job("flights_hourly", "2013010101").reason == "not a group end"


def test_the_parent_waits_for_the_groups_of_its_children() -> None:
    lamp = grouped(8)
    assert lamp.run() == 4
    assert lamp.state("flights_daily", "2013010100") is JobState.PROCESSED


def test_a_group_that_the_end_cuts_ends_there() -> None:
    lamp = grouped(8, end="2013010105")
    lamp.turn()
    assert lamp.requested() == ["flights_hourly/2013010104/1/1"]


def test_a_grouped_job_depends_on_the_counterparts_of_its_whole_window() -> None:
    flights = managed("flights_hourly", "_hourly", **BOUNDS)
    delays = managed("delays_hourly", "_hourly", time_grouping=6, blocking_type="blocking_dependencies", **BOUNDS)
    lamp = Lamp([flights, delays], delays=["flights"])
    lamp.turn()
    lamp.work(*[f"flights_hourly/20130101{h:02}/1/1" for h in range(1, 7)])
    assert "delays_hourly/2013010106/1/1" not in lamp.requested()
    lamp.work("flights_hourly/2013010100/1/1")
    assert "delays_hourly/2013010106/1/1" in lamp.requested()


def test_depending_on_a_period_that_ends_no_group_means_its_groups_end() -> None:
    flights = managed("flights_hourly", "_hourly", time_grouping=6, **BOUNDS)
    delays = managed("delays_hourly", "_hourly", blocking_type="blocking_dependencies", **BOUNDS)
    lamp = Lamp([flights, delays], delays=["flights"])
    lamp.turn(2)
    assert not any(uow.startswith("delays") for uow in lamp.requested())
    lamp.work("flights_hourly/2013010106/1/1")
    assert [uow for uow in lamp.requested() if uow.startswith("delays")] == [f"delays_hourly/20130101{h:02}/1/1" for h in range(7)]


def test_a_period_that_ends_no_group_is_used_by_those_up_to_its_time_and_its_groups_end_by_all() -> None:
    processes = [managed("a_hourly", "_hourly", time_grouping=3), managed("b_hourly", "_hourly")]
    trees = [timetable_tree_entry("a", ["a_hourly"]), timetable_tree_entry("b", ["b_hourly"], ["a"])]
    topology = Topology(check(processes, trees))
    users = {hour: list(topology.affected_by("a_hourly", parse(HOURLY, f"20150314{hour:02}").ordinal)) for hour in (10, 11, 12)}
    ids = {hour: [Timeperiod(HOURLY, ordinal).id[-2:] for _, ordinal in found] for hour, found in users.items()}
    assert ids == {10: ["10"], 11: ["10", "11"], 12: ["10", "11", "12"]}


def test_nobody_runs_again_for_a_period_that_ends_no_group() -> None:
    others = [managed("a_hourly", "_hourly", time_grouping=3, is_on=False, **BOUNDS), managed("c_hourly", "_hourly", **BOUNDS)]
    either = dependency_entry(["a_hourly", "c_hourly"], any_of=True)
    lamp = Lamp([*others, managed("b_hourly", "_hourly", blocking_type="blocking_children", depends_on=(either,), **BOUNDS)])
    lamp.turn()
    lamp.work("c_hourly/2013010101/1/1")
    assert lamp.claim("b_hourly/2013010101/1/1")
    lamp.switch("on", "a_hourly")
    assert lamp.state("a_hourly", "2013010101") is JobState.NOOP
    lamp.finish(lamp.uow("b_hourly/2013010101/1/1"))
    lamp.turn()
    assert lamp.state("b_hourly", "2013010101") is JobState.PROCESSED


def test_a_reprocess_of_a_period_that_ends_no_group_runs_its_groups_end() -> None:
    lamp = grouped(8)
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2013010103")
    assert lamp.requested() == ["flights_hourly/2013010108/2/1"]


def test_a_cut_window_is_explained_like_any_other() -> None:
    lamp = Lamp(with_fields([managed("flights_hourly", "_hourly", time_grouping=8, **BOUNDS)], "flights_hourly", {"is_on": False}))
    desk: Desk = lamp.desk
    assert desk.why("flights_hourly", "2013010108").leaves()[0].kind == "off"
