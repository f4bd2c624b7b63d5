"""Does every (state, event) pair of the life cycles do what the reference says, and nothing else?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import pytest

from system.errors import IllegalTransition
from system.lifecycle import (
    JOB_ACTIVE,
    JOB_FINISHED,
    JOB_LIFECYCLE,
    UOW_ACTIVE,
    UOW_FINISHED,
    UOW_LIFECYCLE,
    JobEvent,
    JobState,
    UowEvent,
    UowState,
    advance,
)

# As the reference tells it, written down a second time and in another form, so that a slip in either shows.
JOB_MOVES = {
    "EMBRYO": "OPENED>IN_PROGRESS FINAL>FINAL_RUN NOOP>NOOP SKIPPED>SKIPPED REOPENED>EMBRYO",
    "IN_PROGRESS": "OPENED>IN_PROGRESS FINAL>FINAL_RUN PROCESSED>PROCESSED NOOP>NOOP SKIPPED>SKIPPED REOPENED>EMBRYO",
    "FINAL_RUN": "REVERTED>IN_PROGRESS PROCESSED>PROCESSED NOOP>NOOP SKIPPED>SKIPPED REOPENED>EMBRYO",
    "PROCESSED": "REOPENED>EMBRYO",
    "NOOP": "REOPENED>EMBRYO",
    "SKIPPED": "REOPENED>EMBRYO",
}
UOW_MOVES = {
    "REQUESTED": "CLAIMED>IN_PROGRESS CANCELED>CANCELED",
    "IN_PROGRESS": (
        "DONE>PROCESSED EMPTY>NOOP FAILED>INVALID CANCELED>CANCELED LOST>REQUESTED LOST_TOO_OFTEN>INVALID GIVEN_BACK>REQUESTED"
    ),
    "INVALID": "RETRIED>REQUESTED CANCELED>CANCELED GIVEN_UP>CANCELED",
    "PROCESSED": "",
    "NOOP": "",
    "CANCELED": "",
}
S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
JOB_PAIRS = [(state, event) for state in JobState for event in JobEvent]
UOW_PAIRS = [(state, event) for state in UowState for event in UowEvent]


def name_of(value: object) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def target(moves: Mapping[str, str], state: Enum, event: Enum) -> str | None:
    return dict(move.split(">") for move in moves[state.name].split()).get(event.name)


def reached(table: Mapping[tuple[S, E], S], first: S) -> set[S]:
    found, waiting = {first}, [first]
    while waiting:
        state = waiting.pop()
        fresh = {after for (before, _), after in table.items() if before is state} - found
        found |= fresh
        waiting += fresh
    return found


@pytest.mark.parametrize(("state", "event"), JOB_PAIRS, ids=name_of)
def test_every_pair_of_the_job_table(state: JobState, event: JobEvent) -> None:
    expected = target(JOB_MOVES, state, event)
    if expected:
        assert advance(JOB_LIFECYCLE, state, event) is JobState[expected]
    else:
        with pytest.raises(IllegalTransition, match=rf"{state.name} has no move for {event.name} .*nothing was changed"):
            advance(JOB_LIFECYCLE, state, event)


@pytest.mark.parametrize(("state", "event"), UOW_PAIRS, ids=name_of)
def test_every_pair_of_the_uow_table(state: UowState, event: UowEvent) -> None:
    expected = target(UOW_MOVES, state, event)
    if expected:
        assert advance(UOW_LIFECYCLE, state, event) is UowState[expected]
    else:
        with pytest.raises(IllegalTransition, match=rf"{state.name} has no move for {event.name} .*nothing was changed"):
            advance(UOW_LIFECYCLE, state, event)


def test_an_illegal_move_changes_no_table() -> None:
    before = dict(JOB_LIFECYCLE)
    with pytest.raises(IllegalTransition):
        advance(JOB_LIFECYCLE, JobState.PROCESSED, JobEvent.PROCESSED)
    assert before == JOB_LIFECYCLE


def test_a_finished_job_has_no_way_out_but_reopened() -> None:
    ways_out = {event for (state, event) in JOB_LIFECYCLE if state in JOB_FINISHED}
    assert ways_out == {JobEvent.REOPENED}


def test_a_finished_uow_has_no_way_out() -> None:
    assert [pair for pair in UOW_LIFECYCLE if pair[0] in UOW_FINISHED] == []


def test_fault_7_a_cancel_is_not_overwritten_by_a_later_success() -> None:
    canceled = advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, UowEvent.CANCELED)
    with pytest.raises(IllegalTransition):
        advance(UOW_LIFECYCLE, canceled, UowEvent.DONE)


def test_every_state_can_be_reached_and_every_event_has_a_move() -> None:
    assert reached(JOB_LIFECYCLE, JobState.EMBRYO) == set(JobState)
    assert reached(UOW_LIFECYCLE, UowState.REQUESTED) == set(UowState)
    assert {event for _, event in JOB_LIFECYCLE} == set(JobEvent)
    assert {event for _, event in UOW_LIFECYCLE} == set(UowEvent)


def test_every_state_is_either_active_or_finished() -> None:
    for state in JobState:
        assert (state in JOB_ACTIVE) != (state in JOB_FINISHED)
    for uow_state in UowState:
        assert (uow_state in UOW_ACTIVE) != (uow_state in UOW_FINISHED)


def test_from_every_active_state_a_finished_one_can_be_reached() -> None:
    assert all(reached(JOB_LIFECYCLE, state) & JOB_FINISHED for state in JOB_ACTIVE)
    assert all(reached(UOW_LIFECYCLE, state) & UOW_FINISHED for state in UOW_ACTIVE)


def test_an_untouched_period_is_byte_0_and_states_are_stored_by_their_reference_names() -> None:
    assert bytes([JobState.EMBRYO]) == b"\0"
    assert [state.label for state in JobState] == [
        "state_embryo", "state_in_progress", "state_final_run", "state_processed", "state_noop", "state_skipped",
    ]  # fmt: skip
    assert [str(state) for state in UowState] == [
        "state_requested", "state_in_progress", "state_invalid", "state_processed", "state_noop", "state_canceled",
    ]  # fmt: skip
