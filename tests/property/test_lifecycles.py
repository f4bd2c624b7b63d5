"""Does any walk along the life cycles stay inside the tables, and end where nothing leads on?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from system.errors import IllegalTransition
from system.lifecycle import JOB_FINISHED, JOB_LIFECYCLE, UOW_FINISHED, UOW_LIFECYCLE, JobEvent, JobState, UowEvent, UowState, advance

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


def walk(table: Mapping[tuple[S, E], S], state: S, events: list[E]) -> list[S]:
    """Return the states passed; a refused event leaves the state as it was."""
    states = [state]
    for event in events:
        try:
            states.append(advance(table, states[-1], event))
        except IllegalTransition:
            states.append(states[-1])
    return states


@given(st.lists(st.sampled_from(JobEvent)))
def test_a_job_leaves_a_finished_state_only_to_begin_again(events: list[JobEvent]) -> None:
    states = walk(JOB_LIFECYCLE, JobState.EMBRYO, events)
    for before, after, event in zip(states, states[1:], events, strict=False):
        if before in JOB_FINISHED and after is not before:
            assert (event, after) == (JobEvent.REOPENED, JobState.EMBRYO)


@given(st.lists(st.sampled_from(UowEvent)))
def test_a_uow_that_finished_stays_as_it_is(events: list[UowEvent]) -> None:
    states = walk(UOW_LIFECYCLE, UowState.REQUESTED, events)
    finished = [state for state in states if state in UOW_FINISHED]
    assert len(set(finished)) <= 1
    assert states[len(states) - len(finished):] == finished


@given(st.lists(st.sampled_from(UowEvent)))
def test_a_uow_is_done_only_after_it_was_claimed(events: list[UowEvent]) -> None:
    states = walk(UOW_LIFECYCLE, UowState.REQUESTED, events)
    if UowState.PROCESSED in states:
        assert states[states.index(UowState.PROCESSED) - 1] is UowState.IN_PROGRESS
