"""How do attempts run where time is virtual? Slots without processes: a plan says how long each attempt takes and how it ends.

Nothing happens by itself: whoever looks makes everything happen that was due by then, in order, each at its own moment.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from system.clock import Clock
from workers.slots import Ended, Ending, Output, Slots, Task

Plan = Callable[[Task], tuple[float, Ending, int | None]]


@dataclass(slots=True)
class Mark:
    """When an attempt really ran, in the clock's `monotonic`; `end_s` None while it runs. `ending` None where its worker was killed.

    `start` and `end` bound its window, `slice` is the part of its source, and `arguments` are its own, as it was told.
    """

    uow_id: str
    fence: int
    start_s: float
    end_s: float | None = None
    ending: Ending | None = None
    start: str = ""
    end: str = ""
    slice: Mapping[str, object] | None = None
    arguments: Mapping[str, object] | None = None


@dataclass(slots=True, order=True)
class _Attempt:
    """What runs: orders by when it ends, then by when it started."""

    end_s: float
    number: int
    task: Task
    mark: Mark
    ended: Ended


class VirtualSlots(Slots):
    """Runs `size` attempts at once and lets `ahead` more wait; `plan` gives each one's duration, ending and rows.

    `marks` may be shared: it then tells of all attempts of all workers. `ending_s` is how long an attempt that is ended from outside
    still runs. With `ignore_deadline` attempts run on past `extend`'s moment: a fault, to show that the simulation finds it.
    """

    def __init__(
        self, size: int, clock: Clock, plan: Plan, *, ahead: int = 0, ending_s: float = 0.0, marks: list[Mark] | None = None,
        ignore_deadline: bool = False, kept_for_live: int = 0,
    ) -> None:
        self.marks: list[Mark] = [] if marks is None else marks
        self._size = size
        self._clock = clock
        self._plan = plan
        self._ahead = ahead
        self._kept = kept_for_live
        self._ending_s = ending_s
        self._ignores_deadline = ignore_deadline
        self._until_s: float | None = None
        self._number = 0
        self._took_s: dict[str, float] = {}
        self._running: list[_Attempt] = []
        self._queued: deque[Task] = deque()
        self._ended: list[Ended] = []
        self._output: list[Output] = []

    @property
    def size(self) -> int:
        """Return how many attempts can run at once."""
        return self._size

    @property
    def running(self) -> list[str]:
        """Return the ids of the units of work that run now, the first to end first."""
        self._settle()
        return [attempt.task.uow_id for attempt in self._running]

    def finished(self) -> list[Mark]:
        """Return the marks of attempts that have ended by now, in the order of their starts."""
        self._settle()
        return [mark for mark in self.marks if mark.end_s is not None]

    def next_s(self) -> float | None:
        """Return the moment at which the next attempt ends, or the deadline if that is sooner; None where nothing runs."""
        self._settle()
        if not self._running:
            return None
        first_s = self._running[0].end_s
        return first_s if self._until_s is None or self._ignores_deadline else min(first_s, self._until_s)

    def room(self, *, backfill: bool = False, moments: int = 1) -> int:
        """See Slots."""
        self._settle()
        room = 0 if self._is_shut() else self._size + self._ahead - len(self._running) - len(self._queued)
        if not (backfill and self._kept):
            return room
        busy = sum(task.is_backfill for task in (*(attempt.task for attempt in self._running), *self._queued))
        return max(0, min(room, self._size - self._kept - busy))

    def busy_s(self, *, backfill: bool = False, then: Sequence[str] = ()) -> float:
        """See Slots. A task takes as long as the last one of its process did."""
        if self.room(backfill=backfill) > len(then):
            return 0.0
        soon = [self._took_s.get(process, 0.0) for process in then]
        return min([*soon, *(max(0.0, one.end_s - self._clock.monotonic()) for one in self._running[:1])], default=0.0)

    def start(self, task: Task) -> None:
        """See Slots."""
        self._settle()
        if self._is_shut():
            self._ended.append(Ended(task.uow_id, task.fence, Ending.NOT_STARTED, reason="the slots are shut"))
        elif len(self._running) < self._size:
            self._run(task, self._clock.monotonic())
        else:
            self._queued.append(task)

    def ended(self) -> list[Ended]:
        """See Slots."""
        self._settle()
        found, self._ended = self._ended, []
        return found

    def output(self) -> list[Output]:
        """See Slots; what `say` was told."""
        found, self._output = self._output, []
        return found

    def say(self, output: Output) -> None:
        """Have an attempt print something."""
        self._output.append(output)

    def end(self, uow_id: str, fence: int, reason: str) -> None:
        """See Slots."""
        self._settle()
        for task in [task for task in self._queued if (task.uow_id, task.fence) == (uow_id, fence)]:
            self._queued.remove(task)
            self._ended.append(Ended(uow_id, fence, Ending.NOT_STARTED, reason=reason))
        for attempt in [a for a in self._running if (a.task.uow_id, a.task.fence) == (uow_id, fence)]:
            end_s = self._clock.monotonic() + self._ending_s
            if end_s < attempt.end_s:
                self._running.remove(attempt)
                attempt.end_s, attempt.ended = end_s, Ended(uow_id, fence, Ending.ENDED, reason=reason)
                insort(self._running, attempt)
        self._settle()

    def extend(self, until_s: float) -> None:
        """See Slots."""
        self._settle()
        self._until_s = until_s
        self._settle()

    def end_all(self, reason: str) -> None:
        """See Slots."""
        self._settle()
        self._end_at(self._clock.monotonic(), reason)

    def kill(self) -> None:
        """Let the worker die here and now, and everything that it runs with it; nothing is told of it."""
        self._settle()
        now_s = self._clock.monotonic()
        for attempt in self._running:
            attempt.mark.end_s = now_s
        self._until_s = now_s
        self._ignores_deadline = False
        self._running, self._queued = [], deque()
        self._ended, self._output = [], []

    def fileno(self) -> int:
        """Return -1: there is nothing to wait on."""
        return -1

    def close(self) -> None:
        """See Slots."""
        self.end_all("the slots were closed")

    def _is_shut(self) -> bool:
        if self._ignores_deadline:
            return False
        return self._until_s is None or self._clock.monotonic() >= self._until_s

    def _run(self, task: Task, now_s: float) -> None:
        duration_s, ending, rows = self._plan(task)
        reason = "planned to fail" if ending is Ending.FAILED else ""
        if 0 < task.timeout_s < duration_s:
            duration_s, ending, rows, reason = task.timeout_s, Ending.FAILED, None, f"timed out after {task.timeout_s:g} s"
        self._number += 1
        self._took_s[task.process] = duration_s
        mark = Mark(task.uow_id, task.fence, now_s, start=task.start, end=task.end, slice=task.slice, arguments=task.arguments)
        self.marks.append(mark)
        insort(self._running, _Attempt(now_s + duration_s, self._number, task, mark, Ended(task.uow_id, task.fence, ending, rows, reason)))

    def _settle(self) -> None:
        """Let happen what was due until now: ends, starts of what was queued, and the deadline, each at its moment."""
        now_s = self._clock.monotonic()
        deadline_s = None if self._ignores_deadline else self._until_s
        horizon_s = now_s if deadline_s is None else min(now_s, deadline_s)
        while self._running and self._running[0].end_s <= horizon_s:
            attempt = self._running.pop(0)
            self._finish(attempt, attempt.end_s, attempt.ended)
            if self._queued and not (deadline_s is not None and attempt.end_s >= deadline_s):
                self._run(self._queued.popleft(), attempt.end_s)
        if deadline_s is not None and now_s >= deadline_s:
            self._end_at(deadline_s, "no beat came back in time")

    def _end_at(self, moment_s: float, reason: str) -> None:
        running, self._running = self._running, []
        for attempt in running:
            self._finish(attempt, moment_s, Ended(attempt.task.uow_id, attempt.task.fence, Ending.ENDED, reason=reason))
        queued, self._queued = self._queued, deque()
        self._ended += [Ended(task.uow_id, task.fence, Ending.NOT_STARTED, reason=reason) for task in queued]

    def _finish(self, attempt: _Attempt, moment_s: float, ended: Ended) -> None:
        attempt.mark.end_s, attempt.mark.ending = moment_s, ended.ending
        self._ended.append(ended)
