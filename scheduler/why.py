"""Why is this job not running now? Follows what it waits for, down to the causes that wait for nothing else.

Decides by the functions that the engine decides by; pure but for what was read into the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from db.model import Job, Session, UnitOfWork
from scheduler.blockers import ABOVE, Blocker, said
from scheduler.board import Board
from scheduler.decisions import Ask, Close, Decision, Wait
from scheduler.durations import Usual, span_text
from scheduler.health import Stall
from scheduler.inputs import before_start
from scheduler.lateness import late_at
from scheduler.switches import off_blocker
from scheduler.timetable import Node, ordinal_of
from system.context import ManagedProcess
from system.lanes import Lane, lane_of, places_for_backfill, queue_in
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState


@dataclass(frozen=True, slots=True)
class Scene:
    """What was read for one answer: the board, the units of work under way by id, the open sessions by id, why nothing is scheduled.

    `usual` says how long the units of work of a process take, as far as that is known.
    """

    board: Board
    uows: Mapping[str, UnitOfWork]
    sessions: Mapping[str, Session]
    stall: Stall | None
    usual: Callable[[str], Usual | None] = lambda process: None  # noqa: ARG005  nothing is known


_DEEPEST, _MOST = 60, 1_000
_PAST = ("dependency", "in order")


def explain(scene: Scene, node: Node) -> Blocker:
    """Return what `node` waits for, with its causes; a finished job waits for nothing and says so.

    A process that waits for its own past is followed at once to the period at which that begins. The causes of a job are told once,
    however many ways lead to it; below 60 levels and beyond 1,000 jobs they are left out.
    """
    return _explain(scene, node, 0, set())


def _explain(scene: Scene, node: Node, depth: int, told: set[Node]) -> Blocker:
    """Return what `node` waits for. `depth` is how far down this is, `told` are the jobs whose causes stand in the answer already."""
    board = scene.board
    process, ordinal = node
    timeperiod = board.timetable.period(node)
    states = board.timetable.states[process]
    if ordinal < states.first:
        return Blocker("before start", f"{process} starts at {board.timetable.period((process, states.first))}", process, timeperiod)
    if states.last is not None and ordinal >= states.last:
        return Blocker("after end", f"{process} ended with {board.timetable.period((process, states.last - 1))}", process, timeperiod)
    state, notes = JobState(states[ordinal]), before_start(board.timetable, board.topology, node)
    if state in JOB_FINISHED:
        return Blocker("finished", f"it is finished: {state.label}", process, timeperiod, notes=notes)
    late = late_at(states, node, board.draft.now)
    title = f"{process} {timeperiod} is {state.label}{f', late since {said(late)}' if late else ''}"
    if node in told:
        return Blocker(ABOVE, f"{title}: what it waits for stands above", process, timeperiod)
    told.add(node)
    job = board.timetable.active.get(node)
    cause = _cause(scene, node, job, depth, told) if depth < _DEEPEST and len(told) <= _MOST else ()
    since = job.changed_at if job else None
    return Blocker("waits", title, process, timeperiod, since, causes=cause, notes=notes)


def _cause(scene: Scene, node: Node, job: Job | None, depth: int, told: set[Node]) -> tuple[Blocker, ...]:
    if job is not None and job.uow_state is not None and job.uow_state not in UOW_FINISHED and not job.held:
        return (_of_uow(scene, job),)
    decision = scene.board.decision(node)
    if decision is None:
        return (_open_period(scene, node),)
    if isinstance(decision, Wait | Ask):
        return tuple(_deeper(scene, blocker, node[0], depth + 1, told) for blocker in decision.blockers)
    return (_of_admission(scene, node, decision),)


def _deeper(scene: Scene, blocker: Blocker, process: str, depth: int, told: set[Node]) -> Blocker:
    """Return an input's blocker with the first unfinished period of that input as its cause."""
    if blocker.kind not in ("children", *_PAST):
        return blocker
    if blocker.causes:
        return replace(blocker, causes=tuple(_deeper(scene, cause, process, depth, told) for cause in blocker.causes))
    qualifier = scene.board.timetable.states[blocker.process].qualifier
    below = (blocker.process, ordinal_of(qualifier, blocker.timeperiod))
    node = _beginning(scene, below) if blocker.process == process else below
    return replace(blocker, causes=(_explain(scene, node, depth, told),))


def _beginning(scene: Scene, node: Node) -> Node:
    """Return the period at which a wait for the own past begins: the first that does not wait for an earlier one of its process."""
    while isinstance(decision := scene.board.decision(node), Wait):
        past = [b for b in decision.blockers if b.process == node[0] and b.kind in _PAST]
        if not past:
            break
        node = node[0], ordinal_of(scene.board.timetable.states[node[0]].qualifier, past[0].timeperiod)
    return node


def _open_period(scene: Scene, node: Node) -> Blocker:
    states, timeperiod = scene.board.timetable.states[node[0]], scene.board.timetable.period(node)
    if not states.is_on:
        return _off(scene, node[0], timeperiod)
    is_end = scene.board.topology.group(*node)[-1] == node[1]
    begins = states.process.is_live and is_end
    at = states.begin_at(node[1]) if begins else states.due_at(node[1])
    text = f"the period {'begins' if begins else 'is due'} at {said(at)}"
    if states.calendar.moves(states.qualifier):
        text += f", which is {states.calendar.local(at):%Y-%m-%d %H:%M:%S} in {states.calendar.time_zone}"
    look = "nothing: it will run then"
    if states.calendar.end(states.qualifier, node[1]) <= scene.board.draft.now:
        look = f"launch.py job trigger {node[0]} {timeperiod} --why TEXT, to run it now"
    return Blocker("open period", text, node[0], timeperiod, look=look)


def _off(scene: Scene, process: str, timeperiod: str) -> Blocker:
    return off_blocker(scene.board.timetable.states[process], timeperiod)


def _of_admission(scene: Scene, node: Node, decision: Decision) -> Blocker:
    """Return why a job that may run was not requested yet."""
    process = scene.board.context.managed[node[0]]
    timeperiod = scene.board.timetable.period(node)
    lane = scene.board.frontiers[node[0]].lane(node[1])
    refusal = scene.board.refusal(node[0], lane)
    if scene.stall:
        return _stalled(scene.stall, node[0], timeperiod)
    if refusal == "off":
        return _off(scene, process.name, timeperiod)
    if refusal == "in flight":
        return Blocker("in flight", _in_flight(scene, process, lane), process.name, timeperiod, look="launch.py timetable")
    if refusal == "queue window":
        queue = queue_in(process.queue, lane)
        text = f"{len(scene.board.inflight.requested[queue])} units of work wait in {queue}, which is its window"
        return Blocker("queue window", text, process.name, timeperiod, look="add workers or slots")
    if isinstance(decision, Close):
        return Blocker("turn", f"the next turn finishes it: {decision.reason}", process.name, timeperiod)
    return Blocker("turn", "it is free to run: the next turn requests it, oldest period first", process.name, timeperiod)


def _in_flight(scene: Scene, process: ManagedProcess, lane: Lane) -> str:
    most, count = process.max_in_flight, len(scene.board.inflight.of_process[process.name])
    if lane is Lane.BACKFILL and count < most:
        return f"backfill of {process.name} has {places_for_backfill(most)} of the {most} places of its max_in_flight; live work goes first"
    return f"as many jobs of {process.name} are under way as its max_in_flight allows: {most}"


def _of_uow(scene: Scene, job: Job) -> Blocker:
    """Return how the unit of work stands that a job waits for."""
    uow = scene.uows.get(job.uow_id)
    log = f"launch.py job log {job.process} {job.timeperiod}"
    if uow is None:
        text = f"{job.uow_id} was decided and is not in the store yet"
        return Blocker("turn", text, job.process, job.timeperiod, job.changed_at, "launch.py status")
    session = scene.sessions.get(uow.session)
    if scene.stall and session is None:
        return _stalled(scene.stall, job.process, job.timeperiod)
    if uow.state in UOW_FINISHED:
        return Blocker("turn", f"{uow.id} ended: the next turn settles it", job.process, job.timeperiod, uow.finished_at)
    if uow.state is UowState.INVALID and not scene.board.timetable.states[job.process].is_on:
        return _off(scene, job.process, job.timeperiod)
    if uow.state is UowState.INVALID:
        again = said(job.retry_at) if job.retry_at else "the next turn"
        text = f"attempt {uow.failures} failed ({uow.reason}), the next is due at {again}"
        return Blocker("retry", text, job.process, job.timeperiod, job.failing_since, log)
    if uow.state is UowState.IN_PROGRESS:
        if session is None:
            text = f"the worker of {uow.id} is gone: the next turn makes it due again"
            return Blocker("worker", text, job.process, job.timeperiod, uow.started_at, "launch.py status")
        if uow.cancel_requested:
            text = f"{uow.id} is being ended on {session.box}: {uow.reason}"
            return Blocker("ending", text, job.process, job.timeperiod, uow.started_at, log)
        text = f"{uow.id} is running on {session.box}{_so_far(scene, uow)}"
        return Blocker("unit of work", text, job.process, job.timeperiod, uow.started_at, log)
    return _of_queue(scene, job, uow)


def _so_far(scene: Scene, uow: UnitOfWork) -> str:
    """Return for how long a unit of work has been running, and how long it usually does; empty where neither is known."""
    if uow.started_at is None:
        return ""
    text = f" for {span_text(max(0.0, (scene.board.draft.now - uow.started_at).total_seconds()))}"
    usual = scene.usual(uow.process)
    return f"{text}, usually {span_text(usual.seconds)}" if usual else text


def _of_queue(scene: Scene, job: Job, uow: UnitOfWork) -> Blocker:
    workers = [s for s in scene.sessions.values() if s.kind == "worker"]
    queue = queue_in(scene.board.context.managed[job.process].queue, lane_of(uow.queue))
    if not workers:
        text = f"{uow.id} waits in {queue} and no worker runs"
        return Blocker("worker", text, job.process, job.timeperiod, job.changed_at, "launch.py up")
    readers = [s for s in workers if queue in s.takes_from]
    if not readers:
        text = f"{uow.id} waits in {queue}, and no worker takes from it: see present_on_boxes of {job.process}"
        return Blocker("worker", text, job.process, job.timeperiod, job.changed_at, "launch.py query")
    before = len(scene.board.inflight.requested[queue])
    text = f"{uow.id} is one of {before} that wait in {queue} for one of {sum(s.slots for s in readers)} slots"
    if lane_of(queue) is Lane.BACKFILL:
        text = f"{uow.id} is one of {before} that wait in the backfill queue {queue}; live work goes first"
    return Blocker("unit of work", text, job.process, job.timeperiod, job.changed_at, "launch.py status")


def _stalled(stall: Stall, process: str, timeperiod: str) -> Blocker:
    return Blocker("scheduler", stall.text, process, timeperiod, stall.since, stall.look)
