"""What is done to jobs that wait for their source or for their next run: asked for, put off, widened? The moves of live machines."""

from __future__ import annotations

from datetime import datetime

from db.model import Job, Widening
from scheduler.alarms import Alarms
from scheduler.draft import Draft
from scheduler.inflight import InFlight
from scheduler.probing import Probes, Question
from scheduler.timetable import Node, Timetable
from scheduler.trees import Topology
from system.lifecycle import JobState, UowState
from system.records import replace


class LiveMoves:
    """What live processes wait for: `probes` of their sources, and `alarms` of their next runs. Belongs to the board's thread."""

    def __init__(self, topology: Topology, timetable: Timetable, inflight: InFlight, fresh_s: float) -> None:
        self.alarms = Alarms()
        self.probes = Probes(fresh_s)
        self._topology = topology
        self._timetable = timetable
        self._inflight = inflight

    def unclaimed(self, job: Job | None) -> str:
        """Return what a job's unit of work covers, empty where somebody has it, as far as is known, or there is none."""
        flight = self._inflight.flights.get(job.uow_id) if job is not None and not job.held else None
        return flight.slice if flight is not None and flight.state is UowState.REQUESTED else ""

    def question(self, node: Node, *, is_closed: bool) -> Question:
        """Return what a node's source is to be asked; `is_closed` says whether its period is over."""
        states, group = self._timetable.states[node[0]], self._topology.group(*node)
        start, end = states.calendar.start(states.qualifier, group.start), states.calendar.end(states.qualifier, group[-1])
        return Question(node, start, end, is_closed)

    def ask(self, node: Node, *, is_closed: bool) -> None:
        """Have a node's source asked after this turn."""
        self.probes.want(self.question(node, is_closed=is_closed))

    def widen(self, node: Node, slice_: str, until: datetime, draft: Draft) -> None:
        """Have a unit of work that nobody has claimed cover more. If somebody was first, the next run covers it."""
        self.probes.use(node)
        job = replace(self._timetable.active[node], again_at=until, turn=draft.number)
        flight = self._inflight.flights[job.uow_id]
        if slice_ != flight.slice:
            flight.slice = slice_
            draft.widenings.append(Widening(job.uow_id, flight.fence, slice_))
        draft.put(job)
        self.alarms.put(until, node)

    def postpone(self, node: Node, reason: str, until: datetime, draft: Draft) -> None:
        """Let a job wait for its source until then."""
        self.probes.use(node)
        job = self._timetable.active.get(node) or Job(node[0], self._timetable.period(node), JobState.EMBRYO, draft.now, draft.number)
        draft.put(replace(job, reason=reason, again_at=until, changed_at=draft.now, turn=draft.number))
        self.alarms.put(until, node)
