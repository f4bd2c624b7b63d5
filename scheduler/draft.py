"""What has this turn decided so far? Collected while deciding, then frozen into the one record that commits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from db.entries import Entry
from db.model import Answer, Cancel, Event, Job, ProcessRow, Switch, Turn, UnitOfWork, UowMove, Widening
from mq.broker import Message
from scheduler.events import told
from scheduler.timetable import Node, Timetable

_LAST_PLACE = 1_000_000


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
    registered: list[ProcessRow] = field(default_factory=list)
    switches: dict[str, Switch] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    widenings: list[Widening] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    _told: dict[tuple[str, str], int] = field(default_factory=dict)
    _commanded: set[tuple[str, str]] = field(default_factory=set)

    def put(self, job: Job) -> Node:
        """Decide that `job` stands as given from this turn on; returns its node. What is no plain life of a job becomes an event."""
        node = self.timetable.node(job)
        event = told(self.timetable.active.get(node), job)
        if event and (job.process, job.timeperiod) not in self._commanded:
            self.tell(job.process, job.timeperiod, *event)
        self.timetable.set(node, job)
        self.jobs[node] = job
        return node

    def register(self, row: ProcessRow) -> None:
        """Decide that a process is registered as given from this turn on."""
        self.timetable.registered[row.name] = row
        self.registered.append(row)

    def switch(self, switch: Switch) -> None:
        """Decide that a process is switched as given from this turn on."""
        self.timetable.take([switch])
        self.switches[switch.process] = switch

    def put_entry(self, entry: Entry) -> None:
        """Decide that a freerun entry stands as given from this turn on."""
        self.timetable.entries[entry.key] = entry
        self.entries[entry.key] = entry

    def tell(self, process: str, timeperiod: str, kind: str, text: str) -> None:
        """Remember for a job's log what the scheduler did or saw."""
        self._tell(process, timeperiod, kind, "", text)

    def tell_command(self, process: str, timeperiod: str, verb: str, who: str, why: str) -> None:
        """Remember for a job's log what an operator did to it in this turn; what the job's record tells of that is left out then."""
        self._commanded.add((process, timeperiod))
        self._tell(process, timeperiod, verb, who, why)

    def tell_past(self, job: Job) -> None:
        """Remember how a finished job stood before it is opened anew."""
        if job.turn == 0:
            return  # its record was archived, and its log with it
        kind = job.state.label.removeprefix("state_")
        # Its turn may have told of it in places of its own, from 0 on.
        self.events.append(Event(job.process, job.timeperiod, job.turn, _LAST_PLACE, job.changed_at, kind, "", job.reason))

    def _tell(self, process: str, timeperiod: str, kind: str, who: str, text: str) -> None:
        place = self._told.get((process, timeperiod), 0)
        self._told[process, timeperiod] = place + 1
        self.events.append(Event(process, timeperiod, self.number, place, self.now, kind, who, text))

    def is_empty(self) -> bool:
        """Return whether nothing was decided that must be remembered."""
        decided = (
            self.jobs, self.opened, self.moves, self.cancels, self.lost, self.answers, self.events, self.entries, self.switches,
            self.registered,
        )  # fmt: skip
        return not any(decided)

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
            entries=tuple(self.entries.values()),
            events=tuple(self.events),
            registered=tuple(self.registered),
            switches=tuple(self.switches.values()),
            widenings=tuple(self.widenings),
        )
