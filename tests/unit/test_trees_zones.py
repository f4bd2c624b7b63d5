"""Which periods belong together across trees of different time zones, and which cycles does that make?"""

from __future__ import annotations

import pytest

from scheduler.trees import Topology
from system.context import Context, Dependency, dependency_entry, timetable_tree_entry
from system.context_check import check
from system.errors import ConfigError
from system.timeperiod import Qualifier, Timeperiod, parse
from tests.support.contexts import managed

ZONES = {"b": "Europe/Berlin", "n": "America/New_York", "k": "Pacific/Kiritimati", "h": "Pacific/Honolulu", "i": "Asia/Kolkata", "u": "UTC"}
START = "2024010100"
Needs = dict[str, list[str | Dependency]]


def context(needs: Needs, dependent_on: dict[str, list[str]] | None = None) -> Context:
    """Return a checked context of processes such as `b_daily`, each in a tree of its own; the first letter is its zone."""
    processes = [
        managed(name, f"_{name[2:]}", token=name, start=START if name[2:] in ("hourly", "daily") else "", depends_on=found)
        for name, found in needs.items()
    ]
    trees = [timetable_tree_entry(n, [n], (dependent_on or {}).get(n, ()), time_zone=ZONES[n[0]]) for n in needs]
    return check(processes, trees, default_start=START)


def needed(user: str, text: str, other: str) -> list[str]:
    """Return the ids of the periods of `other` that a period of `user` depends on."""
    topology = Topology(context({user: [other], other: []}))
    own, others = (topology[name].qualifier for name in (user, other))
    periods = topology.needed_of(user, parse(own, text).ordinal, other)
    backwards = {found for period in periods for found in topology.affected_by(other, period)}
    assert (user, parse(own, text).ordinal) in backwards
    return ids(others, periods)


def ids(qualifier: Qualifier, periods: range) -> list[str]:
    return [Timeperiod(qualifier, ordinal).id for ordinal in periods]


def test_a_day_depends_on_the_day_of_the_same_id_in_any_zone() -> None:
    assert needed("n_daily", "2024033100", "b_daily") == ["2024033100"]
    assert needed("k_daily", "2024033100", "h_daily") == ["2024033100"]


def test_a_tree_depends_on_the_same_ids_of_a_tree_in_another_zone() -> None:
    topology = Topology(context({"n_daily": [], "b_daily": []}, {"n_daily": ["b_daily"]}))
    assert topology["n_daily"].dependencies == ("b_daily",)
    assert list(topology.affected_by("b_daily", 738_976)) == [("n_daily", 738_976)]


def test_a_month_depends_on_the_days_of_its_dates_in_any_zone() -> None:
    found = needed("n_monthly", "2024020000", "b_daily")
    assert (found[0], found[-1], len(found)) == ("2024020100", "2024022900", 29)


def test_a_day_depends_on_its_month_by_the_date() -> None:
    assert needed("k_daily", "2024020100", "h_monthly") == ["2024020000"]


@pytest.mark.parametrize(
    ("user", "first", "last"),
    [("u_daily", "2024033100", "2024033123"), ("b_daily", "2024033023", "2024033121"), ("n_daily", "2024033104", "2024040103")],
)
def test_a_day_depends_on_the_hours_that_begin_inside_it(user: str, first: str, last: str) -> None:
    found = needed(user, "2024033100", "u_hourly")
    assert (found[0], found[-1]) == (first, last)


def test_a_day_that_begins_between_two_hours_takes_those_that_begin_inside_it() -> None:
    found = needed("i_daily", "2024033100", "u_hourly")
    assert (found[0], found[-1], len(found)) == ("2024033019", "2024033118", 24)


@pytest.mark.parametrize(("hour", "day"), [("2024033121", "2024033100"), ("2024033122", "2024040100"), ("2024033022", "2024033000")])
def test_an_hour_depends_on_the_day_that_contains_its_start(hour: str, day: str) -> None:
    assert needed("u_hourly", hour, "b_daily") == [day]


def test_days_of_two_zones_may_wait_for_each_others_past() -> None:
    found = context({"b_daily": ["n_daily"], "n_daily": [dependency_entry("b_daily", -1)]})
    assert set(found.managed) == {"b_daily", "n_daily"}


def test_hours_may_wait_for_the_day_before_that_of_their_own_zone() -> None:
    found = [context({f"{zone}_daily": ["u_hourly"], "u_hourly": [dependency_entry(f"{zone}_daily", -1)]}) for zone in ZONES]
    assert len(found) == len(ZONES)


def test_a_cycle_that_only_zones_close_is_found() -> None:
    # The day in Kiritimati waits for that of Honolulu, this for hours that lie in Kiritimati's next day, and they for the day before.
    needs: Needs = {"k_daily": ["h_daily"], "h_daily": ["u_hourly"], "u_hourly": [dependency_entry("k_daily", -1)]}
    with pytest.raises(ConfigError, match="does not surely lead into the past"):
        context(needs)
    assert context({**needs, "u_hourly": [dependency_entry("k_daily", -2)]})


def test_groups_of_hours_that_reach_into_the_next_local_day_are_counted_in_a_cycle() -> None:
    hours = managed("b_hourly", depends_on=[dependency_entry("b_daily", -1)], start=START, time_grouping=5)
    days = managed("b_daily", "_daily", start=START)
    for zone, is_taken in (("UTC", True), ("Europe/Berlin", False)):
        tree = timetable_tree_entry("b", ["b_hourly", "b_daily"], time_zone=zone)
        if is_taken:
            check([hours, days], [tree])
        else:
            with pytest.raises(ConfigError, match="does not surely lead into the past"):
                check([hours, days], [tree])
