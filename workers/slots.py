"""What does a worker ask of the slots that run its units of work? The third port: real child processes, or virtual ones in simulation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from system.records import lean


@lean
@dataclass(frozen=True, slots=True)
class Task:
    """One attempt, ready to run. Exactly one of `classname` and `argv` is set.

    `start` and `end` are the window's bounds `[start, end)` as ISO 8601 texts with offset. `attempt` counts from 1.
    `slice` is the part of its source that it is about, None for all of it.
    `timeout_s` is 0 where there is no limit; it counts from when the attempt starts in its slot.
    """

    uow_id: str
    fence: int
    process: str
    timeperiod: str
    qualifier: str
    start_timeperiod: str
    end_timeperiod: str
    start: str
    end: str
    attempt: int = 1
    classname: str = ""
    argv: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    timeout_s: float = 0.0
    noop_exit_code: int | None = None
    slice: Mapping[str, object] | None = None
    is_backfill: bool = False


class Ending(Enum):
    """How an attempt ended in its slot."""

    DONE = "done"
    EMPTY = "no data"
    FAILED = "failed"
    ENDED = "ended from outside"
    NOT_STARTED = "never started"


@lean
@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that runs no more; nothing of it is left. `reason` is the error, or why it was ended."""

    uow_id: str
    fence: int
    ending: Ending
    rows: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What an attempt printed since the last look: `text` starts at byte `offset`. Bounded per attempt."""

    uow_id: str
    fence: int
    offset: int
    text: str


class Slots(ABC):
    """Runs attempts, a fixed number at once. Called by the worker's thread, but for `extend` and `end_all`, which any thread may call."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Return how many attempts can run at once."""

    @abstractmethod
    def room(self, *, backfill: bool = False, moments: int = 1) -> int:
        """Return how many more tasks would start within a moment, or within some; 0 when full or shut.

        `backfill`: as far as it may hold slots.
        """

    @abstractmethod
    def busy_s(self, *, backfill: bool = False, then: Sequence[str] = ()) -> float:
        """Return for how many seconds there will be no `room`, as far as one can tell; 0.0 where there is some.

        `then`: as it will be once a task of each of these processes was started.
        """

    @abstractmethod
    def start(self, task: Task) -> None:
        """Hand `task` to a slot. An `Ended` for it follows in some later `ended`."""

    @abstractmethod
    def ended(self) -> list[Ended]:
        """Return the attempts that ended since the last call, without waiting; each task once. Replaces slots that died or leak."""

    @abstractmethod
    def output(self) -> list[Output]:
        """Return what attempts printed since the last call; for an attempt that ended, all of it is returned with or before its `Ended`."""

    @abstractmethod
    def end(self, uow_id: str, fence: int, reason: str) -> None:
        """End one attempt with all that it started: it is asked first, then killed. Its `Ended` follows (ENDED, or what came first)."""

    @abstractmethod
    def extend(self, until_s: float) -> None:
        """Let slots live until the clock's `monotonic` reads `until_s`. Past it they are all killed, whatever the worker does, and
        nothing starts until the next `extend`."""

    @abstractmethod
    def end_all(self, reason: str) -> None:
        """Kill everything that runs, now; returns when nothing is left. `Ended` follows for each."""

    @abstractmethod
    def fileno(self) -> int:
        """Return a descriptor that becomes readable when `ended` may have something; -1 where there is none."""

    @abstractmethod
    def close(self) -> None:
        """End everything, with the children that host it."""
