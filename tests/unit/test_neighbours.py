"""Are the periods that one waits for, and those that wait for it, told as spans that agree with each other?"""

from __future__ import annotations

from typing import Any

from scheduler.neighbours import Span, inputs_of, look, users_of
from scheduler.timetable import Timetable
from scheduler.trees import Topology
from system.context import Context, ManagedProcess, dependency_entry, managed_context_entry, timetable_tree_entry
from system.lifecycle import JobState
from system.timeperiod import parse


def entry(name: str, level: str, **more: Any) -> ManagedProcess:
    return managed_context_entry(name, "jobs.f", name, level, **more)


CONTEXT = Context(
    (
        entry("hour", "_hourly"), entry("day", "_daily"), entry("month", "_monthly"), entry("other", "_daily"),
        entry("week", "_daily", depends_on=[dependency_entry("day", last=7), dependency_entry("day", offset=-9)], in_order=True),
    ),
    {
        "a": timetable_tree_entry("a", ["hour", "day", "month"]),
        "b": timetable_tree_entry("b", ["other"], dependent_on=["a"]),
        "c": timetable_tree_entry("c", ["week"]),
    },
)  # fmt: skip
TOPOLOGY = Topology(CONTEXT)


def node(process: str, period: str) -> tuple[str, int]:
    return process, parse(CONTEXT.managed[process].qualifier, period).ordinal


def lengths(spans: list[Span]) -> list[tuple[str, int, str]]:
    return [(span.process, len(span.periods), span.relation) for span in spans]


def test_inputs_are_children_then_dependencies_then_the_period_before() -> None:
    assert lengths(inputs_of(TOPOLOGY, node("month", "2024020000"))) == [("day", 29, "child")]
    assert lengths(inputs_of(TOPOLOGY, node("other", "2024020100"))) == [("day", 1, "dependency")]
    assert lengths(inputs_of(TOPOLOGY, node("week", "2024020100"))) == [("day", 10, "dependency"), ("week", 1, "order")]


def test_users_are_the_parent_then_dependants_then_the_period_after() -> None:
    assert lengths(users_of(TOPOLOGY, node("hour", "2024020100"))) == [("day", 1, "parent")]
    assert lengths(users_of(TOPOLOGY, node("day", "2024020100"))) == [("month", 1, "parent"), ("other", 1, "dependant"),
                                                                      ("week", 10, "dependant")]  # fmt: skip
    assert lengths(users_of(TOPOLOGY, node("week", "2024020100"))) == [("week", 1, "order")]


def test_a_span_tells_how_its_periods_stand_and_which_to_look_at() -> None:
    table = Timetable(CONTEXT, "2024010100")
    low = node("hour", "2024020100")[1]
    span = Span("hour", range(low, low + 24), "child")
    assert (look(table, span).finished, look(table, span).state, look(table, span).look_at) == (0, JobState.EMBRYO, low)
    for ordinal in range(low, low + 5):
        table.states["hour"][ordinal] = JobState.PROCESSED
    assert (look(table, span).finished, look(table, span).state, look(table, span).look_at) == (5, None, low + 5)


def test_periods_before_the_start_of_a_process_do_not_count() -> None:
    table = Timetable(CONTEXT, "2024010100")
    first = table.states["day"].first
    found = look(table, Span("day", range(first - 5, first + 1), "dependency"))
    assert (found.count, found.look_at) == (1, first)
    assert look(table, Span("day", range(first - 5, first), "dependency")).count == 0
