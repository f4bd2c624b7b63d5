"""When does time alone change what a node is owed? One moment a node, the earliest first."""

from __future__ import annotations

import heapq
from datetime import datetime

from scheduler.timetable import Node


class Alarms:
    """Moments at which nodes are to be decided again. What is set anew replaces what was set before."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Node]] = []
        self._set: dict[Node, datetime] = {}

    def put(self, moment: datetime, node: Node) -> None:
        """Have `node` decided again at `moment`."""
        if self._set.get(node) != moment:
            self._set[node] = moment
            heapq.heappush(self._heap, (moment, node))

    def due(self, now: datetime) -> list[Node]:
        """Return the nodes whose moment has come, the earliest first, and clear it."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            moment, node = heapq.heappop(self._heap)
            if self._set.get(node) == moment:
                del self._set[node]
                found.append(node)
        return found

    def next(self) -> datetime | None:
        """Return when the next moment comes; it may be one that was replaced since."""
        return self._heap[0][0] if self._heap else None
