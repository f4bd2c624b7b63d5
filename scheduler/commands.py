"""What does an operator's command do? Each handler works on the board and answers, or leaves the command open until its effect is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from db.model import Answer, Cancel, Command, CommandState, Job, UowMove
from db.store import Store
from scheduler.board import Board
from scheduler.settlement import is_operators_skip, reopened
from scheduler.timetable import Node, ordinal_of
from system.errors import TimeperiodError
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobEvent, JobState, UowEvent, UowState

Result = tuple[CommandState, str] | None


def obey(command: Command, board: Board, store: Store) -> bool:
    """Carry out `command` as far as it goes now; returns whether it was answered. Reads records of finished jobs from `store`.

    May be called again for a command that is still open; that changes nothing twice.
    """
    result = _result(command, board, store)
    if result is None:
        return False
    board.draft.answers.append(Answer(command.number, *result))
    return True


def _result(command: Command, board: Board, store: Store) -> Result:
    handler = HANDLERS.get(command.verb)
    if handler is None:
        return CommandState.REFUSED, f"there is no command {command.verb!r}: use one of {', '.join(HANDLERS)}"
    states = board.timetable.states.get(command.process)
    if states is None:
        return CommandState.REFUSED, f"there is no managed process {command.process!r}"
    try:
        ordinal = ordinal_of(states.qualifier, command.timeperiod)
    except TimeperiodError as error:
        return CommandState.REFUSED, str(error)
    if states.clip(ordinal, ordinal + 1) != (ordinal, ordinal + 1):
        return CommandState.REFUSED, f"{command.process} has no timeperiod {command.timeperiod}: it lies outside its start and end"
    # A period that is not the end of its group stands for the group: only its end runs.
    return handler(command, (command.process, board.topology.group(command.process, ordinal)[-1]), board, store)


def _cancel(command: Command, node: Node, board: Board, store: Store) -> Result:
    """REFERENCE 1.5: the unit of work ends CANCELED; an outcome that was written first wins."""
    job = board.timetable.active.get(node)
    if job is None or job.uow_state is None or job.uow_state in UOW_FINISHED:
        return _too_late(command, node, board, store)
    if job.next_event is JobEvent.REOPENED:
        # Given before or after this one: the reprocess was promised, and what it ends is what this is about.
        return CommandState.DONE, f"{job.uow_id} is being ended; after that it runs again, as {job.reason}"
    call_off(board, job, JobEvent.SKIPPED, _reason(command, "canceled"))
    return None


def _too_late(command: Command, node: Node, board: Board, store: Store) -> Result:
    found = _records(board, store, [node]).get(node)
    if found is None or found.uow_state is None:
        return CommandState.REFUSED, "nothing of it is running or requested"
    if found.uow_state is UowState.CANCELED and found.reason == _reason(command, "canceled"):
        return CommandState.DONE, f"canceled {found.uow_id}"
    return CommandState.REFUSED, f"too late: {found.uow_state.removeprefix('state_')}"


def _release(command: Command, node: Node, board: Board, store: Store) -> Result:  # noqa: ARG001  handlers share one shape
    job = board.timetable.active.get(node)
    if job is None or not job.held:
        return CommandState.REFUSED, "it is not held"
    flight = board.inflight.flights.get(job.uow_id)
    if flight is not None:
        flight.losses = 0
    freed = replace(job, held="", failing_since=None, retry_at=board.draft.now, changed_at=board.draft.now, turn=board.draft.number)
    board.draft.put(freed)
    board.retry(freed)
    return CommandState.DONE, f"released {job.uow_id}: its next attempt is due now"


def _reprocess(command: Command, node: Node, board: Board, store: Store) -> Result:
    """REFERENCE 1.5: the node, its ancestors and its dependants start anew, each behind its gate."""
    nodes = [node, *board.topology.downstream(*node, board.is_reached)]
    records = _records(board, store, nodes)
    reopen_count = cancel_count = 0
    for place in nodes:
        job = records.get(place)
        if job is None or job.state is JobState.EMBRYO or (place != node and _is_skip(job)):
            continue
        if job.state not in JOB_FINISHED and job.uow_state not in UOW_FINISHED:
            cancel_count += call_off(board, job, JobEvent.REOPENED, _reason(command, "reprocessed"))
        else:
            reopen_count += 1
            board.reopen(place, reopened(job, now=board.draft.now, turn=board.draft.number, reason=_reason(command, "reprocessed")))
    if not reopen_count and not cancel_count and node not in board.timetable.active:
        return CommandState.REFUSED, "it has not run yet"
    jobs = "1 job starts" if reopen_count == 1 else f"{reopen_count} jobs start"
    return CommandState.DONE, f"{jobs} anew, {cancel_count} more after what they run has ended"


def _is_skip(job: Job) -> bool:
    """Return whether an operator skipped the job, or has said so and its unit of work has not ended yet."""
    return is_operators_skip(job) or job.next_event is JobEvent.SKIPPED


def call_off(board: Board, job: Job, event: JobEvent, reason: str) -> bool:
    """Let a job's unit of work end, and `event` happen to the job after it; returns False where that was asked before."""
    if job.next_event is event:
        return False
    flight = board.inflight.flights[job.uow_id]
    board.draft.put(replace(job, next_event=event, reason=reason, changed_at=board.draft.now, turn=board.draft.number))
    board.draft.cancels.append(Cancel(job.uow_id, reason))
    for state in (UowState.REQUESTED, UowState.INVALID):
        board.draft.moves.append(UowMove(job.uow_id, state, UowEvent.CANCELED, flight.fence, flight.losses, reason))
    board.look_at[job.uow_id] = None
    return True


def _records(board: Board, store: Store, nodes: list[Node]) -> dict[Node, Job]:
    """Return the records there are of `nodes`: as this turn has them, else from the store."""
    found: dict[Node, Job] = {}
    wanted: dict[str, list[Node]] = {}
    for node in nodes:
        job = board.draft.jobs.get(node) or board.timetable.active.get(node)
        if job is not None:
            found[node] = job
        elif board.timetable.states[node[0]][node[1]] != JobState.EMBRYO:
            wanted.setdefault(node[0], []).append(node)
    for process, places in wanted.items():
        by_id = {board.timetable.period(place): place for place in places}
        # A record of a later turn means that another scheduler leads, so that this turn comes to nothing.
        read = [job for job in store.jobs(process, list(by_id)) if job.turn <= board.timetable.head]
        found.update({by_id[job.timeperiod]: job for job in read})
    return found


def _reason(command: Command, verb: str) -> str:
    return f"operator {command.who} {verb} it: {command.why}"


HANDLERS: dict[str, Callable[[Command, Node, Board, Store], Result]] = {
    "cancel": _cancel,
    "release": _release,
    "reprocess": _reprocess,
}
