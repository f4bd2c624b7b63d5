"""Is the plan of a command all that the command then does, and whom does a skip skip beside what it names?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler import plans
from scheduler.timetable import Node
from system.context import dependency_entry
from system.lifecycle import JobState
from tests.support.lamp import Lamp, hours, january

PAST = dependency_entry("flights_hourly", -1)


def steps_and_moves(lamp: Lamp, verb: str, process: str, timeperiod: str, until: str = "") -> tuple[set[Node], set[Node]]:
    """Give a command; returns what its plan named, and which jobs are not any more as they were, but for when their inputs were settled."""
    before = {(job.process, job.timeperiod): job for job in lamp.store.active_jobs()}
    head, plan = lamp.engine.head, lamp.desk.plan(verb, process, timeperiod, until=until)
    lamp.give(verb, process, timeperiod, until)
    after = {(job.process, job.timeperiod): job for turn in lamp.store.turns_after(head, 100) for job in turn.jobs}
    same = {key for key, job in after.items() if key in before and job == replace(before[key], inputs_turn=job.inputs_turn, turn=job.turn)}
    table = lamp.engine._timetable
    assert table is not None
    return {step.node for step in plan.steps}, {table.node(job) for key, job in after.items() if key not in same}


@pytest.mark.parametrize("verb", ["reprocess", "skip", "hold", "release"])
def test_the_plan_is_what_then_happens(verb: str) -> None:
    lamp = Lamp(january(("hourly", "daily"), max_in_flight=5))
    lamp.turn()
    lamp.work(*hours(3))
    if verb == "release":
        lamp.give("hold", "flights_hourly", "2013010110", "2013010115")
    planned, moved = steps_and_moves(lamp, verb, "flights_hourly", "2013010100", "2013010200")
    assert planned
    assert planned == moved


def chain() -> Lamp:
    """Return a lamp of three trees each of which depends on the one before, and whose gates a skipped one closes."""
    hourly = january(("hourly",), blocking_type="blocking_dependencies")
    return Lamp([replace(p, name=f"{name}_hourly", queue=f"q_{name}") for name in "abc" for p in hourly], b=["a"], c=["b"])


def test_the_plan_of_a_skip_names_whom_it_skips_too() -> None:
    lamp = chain()
    lamp.give("hold", "a_hourly", "2013010105")
    planned, moved = steps_and_moves(lamp, "skip", "a_hourly", "2013010105")
    assert len(planned) == 3
    assert planned == moved


def test_the_plan_of_a_skip_of_what_runs_names_whom_it_skips_once_that_has_ended() -> None:
    lamp = chain()
    lamp.turn()
    planned, _ = steps_and_moves(lamp, "skip", "a_hourly", "2013010105")
    plan = lamp.desk.plan("skip", "a_hourly", "2013010106")
    assert plan.counts() == {"to be skipped once what it runs has ended": 1, "to be skipped after that": 2}
    assert lamp.desk.plan("cancel", "a_hourly", "2013010106").counts() == {"to be ended and skipped": 1, "to be skipped after that": 2}
    lamp.turn(2)
    skipped = {name for name in ("a", "b", "c") if lamp.state(f"{name}_hourly", "2013010105") is JobState.SKIPPED}
    assert (skipped, len(planned)) == ({"a", "b", "c"}, 3)


def test_the_plan_of_a_skip_names_all_that_wait_for_the_own_past() -> None:
    lamp = Lamp(january(("hourly",), days=3, blocking_type="blocking_dependencies", depends_on=[PAST], max_in_flight=1))
    lamp.give("hold", "flights_hourly", "2013010101")
    lamp.turn()
    planned, moved = steps_and_moves(lamp, "skip", "flights_hourly", "2013010101")
    assert len(planned) == 71
    assert planned == moved


def test_a_skip_of_a_last_child_that_runs_plans_the_parent_too() -> None:
    lamp = Lamp(january())
    lamp.turn()
    plan = lamp.desk.plan("skip", "flights_hourly", "2013010100", until="2013010200")
    assert plan.counts() == {"to be skipped once what it runs has ended": 24, "to be skipped after that": 1}
    lamp.give("skip", "flights_hourly", "2013010100", "2013010200")
    lamp.turn(2)
    assert lamp.state("flights_daily", "2013010100") is JobState.SKIPPED


def test_a_skip_that_closes_more_gates_than_a_turn_may_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january(("hourly",), days=3, blocking_type="blocking_dependencies", depends_on=[PAST], max_in_flight=1))
    monkeypatch.setattr(plans, "MOST_STEPS", 50)
    assert "skip the last of these first" in lamp.desk.answer(lamp.give("skip", "flights_hourly", "2013010101")).answer
    assert lamp.desk.answer(lamp.give("skip", "flights_hourly", "2013010200", "2013010400")).state == "done"
    assert lamp.desk.answer(lamp.give("skip", "flights_hourly", "2013010101")).state == "done"
