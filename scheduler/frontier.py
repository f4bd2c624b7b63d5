"""Which period of a process is looked at next? In each lane the oldest first, and each only when something that concerns it has changed.

A process's untouched periods are passed once by two cursors: one goes over what was history when this began, the other one over what is
newer, up to where nothing may run yet. What they have passed comes back only when it is woken. So no turn walks the timetable.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

from scheduler.timetable import States, Timetable
from system.lanes import Lane


class Frontier:
    """The candidates of one process. `due_end` is the first period that is not due, `history_end` the first that is no history.

    `open_end` is the first that is no candidate yet: as `due_end`, but for a process that runs while its period is open.
    """

    __slots__ = (
        "_awake", "_heaps", "_history_s", "_old", "_split", "_young", "due_end", "history_end", "open_end", "second_look", "states",
    )  # fmt: skip

    def __init__(self, states: States, now: datetime, history_s: float) -> None:
        self.states = states
        self._history_s = history_s
        self.second_look = states.first
        self.due_end = states.due_end(now)
        self.open_end = states.open_end(now)
        self.history_end = states.history_end(now, history_s)
        self._split = min(max(self.history_end, states.first), self.due_end)
        self._old, self._young = states.first, self._split
        self._heaps: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        self._awake: set[int] = set()

    @property
    def may_be_live(self) -> bool:
        """Whether the process has periods that are live, or will have: it has not ended long ago."""
        return self.states.last is None or self.history_end < self.states.last

    def lane(self, ordinal: int) -> Lane:
        """Return the lane in which a period is run that is opened now."""
        return Lane.BACKFILL if ordinal < self.history_end else Lane.LIVE

    def wake(self, ordinal: int) -> None:
        """Make `ordinal` a candidate (again)."""
        if ordinal not in self._awake:
            self._awake.add(ordinal)
            heapq.heappush(self._heaps[self.lane(ordinal)], ordinal)

    def pop(self, lane: Lane) -> int | None:
        """Return the oldest candidate of `lane` and take it out, None when there is none."""
        if lane is Lane.BACKFILL:
            ordinal, self._old = self._older(self._heaps[lane], self._old, self._split)
        else:
            ordinal, self._young = self._older(self._heaps[lane], self._young, self.open_end)
        return ordinal

    def _older(self, heap: list[int], cursor: int, end: int) -> tuple[int | None, int]:
        """Return the older one of what is awake and what was never looked at, and where the cursor stands after it."""
        untouched = self.states.next_embryo(cursor, end)
        if heap and (untouched is None or heap[0] <= untouched):
            ordinal = heapq.heappop(heap)
            self._awake.discard(ordinal)
            return ordinal, ordinal + 1 if ordinal == untouched else cursor
        return untouched, end if untouched is None else untouched + 1

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

    def age(self, now: datetime) -> None:
        """Let what has become history by now change its lane. Each period does so once."""
        self.history_end = max(self.history_end, self.states.history_end(now, self._history_s))
        live = self._heaps[Lane.LIVE]
        while live and live[0] < self.history_end:
            heapq.heappush(self._heaps[Lane.BACKFILL], heapq.heappop(live))
        end = min(self.history_end, self.due_end)
        while self._young < end:
            untouched = self.states.next_embryo(self._young, end)
            if untouched is not None:
                self.wake(untouched)
            self._young = end if untouched is None else untouched + 1

    def look_again(self) -> int | None:
        """Return the next period, round robin, that is still untouched behind the cursors and not awake; None at the end of a round."""
        ordinal = self.states.next_embryo(self.second_look, self._old)
        if ordinal is None:
            ordinal = self.states.next_embryo(max(self.second_look, self._split), min(self._young, self.open_end))
        self.second_look = self.states.first if ordinal is None else ordinal + 1
        return None if ordinal is None or ordinal in self._awake else ordinal


class Frontiers(dict[str, Frontier]):
    """The frontiers of `names`; that of another process is made when it is asked for."""

    def __init__(self, timetable: Timetable, now: datetime, history_s: float, names: Iterable[str]) -> None:
        super().__init__()
        self._timetable, self._now, self._history_s = timetable, now, history_s
        for name in names:
            self[name]

    def __missing__(self, name: str) -> Frontier:
        found = self[name] = Frontier(self._timetable.states[name], self._now, self._history_s)
        return found
