"""What is a discrete job owed? The truth tables of REFERENCE 1.3, cell by cell."""

from __future__ import annotations

from typing import Any

import pytest

from db.model import Job
from scheduler.decisions import Close, Decision, Input, Open, Wait
from scheduler.discrete import decide
from system.context import BLOCKING_TYPES
from system.lifecycle import JobEvent, JobState, UowState
from tests.support.builders import job

CHILD_OPEN = Input(is_child=True, process="hourly", unfinished=2, first_unfinished="2013010105")
CHILD_DONE = Input(is_child=True, process="hourly")
CHILD_SKIPPED = Input(is_child=True, process="hourly", skipped=24, first_skipped="2013010100")
NEED_OPEN = Input(is_child=False, process="weather", unfinished=1, first_unfinished="2013010100")
NEED_DONE = Input(is_child=False, process="weather")
NEED_SKIPPED = Input(is_child=False, process="weather", skipped=1, first_skipped="2013010100")
SKIP = Close(JobEvent.SKIPPED, "dependency: weather 2013010100 is skipped")


def outcome_of(decision: Decision) -> object:
    """Return the decision, a Wait by its blockers' kinds only."""
    return [blocker.kind for blocker in decision.blockers] if isinstance(decision, Wait) else decision


@pytest.mark.parametrize(
    ("blocking", "inputs", "expected"),
    [
        ("blocking_normal", [CHILD_OPEN, NEED_OPEN], Open()),
        ("blocking_normal", [CHILD_SKIPPED, NEED_SKIPPED], Open()),
        ("blocking_children", [CHILD_DONE, NEED_DONE], Open()),
        ("blocking_children", [CHILD_SKIPPED, NEED_SKIPPED], Open()),
        ("blocking_children", [CHILD_OPEN, NEED_DONE], ["children"]),
        ("blocking_children", [CHILD_DONE, NEED_OPEN], ["dependency"]),
        ("blocking_children", [CHILD_OPEN, NEED_OPEN], ["children", "dependency"]),
        ("blocking_dependencies", [CHILD_OPEN, NEED_DONE], Open()),
        ("blocking_dependencies", [CHILD_OPEN, NEED_OPEN], ["dependency"]),
        ("blocking_dependencies", [CHILD_OPEN, NEED_SKIPPED], SKIP),
        ("blocking_dependencies", [NEED_OPEN, NEED_SKIPPED], SKIP),
        ("blocking_all", [CHILD_DONE, NEED_DONE], Open()),
        ("blocking_all", [CHILD_SKIPPED, NEED_DONE], Open()),
        ("blocking_all", [CHILD_OPEN, NEED_DONE], ["children"]),
        ("blocking_all", [CHILD_DONE, NEED_OPEN], ["dependency"]),
        ("blocking_all", [CHILD_OPEN, NEED_SKIPPED], SKIP),
    ],
)
def test_the_gate_before_any_work_is_as_its_blocking_type_says(blocking: str, inputs: list[Input], expected: object) -> None:
    assert outcome_of(decide(None, inputs, blocking)) == expected


@pytest.mark.parametrize("blocking", BLOCKING_TYPES)
def test_without_inputs_every_gate_is_open(blocking: str) -> None:
    assert decide(None, [], blocking) == Open()


def test_who_was_held_and_released_runs_as_freely_as_before() -> None:
    released = job(state=JobState.EMBRYO, generation=1, uow_state=None)
    assert decide(released, [CHILD_OPEN], "blocking_normal") == Open()


def test_a_reopened_embryo_stands_before_its_gate_again() -> None:
    reopened = job(state=JobState.EMBRYO, generation=2)
    assert outcome_of(decide(reopened, [CHILD_OPEN], "blocking_children")) == ["children"]


def ran(state: UowState, **fields: Any) -> Job:
    """Return a job whose unit of work was opened by turn 5 and is in `state`."""
    return job(run=1, uow_state=state, opened_turn=5, **fields)


@pytest.mark.parametrize("state", [UowState.REQUESTED, UowState.IN_PROGRESS, UowState.INVALID])
def test_a_job_waits_for_its_unit_of_work(state: UowState) -> None:
    assert outcome_of(decide(ran(state), [], "blocking_normal")) == ["unit of work"]


@pytest.mark.parametrize(
    ("state", "event"),
    [(UowState.PROCESSED, JobEvent.PROCESSED), (UowState.NOOP, JobEvent.NOOP), (UowState.CANCELED, JobEvent.SKIPPED)],
)
def test_a_finalizable_job_ends_as_its_unit_of_work_did(state: UowState, event: JobEvent) -> None:
    assert decide(ran(state), [CHILD_DONE, NEED_SKIPPED], "blocking_normal") == Close(event)


@pytest.mark.parametrize("entry", [CHILD_OPEN, NEED_OPEN])
def test_a_job_that_is_not_finalizable_waits_with_its_outcome(entry: Input) -> None:
    assert isinstance(decide(ran(UowState.PROCESSED), [entry], "blocking_normal"), Wait)


def test_it_runs_once_more_when_an_input_was_settled_after_its_unit_of_work_was_opened() -> None:
    assert decide(ran(UowState.PROCESSED, inputs_turn=6), [CHILD_DONE], "blocking_normal") == Open()


def test_it_does_not_run_again_when_its_inputs_were_settled_before() -> None:
    assert decide(ran(UowState.NOOP, inputs_turn=5), [CHILD_DONE], "blocking_normal") == Close(JobEvent.NOOP)


def test_a_unit_of_work_canceled_for_failure_ends_the_job_without_waiting() -> None:
    decision = decide(ran(UowState.CANCELED, reason="failed: no disk"), [CHILD_OPEN, NEED_OPEN], "blocking_normal")
    assert decision == Close(JobEvent.SKIPPED, "failed: no disk")


def test_a_held_job_waits_for_an_operator() -> None:
    assert outcome_of(decide(ran(UowState.INVALID, held="it failed"), [], "blocking_normal")) == ["held"]


def test_a_blocker_names_where_to_look() -> None:
    decision = decide(None, [CHILD_OPEN], "blocking_children")
    assert isinstance(decision, Wait)
    assert decision.blockers[0].text == "2 unfinished in hourly, first 2013010105"
    assert decision.blockers[0].look == "launch.py job why hourly 2013010105"
