"""When does time alone change what a node, or a process, is owed? One moment each, the earliest first."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Generic, TypeVar

from scheduler.timetable import Node

_Key = TypeVar("_Key", Node, str)


class Alarms(Generic[_Key]):
    """Moments at which nodes, or processes, are to be looked at again. What is set anew replaces what was set before."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, _Key]] = []
        self._set: dict[_Key, datetime] = {}

    def put(self, moment: datetime | None, key: _Key) -> None:
        """Have `key` looked at again at `moment`; never, where that is None."""
        if moment is None:
            self._set.pop(key, None)
        elif self._set.get(key) != moment:
            self._set[key] = moment
            heapq.heappush(self._heap, (moment, key))

    def due(self, now: datetime) -> list[_Key]:
        """Return those whose moment has come, the earliest first, and clear it."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            moment, key = heapq.heappop(self._heap)
            if self._set.get(key) == moment:  # else it has another moment by now, or none
                del self._set[key]
                found.append(key)
        return found

    def next(self) -> datetime | None:
        """Return when the next moment comes; it may be one that was replaced since."""
        return self._heap[0][0] if self._heap else None
