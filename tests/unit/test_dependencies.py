"""What may a process depend on by itself? The check of `depends_on`, its place in the shape, and the engine's use of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scheduler.decisions import Close, Input
from scheduler.discrete import decide
from scheduler.inputs import inputs_of
from scheduler.timetable import Timetable
from scheduler.trees import Topology
from system.context import Context, Dependency, dependency_entry, timetable_tree_entry
from system.context_check import check, shape
from system.errors import ConfigError
from system.lifecycle import JobEvent, JobState, UowEvent
from system.timeperiod import DAILY, HOURLY, MONTHLY, Qualifier, Timeperiod, parse
from tests.support.contexts import managed
from tests.support.lamp import Lamp
from tests.support.lamp import context as lamp_context

BOUNDS: dict[str, Any] = {"start": "2013010100", "end": "2013010500", "lag_s": 0.0}
GATED: dict[str, Any] = {**BOUNDS, "blocking_type": "blocking_dependencies"}
QUALIFIERS = {"hourly": "_hourly", "daily": "_daily", "monthly": "_monthly"}


def context_with(**needs: list[object]) -> Context:
    """Return the checked context of a tree per process, such as `sales_daily`, with these fields `depends_on`."""
    processes = [managed(name, QUALIFIERS[name.split("_")[1]], depends_on=found) for name, found in needs.items()]
    return check(processes, [timetable_tree_entry(name, [name]) for name in needs])


def faults_of(**needs: list[object]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        context_with(**needs)
    return caught.value.faults


def needed(context: Context, process: str, timeperiod: str, other: str) -> tuple[str, str]:
    """Return the first and the last id that a period needs of another process, by the first dependency of its process."""
    (need,) = context.managed[process].needs
    own, qualifier = context.managed[process].qualifier, context.managed[other].qualifier
    found = Topology(context).needed_of(process, parse(own, timeperiod).ordinal, other, need.offset, need.last)
    return _id(qualifier, found[0]), _id(qualifier, found[-1])


def _id(qualifier: Qualifier, ordinal: int) -> str:
    return Timeperiod(qualifier, ordinal).id


# -- which periods


@pytest.mark.parametrize(
    ("need", "first", "last"),
    [
        ("a_daily", "2016030100", "2016030100"),
        (dependency_entry("a_daily", -1), "2016022900", "2016022900"),
        (dependency_entry("a_daily", last=7), "2016022400", "2016030100"),
        (dependency_entry("a_daily", -1, last=2), "2016022800", "2016022900"),
        (dependency_entry("a_daily", 1), "2016030200", "2016030200"),
    ],
)
def test_offset_and_window_count_in_the_dependencys_periods(need: object, first: str, last: str) -> None:
    assert needed(context_with(b_daily=[need], a_daily=[]), "b_daily", "2016030100", "a_daily") == (first, last)


@pytest.mark.parametrize(
    ("offset", "window", "first", "last"),
    [(0, 1, "2016030100", "2016030123"), (-1, 1, "2016022923", "2016030122"), (0, 3, "2016022922", "2016030123")],
)
def test_a_day_depends_on_all_hours_inside_it(offset: int, window: int, first: str, last: str) -> None:
    context = context_with(b_daily=[dependency_entry("a_hourly", offset, window)], a_hourly=[])
    assert needed(context, "b_daily", "2016030100", "a_hourly") == (first, last)


@pytest.mark.parametrize(("offset", "month"), [(0, "2016030000"), (-1, "2016020000")])
def test_an_hour_depends_on_the_month_that_contains_it(offset: int, month: str) -> None:
    context = context_with(b_hourly=[dependency_entry("a_monthly", offset)], a_monthly=[])
    assert needed(context, "b_hourly", "2016030107", "a_monthly") == (month, month)


def test_users_are_found_the_other_way_round() -> None:
    topology = Topology(context_with(b_daily=[dependency_entry("a_hourly", -24, last=2)], a_hourly=[]))
    midnight = parse(HOURLY, "2016022900").ordinal
    assert [_id(DAILY, own) for _, own in topology.affected_by("a_hourly", midnight - 1)] == ["2016022900", "2016030100"]
    assert [_id(DAILY, own) for _, own in topology.affected_by("a_hourly", midnight)] == ["2016030100"]


def test_a_group_depends_on_the_group_before_and_never_on_itself() -> None:
    process = managed("a_hourly", "_hourly", time_grouping=3, depends_on=[dependency_entry("a_hourly", -1)])
    topology = Topology(check([process], [timetable_tree_entry("a", ["a_hourly"])]))
    noon = parse(HOURLY, "2016030112").ordinal
    assert [_id(HOURLY, n) for n in topology.needed_of("a_hourly", noon, "a_hourly", -1)] == ["2016030109"]
    assert list(topology.affected_by("a_hourly", noon)) == [("a_hourly", noon + 3)]


def test_downstream_of_a_process_that_depends_on_its_past_ends_where_it_is_told() -> None:
    topology = Topology(context_with(a_daily=[dependency_entry("b_daily", -1)], b_daily=["a_daily"]))
    found = topology.downstream("a_daily", 100, lambda node: node[1] < 102)
    assert found == [("b_daily", 100), ("a_daily", 101), ("b_daily", 101)]


# -- the check


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("a_daily", "depends_on is 'a_daily': write a list of names and of dependency_entry(...)"),
        ([7], "depends_on holds 7: use a process's name, or dependency_entry(...)"),
        ([Dependency(())], "depends_on names (): give dependency_entry a process's name, or a list of names"),
        ([dependency_entry("a_daily", 1.5)], "depends_on has the offset 1.5: use a whole number, -10000 to 10000; -1 is the period before"),  # type: ignore[arg-type]
        ([dependency_entry("a_daily", any_of=1)], "depends_on has any_of=1: use True or False"),  # type: ignore[arg-type]
        ([dependency_entry("a_daily", last=0)], "depends_on has the window last=0: use a whole number of periods, 1 to 1000"),
    ],
)
def test_a_wrong_entry_is_a_fault(given: Any, fault: str) -> None:
    assert faults_of(b_daily=given, a_daily=[]) == (f"process 'b_daily': {fault}",)


def test_an_unknown_process_is_a_fault() -> None:
    assert faults_of(b_daily=["a_dialy"], a_daily=[]) == (
        "process 'b_daily': depends on 'a_dialy', which is not registered: correct depends_on; did you mean 'a_daily'?",
    )


def test_a_period_that_waits_for_itself_is_a_fault() -> None:
    assert faults_of(a_daily=["a_daily"]) == (
        "process 'a_daily': depends on 'a_daily', itself, with the offset 0, and waits for ever: use -1, the period before, or less",
    )


def test_a_cycle_that_does_not_lead_into_the_past_is_explained() -> None:
    (fault,) = faults_of(a_daily=[dependency_entry("b_daily", -1)], b_daily=[dependency_entry("a_daily", 1)])
    assert "depends on itself, " in fault
    assert "a_daily (offset 1)" in fault
    assert "b_daily (offset -1)" in fault


@pytest.mark.parametrize(
    "needs",
    [
        {"a_daily": [dependency_entry("b_daily", -1)], "b_daily": ["a_daily"]},
        {"a_daily": [dependency_entry("a_daily", -1)]},
        {"a_hourly": [dependency_entry("b_daily", -1)], "b_daily": ["a_hourly"]},
        {"a_daily": [dependency_entry("b_hourly", -24)], "b_hourly": ["a_daily"]},
        {"a_daily": [dependency_entry("b_monthly", -1)], "b_monthly": ["a_daily"]},
        {"a_daily": [dependency_entry("b_daily", 1)], "b_daily": []},
    ],
)
def test_what_leads_into_the_past_or_nowhere_is_no_fault(needs: dict[str, list[object]]) -> None:
    assert list(context_with(**needs).managed) == list(needs)


@pytest.mark.parametrize(
    "needs",
    [
        {"a_hourly": ["b_daily"], "b_daily": ["a_hourly"]},
        {"a_daily": [dependency_entry("b_hourly", -23)], "b_hourly": ["a_daily"]},
        {"a_daily": ["b_daily"], "b_daily": ["c_daily"], "c_daily": ["a_daily"]},
        {"a_daily": [dependency_entry("b_daily", -1)], "b_daily": [dependency_entry("a_daily", 1)]},
    ],
)
def test_every_other_cycle_is_a_fault(needs: dict[str, list[object]]) -> None:
    assert len(faults_of(**needs)) == 1


def test_a_child_that_depends_on_its_parent_is_a_cycle() -> None:
    processes = [managed("a_hourly", depends_on=["a_daily"]), managed("a_daily", "_daily")]
    with pytest.raises(ConfigError, match=r"a_hourly \(its child\)"):
        check(processes, [timetable_tree_entry("a", ["a_hourly", "a_daily"])])


def test_a_dependency_is_part_of_the_shape() -> None:
    context = context_with(b_daily=[dependency_entry("a_daily", -1), "c_daily"], a_daily=[], c_daily=[])
    assert json.loads(shape(context.managed["b_daily"], context))["depends_on"] == ["a_daily offset=-1", "c_daily"]
    assert "depends_on" not in json.loads(shape(context.managed["a_daily"], context))


# -- in the engine


def lamp_of(*needs: object, **fields: Any) -> Lamp:
    """Return a lamp with four days of `a_daily` and of `b_daily`, which depends on what is given."""
    return Lamp([managed("a_daily", "_daily", **BOUNDS), managed("b_daily", "_daily", depends_on=list(needs), **{**GATED, **fields})])


def of_b(lamp: Lamp) -> list[str]:
    """Return the days of `b_daily` that are requested."""
    return [uow.split("/")[1][6:8] for uow in lamp.requested() if uow.startswith("b_")]


def test_a_period_waits_for_what_it_depends_on_and_before_the_start_is_nothing_to_wait_for() -> None:
    lamp = lamp_of(dependency_entry("a_daily", -1))
    lamp.turn()
    assert of_b(lamp) == ["01"]
    lamp.work("a_daily/2013010200/1/1")
    assert of_b(lamp) == ["01", "03"]


def test_a_window_waits_for_all_its_periods() -> None:
    lamp = lamp_of(dependency_entry("a_daily", last=2))
    lamp.turn()
    lamp.work("a_daily/2013010200/1/1")
    assert of_b(lamp) == []
    lamp.work("a_daily/2013010100/1/1")
    assert of_b(lamp) == ["01", "02"]


def test_a_process_that_depends_on_its_past_runs_day_by_day() -> None:
    lamp = lamp_of(dependency_entry("b_daily", -1))
    for day in ("01", "02", "03", "04"):
        lamp.turn()
        assert of_b(lamp) == [day]
        lamp.work(f"b_daily/201301{day}00/1/1")


def test_a_reprocess_takes_what_depends_on_the_past_along_day_by_day() -> None:
    lamp = lamp_of(dependency_entry("b_daily", -1))
    lamp.run()
    lamp.give("reprocess", "b_daily", "2013010300")
    assert of_b(lamp) == ["03"]
    assert lamp.run() == 2
    assert lamp.job("b_daily", "2013010400").generation == 2
    assert lamp.job("b_daily", "2013010200").generation == 1


def test_a_skipped_past_skips_what_depends_on_it() -> None:
    lamp = lamp_of(dependency_entry("b_daily", -1), max_attempts=1)
    lamp.turn()
    lamp.work("b_daily/2013010100/1/1", event=UowEvent.FAILED)
    assert lamp.state("b_daily", "2013010400") is JobState.SKIPPED
    assert lamp.job("b_daily", "2013010400").reason == "dependency: b_daily 2013010300 is skipped"


def test_an_input_settled_after_the_run_makes_a_free_runner_run_again() -> None:
    lamp = lamp_of(dependency_entry("a_daily", -1), blocking_type="blocking_normal")
    lamp.turn()
    lamp.work("b_daily/2013010200/1/1")
    lamp.work("a_daily/2013010100/1/1")
    assert "b_daily/2013010200/1/2" in lamp.requested()


def test_why_goes_down_through_the_past_to_what_is_to_blame() -> None:
    lamp = lamp_of(dependency_entry("b_daily", -1))
    lamp.turn()
    leaf = lamp.desk.why("b_daily", "2013010400").leaves()[0]
    assert (leaf.kind, leaf.timeperiod) == ("unit of work", "2013010100")


def test_why_of_a_long_past_ends() -> None:
    fields: dict[str, Any] = {**GATED, "end": "2018010100"}
    lamp = Lamp([managed("b_daily", "_daily", depends_on=[dependency_entry("b_daily", -1)], **fields)])
    leaf = lamp.desk.why("b_daily", "2017123100").leaves()[0]
    assert (leaf.kind, leaf.timeperiod) == ("turn", "2013010100")


def test_an_hour_waits_for_its_day_of_another_tree() -> None:
    day, hour = managed("a_daily", "_daily", **BOUNDS), managed("b_hourly", depends_on=["a_daily"], **GATED)
    lamp = Lamp([day, hour])
    lamp.turn()
    lamp.work("a_daily/2013010200/1/1")
    assert [uow for uow in lamp.requested() if uow.startswith("b_")] == [f"b_hourly/20130102{h:02}/1/1" for h in range(24)]


def test_a_month_of_another_tree_gates_a_day() -> None:
    month = managed("a_monthly", MONTHLY.name, start="2012120000", end="2013010000", lag_s=0.0)
    lamp = Lamp([month, managed("b_daily", "_daily", depends_on=[dependency_entry("a_monthly", -1)], **GATED)])
    lamp.turn()
    assert of_b(lamp) == []
    lamp.work("a_monthly/2012120000/1/1")
    assert of_b(lamp) == ["01", "02", "03", "04"]


# -- any of several, and optional ones

PROCESSED, SKIPPED, EMBRYO, NOOP = JobState.PROCESSED, JobState.SKIPPED, JobState.EMBRYO, JobState.NOOP


def input_of(need: Dependency, *states: JobState) -> Input:
    """Return what the first of January of `b_daily` sees, if the processes `a_daily` and `c_daily` have these states on that day."""
    processes = [managed(name, "_daily", **BOUNDS) for name in ("a_daily", "c_daily")]
    built = lamp_context([*processes, managed("b_daily", "_daily", depends_on=[need], **GATED)])
    timetable = Timetable(built, "2013010100")
    day = parse(DAILY, "2013010100").ordinal
    for process, state in zip(processes, states, strict=True):
        timetable.states[process.name][day] = state
    return inputs_of(timetable, Topology(built), ("b_daily", day))[0]


ANY = dependency_entry(["a_daily", "c_daily"], any_of=True)
ANY_OR_NONE = dependency_entry(["a_daily", "c_daily"], any_of=True, optional=True)


@pytest.mark.parametrize("need", [ANY, ANY_OR_NONE])
@pytest.mark.parametrize(
    ("states", "unfinished"),
    [
        ((PROCESSED, EMBRYO), 0), ((NOOP, SKIPPED), 0), ((SKIPPED, PROCESSED), 0), ((EMBRYO, EMBRYO), 2), ((SKIPPED, EMBRYO), 1),
        ((SKIPPED, SKIPPED), 0),
    ],
)
def test_any_of_several_waits_until_one_is_good_or_all_are_finished(
    need: Dependency, states: tuple[JobState, JobState], unfinished: int
) -> None:
    assert input_of(need, *states).unfinished == unfinished


@pytest.mark.parametrize(
    ("need", "states", "skipped"),
    [
        (ANY, (SKIPPED, SKIPPED), 2), (ANY, (SKIPPED, EMBRYO), 0), (ANY, (SKIPPED, NOOP), 0), (ANY_OR_NONE, (SKIPPED, SKIPPED), 0),
    ],
)
def test_any_of_several_is_skipped_when_all_are_and_it_is_not_optional(
    need: Dependency, states: tuple[JobState, JobState], skipped: int
) -> None:
    assert input_of(need, *states).skipped == skipped


@pytest.mark.parametrize(
    ("state", "optional", "unfinished", "skipped"),
    [(EMBRYO, True, 1, 0), (SKIPPED, True, 0, 0), (SKIPPED, False, 0, 1), (PROCESSED, True, 0, 0)],
)
def test_an_optional_one_is_waited_for_and_its_skip_counts_for_nothing(
    state: JobState, optional: bool, unfinished: int, skipped: int
) -> None:
    found = input_of(dependency_entry("a_daily", optional=optional), state, EMBRYO)
    assert (found.unfinished, found.skipped) == (unfinished, skipped)


def test_where_none_of_several_has_the_period_there_is_nothing_to_wait_for() -> None:
    found = input_of(dependency_entry(["a_daily", "c_daily"], -1, any_of=True), EMBRYO, EMBRYO)
    assert (found.unfinished, found.skipped) == (0, 0)


def test_any_of_a_window_of_groups_counts_their_ends_alone() -> None:
    hours = managed("a_hourly", time_grouping=8, **{**BOUNDS, "end": "2013010200"})
    lamp = Lamp([hours, managed("b_daily", "_daily", depends_on=[dependency_entry("a_hourly", any_of=True)], **GATED)])
    lamp.turn()
    assert "01" not in of_b(lamp)
    lamp.work("a_hourly/2013010116/1/1")
    assert "01" in of_b(lamp)


def test_one_of_several_opens_the_gate_and_a_later_one_is_no_new_reason() -> None:
    others = [managed(name, "_daily", **{**BOUNDS, "end": "2013010200"}) for name in ("a_daily", "c_daily")]
    fields = {**GATED, "end": "2013010200"}
    lamp = Lamp([*others, managed("b_daily", "_daily", depends_on=[ANY], **fields)])
    lamp.turn()
    lamp.work("c_daily/2013010100/1/1")
    lamp.work("b_daily/2013010100/1/1")
    lamp.work("a_daily/2013010100/1/1")
    assert (lamp.job("b_daily", "2013010100").run, lamp.state("b_daily", "2013010100")) == (1, PROCESSED)


def test_a_skip_by_any_of_several_says_that_all_are_skipped() -> None:
    reason = decide(None, [input_of(ANY, SKIPPED, SKIPPED)], "blocking_dependencies")
    assert reason == Close(
        JobEvent.SKIPPED, "dependency: any of a_daily, c_daily: all 2 are skipped, first a_daily 2013010100"
    )


def test_why_goes_down_through_every_one_of_several() -> None:
    others = [managed(name, "_daily", **BOUNDS) for name in ("a_daily", "c_daily")]
    lamp = Lamp([*others, managed("b_daily", "_daily", depends_on=[ANY], **GATED)])
    lamp.turn()
    (blocker,) = lamp.desk.why("b_daily", "2013010200").causes
    assert blocker.text == "any of a_daily, c_daily: none is processed, 2 unfinished"
    assert [leaf.process for leaf in blocker.leaves()] == ["a_daily", "c_daily"]


# -- in order


def test_a_process_in_order_starts_a_period_after_the_one_before_it_has_finished() -> None:
    lamp = lamp_of(in_order=True, blocking_type="blocking_normal")
    for day in ("01", "02", "03", "04"):
        lamp.turn()
        assert of_b(lamp) == [day]
        lamp.work(f"b_daily/201301{day}00/1/1")


def test_order_waits_for_no_group_but_the_one_before() -> None:
    lamp = Lamp([managed("b_hourly", in_order=True, time_grouping=8, **{**BOUNDS, "end": "2013010200"})])
    for hour in ("08", "16", "23"):
        lamp.turn()
        assert lamp.requested() == [f"b_hourly/20130101{hour}/1/1"]
        lamp.work(f"b_hourly/20130101{hour}/1/1")


def test_order_takes_a_skipped_period_for_finished() -> None:
    lamp = lamp_of(in_order=True, max_attempts=1)
    lamp.turn()
    lamp.work("b_daily/2013010100/1/1", event=UowEvent.FAILED)
    lamp.turn()
    assert of_b(lamp) == ["02"]


def test_order_is_no_data_so_that_a_reprocess_stays_where_it_is() -> None:
    lamp = lamp_of(in_order=True)
    lamp.run()
    lamp.give("reprocess", "b_daily", "2013010200")
    assert lamp.run() == 1


def test_order_has_words_of_its_own() -> None:
    lamp = lamp_of(in_order=True)
    lamp.turn()
    (blocker,) = lamp.desk.why("b_daily", "2013010400").causes
    assert (blocker.kind, blocker.text) == ("in order", "the period before, 2013010300, is not finished, and b_daily runs in order")
    assert blocker.leaves()[0].timeperiod == "2013010100"


def test_in_order_is_yes_or_no() -> None:
    with pytest.raises(ConfigError, match="in_order is 1: use True or False"):
        check([managed("a_daily", "_daily", in_order=1)], [timetable_tree_entry("a", ["a_daily"])])
