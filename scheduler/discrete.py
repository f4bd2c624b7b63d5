"""What is owed to a job of a discrete process: one unit of work, after its period has ended and its gate is open?

Pure: values in, a decision out. Semantics: REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.model import Job
from scheduler.blockers import Blocker
from system.lifecycle import UOW_FINISHED, JobEvent, JobState, UowState


@dataclass(frozen=True, slots=True)
class Input:
    """What one kind of input looks like: the children of a node, or its counterparts in one process that it depends on.

    Counts are over the periods that the input's process has; `first_*` are their ids, empty when the count is 0. What is optional
    counts no skip. Of several of which one is enough, `any_of` holds a part for each process, and the counts are of the whole: nothing is
    unfinished once one of them is good, nothing skipped while one may still be; `process` is that of the first one. `is_order`: the
    period before, of a process that runs in order. It is no data: waited for before any work, whatever the gate, and for nothing else.
    """

    is_child: bool
    process: str
    unfinished: int = 0
    first_unfinished: str = ""
    skipped: int = 0
    first_skipped: str = ""
    any_of: tuple[Input, ...] = ()
    is_order: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """A unit of work is to be requested."""


@dataclass(frozen=True, slots=True)
class Close:
    """The job is to be finished by `event`."""

    event: JobEvent
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done before something else changes: `blockers` say what."""

    blockers: tuple[Blocker, ...]


Decision = Open | Close | Wait

NOT_CAUGHT_UP = "not caught up"

_CLOSING = {UowState.PROCESSED: JobEvent.PROCESSED, UowState.NOOP: JobEvent.NOOP, UowState.CANCELED: JobEvent.SKIPPED}


def decide(job: Job | None, inputs: Sequence[Input], blocking_type: str) -> Decision:
    """Return what a due job is owed. `job` is None while it is an untouched EMBRYO."""
    if job is not None and job.held:
        look = f"launch.py job release {job.process} {job.timeperiod} --why TEXT"
        return Wait((Blocker("held", f"held: {job.held}", job.process, job.timeperiod, job.changed_at, look),))
    if job is None:
        return _before_work(inputs, blocking_type)
    if job.state is JobState.EMBRYO:
        # Whoever starts anew runs after what it is made of, whatever its type: once, and in order.
        blockers = unfinished(inputs) if blocking_type == "blocking_normal" else ()
        return Wait(blockers) if blockers else _before_work(inputs, blocking_type)
    if job.uow_state not in UOW_FINISHED:
        text = f"its unit of work {job.uow_id} has not ended"
        return Wait((Blocker("unit of work", text, job.process, job.timeperiod, job.changed_at),))
    return _after_work(job, inputs)


def pass_over(inputs: Sequence[Input]) -> Decision:
    """Return what is owed to a due period that is not to be caught up: it ends without work, after what it is made of."""
    blockers = unfinished([i for i in inputs if not i.is_order])
    return Wait(blockers) if blockers else Close(JobEvent.NOOP, NOT_CAUGHT_UP)


def _before_work(inputs: Sequence[Input], blocking_type: str) -> Decision:
    """Truth table of the gates, REFERENCE 1.3."""
    if blocking_type == "blocking_normal":
        blockers = unfinished([i for i in inputs if i.is_order])
        return Wait(blockers) if blockers else Open()
    if blocking_type != "blocking_children":
        for entry in inputs:
            if entry.skipped and not entry.is_child and not entry.is_order:
                return Close(JobEvent.SKIPPED, _skip_reason(entry))
    # blocking_children waits for all that finalization waits for; blocking_dependencies for dependencies alone.
    gate = [i for i in inputs if not (i.is_child and blocking_type == "blocking_dependencies")]
    blockers = unfinished(gate)
    return Wait(blockers) if blockers else Open()


def _skip_reason(entry: Input) -> str:
    if entry.any_of:
        return f"dependency: any of {_names(entry)}: all {entry.skipped} are skipped, first {entry.process} {entry.first_skipped}"
    return f"dependency: {entry.process} {entry.first_skipped} is skipped"


def _names(entry: Input) -> str:
    return ", ".join(part.process for part in entry.any_of)


def _after_work(job: Job, inputs: Sequence[Input]) -> Decision:
    if job.uow_state is UowState.CANCELED:
        return Close(JobEvent.SKIPPED, job.reason)
    blockers = unfinished([i for i in inputs if not i.is_order])
    if blockers:
        return Wait(blockers)
    if job.inputs_turn > job.opened_turn:
        return Open()
    assert job.uow_state is not None
    return Close(_CLOSING[job.uow_state], job.reason)


def unfinished(inputs: Sequence[Input]) -> tuple[Blocker, ...]:
    """Return a blocker for each input that is not finished."""
    return tuple(_blocker(i) for i in inputs if i.unfinished)


def _blocker(entry: Input) -> Blocker:
    kind = "children" if entry.is_child else "dependency"
    look = f"launch.py job why {entry.process} {entry.first_unfinished}"
    text = f"{entry.unfinished} unfinished in {entry.process}, first {entry.first_unfinished}"
    if entry.any_of:
        text = f"any of {_names(entry)}: none is processed, {entry.unfinished} unfinished"
    if entry.is_order:
        kind, text = "in order", f"the period before, {entry.first_unfinished}, is not finished, and {entry.process} runs in order"
    causes = tuple(_blocker(part) for part in entry.any_of if part.unfinished)
    return Blocker(kind, text, entry.process, entry.first_unfinished, look=look, causes=causes)
