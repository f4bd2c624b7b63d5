"""Which records does the store hold?

Plain values; nothing here decides. Datetimes are aware and in UTC. `turn` is the number of the turn that wrote a projection last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from db.contexts import ContextRow
from db.entries import Entry
from system.lifecycle import JobEvent, JobState, UowEvent, UowState
from system.records import lean


@lean
@dataclass(frozen=True, slots=True)
class Job:
    """One (process, timeperiod) that has left EMBRYO at least once. Unique by both.

    `run` numbers the units of work of one generation, 0 before the first. `fence` is the highest fence of any that ended.
    `uow_state` is the current unit of work's state as the engine last knew it, None before the first.
    `opened_turn` opened the current unit of work, `inputs_turn` was the last that settled one of its inputs.
    `held` says why an operator must release it, empty when nobody must. `retry_at` is when the next attempt is due after a failure.
    `next_event` is what is to happen to the job once its unit of work has ended, after a command called that off.
    Of a process that runs while its period is open: `again_at` is when the next run is due, `good_runs` counts those of this generation
    that succeeded, `covered` is the `slice` of the last of them.
    """

    process: str
    timeperiod: str
    state: JobState
    changed_at: datetime
    turn: int
    generation: int = 1
    run: int = 0
    fence: int = 0
    uow_state: UowState | None = None
    opened_turn: int = 0
    inputs_turn: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    held: str = ""
    reason: str = ""
    next_event: JobEvent | None = None
    again_at: datetime | None = None
    good_runs: int = 0
    covered: str = ""

    @property
    def uow_id(self) -> str:
        """The id of the current unit of work, such as `flights_hourly/2013010105/1/1`."""
        return f"{self.process}/{self.timeperiod}/{self.generation}/{self.run}"


@lean
@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """One task for a worker. The window is half open: `[start_timeperiod, end_timeperiod)`.

    `fence` grows by one with each claim and never falls, also over the runs and generations of one job.
    `failures` counts attempts that ran and failed, `losses` claims whose worker was lost.
    `started_at` and `finished_at` are of the last attempt, by its worker's clock: to be shown, never to be compared.
    `slice` is the part of the source that a recomputing process covers, as JSON; `arguments`, as JSON, overlay those of the process.
    Both are empty for none. `runs_as` is the entry of the worker's context that a fire runs: its own, or, for one that was made by a
    command, one of the same process that is like it; empty for managed processes.
    """

    id: str
    process: str
    timeperiod: str
    queue: str
    start_timeperiod: str
    end_timeperiod: str
    opened_at: datetime
    turn: int
    state: UowState = UowState.REQUESTED
    fence: int = 0
    session: str = ""
    failures: int = 0
    losses: int = 0
    cancel_requested: bool = False
    rows: int | None = None
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    slice: str = ""
    arguments: str = ""
    runs_as: str = ""


@lean
@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, as its owner says it: one of DONE, EMPTY, FAILED, CANCELED. `failures` counts this attempt too."""

    uow_id: str
    session: str
    fence: int
    event: UowEvent
    at: datetime
    failures: int = 0
    rows: int | None = None
    reason: str = ""


@lean
@dataclass(frozen=True, slots=True)
class UowMove:
    """What the engine does to a unit of work: `event`, only from state `before` and under `fence`. `losses` is the count after it."""

    uow_id: str
    before: UowState
    event: UowEvent
    fence: int
    losses: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Widening:
    """A unit of work that nobody has claimed since `fence` is to cover this slice of its source."""

    uow_id: str
    fence: int
    slice: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """A unit of work is to end: nobody may claim it any more, and its owner is told by its next beat."""

    uow_id: str
    reason: str


class CommandState(StrEnum):
    """What became of a command."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's action. `verb` is one that the engine knows; `number` is given by the store, 0 before.

    It is about the periods `[timeperiod, until)`, or about `timeperiod` alone where `until` is empty. `details` is what else the verb
    needs to know, as a JSON object, empty for nothing.
    """

    verb: str
    process: str
    timeperiod: str
    who: str
    why: str
    given_at: datetime
    until: str = ""
    number: int = 0
    state: CommandState = CommandState.OPEN
    answer: str = ""
    turn: int = 0
    details: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn answers to a command."""

    number: int
    state: CommandState
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job, where its records don't tell it: they are what is, this is what was.

    `place` numbers the events that one turn has of one job. `who` is an operator, empty for the scheduler.
    """

    process: str
    timeperiod: str
    turn: int
    place: int
    at: datetime
    kind: str
    who: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """How a process stands apart from its context: whether it is on, and how often it is due, where an operator said so.

    `is_on` is in force since `at`; `who` says so, empty where that is the context. `frequency` is empty for the context's own, else
    the three fields after it say whose it is. `waits_from` is the first period that did not become due before the process was switched
    off, empty while it is on. `missed` are the ranges of periods, `first..until` with spaces between, that are not to be caught up.
    """

    process: str
    is_on: bool
    at: datetime
    turn: int
    who: str = ""
    why: str = ""
    waits_from: str = ""
    frequency: str = ""
    frequency_who: str = ""
    frequency_why: str = ""
    frequency_at: datetime | None = None
    missed: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """All that one round of the engine decided; inserting it is the commit. `number` is unique and consecutive, from 1.

    `jobs`, `switches`, `entries` (of freerun processes), `registered` processes and `contexts` stand as they are after the turn. `opened`
    are new units of work. `lost` are sessions that the turn declared dead.
    """

    number: int
    session: str
    decided_at: datetime
    jobs: tuple[Job, ...] = ()
    opened: tuple[UnitOfWork, ...] = ()
    moves: tuple[UowMove, ...] = ()
    cancels: tuple[Cancel, ...] = ()
    lost: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()
    switches: tuple[Switch, ...] = ()
    widenings: tuple[Widening, ...] = ()
    registered: tuple[ProcessRow, ...] = ()
    contexts: tuple[ContextRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process as it is registered. `shape` is what may not change silently (qualifier, tree, dependencies ...), as JSON.

    `retired_at` is since when it is in no context that led, None while it is. `reopen` are the ranges of finished periods,
    `first..until` with spaces between, that are still to be reopened after its timetable was changed.
    """

    name: str
    start: str
    shape: str
    registered_at: datetime
    turn: int = 0
    retired_at: datetime | None = None
    reopen: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """States of one process over one enclosing unit: byte i is the state of period `first + i` (see `JobState`).

    `number` is the enclosing unit's, as its qualifier's `chunk_of` gives it. Bytes beyond the end are EMBRYO.
    """

    process: str
    number: int
    first: int
    states: bytes
    turn: int

    def counts(self) -> dict[str, int]:
        """Return how many periods are in each state, by label; only what this chunk holds."""
        return {state.label: n for state in JobState if (n := self.states.count(state))}


# Among what all tell of themselves: which machine they are on. Two may go by one name, or one may have been started anew since.
MACHINE = "machine"
NEW_QUEUES = "new_queues"  # among what a worker tells of itself: the queues that it took up since its session was opened


@dataclass(frozen=True, slots=True)
class Session:
    """The presence of a worker, scheduler or supervisor. `beat` only grows; a claim names the session's id.

    `pid` and `created_s` (its creation, in seconds since the machine started) name the operating system's process on `box`.
    `facts` is what the owner tells of itself, to be shown.
    """

    id: str
    kind: str
    box: str
    pid: int
    created_s: float
    opened_at: datetime
    beat: int = 0
    slots: int = 0
    queues: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_from(self) -> tuple[str, ...]:
        """The queues that a worker takes from: those that it began with, and those of the contexts that it took up since."""
        return (*self.queues, *self.facts.get(NEW_QUEUES, "").split())


@dataclass(frozen=True, slots=True)
class BeatAnswer:
    """What a beat brings back: whether the session is still open, and which of its claims are to end."""

    is_open: bool
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """A piece of what an attempt printed: `text` starts at byte `offset` of its output."""

    uow_id: str
    fence: int
    offset: int
    text: str
