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
from system.lanes import Lane, lane_of, queue_in
from system.lifecycle import UowState


@dataclass(slots=True)
class Flight:
    """A unit of work as it was last read."""

    node: Node
    queue: str
    fence: int
    state: UowState
    losses: int = 0
    slice: str = ""

    @property
    def lane(self) -> Lane:
        """The lane in which it was opened; it stays there."""
        return lane_of(self.queue)


class InFlight:
    """All units of work that are not settled, by id, and which of them wait in a queue.

    `queues` are those of the processes today: what was opened for a queue that has another name by now goes where somebody listens.
    `of_process` are the periods that count for `max_in_flight`: all but those that are held, since nothing of them goes on without a
    person. `of_backfill` are those among them that were opened in that lane.
    """

    def __init__(self, queues: Mapping[str, str]) -> None:
        self._queues = dict(queues)
        self.flights: dict[str, Flight] = {}
        self.requested: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.of_process: defaultdict[str, set[int]] = defaultdict(set)
        self.of_backfill: defaultdict[str, set[int]] = defaultdict(set)
        self._invalid: defaultdict[str, set[int]] = defaultdict(set)
        self._retries: list[tuple[datetime, Node]] = []

    def name_queue(self, name: str, queue: str) -> None:
        """Have what is opened for `name` go to `queue`."""
        self._queues[name] = queue

    def note(self, uow: UnitOfWork, node: Node) -> Flight:
        """Remember a unit of work as it was just read or opened."""
        flight = self.flights.get(uow.id)
        if flight is None:
            queue = queue_in(self._queues[node[0]], lane_of(uow.queue))
            flight = self.flights[uow.id] = Flight(node, queue, uow.fence, uow.state, uow.losses)
            self.take_place(uow.id)
        flight.fence, flight.losses, flight.slice = uow.fence, uow.losses, uow.slice
        self.moved(uow.id, flight, uow.state)
        return flight

    def moved(self, uow_id: str, flight: Flight, state: UowState) -> None:
        """Remember that a unit of work is in `state` now."""
        flight.state = state
        process, ordinal = flight.node
        if state is UowState.REQUESTED:
            self.requested[flight.queue][uow_id] = None
        else:
            self.requested[flight.queue].pop(uow_id, None)
        if state is UowState.INVALID:
            self._invalid[process].add(ordinal)
        else:
            self._invalid[process].discard(ordinal)

    def running(self, process: str) -> int:
        """Return how many units of work of a process are requested or in progress."""
        return len(self.of_process[process] - self._invalid[process])

    def take_place(self, uow_id: str) -> None:
        """Let a unit of work count for its process's `max_in_flight`."""
        flight = self.flights[uow_id]
        process, ordinal = flight.node
        self.of_process[process].add(ordinal)
        if flight.lane is Lane.BACKFILL:
            self.of_backfill[process].add(ordinal)

    def leave_place(self, uow_id: str) -> None:
        """Let a unit of work that is held count no more."""
        flight = self.flights.get(uow_id)
        if flight is not None:
            self._forget(flight)

    def settled(self, uow_id: str) -> None:
        """Forget a unit of work whose outcome its job has taken over."""
        flight = self.flights.pop(uow_id, None)
        if flight:
            self.requested[flight.queue].pop(uow_id, None)
            self._forget(flight)
            self._invalid[flight.node[0]].discard(flight.node[1])

    def _forget(self, flight: Flight) -> None:
        process, ordinal = flight.node
        self.of_process[process].discard(ordinal)
        self.of_backfill[process].discard(ordinal)

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
