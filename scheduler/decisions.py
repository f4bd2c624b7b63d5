"""What may a job be owed? The decisions that the state machines give, and the rules that they share: gates, and what is unfinished.

Pure: values in, a decision out. Semantics: REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.model import Job
from scheduler.blockers import Blocker
from scheduler.probing import Probed
from system.lifecycle import JobEvent, UowState
from system.records import lean

NOT_A_GROUP_END = "not a group end"  # the reason of a period that its group's end runs for: it has no data of its own


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


@lean
@dataclass(frozen=True, slots=True)
class Occasion:
    """On which job is decided, and when. `is_closed`: its period has ended and its lag is over. `first_at`: when a live one
    may run first.

    `again_at`: when it would run again after a run now. `probed`: what its source has said since it was decided on last.
    `slice`: what its unit of work covers that nobody has claimed.
    All are about the window that the job stands for: of a grouped one the whole group.
    """

    process: str
    timeperiod: str
    now: datetime
    is_closed: bool = True
    first_at: datetime | None = None
    again_at: datetime | None = None
    probed: Probed | None = None
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A unit of work is to be requested: `event` is what that is for the job, FINAL for its final run. `slice` is that of its source."""

    event: JobEvent = JobEvent.OPENED
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """The job is to be finished by `event`."""

    event: JobEvent
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Revert:
    """The job is not finalizable any more: what was its final run counts as one before it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Its source is to be asked first; `blockers` say so."""

    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class Widen:
    """Its unit of work, which nobody has claimed, is to cover `slice`; that is asked for again at `until`."""

    slice: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Postpone:
    """Its source has said, by `reason`, that nothing is to be done before `until`."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done before something else changes, or before `until` where time alone changes it: `blockers` say what."""

    blockers: tuple[Blocker, ...]
    until: datetime | None = None


Decision = Open | Close | Revert | Ask | Widen | Postpone | Wait

NOT_CAUGHT_UP = "not caught up"
CLOSING = {UowState.PROCESSED: JobEvent.PROCESSED, UowState.NOOP: JobEvent.NOOP, UowState.CANCELED: JobEvent.SKIPPED}


def held(job: Job) -> Wait:
    """Return the wait of a job that an operator has to release."""
    look = f"launch.py job release {job.process} {job.timeperiod} --why TEXT"
    return Wait((Blocker("held", f"held: {job.held}", job.process, job.timeperiod, job.changed_at, look),))


def running(job: Job) -> Wait:
    """Return the wait of a job whose unit of work has not ended."""
    text = f"its unit of work {job.uow_id} has not ended"
    return Wait((Blocker("unit of work", text, job.process, job.timeperiod, job.changed_at),))


def pass_over(inputs: Sequence[Input]) -> Decision:
    """Return what is owed to a closed period that is not to be caught up: it ends without work, after what it is made of."""
    blockers = missing(inputs)
    return Wait(blockers) if blockers else Close(JobEvent.NOOP, NOT_CAUGHT_UP)


def before_work(inputs: Sequence[Input], blocking_type: str) -> Decision:
    """Return what the gate before any work says: the truth table of REFERENCE 1.3."""
    if blocking_type == "blocking_normal":
        blockers = unfinished(gate(inputs, blocking_type))
        return Wait(blockers) if blockers else Open()
    if blocking_type != "blocking_children":
        for entry in inputs:
            if entry.skipped and not entry.is_child and not entry.is_order:
                return Close(JobEvent.SKIPPED, _skip_reason(entry))
    blockers = unfinished(gate(inputs, blocking_type))
    return Wait(blockers) if blockers else Open()


def gate(inputs: Sequence[Input], blocking_type: str) -> list[Input]:
    """Return the inputs that have to be finished before any work."""
    if blocking_type == "blocking_normal":
        return [i for i in inputs if i.is_order]
    # blocking_children waits for all that finalization waits for; blocking_dependencies for dependencies alone.
    return [i for i in inputs if not (i.is_child and blocking_type == "blocking_dependencies")]


def _skip_reason(entry: Input) -> str:
    if entry.any_of:
        return f"dependency: any of {_names(entry)}: all {entry.skipped} are skipped, first {entry.process} {entry.first_skipped}"
    return f"dependency: {entry.process} {entry.first_skipped} is skipped"


def _names(entry: Input) -> str:
    return ", ".join(part.process for part in entry.any_of)


def unfinished(inputs: Sequence[Input]) -> tuple[Blocker, ...]:
    """Return a blocker for each input that is not finished."""
    return tuple(_blocker(i) for i in inputs if i.unfinished)


def missing(inputs: Sequence[Input]) -> tuple[Blocker, ...]:
    """Return a blocker for each input without which the job can't be finished."""
    return unfinished([i for i in inputs if not i.is_order])


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
