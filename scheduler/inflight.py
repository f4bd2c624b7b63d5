"""Which units of work are not settled yet, and how are they, as far as the engine knows?

Who is busy is a set derived from records, never a number counted up and down.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from db.model import UnitOfWork
from scheduler.timetable import Node
from system.lifecycle import UowState


@dataclass(slots=True)
class Flight:
    """A unit of work as it was last read."""

    node: Node
    queue: str
    fence: int
    state: UowState
    losses: int = 0


class InFlight:
    """All units of work that are not settled, by id, and which of them wait in a queue.

    `queues` are those of the processes today: what was opened for a queue that has another name by now goes where somebody listens.
    """

    def __init__(self, queues: Mapping[str, str]) -> None:
        self._queues = dict(queues)
        self.flights: dict[str, Flight] = {}
        self.requested: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.of_process: defaultdict[str, set[int]] = defaultdict(set)
        self._retries: list[tuple[datetime, Node]] = []

    def name_queue(self, name: str, queue: str) -> None:
        """Have what is opened for `name` go to `queue`."""
        self._queues[name] = queue

    def note(self, uow: UnitOfWork, node: Node) -> Flight:
        """Remember a unit of work as it was just read or opened."""
        flight = self.flights.get(uow.id)
        if flight is None:
            flight = self.flights[uow.id] = Flight(node, self._queues[node[0]], uow.fence, uow.state, uow.losses)
            self.of_process[node[0]].add(node[1])
        flight.fence, flight.losses = uow.fence, uow.losses
        self.moved(uow.id, flight, uow.state)
        return flight

    def moved(self, uow_id: str, flight: Flight, state: UowState) -> None:
        """Remember that a unit of work is in `state` now."""
        flight.state = state
        if state is UowState.REQUESTED:
            self.requested[flight.queue][uow_id] = None
        else:
            self.requested[flight.queue].pop(uow_id, None)

    def settled(self, uow_id: str) -> None:
        """Forget a unit of work whose outcome its job has taken over."""
        flight = self.flights.pop(uow_id, None)
        if flight:
            self.requested[flight.queue].pop(uow_id, None)
            self.of_process[flight.node[0]].discard(flight.node[1])

    def retry_at(self, moment: datetime, node: Node) -> None:
        """Set an alarm for the next attempt of a node's unit of work."""
        heapq.heappush(self._retries, (moment, node))

    def due_retries(self, now: datetime) -> list[Node]:
        """Return the nodes whose alarm has come, and clear it; the caller checks that an attempt is still owed."""
        due = []
        while self._retries and self._retries[0][0] <= now:
            due.append(heapq.heappop(self._retries)[1])
        return due

    def next_retry(self) -> datetime | None:
        """Return when the next alarm comes."""
        return self._retries[0][0] if self._retries else None
