"""What has this turn decided so far? Collected while deciding, then frozen into the one record that commits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from db.model import Answer, Cancel, Job, Switch, Turn, UnitOfWork, UowMove
from mq.broker import Message
from scheduler.timetable import Node, Timetable


@dataclass(slots=True)
class Draft:
    """A turn in the making. Jobs that are put are set in the timetable at once, so that what follows decides on them."""

    number: int
    now: datetime
    timetable: Timetable
    jobs: dict[Node, Job] = field(default_factory=dict)
    opened: list[UnitOfWork] = field(default_factory=list)
    moves: list[UowMove] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    switches: dict[str, Switch] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)

    def put(self, job: Job) -> Node:
        """Decide that `job` stands as given from this turn on; returns its node."""
        node = self.timetable.put(job)
        self.jobs[node] = job
        return node

    def switch(self, switch: Switch) -> None:
        """Decide that a process is switched as given from this turn on."""
        self.timetable.take([switch])
        self.switches[switch.process] = switch

    def is_empty(self) -> bool:
        """Return whether nothing was decided that must be remembered."""
        return not (self.jobs or self.opened or self.moves or self.cancels or self.lost or self.answers or self.switches)

    def turn(self, session: str) -> Turn:
        """Return the record that commits all of it."""
        return Turn(
            self.number,
            session,
            self.now,
            tuple(self.jobs.values()),
            tuple(self.opened),
            tuple(self.moves),
            tuple(self.cancels),
            tuple(self.lost),
            tuple(self.answers),
            tuple(self.switches.values()),
        )
