"""Reference 1.2, sentence by sentence: how is a context written, what is refused, and which schedules are there?"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from system.context import (
    ManagedProcess,
    daemon_context_entry,
    freerun_context_entry,
    managed_context_entry,
    queue_context_entry,
    timetable_tree_entry,
)
from system.context_check import check
from system.errors import ConfigError
from system.schedule import parse_schedule
from tests.support.contexts import managed


def faults_of(*processes: ManagedProcess, trees: tuple[Any, ...] | None = None) -> str:
    """Return the message by which a context is refused."""
    with pytest.raises(ConfigError) as caught:
        check(list(processes), list(trees if trees is not None else [timetable_tree_entry("flights", [p.name for p in processes])]))
    return str(caught.value)


def names_of(factory: Any) -> list[str]:
    """Return the names of the fields that a factory takes one by one."""
    return [p.name for p in inspect.signature(factory).parameters.values() if p.kind is not p.VAR_KEYWORD]


# -- the factories


def test_a_managed_entry_has_these_defaults() -> None:
    entry = managed_context_entry("flights_daily", "jobs.run", "flights", "_daily")
    assert (entry.trigger_frequency, entry.state_machine_name, entry.is_on) == ("every 60", "discrete", True)
    assert entry.blocking_type == "blocking_normal"
    assert (entry.time_grouping, entry.source, entry.sink, entry.arguments, entry.present_on_boxes) == (1, None, None, {}, None)


@pytest.mark.parametrize(
    "name",
    ["process_name", "classname", "token", "time_qualifier", "trigger_frequency", "arguments", "exchange", "queue", "routing"],
)
def test_a_managed_entry_takes_these_by_name(name: str) -> None:
    assert name in names_of(managed_context_entry)


@pytest.mark.parametrize("name", ["state_machine_name", "is_on", "blocking_type", "time_grouping", "source", "sink", "present_on_boxes",
                                  "pid_file", "log_file"])  # fmt: skip
def test_a_managed_entry_has_these_fields_too(name: str) -> None:
    assert hasattr(managed(), name)


def test_a_freerun_entry_takes_the_names_in_this_order() -> None:
    given = freerun_context_entry("load", "nightly", "jobs.load", "load", "every 60", is_on=False, description="late", arguments={"a": 1})
    assert (given.name, given.entry_name, given.classname) == ("load", "nightly", "jobs.load")
    assert (given.token, given.trigger_frequency) == ("load", "every 60")
    assert (given.is_on, given.description, given.arguments) == (False, "late", {"a": 1})


def test_daemons_queues_and_trees_have_factories_too() -> None:
    assert daemon_context_entry("feed", "jobs.feed", "feed").name == "feed"
    assert queue_context_entry("ex", "q").routing == "q"
    assert timetable_tree_entry("flights", ["a", "b"], ["c"], "name", "page").dependent_on == ("c",)


def test_a_queue_is_called_by_token_and_qualifier_and_exchanges_have_these_names() -> None:
    assert managed("flights_daily", "_daily").queue == "queue_flights_daily"
    assert managed().exchange == "ex_managed_worker"
    assert freerun_context_entry("load", "n", "jobs.load", "load", "every 60").exchange == "ex_freerun_worker"


# -- the check


def test_all_faults_are_listed_at_once() -> None:
    text = faults_of(
        managed("a_daily", "_daily", classname="no path", trigger_frequency="sometimes", time_grouping=29),
        managed("b_daily", "_daily", queue="queue_a_daily"),
        trees=(timetable_tree_entry("t", ["a_daily", "nobody"], ["nowhere"]), timetable_tree_entry("u", ["b_daily"], ["u"])),
    )
    assert all(word in text for word in ("no path", "sometimes", "29", "nobody", "nowhere", "queue_a_daily", "u -> u"))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"classname": "jobs"}, "classname"),
        ({"classname": "jobs..run"}, "classname"),
        ({"trigger_frequency": "every 0"}, "trigger_frequency"),
        ({"trigger_frequency": "cron 61 * * * *"}, "trigger_frequency"),
        ({"time_grouping": 24}, "time_grouping"),
        ({"time_grouping": 0}, "time_grouping"),
        ({"time_qualifier": "_weekly"}, "_weekly"),
        ({"blocking_type": "blocking_some"}, "blocking_type"),
        ({"state_machine_name": "endless"}, "state_machine_name"),
        ({"on_failure": "weep"}, "on_failure"),
        ({"start": "2013013200"}, "start"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], said: str) -> None:
    given = {"qualifier": fields.pop("time_qualifier", "_hourly"), **fields}
    assert said in faults_of(managed(**given))


def test_two_processes_of_one_qualifier_in_a_tree_are_refused() -> None:
    assert "two _hourly processes" in faults_of(managed("flights_a"), managed("flights_b", queue="q"))


def test_a_dependency_cycle_is_refused() -> None:
    trees = (timetable_tree_entry("a", ["a_hourly"], ["b"]), timetable_tree_entry("b", ["b_hourly"], ["a"]))
    assert "a -> b -> a" in faults_of(managed("a_hourly"), managed("b_hourly"), trees=trees)


def test_a_shared_queue_is_refused() -> None:
    text = faults_of(managed("a_hourly", queue="q"), managed("a_daily", "_daily", queue="q"))
    assert all(word in text for word in ("'q'", "a_hourly", "a_daily"))


# -- the grammar of schedules


@pytest.mark.parametrize(
    "text",
    ["every 1", "every 60", "every 86400", "at 05:30", "at 05:30,17:30", "at *-23:59", "at 0-00:00,6-12:00", "cron */5 * * * *",
     "cron 30 2 * * 1-5 in Europe/Berlin"],
)  # fmt: skip
def test_a_schedule_is_taken_and_printed_back_as_it_was_given(text: str) -> None:
    assert parse_schedule(text).text == text


@pytest.mark.parametrize(
    "text",
    ["", "every", "every 0", "every -1", "every 1.5h", "at", "at 24:00", "at 7-00:00", "at 05:60", "at 5-30", "cron * * * *",
     "cron * * * * * in Nowhere/Town", "hourly"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|expected|every|zone"):
        parse_schedule(text)


@pytest.mark.parametrize(("day", "weekday"), [(0, 0), (6, 6)])
def test_day_0_is_monday_and_day_6_sunday(day: int, weekday: int) -> None:
    assert parse_schedule(f"at {day}-12:00").next_fire(datetime(2026, 11, 21, tzinfo=UTC)).weekday() == weekday
