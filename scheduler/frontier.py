"""Which period of a process is looked at next? Oldest first, and each only when something that concerns it has changed.

A process's untouched periods are passed once by a cursor, which starts at its first period and ends where periods are not due yet.
What the cursor has passed comes back only when it is woken. So no turn walks the timetable.
"""

from __future__ import annotations

import heapq
from datetime import datetime

from scheduler.timetable import States


class Frontier:
    """The candidates of one process. `cursor` is the first period that was never looked at, `due_end` the first that is not due."""

    __slots__ = ("_awake", "_heap", "cursor", "due_end", "second_look", "states")

    def __init__(self, states: States, now: datetime) -> None:
        self.states = states
        self.cursor = states.first
        self.second_look = states.first
        self.due_end = states.due_end(now)
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
        untouched = self.states.next_embryo(self.cursor, self.due_end)
        if self._heap and (untouched is None or self._heap[0] <= untouched):
            ordinal = heapq.heappop(self._heap)
            self._awake.discard(ordinal)
            if ordinal == untouched:
                self.cursor = ordinal + 1
            return ordinal
        self.cursor = self.due_end if untouched is None else untouched + 1
        return untouched

    def advance(self, now: datetime) -> datetime | None:
        """Let the periods that became due in; returns when the next one will be, None when there is none."""
        self.due_end = max(self.due_end, self.states.due_end(now))
        if self.states.last is not None and self.due_end >= self.states.last:
            return None
        return self.states.due_at(self.due_end)

    def look_again(self) -> int | None:
        """Return the next period, round robin, that is still untouched behind the cursor and not awake; None at the end of a round."""
        ordinal = self.states.next_embryo(self.second_look, min(self.cursor, self.due_end))
        self.second_look = self.states.first if ordinal is None else ordinal + 1
        return None if ordinal is None or ordinal in self._awake else ordinal
