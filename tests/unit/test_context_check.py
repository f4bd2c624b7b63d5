"""Does the check list every fault of a process context at once, each with its entry, what was found and what to do?"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from system.context import (
    Context,
    FreerunProcess,
    ManagedProcess,
    Tree,
    daemon_context_entry,
    freerun_context_entry,
    queue_context_entry,
    timetable_tree_entry,
)
from system.context_check import check, shape
from system.errors import ConfigError
from tests.support.contexts import context_of, managed

LOOP: list[object] = []
LOOP.append(LOOP)


def faults_of(processes: object, trees: object = (), queues: object = ()) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        check(processes, trees, queues)
    return caught.value.faults


def in_a_tree(*processes: ManagedProcess) -> tuple[list[ManagedProcess], list[Tree]]:
    return list(processes), [timetable_tree_entry("flights", [process.name for process in processes])]


def fault_of(**fields: Any) -> str:
    """Return the only fault of a process that is sound apart from `fields`."""
    (fault,) = faults_of(*in_a_tree(managed(**fields)))
    return fault


def freerun(**fields: Any) -> FreerunProcess:
    given = {"process_name": "load", "entry_name": "night", "classname": "jobs.load", "token": "load", "trigger_frequency": "every 60"}
    return freerun_context_entry(**{**given, **fields})


def test_a_sound_context_is_returned_as_given() -> None:
    processes, trees = in_a_tree(managed(), managed("flights_daily", "_daily"))
    context = check(processes, trees, [queue_context_entry("ex_utils", "q_mail")], "")
    assert list(context.managed) == ["flights_hourly", "flights_daily"]
    assert list(context.trees) == ["flights"]
    assert [queue.name for queue in context.queues] == ["q_mail"]


def test_dicts_of_entries_do_as_well_as_lists() -> None:
    tree = timetable_tree_entry("flights", ["flights_hourly"])
    assert check({"flights_hourly": managed()}, {"flights": tree}, {}) == check([managed()], (tree,))


def test_an_empty_context_is_sound() -> None:
    assert check([], []) == Context((), {})


def test_a_context_with_five_faults_lists_all_five() -> None:
    processes = [
        managed("flights_hourly", "_hourli"), managed("flights_daily", "_daily", trigger_frequency="sometimes", lag_s=-1),
        managed("flights_monthly", "_monthly", blocking_type="blocking_parents"),
    ]  # fmt: skip
    names = ["flights_hourly", "flights_daily", "flights_monthly", "flights_yearly"]
    with pytest.raises(ConfigError) as caught:
        check(processes, [timetable_tree_entry("flights", names)])
    assert len(caught.value.faults) == 5
    assert str(caught.value).startswith("the process context has 5 faults:\n  - process 'flights_hourly': time_qualifier '_hourli'")
    assert all(f"\n  - {fault}" in str(caught.value) for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"qualifier": "_hourli"}, "'_hourli' is unknown: use one of _hourly, _daily, _monthly, _yearly; did you mean '_hourly'?"),
        ({"qualifier": "_real_time"}, "'_real_time' is for freerun work, a managed process has timeperiods"),
        ({"qualifier": None}, "time_qualifier None is unknown"),
        ({"qualifier": [], "queue": "q"}, "time_qualifier [] is unknown"),
        ({"token": "a/b", "queue": "q"}, "token 'a/b' does not fit an id"),
        ({"token": ""}, "token '' does not fit an id"),
        ({"classname": ""}, "has neither classname nor argv"),
        ({"argv": ["ls"]}, "has both classname 'jobs.run' and argv ('ls',): keep one"),
        ({"classname": "", "argv": "ls -l"}, "argv is the one text 'ls -l': write a list, such as ['ls', '-l']"),
        ({"classname": "", "argv": ["sleep", 5]}, "argv ('sleep', 5) is no list of texts"),
        ({"classname": "run"}, "classname 'run' is no dotted path: write 'module.function'"),
        ({"classname": "jobs..run"}, "classname 'jobs..run' is no dotted path"),
        ({"classname": "jobs.run()"}, "classname 'jobs.run()' is no dotted path"),
        ({"classname": "jobs.class"}, "classname 'jobs.class' is no dotted path"),
        ({"classname": print}, "is no text: write 'module.function'"),
        ({"trigger_frequency": "every 0"}, "trigger_frequency 'every 0' is not a schedule"),
        ({"trigger_frequency": "cron 0 25 * * *"}, "trigger_frequency 'cron 0 25 * * *' is not a schedule: its hour '25' can't be read"),
        ({"trigger_frequency": "cron 0 7 * * * in Europe/Berln"}, "is no time zone: write its IANA name; did you mean Europe/Berlin"),
        ({"trigger_frequency": "cron 0 0 30 2 *"}, "is not a schedule: it would never fire"),
        ({"trigger_frequency": 60}, "trigger_frequency 60 is no text"),
        ({"state_machine_name": "discreet"}, "is unknown: use one of discrete, continuous, recomputing; did you mean 'discrete'?"),
        ({"blocking_type": "normal"}, "blocking_type 'normal' is unknown: use one of blocking_normal, blocking_children"),
        ({"on_failure": "hope"}, "on_failure 'hope' is unknown: use one of skip, hold"),
        ({"is_on": "yes"}, "is_on 'yes' is neither True nor False"),
        ({"time_grouping": 0}, "time_grouping 0 does not fit _hourly: use a whole number, 1 to 23"),
        ({"time_grouping": 24}, "time_grouping 24 does not fit _hourly"),
        ({"time_grouping": True}, "time_grouping True does not fit _hourly"),
        ({"qualifier": "_daily", "time_grouping": 29}, "does not fit _daily: use a whole number, 1 to 28"),
        ({"qualifier": "_monthly", "time_grouping": 13}, "does not fit _monthly: use a whole number, 1 to 12"),
        ({"qualifier": "_yearly", "time_grouping": 2}, "does not fit _yearly: use a whole number, 1"),
        ({"start": "2015023000"}, "start '2015023000' is no hourly timeperiod: the format is YYYYMMDDHH"),
        ({"end": "2015"}, "end '2015' is no hourly timeperiod"),
        ({"start": 2015010100}, "start 2015010100 is no text"),
        ({"start": "2015010100", "end": "2015010100"}, "end '2015010100' is not after start '2015010100'"),
        ({"lag_s": -0.1}, "lag_s -0.1 is no number of seconds: use 0 or more"),
        ({"late_s": -1}, "late_s -1 is no number of seconds: use more than lag_s and less than a century, or 0 for never"),
        ({"late_s": 1e12}, "late_s 1000000000000.0 is no number of seconds"),
        ({"late_s": 600}, "late_s 600 is for recomputing processes, whose source is asked for late rows: set it to 0"),
        (
            {"late_s": 60, "state_machine_name": "recomputing", "source": "sqlite:///x#table=t&time=at"},
            "late_s 60 is over before a period is finished (lag_s 300.0): make it longer, or the lag shorter",
        ),
        ({"lag_s": float("nan")}, "lag_s nan is no number of seconds"),
        ({"lag_s": 1e11}, "lag_s 100000000000.0 is no number of seconds: use 0 or more, at most a century"),
        pytest.param({"lag_s": 10**400}, "is no number of seconds: use 0 or more, at most a century", id="more than a float holds"),
        ({"timeout_s": 1e11}, "timeout_s 100000000000.0 is no number of seconds: use 0 or more, at most a century"),
        ({"backoff_s": 1e11}, "backoff_s 100000000000.0 is no number of seconds: use 0 or more, at most a century"),
        ({"deadline": 1e11}, "deadline 100000000000.0 is no number of seconds: use more than 0, at most a century"),
        ({"start": "9999113023"}, "start '9999113023' lies too near to the calendar's end: 9799 is the last year"),
        ({"timeout_s": "60"}, "timeout_s '60' is no number of seconds"),
        ({"timeout_s": True}, "timeout_s True is no number of seconds"),
        ({"backoff_s": float("inf")}, "backoff_s inf is no number of seconds"),
        ({"life_support_hours": 0}, "life_support_hours 0 is no number of hours: use more than 0"),
        ({"max_in_flight": -1}, "max_in_flight -1 is no whole number"),
        ({"max_attempts": 1.5}, "max_attempts 1.5 is no whole number"),
        ({"max_attempts": False}, "max_attempts False is no whole number"),
        ({"noop_exit_code": 0}, "noop_exit_code 0 is no exit code"),
        ({"noop_exit_code": 256}, "noop_exit_code 256 is no exit code"),
        ({"noop_exit_code": True}, "noop_exit_code True is no exit code"),
        ({"present_on_boxes": "box-("}, "present_on_boxes 'box-(' is no regular expression"),
        ({"present_on_boxes": 7}, "present_on_boxes 7 is no regular expression"),
        ({"arguments": {"when": {1, 2}}}, "arguments can't be written as JSON (Object of type set is not JSON serializable)"),
        ({"arguments": {"rate": float("nan")}}, "arguments can't be written as JSON"),
        ({"arguments": {"loop": LOOP}}, "arguments can't be written as JSON"),
        ({"arguments": {"by": [{1: "one"}]}}, "arguments['by'][0] has the key 1, which is no text: write '1'"),
        ({"queue": "q uow"}, "queue 'q uow' is no queue's name"),
        ({"queue": "q_uow_status"}, "queue 'q_uow_status' is Horarium's own: choose another"),
        ({"owner": None}, "owner None is no text: write a text"),
        ({"source": 5}, "source 5 is no text: write a text, or None"),
    ],
    ids=str,
)
def test_a_faulty_field_is_named_with_what_was_found(fields: dict[str, Any], words: str) -> None:
    fault = fault_of(**fields)
    assert fault.startswith("process 'flights_hourly': ")
    assert words in fault


def test_arguments_that_are_no_dict_are_a_fault() -> None:
    process = replace(managed(), arguments=[1])  # type: ignore[arg-type]
    assert faults_of(*in_a_tree(process)) == ("process 'flights_hourly': arguments [1] is no dict: write {'name': value}",)


@pytest.mark.parametrize("name", ["a/b", "a b", "a\n", "a\0", "", "über", "x" * 81, "-a", ".a", "a\u200b", 7, None])
def test_a_name_that_does_not_fit_ids_is_refused(name: Any) -> None:
    process = daemon_context_entry(name, "jobs.gateway", "gateway")
    (fault,) = faults_of([process])
    assert fault.startswith(f"process {name!r}: name {name!r} does not fit an id: use letters, digits, '_', '.' and '-'")


def test_names_of_letters_digits_dots_and_dashes_are_taken() -> None:
    names = ["a", "7", "_a", "Flights.v2-new_daily", "x" * 80]
    assert len(check([daemon_context_entry(name, "jobs.gateway", "gateway") for name in names], []).processes) == 5


def test_sound_corner_values_are_taken() -> None:
    process = managed(
        noop_exit_code=255, lag_s=0, timeout_s=0.5, backoff_s=0, max_attempts=1, start="2015010100", end="2015010101",
        present_on_boxes="box-.*", arguments={"nested": [{"a": None}, 1, "x"]}, source="raw", owner="team",
    )  # fmt: skip
    assert check(*in_a_tree(process)).managed["flights_hourly"] is process


def test_an_unknown_process_in_a_tree_is_named_with_the_nearest_known_one() -> None:
    trees = [timetable_tree_entry("flights", ["flights_hourly", "flight_hourly"])]
    assert faults_of([managed()], trees) == (
        "tree 'flights': encloses 'flight_hourly', which is not registered: register it, or take it out; did you mean 'flights_hourly'?",
    )


def test_a_process_in_no_tree_is_a_fault() -> None:
    assert faults_of([managed()]) == ("process 'flights_hourly': is in no tree: name it in the enclosed_processes of one",)


@pytest.mark.parametrize(("trees", "by"), [({"a": 1, "b": 1}, "'a', 'b'"), ({"a": 2}, "'a'")])
def test_a_process_in_two_trees_or_twice_in_one_is_a_fault(trees: dict[str, int], by: str) -> None:
    entries = [timetable_tree_entry(name, ["flights_hourly"] * times) for name, times in trees.items()]
    assert faults_of([managed()], entries) == (
        f"process 'flights_hourly': is enclosed 2 times, by the trees {by}: keep it in one of them, once",
    )


def test_a_process_without_timeperiods_belongs_in_no_tree() -> None:
    assert faults_of([freerun()], [timetable_tree_entry("loads", ["load"])]) == (
        "tree 'loads': encloses 'load', which is not managed and has no timeperiods: take it out",
    )


def test_two_processes_of_one_qualifier_in_a_tree_are_a_fault() -> None:
    found = faults_of(*in_a_tree(managed("a_daily", "_daily"), managed("b_daily", "_daily")))
    assert found == ("tree 'flights': has two _daily processes, 'a_daily' and 'b_daily': keep one, or move one to another tree",)


def test_a_tree_that_encloses_nothing_is_a_fault() -> None:
    assert faults_of([], [timetable_tree_entry("flights", [])]) == (
        "tree 'flights': encloses no process: name at least one, or take the tree out",
    )


def test_a_forgotten_comma_in_a_tree_is_called_by_its_name() -> None:
    found = faults_of([managed()], [timetable_tree_entry("flights", ("flights_hourly"), ("weather"))])
    assert "tree 'flights': enclosed_processes is the one text 'flights_hourly': write a list, such as ['flights_hourly']" in found
    assert "tree 'flights': dependent_on is the one text 'weather': write a list, such as ['weather']" in found


def with_links(**links: list[str]) -> tuple[str, ...]:
    """Return the faults of trees of one daily process each, which depend on each other by `links`."""
    context = context_of({name: ["daily"] for name in links}, links)
    return faults_of(context.processes, dict(context.trees))


def test_an_unknown_tree_in_dependent_on_is_a_fault() -> None:
    assert with_links(delays=["weathr"], weather=[]) == (
        "tree 'delays': depends on 'weathr', which is no tree: correct dependent_on; did you mean 'weather'?",
    )


def test_a_dependency_cycle_is_named_tree_by_tree() -> None:
    (fault,) = with_links(a=["b"], b=["c"], c=["a"], d=["a"])
    cycle = fault.partition("itself, ")[2].partition(":")[0].split(" -> ")
    assert len(cycle) == 4
    assert cycle[0] == cycle[-1]
    assert set(pairwise(cycle)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_every_cycle_is_listed_and_a_tree_that_depends_on_itself_is_one() -> None:
    found = with_links(a=["a"], b=["c"], c=["b"])
    assert len(found) == 2
    assert "tree 'a': depends on itself, a -> a: take one of these out of dependent_on" in found


def test_a_shared_queue_names_its_users() -> None:
    processes = [managed("a_daily", "_daily", token="x"), freerun(queue="queue_x_daily")]
    assert faults_of(processes, [timetable_tree_entry("a", ["a_daily"])]) == (
        "queue 'queue_x_daily': is shared by the processes 'a_daily', 'load': give each its own token, or its own queue",
    )


def test_entries_of_one_freerun_process_share_its_queue() -> None:
    assert len(check([freerun(entry_name="day"), freerun(entry_name="night")], []).processes) == 2


def test_names_that_occur_twice_are_faults() -> None:
    tree = timetable_tree_entry("flights", ["flights_hourly"])
    queue = queue_context_entry("ex_utils", "q_mail")
    found = faults_of([managed(), managed(), freerun(), freerun()], [tree], [queue, queue])
    assert "process 'flights_hourly': is registered 2 times: give each its own name" in found
    assert "freerun entry 'load/night': is registered 2 times: give each its own name" in found
    assert "queue 'q_mail': is registered 2 times: give each its own name" in found


def test_a_name_is_of_one_kind_only() -> None:
    assert faults_of([freerun(), daemon_context_entry("load", "jobs.gateway", "gateway")]) == (
        "process 'load': is registered as freerun and as another kind too: give one of them another name",
    )


def test_two_trees_of_one_name_are_a_fault() -> None:
    trees = [timetable_tree_entry("flights", ["a_daily"]), timetable_tree_entry("flights", ["b_daily"])]
    assert faults_of([managed("a_daily", "_daily"), managed("b_daily", "_daily")], trees) == (
        "tree 'flights': is registered 2 times: give each its own name",
    )


def test_an_entry_of_the_wrong_type_is_named_by_its_place() -> None:
    found = faults_of([{"name": "flights"}], {"flights": None}, "q_mail")
    assert found == (
        "process_context[0] is of type dict: make it by the factories of system.context",
        "timetable_context['flights'] is None: make it by the factories of system.context",
        "queue_context is of type str: make it a list of entries, or a dict whose values are entries",
    )


def test_a_key_that_differs_from_its_entrys_name_is_a_fault() -> None:
    assert faults_of({"gate": daemon_context_entry("gateway", "jobs.gateway", "gateway")}) == (
        "process_context['gate'] holds the entry named 'gateway': give key and entry the same name",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"entry_name": "by night"}, "entry_name 'by night' does not fit an id"),
        ({"classname": "load"}, "classname 'load' is no dotted path"),
        ({"trigger_frequency": "at noon"}, "trigger_frequency 'at noon' is not a schedule"),
        ({"arguments": {"a": b""}}, "arguments can't be written as JSON"),
        ({"arguments": {"a": "x" * 100_000}}, "arguments are 100,009 characters as JSON, and those of an entry may be 100,000"),
        ({"is_on": 1}, "is_on 1 is neither True nor False"),
        ({"token": "a b", "queue": "q"}, "token 'a b' does not fit an id"),
    ],
)
def test_a_freerun_entry_is_checked_too(fields: dict[str, Any], words: str) -> None:
    (fault,) = faults_of([freerun(**fields)])
    assert fault.startswith("process 'load' entry ")
    assert words in fault


@pytest.mark.parametrize("name", ["scheduler", "worker", "supervisor", "worker.2", "poller.2"])
def test_a_daemon_may_not_be_called_as_another_process_is(name: str) -> None:
    assert "choose another" in str(faults_of([daemon_context_entry(name, "jobs.gateway", "gateway")]))


def test_a_daemon_entry_and_a_declared_queue_are_checked_too() -> None:
    daemon = daemon_context_entry("gateway", "gateway", "gateway", present_on_boxes="[")
    found = faults_of([daemon], (), [queue_context_entry("", "q_job_status"), queue_context_entry("ex", "q a", 5)])  # type: ignore[arg-type]
    assert [fault.partition(" is ")[0] for fault in found] == [
        "process 'gateway': classname 'gateway'", "process 'gateway': present_on_boxes '['", "queue 'q_job_status': queue 'q_job_status'",
        "queue 'q a': queue 'q a'", "queue 'q a': routing 5",
    ]  # fmt: skip


def test_an_exchange_and_a_routing_key_have_a_length_that_every_broker_takes() -> None:
    (fault,) = faults_of([freerun(exchange="x" * 201)])
    assert "is too long: use 200 bytes at most" in fault
    faults = faults_of([managed(routing="ä" * 101)])
    assert [fault for fault in faults if "is too long: use 200 bytes at most" in fault]
    assert not [fault for fault in faults_of([managed(routing="ä" * 100)]) if "too long" in fault]


def test_one_fault_is_told_without_a_number() -> None:
    with pytest.raises(ConfigError, match=r"^the process context has a fault:\n  - process 'flights_hourly': is in no tree"):
        check([managed()], [])


DEMO = context_of({"flights": ["hourly", "daily", "yearly"], "weather": ["daily"]}, {"flights": ["weather"]})


def test_the_shape_is_what_may_not_change_silently() -> None:
    assert json.loads(shape(DEMO.managed["flights_daily"], DEMO)) == {
        "qualifier": "_daily", "grouping": 1, "tree": "flights", "level": "flights_hourly", "dependencies": ["weather_daily"], "start": "",
        "end": "",
    }  # fmt: skip


def test_a_new_coarser_level_leaves_the_shape_of_the_finer_ones() -> None:
    grown = context_of({"flights": ["hourly", "daily", "monthly", "yearly"], "weather": ["daily"]}, {"flights": ["weather"]})
    same = [shape(DEMO.managed[name], DEMO) == shape(grown.managed[name], grown) for name in DEMO.managed]
    assert dict(zip(DEMO.managed, same, strict=True)) == {
        "flights_hourly": True, "flights_daily": True, "flights_yearly": False, "weather_daily": True,
    }  # fmt: skip


def test_harmless_changes_leave_the_shape() -> None:
    before, after = check(*in_a_tree(managed())), check(*in_a_tree(managed(timeout_s=60, classname="jobs.other", is_on=False)))
    assert shape(before.managed["flights_hourly"], before) == shape(after.managed["flights_hourly"], after)
