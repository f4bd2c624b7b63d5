"""Which states do jobs and units of work have, and which moves are legal?

The tables are the only list of legal moves; `advance` is the only function that moves a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum, StrEnum
from typing import TypeVar

from system.errors import IllegalTransition


class JobState(IntEnum):
    """State of a (process, timeperiod); the value is its byte in a chunk, so an untouched period is 0."""

    EMBRYO = 0
    IN_PROGRESS = 1
    FINAL_RUN = 2
    PROCESSED = 3
    NOOP = 4
    SKIPPED = 5

    @property
    def label(self) -> str:
        """The state's name as it is stored and shown, such as `state_in_progress`."""
        return f"state_{self.name.lower()}"


class JobEvent(Enum):
    """What can happen to a job."""

    OPENED = "a unit of work was requested"
    FINAL = "its final run was requested"
    REVERTED = "it stopped being finalizable"
    PROCESSED = "its work is done"
    NOOP = "there was nothing to do"
    SKIPPED = "it is given up"
    REOPENED = "it is to run again"


class UowState(StrEnum):
    """State of a unit of work."""

    REQUESTED = "state_requested"
    IN_PROGRESS = "state_in_progress"
    INVALID = "state_invalid"
    PROCESSED = "state_processed"
    NOOP = "state_noop"
    CANCELED = "state_canceled"


class UowEvent(Enum):
    """What can happen to a unit of work."""

    CLAIMED = "a worker took it"
    DONE = "its work is done"
    EMPTY = "there was nothing to do"
    FAILED = "an attempt failed"
    CANCELED = "it was called off"
    LOST = "its worker was lost"
    LOST_TOO_OFTEN = "its worker was lost, once too often"
    GIVEN_BACK = "its worker gave it back before it started"
    RETRIED = "its next attempt is due"
    GIVEN_UP = "its attempts are used up"


JOB_ACTIVE = frozenset({JobState.EMBRYO, JobState.IN_PROGRESS, JobState.FINAL_RUN})
JOB_FINISHED = frozenset({JobState.PROCESSED, JobState.NOOP, JobState.SKIPPED})
UOW_ACTIVE = frozenset({UowState.REQUESTED, UowState.IN_PROGRESS, UowState.INVALID})
UOW_FINISHED = frozenset({UowState.PROCESSED, UowState.NOOP, UowState.CANCELED})

JOB_LIFECYCLE: Mapping[tuple[JobState, JobEvent], JobState] = {
    (JobState.EMBRYO, JobEvent.OPENED): JobState.IN_PROGRESS,
    (JobState.EMBRYO, JobEvent.FINAL): JobState.FINAL_RUN,
    # A period without a unit of work: not a group end, or its gate is closed for good, or an operator skips it.
    (JobState.EMBRYO, JobEvent.NOOP): JobState.NOOP,
    (JobState.EMBRYO, JobEvent.SKIPPED): JobState.SKIPPED,
    (JobState.EMBRYO, JobEvent.REOPENED): JobState.EMBRYO,
    (JobState.IN_PROGRESS, JobEvent.OPENED): JobState.IN_PROGRESS,
    (JobState.IN_PROGRESS, JobEvent.FINAL): JobState.FINAL_RUN,
    (JobState.IN_PROGRESS, JobEvent.PROCESSED): JobState.PROCESSED,
    (JobState.IN_PROGRESS, JobEvent.NOOP): JobState.NOOP,
    (JobState.IN_PROGRESS, JobEvent.SKIPPED): JobState.SKIPPED,
    (JobState.IN_PROGRESS, JobEvent.REOPENED): JobState.EMBRYO,
    (JobState.FINAL_RUN, JobEvent.REVERTED): JobState.IN_PROGRESS,
    (JobState.FINAL_RUN, JobEvent.PROCESSED): JobState.PROCESSED,
    (JobState.FINAL_RUN, JobEvent.NOOP): JobState.NOOP,
    (JobState.FINAL_RUN, JobEvent.SKIPPED): JobState.SKIPPED,
    (JobState.FINAL_RUN, JobEvent.REOPENED): JobState.EMBRYO,
    # The only way out of a finished state has a name.
    (JobState.PROCESSED, JobEvent.REOPENED): JobState.EMBRYO,
    (JobState.NOOP, JobEvent.REOPENED): JobState.EMBRYO,
    (JobState.SKIPPED, JobEvent.REOPENED): JobState.EMBRYO,
}

UOW_LIFECYCLE: Mapping[tuple[UowState, UowEvent], UowState] = {
    (UowState.REQUESTED, UowEvent.CLAIMED): UowState.IN_PROGRESS,
    (UowState.REQUESTED, UowEvent.CANCELED): UowState.CANCELED,
    (UowState.IN_PROGRESS, UowEvent.DONE): UowState.PROCESSED,
    (UowState.IN_PROGRESS, UowEvent.EMPTY): UowState.NOOP,
    (UowState.IN_PROGRESS, UowEvent.FAILED): UowState.INVALID,
    (UowState.IN_PROGRESS, UowEvent.CANCELED): UowState.CANCELED,
    (UowState.IN_PROGRESS, UowEvent.LOST): UowState.REQUESTED,
    # Held for an operator: only RETRIED (release) or CANCELED leads on from here.
    (UowState.IN_PROGRESS, UowEvent.LOST_TOO_OFTEN): UowState.INVALID,
    (UowState.IN_PROGRESS, UowEvent.GIVEN_BACK): UowState.REQUESTED,
    (UowState.INVALID, UowEvent.RETRIED): UowState.REQUESTED,
    (UowState.INVALID, UowEvent.CANCELED): UowState.CANCELED,
    (UowState.INVALID, UowEvent.GIVEN_UP): UowState.CANCELED,
}

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)


def advance(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """Return the state that follows `state` after `event`; raises IllegalTransition where the table has no such move."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalTransition(f"{state.name} has no move for {event.name} ({event.value}); nothing was changed") from None
