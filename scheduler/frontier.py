"""Which period of a process is looked at next? Oldest first, and each only when something that concerns it has changed.

A process's untouched periods are passed once by a cursor, which starts at its first period and ends where nothing may run yet.
What the cursor has passed comes back only when it is woken. So no turn walks the timetable.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime

from scheduler.timetable import States


class Frontier:
    """The candidates of one process. `cursor` is the first period that was never looked at, `due_end` the first that is not due.

    `open_end` is the first that is no candidate yet: as `due_end`, but for a process that runs while its period is open.
    """

    __slots__ = ("_awake", "_heap", "cursor", "due_end", "open_end", "second_look", "states")

    def __init__(self, states: States, now: datetime) -> None:
        self.states = states
        self.cursor = states.first
        self.second_look = states.first
        self.due_end = states.due_end(now)
        self.open_end = states.open_end(now)
        self._heap: list[int] = []
        self._awake: set[int] = set()

    def wake(self, ordinal: int) -> None:
        """Make `ordinal` a candidate (again)."""
        if ordinal not in self._awake:
            self._awake.add(ordinal)
            heapq.heappush(self._heap, ordinal)

    def is_awake(self, ordinal: int) -> bool:
        """Return whether `ordinal` is to be looked at anyhow: it was woken, or the cursor has not come to it."""
        return ordinal in self._awake or ordinal >= self.cursor

    def pop(self) -> int | None:
        """Return the oldest candidate and take it out, None when there is none."""
        untouched = self.states.next_embryo(self.cursor, self.open_end)
        if self._heap and (untouched is None or self._heap[0] <= untouched):
            ordinal = heapq.heappop(self._heap)
            self._awake.discard(ordinal)
            if ordinal == untouched:
                self.cursor = ordinal + 1
            return ordinal
        self.cursor = self.open_end if untouched is None else untouched + 1
        return untouched

    def advance(self, now: datetime) -> datetime | None:
        """Let the periods that became due in, and those that began; returns when the next one will, None when there is none."""
        passed, self.due_end = self.due_end, max(self.due_end, self.states.due_end(now))
        self.open_end = max(self.open_end, self.states.open_end(now))
        if not self.states.process.is_live:
            return self._next(self.due_end, self.states.due_at)
        for ordinal in range(passed, self.due_end):
            self.wake(ordinal)  # it may have run while it was open: that it is closed changes what it is owed
        moments = self._next(self.due_end, self.states.due_at), self._next(self.open_end, self.states.begin_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def _next(self, ordinal: int, moment_of: Callable[[int], datetime]) -> datetime | None:
        return None if self.states.last is not None and ordinal >= self.states.last else moment_of(ordinal)

    def look_again(self) -> int | None:
        """Return the next period, round robin, that is still untouched behind the cursor and not awake; None at the end of a round."""
        ordinal = self.states.next_embryo(self.second_look, min(self.cursor, self.open_end))
        self.second_look = self.states.first if ordinal is None else ordinal + 1
        return None if ordinal is None or ordinal in self._awake else ordinal
