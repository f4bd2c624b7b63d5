"""Is the demo registered as a user would do it, and does its context say what waits for what?"""

from __future__ import annotations

from pathlib import Path

from system.context import Context
from system.context_check import load_context
from system.timeperiod import parse

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


def registered() -> Context:
    return load_context(str(FLIGHTS / "context.py"))


def test_the_context_has_no_fault_and_names_functions_that_exist() -> None:
    context = registered()
    assert Path(context.folder) == FLIGHTS
    assert sorted(context.trees) == ["delays", "flights", "weather"]
    assert {p.classname for p in context.managed.values()} == {f"jobs.{name.replace('_', '.')}" for name in context.managed}


def test_every_level_covers_2013_and_nothing_else() -> None:
    processes = registered().managed.values()
    ends = {p.name: (parse(p.qualifier, p.start).start.isoformat(), parse(p.qualifier, p.end).start.isoformat()) for p in processes}
    assert set(ends.values()) == {("2013-01-01T00:00:00+00:00", "2014-01-01T00:00:00+00:00")}


def test_the_year_is_18640_jobs() -> None:
    processes = registered().managed.values()
    assert sum(parse(p.qualifier, p.end).ordinal - parse(p.qualifier, p.start).ordinal for p in processes) == 18_640


def test_coarser_levels_wait_for_children_and_delays_for_everything() -> None:
    blocking = {name: p.blocking_type for name, p in registered().managed.items()}
    assert {name for name, kind in blocking.items() if kind == "blocking_normal"} == {"flights_hourly", "weather_hourly"}
    assert {name for name, kind in blocking.items() if kind == "blocking_all"} == {"delays_daily", "delays_monthly"}


def test_delays_depend_on_both_other_trees() -> None:
    assert registered().trees["delays"].dependent_on == ("flights", "weather")


def test_every_job_is_told_where_to_read_and_to_write() -> None:
    for process in registered().managed.values():
        assert {"source", "sink", "marks"} == process.arguments.keys()
        assert Path(str(process.arguments["sink"])).is_absolute()
