"""Reference 1.3, sentence by sentence: who is whose parent, who waits for whom, and what do the two truth tables say?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from scheduler.decisions import Close, Decision, Input, Open, Wait
from scheduler.discrete import decide
from scheduler.inputs import inputs_of
from scheduler.timetable import Timetable, id_of, ordinal_of
from scheduler.trees import Topology
from system.context import Context, ManagedProcess, dependency_entry, timetable_tree_entry
from system.context_check import check
from system.errors import ConfigError
from system.lifecycle import JobState
from system.timeperiod import HOURLY, MONTHLY
from tests.support.builders import job
from tests.support.contexts import context_of, managed
from tests.support.lamp import Lamp, january

DAY, MONTH = "2013010100", "2013010000"
FIELDS = {"start": DAY, "end": "2013010200", "lag_s": 0.0}


def daily(*trees: str, **fields: Any) -> list[ManagedProcess]:
    """Return a daily process in each of some trees, over one day."""
    return [managed(f"{tree}_daily", "_daily", **{**FIELDS, **fields}) for tree in trees]


def checked(processes: Sequence[ManagedProcess], **dependent_on: Sequence[str]) -> Context:
    """Return the checked context of a tree for each first letter of the processes' names."""
    trees = {p.name[0]: [other.name for other in processes if other.name[0] == p.name[0]] for p in processes}
    return check(processes, [timetable_tree_entry(name, found, dependent_on.get(name, ())) for name, found in trees.items()])


def month_over(children: JobState, dependency: JobState) -> tuple[Input, ...]:
    """Return the inputs of a month whose days are all in one state, and whose other tree's month is in another."""
    given = context_of({"a": ["monthly"], "b": ["daily", "monthly"]}, {"b": ["a"]})
    table = Timetable(given, DAY)
    table.put(job(process="a_monthly", timeperiod=MONTH, state=dependency))
    for day in range(1, 32):
        table.put(job(process="b_daily", timeperiod=f"201301{day:02}00", state=children))
    return inputs_of(table, Topology(given), ("b_monthly", ordinal_of(MONTHLY, MONTH)))


# -- trees


@pytest.mark.parametrize("levels", [("daily",), ("hourly", "monthly"), ("daily", "yearly"), ("hourly", "daily", "monthly", "yearly")])
def test_any_subset_of_levels_makes_a_tree_whose_parents_are_the_next_coarser_ones(levels: tuple[str, ...]) -> None:
    topology = Topology(context_of({"flights": levels}))
    assert [topology[f"flights_{level}"].parent for level in levels] == [*(f"flights_{level}" for level in levels[1:]), None]


def test_a_tree_holds_at_most_one_process_per_qualifier() -> None:
    with pytest.raises(ConfigError, match="has two _daily processes"):
        checked([managed("a_daily", "_daily"), managed("a_other", "_daily", queue="q")])


def test_a_parent_finalizes_only_when_every_child_is_finished() -> None:
    lamp = Lamp(january(blocking_type="blocking_normal"))
    lamp.turn()
    lamp.work(f"flights_daily/{DAY}/1/1")
    assert lamp.state("flights_daily", DAY) is JobState.IN_PROGRESS
    lamp.run()
    assert lamp.state("flights_daily", DAY) is JobState.PROCESSED


def test_a_node_depends_on_the_same_period_of_each_named_tree_that_has_a_process_there() -> None:
    topology = Topology(context_of({"a": ["daily"], "b": ["hourly"], "c": ["hourly", "daily"]}, {"c": ["a", "b"]}))
    assert (topology["c_daily"].dependencies, topology["c_hourly"].dependencies) == (("a_daily",), ("b_hourly",))


@pytest.mark.parametrize(("first", "last"), [("a", "b"), ("b", "a")])
def test_all_dependencies_are_waited_for(first: str, last: str) -> None:
    lamp = Lamp(daily("a", "b", "c", blocking_type="blocking_dependencies"), c=["a", "b"])
    lamp.turn()
    lamp.work(f"{first}_daily/{DAY}/1/1")
    assert lamp.requested() == [f"{last}_daily/{DAY}/1/1"]
    lamp.work(f"{last}_daily/{DAY}/1/1")
    assert lamp.requested() == [f"c_daily/{DAY}/1/1"]


# -- the two truth tables


@pytest.mark.parametrize(
    ("state", "unfinished", "unprocessed", "skipped"),
    [
        (JobState.EMBRYO, True, True, False),
        (JobState.IN_PROGRESS, True, True, False),
        (JobState.FINAL_RUN, True, True, False),
        (JobState.PROCESSED, False, False, False),
        (JobState.NOOP, False, False, False),
        (JobState.SKIPPED, False, True, True),
    ],
)
def test_the_table_of_a_dependencys_states(state: JobState, *, unfinished: bool, unprocessed: bool, skipped: bool) -> None:
    found = next(entry for entry in month_over(JobState.PROCESSED, state) if not entry.is_child)
    assert (found.unfinished > 0, found.unfinished + found.skipped > 0, found.skipped > 0) == (unfinished, unprocessed, skipped)


ALL = tuple(JobState)
UNFINISHED = (JobState.EMBRYO, JobState.IN_PROGRESS, JobState.FINAL_RUN)
GOOD = (JobState.PROCESSED, JobState.NOOP)
FINISHED = (*GOOD, JobState.SKIPPED)


@pytest.mark.parametrize(
    ("blocking", "children", "dependency", "kind"),
    [
        ("blocking_normal", ALL, ALL, Open),
        ("blocking_children", UNFINISHED, ALL, Wait),
        ("blocking_children", FINISHED, UNFINISHED, Wait),
        ("blocking_children", FINISHED, FINISHED, Open),
        ("blocking_dependencies", ALL, GOOD, Open),
        ("blocking_dependencies", ALL, (JobState.SKIPPED,), Close),
        ("blocking_dependencies", ALL, UNFINISHED, Wait),
        ("blocking_all", FINISHED, GOOD, Open),
        ("blocking_all", UNFINISHED, GOOD, Wait),
        ("blocking_all", FINISHED, UNFINISHED, Wait),
        ("blocking_all", ALL, (JobState.SKIPPED,), Close),
    ],
)
def test_the_table_of_the_gates(
    blocking: str, children: Sequence[JobState], dependency: Sequence[JobState], kind: type[Decision]
) -> None:
    found = {type(decide(None, month_over(child, other), blocking)) for child in children for other in dependency}
    assert found == {kind}


def test_a_job_behind_a_skipped_dependency_is_skipped_at_once_with_that_reason() -> None:
    decision = decide(None, month_over(JobState.EMBRYO, JobState.SKIPPED), "blocking_dependencies")
    assert isinstance(decision, Close)
    assert decision.reason == "dependency: a_monthly 2013010000 is skipped"


# -- beyond the original


QUALIFIERS = {"hourly": "_hourly", "daily": "_daily", "monthly": "_monthly"}


@pytest.mark.parametrize(
    ("process", "timeperiod", "need", "first", "last"),
    [
        ("a_daily", "2013010100", dependency_entry("b_hourly"), "2013010100", "2013010123"),
        ("a_daily", "2013010100", dependency_entry("b_hourly", -1), "2012123123", "2013010122"),
        ("a_hourly", "2013010105", dependency_entry("b_hourly", -1), "2013010104", "2013010104"),
        ("a_hourly", "2013010105", dependency_entry("b_hourly", 0, 7), "2012123123", "2013010105"),
        ("a_hourly", "2013013105", dependency_entry("b_monthly"), "2013010000", "2013010000"),
        ("a_daily", "2013013100", dependency_entry("b_monthly", -1), "2012120000", "2012120000"),
    ],
)
def test_coarse_on_fine_is_all_inside_fine_on_coarse_what_contains_it_and_an_offset_counts_in_the_dependencys_unit(
    process: str, timeperiod: str, need: Any, first: str, last: str
) -> None:
    (other,) = need.processes
    given = [managed(name, QUALIFIERS[name[2:]], depends_on=found) for name, found in ((process, [need]), (other, []))]
    found = Topology(checked(given)).needed_of(process, ordinal_of(given[0].qualifier, timeperiod), other, need.offset, need.last)
    assert [id_of(given[1].qualifier, place) for place in (found[0], found[-1])] == [first, last]


def test_a_period_may_depend_on_the_one_before_it() -> None:
    given = checked([managed("a_daily", "_daily", depends_on=[dependency_entry("a_daily", -1)])])
    assert given.managed["a_daily"].needs[0].offset == -1


def test_a_cycle_is_a_fault_unless_its_offsets_sum_to_the_past() -> None:
    with pytest.raises(ConfigError, match="a_daily"):
        checked([managed("a_daily", "_daily", depends_on=["a_daily"])])


# -- grouping and dependencies


def grouped(grouping_of_a: int, grouping_of_b: int) -> Topology:
    """Return two hourly processes, b dependent on a."""
    given = [managed("a_hourly", time_grouping=grouping_of_a), managed("b_hourly", time_grouping=grouping_of_b)]
    return Topology(checked(given, b=["a"]))


@pytest.mark.parametrize(
    ("of_a", "of_b", "hour", "first", "last"),
    [(1, 3, "06", "04", "06"), (3, 1, "04", "04", "06"), (5, 3, "06", "04", "10"), (3, 5, "05", "00", "06")],
)
def test_a_grouped_job_depends_on_the_counterparts_of_its_window_to_their_groups_end(
    of_a: int, of_b: int, hour: str, first: str, last: str
) -> None:
    found = grouped(of_a, of_b).needed_of("b_hourly", ordinal_of(HOURLY, f"20130101{hour}"), "a_hourly")
    assert [id_of(HOURLY, place)[-2:] for place in (found[0], found[-1])] == [first, last]
