"""What is a continuous job owed? REFERENCE 1.3 and 1.4, sentence by sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from db.model import Job
from scheduler.continuous import decide
from scheduler.decisions import Close, Decision, Input, Occasion, Open, Revert, Wait
from system.context import BLOCKING_TYPES
from system.lifecycle import JobEvent, JobState, UowState
from tests.support.builders import NOW, PERIOD, PROCESS, job

OPEN = Occasion(PROCESS, PERIOD, NOW, is_closed=False)
CLOSED = Occasion(PROCESS, PERIOD, NOW)
CHILD_OPEN = Input(is_child=True, process="hourly", unfinished=2, first_unfinished="2013010105")
NEED_OPEN = Input(is_child=False, process="weather", unfinished=1, first_unfinished="2013010100")
NEED_SKIPPED = Input(is_child=False, process="weather", skipped=1, first_skipped="2013010100")
RUN, FINAL = Open(JobEvent.OPENED), Open(JobEvent.FINAL)
LATER = NOW + timedelta(seconds=30)


def owed(found: Job | None, inputs: list[Input], occasion: Occasion, blocking: str = "blocking_normal") -> object:
    """Return the decision, a Wait by its blockers' kinds and its moment."""
    decision: Decision = decide(found, inputs, blocking, occasion)
    return ([blocker.kind for blocker in decision.blockers], decision.until) if isinstance(decision, Wait) else decision


def ran(state: UowState = UowState.PROCESSED, again_at: datetime | None = NOW, **fields: Any) -> Job:
    """Return a job whose first unit of work was opened by turn 5 and is in `state`."""
    return job(run=1, uow_state=state, opened_turn=5, again_at=again_at, **fields)


def final(state: UowState = UowState.PROCESSED, **fields: Any) -> Job:
    """Return a job in its final run."""
    return replace(ran(state, **fields), state=JobState.FINAL_RUN)


def test_it_runs_on_the_open_period() -> None:
    assert owed(None, [CHILD_OPEN], OPEN) == RUN


def test_the_first_run_waits_until_the_schedule_fires() -> None:
    assert owed(None, [], replace(OPEN, first_at=LATER)) == (["frequency"], LATER)
    assert owed(None, [], replace(OPEN, first_at=NOW)) == RUN


@pytest.mark.parametrize("blocking", BLOCKING_TYPES)
def test_a_first_run_after_the_period_closed_is_the_final_one(blocking: str) -> None:
    assert owed(None, [], CLOSED, blocking) == FINAL


@pytest.mark.parametrize(
    ("blocking", "inputs", "expected"),
    [
        ("blocking_normal", [CHILD_OPEN, NEED_OPEN], RUN),
        ("blocking_children", [CHILD_OPEN], (["children"], None)),
        ("blocking_dependencies", [CHILD_OPEN], RUN),
        ("blocking_dependencies", [NEED_OPEN], (["dependency"], None)),
        ("blocking_dependencies", [NEED_SKIPPED], Close(JobEvent.SKIPPED, "dependency: weather 2013010100 is skipped")),
        ("blocking_all", [CHILD_OPEN, NEED_OPEN], (["children", "dependency"], None)),
    ],
)
def test_the_gate_before_any_work_is_as_its_blocking_type_says(blocking: str, inputs: list[Input], expected: object) -> None:
    assert owed(None, inputs, OPEN, blocking) == expected


@pytest.mark.parametrize("state", [UowState.PROCESSED, UowState.NOOP, UowState.CANCELED])
def test_it_runs_again_when_its_time_has_come_whatever_the_last_run_gave(state: UowState) -> None:
    assert owed(ran(state), [], OPEN) == RUN


def test_it_waits_for_its_time() -> None:
    assert owed(ran(again_at=LATER), [], OPEN) == (["frequency"], LATER)


def test_it_runs_on_while_it_is_closed_and_not_finalizable() -> None:
    assert owed(ran(), [CHILD_OPEN], CLOSED) == RUN


def test_the_final_run_is_not_held_back_by_the_frequency() -> None:
    assert owed(ran(again_at=LATER), [], CLOSED) == FINAL


@pytest.mark.parametrize("state", [UowState.REQUESTED, UowState.IN_PROGRESS, UowState.INVALID])
def test_nothing_is_requested_beside_what_has_not_ended(state: UowState) -> None:
    assert owed(ran(state), [], CLOSED) == (["unit of work"], None)


@pytest.mark.parametrize(
    ("state", "event"),
    [(UowState.PROCESSED, JobEvent.PROCESSED), (UowState.NOOP, JobEvent.NOOP), (UowState.CANCELED, JobEvent.SKIPPED)],
)
def test_the_final_runs_outcome_finishes_the_job(state: UowState, event: JobEvent) -> None:
    assert owed(final(state), [NEED_SKIPPED], CLOSED) == Close(event)


@pytest.mark.parametrize("state", [UowState.REQUESTED, UowState.IN_PROGRESS, UowState.PROCESSED])
def test_a_final_run_whose_job_stops_being_finalizable_is_one_of_many(state: UowState) -> None:
    assert owed(final(state), [CHILD_OPEN], CLOSED) == Revert()


def test_a_final_run_that_an_input_has_overtaken_is_not_the_last() -> None:
    assert owed(final(inputs_turn=6), [], CLOSED) == Revert()


def test_who_starts_anew_after_the_close_waits_for_what_it_is_made_of() -> None:
    anew = job(state=JobState.EMBRYO, generation=2)
    assert owed(anew, [CHILD_OPEN], CLOSED) == (["children"], None)
    assert (owed(anew, [], CLOSED), owed(anew, [CHILD_OPEN], OPEN)) == (FINAL, RUN)


def test_a_held_job_waits_for_an_operator() -> None:
    assert owed(ran(held="look"), [], CLOSED) == (["held"], None)
