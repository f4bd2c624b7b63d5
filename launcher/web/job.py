"""What does the dashboard show of a job? Out of the scheduler's desk and the records of the one job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from db.model import Event, Job, UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.named import box_of, node_of
from launcher.web.trees import page_of
from mx.models.job import Attempt, JobDetail, JobEvent, JobPlace, Neighbour, Neighbours, Usual
from mx.models.why import Why
from scheduler import neighbours
from scheduler.blockers import Blocker
from scheduler.desk import Desk
from scheduler.durations import Usual as UsualFound
from scheduler.lateness import late_at, late_since
from scheduler.timetable import Node
from system.lifecycle import JOB_FINISHED, JobState, UowState

MOST_UOWS, MOST_NEIGHBOURS = 50, 24
_MOST_EVENTS = 200


class JobArea(Area):
    """Answers the part of `mx.desk_job.JobDesk` that is about one job."""

    @asked
    def job(self, process: str, timeperiod: str) -> JobDetail:
        """See JobDesk."""
        desk, node = self.parts.desk, self._node(process, timeperiod)
        view = desk.job(process, timeperiod)
        uows = self.parts.store.uows_of(process, timeperiod, MOST_UOWS)
        events = self.parts.store.events(process, timeperiod, _MOST_EVENTS) if view.job and view.job.failures else []
        states, now = desk.read().states[process], self.now()
        is_over = JobState(states[node[1]]) in JOB_FINISHED
        return JobDetail(
            process=process,
            timeperiod=timeperiod,
            qualifier=states.qualifier.name,
            tree=desk.topology[process].tree,
            page=self._page(desk.topology[process].tree),
            time_zone=view.time_zone,
            start=view.start,
            end=view.end,
            state=view.state,
            is_archived=view.archived,
            late_since=None if is_over else late_at(states, node, now),
            deadline=late_since(states, node[1]),
            due_at=states.due_at(node[1]),
            why=why_of(view.why),
            usual=usual_of(view.usual),
            attempts=tuple(attempts_of(uows, events, now)),
            is_with_worker=view.uow is not None and view.uow.state in (UowState.REQUESTED, UowState.IN_PROGRESS),
            **_of_record(view.job),
            **_around(desk, node),
        )

    @asked
    def why(self, process: str, timeperiod: str) -> Why:
        """See JobDesk."""
        self._node(process, timeperiod)
        return why_of(self.parts.desk.why(process, timeperiod))

    @asked
    def neighbours(self, process: str, timeperiod: str) -> Neighbours:
        """See JobDesk."""
        desk, node = self.parts.desk, self._node(process, timeperiod)
        inputs, users = neighbours.inputs_of(desk.topology, node), neighbours.users_of(desk.topology, node)
        return Neighbours(
            inputs=tuple(_neighbour(desk, span) for span in inputs[:MOST_NEIGHBOURS]),
            users=tuple(_neighbour(desk, span) for span in users[:MOST_NEIGHBOURS]),
            more_inputs=max(0, len(inputs) - MOST_NEIGHBOURS),
            more_users=max(0, len(users) - MOST_NEIGHBOURS),
        )

    @asked
    def job_events(self, process: str, timeperiod: str, limit: int) -> list[JobEvent]:
        """See JobDesk."""
        self._node(process, timeperiod)
        found = self.parts.desk.log(process, timeperiod, limit)
        return [JobEvent(at=each.at, what=each.what, who=each.who, text=each.text, turn=each.turn) for each in found]

    def _page(self, tree: str) -> str:
        return page_of(self.parts.context.trees[tree]) if tree else ""

    def _node(self, process: str, timeperiod: str) -> Node:
        return node_of(self.parts.context, process, timeperiod)


def why_of(blocker: Blocker) -> Why:
    """Return a blocker as pages show it."""
    causes = tuple(why_of(cause) for cause in blocker.causes)
    return Why(kind=blocker.kind, text=blocker.text, process=blocker.process, timeperiod=blocker.timeperiod, since=blocker.since,
               look=blocker.look, notes=blocker.notes, causes=causes)  # fmt: skip


def usual_of(found: UsualFound | None) -> Usual | None:
    """Return what is usual as pages show it."""
    return Usual(seconds=found.seconds, long_s=found.long_s, runs=found.runs) if found else None


def attempts_of(uows: Iterable[UnitOfWork], events: Iterable[Event], now: datetime) -> Iterable[Attempt]:
    """Yield the attempts of units of work, the last first; of earlier ones that failed what the events of the job tell."""
    failed = [event for event in sorted(events, key=lambda event: (event.turn, event.place), reverse=True) if event.kind == "failed"]
    for uow in uows:
        yield attempt_of(uow, now)
        earlier = [event for event in failed if event.text.startswith(f"{uow.id}: ")]
        is_told = uow.state is UowState.INVALID or (uow.state is UowState.CANCELED and uow.reason.startswith("failed"))
        for event in earlier[1:] if is_told else earlier:
            yield Attempt(uow=uow.id, fence=0, state="failed", ended_at=event.at, reason=event.text.removeprefix(f"{uow.id}: "))


def attempt_of(uow: UnitOfWork, now: datetime) -> Attempt:
    """Return a unit of work with its last attempt. One that is requested again has none that goes on."""
    waits, runs = uow.state is UowState.REQUESTED, uow.state is UowState.IN_PROGRESS
    started, ended = (None, None) if waits else (uow.started_at, None if runs else uow.finished_at)
    seconds = max(0.0, ((ended or now) - started).total_seconds()) if started and (ended or runs) else None
    return Attempt(
        uow=uow.id,
        fence=uow.fence,
        state=uow.state.value.removeprefix("state_"),
        queue=uow.queue,
        requested_at=uow.opened_at,
        started_at=started,
        ended_at=ended,
        seconds=seconds,
        box=box_of(uow.session),
        session=uow.session,
        rows=uow.rows,
        reason=uow.reason,
        failures=uow.failures,
        losses=uow.losses,
        is_ending=uow.cancel_requested and runs,
    )


def _of_record(job: Job | None) -> dict[str, Any]:
    if job is None:
        return {}
    names = ("held", "failing_since", "retry_at", "again_at", "changed_at", "turn", "generation", "run", "failures", "reason")
    return {name: getattr(job, name) for name in names}


def _around(desk: Desk, node: Node) -> dict[str, Any]:
    """Return the periods around one: before, after, above, below, and those that run as one with it."""
    table, topology = desk.read(), desk.topology
    process, ordinal = node
    states, group = table.states[process], topology.group(process, ordinal)
    before, after = (states.clip(ordinal + step, ordinal + step + 1) for step in (-1, 1))
    ancestors: list[JobPlace] = []
    place, at = topology[process], ordinal
    while place.parent and (up := topology.parent_of(place.name, at)) is not None:
        place, at = topology[place.parent], up
        ancestors.insert(0, _place(desk, (place.name, at)))
    children = topology.children_of(process, ordinal)
    child = topology[process].child
    span = neighbours.look(table, neighbours.Span(child, children, "child")) if child and children else None
    return {
        "previous": table.period((process, before[0])) if before[0] < before[1] else "",
        "next": table.period((process, after[0])) if after[0] < after[1] else "",
        "ancestors": tuple(ancestors),
        "children": (_place(desk, (child, span.look_at)),) if child and span and span.count else (),
        "group": (table.period((process, group[0])), table.period((process, group[-1]))) if len(group) > 1 else None,
    }


def _place(desk: Desk, node: Node) -> JobPlace:
    table = desk.read()
    return JobPlace(process=node[0], timeperiod=table.period(node), state=JobState(table.states[node[0]][node[1]]).label)


def _neighbour(desk: Desk, span: neighbours.Span) -> Neighbour:
    table = desk.read()
    found = neighbours.look(table, span)
    first, last, look_at = (table.period((span.process, ordinal)) for ordinal in (found.first, found.last, found.look_at))
    state = found.state.label if found.state is not None else "mixed" if found.count else "before_start"
    return Neighbour(process=span.process, first=first, last=last, count=found.count, finished=found.finished, state=state,
                     look_at=look_at, relation=span.relation)  # fmt: skip
