"""What does an operator's command do? It is planned, carried out on the board and answered, or stays open until its effect is seen."""

from __future__ import annotations

import json
from dataclasses import replace

from db.model import Answer, Command, CommandState, Job
from db.store import Store
from scheduler import moves, switching
from scheduler.board import Board
from scheduler.freerun_commands import PREFIX, obey_entry
from scheduler.plans import MOST_BYTES, MOST_STEPS, PLANNERS, PREVIEWS, REACH, Action, Plan, Step
from scheduler.settlement import reopened
from scheduler.timetable import Node, id_of, ordinal_of
from system.errors import TimeperiodError
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobEvent, JobState, UowState

Result = tuple[CommandState, str] | None

STEP_BYTES = 300
# A state is kept for each period up to the last one that was ever touched; and in the calendar's last year nothing can be reckoned.
_YEARS_AHEAD = 100
ARCHIVED = "its record was archived"

VERBS = ("cancel", *PLANNERS, *switching.VERBS)
_DONE = {"reprocess": "reprocessed", "skip": "skipped", "hold": "holds", "trigger": "triggered"}


def obey(command: Command, board: Board, store: Store) -> bool:
    """Carry out `command` as far as it goes now; returns whether it was answered. Reads records of finished jobs from `store`.

    May be called again for a command that is still open; that changes nothing twice.
    """
    board.settle_emptied()  # by what was given before, as if that had been in an earlier turn
    result = _result(command, board, store)
    if result is None:
        return False
    board.draft.answers.append(Answer(command.number, *result))
    return True


def plan_of(command: Command, board: Board, store: Store) -> Plan:
    """Return what `command` would touch now: the very steps that `obey` takes."""
    nodes = _nodes(command, board)
    if isinstance(nodes, str):
        return Plan(refusal=nodes)
    planner = PLANNERS.get(command.verb) or PREVIEWS.get(command.verb)
    if planner is None:
        return Plan(refusal=f"there is no plan for {command.verb!r}: use one of {', '.join(PREVIEWS)}")
    reach = REACH[command.verb](board, nodes)
    if len(reach) > MOST_STEPS:
        return Plan(refusal=f"that would touch over {MOST_STEPS:,} jobs: give it in smaller ranges")
    return planner(board, records_of(board, store, reach), nodes)


def _result(command: Command, board: Board, store: Store) -> Result:
    if command.verb.startswith(PREFIX):
        return obey_entry(command, board)
    if command.verb not in VERBS:
        return CommandState.REFUSED, f"there is no command {command.verb!r}: use one of {', '.join(VERBS)}"
    if command.verb in switching.VERBS:
        return switching.obey(command, board)
    if command.verb == "cancel":
        nodes = _nodes(command, board)
        return (CommandState.REFUSED, nodes) if isinstance(nodes, str) else _cancel(command, nodes, board, store)
    plan = plan_of(command, board, store)  # a planner's, as "cancel" has been carried out
    if not plan.steps:
        return CommandState.REFUSED, plan.refusal
    most = MOST_BYTES // step_bytes(command)
    if len(plan.steps) > most:
        return CommandState.REFUSED, f"that touches over {most:,} jobs, too many for so long a reason: make one of them shorter"
    for step in plan.steps:
        _take(step, command, board)
    return CommandState.DONE, _said(plan)


def step_bytes(command: Command) -> int:
    """Return how much of a turn's record each job takes that a command touches, at most: the reason stands in the job and in its log."""
    return STEP_BYTES + 2 * len(json.dumps(command.why + command.who))


def _nodes(command: Command, board: Board) -> list[Node] | str:
    """Return the nodes that a command names, or what is wrong with it."""
    states = board.timetable.states.get(command.process)
    if states is None:
        return f"there is no managed process {command.process!r}"
    try:
        low = ordinal_of(states.qualifier, command.timeperiod)
        high = ordinal_of(states.qualifier, command.until) if command.until else low + 1
    except TimeperiodError as error:
        return str(error)
    if high <= low:
        return f"the range {command.timeperiod}..{command.until} is empty: its end is the first period that is left out"
    low, high = states.clip(low, high)
    if high <= low:
        return f"{command.process} has no timeperiod {command.timeperiod}: it lies outside its start and end"
    if high - low > MOST_STEPS:
        return f"{high - low:,} periods are too many for one command: give it in ranges of at most {MOST_STEPS:,}"
    if states.qualifier.start_of(high - 1).year > (last := board.draft.now.year + _YEARS_AHEAD):
        return f"{id_of(states.qualifier, high - 1)} lies too far ahead: {last} is the last year for a command"
    # A period that is not the end of its group stands for the group: only its end runs.
    return list(dict.fromkeys((command.process, board.topology.group(command.process, ordinal)[-1]) for ordinal in range(low, high)))


def _take(step: Step, command: Command, board: Board) -> None:
    if step.action is Action.FOLLOW_AFTER:
        return  # it follows by its own decision, once what it waits for has ended as it was told to
    if step.action is not Action.FOLLOW:
        _tell(step.node, command, board)
    take(step, _reason(command), board)


def take(step: Step, reason: str, board: Board) -> None:
    """Do one step of a plan to its job."""
    now, turn = board.draft.now, board.draft.number
    # An earlier step may have told it that an input is settled: what was read for the plan does not know that.
    match step.action, board.timetable.active.get(step.node, step.job):
        case Action.REOPEN, Job() as job:
            board.reopen(step.node, reopened(job, now=now, turn=turn, reason=reason), was=job)
        case Action.REOPEN_AFTER, Job() as job:
            call_off(board, job, JobEvent.REOPENED, reason)
        case Action.SKIP_AFTER, Job() as job:
            call_off(board, job, JobEvent.SKIPPED, reason)
        case Action.SKIP, _:
            if board.timetable.states[step.node[0]][step.node[1]] not in JOB_FINISHED:  # a parent ends with the last of its children
                board.skip(step.node, reason)
        case Action.FOLLOW, _:
            board.settle_emptied()
            board.settle(step.node)
        case Action.HOLD, job:
            embryo = job or Job(step.node[0], board.timetable.period(step.node), JobState.EMBRYO, now, turn)
            board.draft.put(replace(embryo, held=reason, changed_at=now, turn=turn))
        case Action.TRIGGER, job:
            embryo = job or Job(step.node[0], board.timetable.period(step.node), JobState.EMBRYO, now, turn)
            board.reopen(step.node, replace(embryo, again_at=now, reason=reason, changed_at=now, turn=turn))
        case Action.RELEASE, Job() as job:
            _release(step.node, job, board)


def _tell(node: Node, command: Command, board: Board) -> None:
    """Write into the job's log who did what, and why. Of a wider command it says what was named."""
    timeperiod = board.timetable.period(node)
    why = said_of(command, node[0], timeperiod)
    board.draft.tell_command(node[0], timeperiod, command.verb, command.who, why)


def said_of(command: Command, process: str, timeperiod: str) -> str:
    """Return what stands in a job's log as the reason of a command: of a wider one it says what was named."""
    about = f"{command.process} {command.timeperiod}{f'..{command.until}' if command.until else ''}"
    return command.why if about == f"{process} {timeperiod}" else f"{command.why} (given for {about})"


def _release(node: Node, job: Job, board: Board) -> None:
    now, turn = board.draft.now, board.draft.number
    if job.state is JobState.EMBRYO:
        board.reopen(node, replace(job, held="", changed_at=now, turn=turn))
        return
    flight = board.inflight.flights.get(job.uow_id)
    if flight is not None:
        board.inflight.take_place(job.uow_id)
        flight.losses = min(flight.losses, 1)  # counts anew; one stays, since an earlier attempt may have left something running
    board.draft.put(replace(job, held="", failing_since=None, retry_at=now, changed_at=now, turn=turn))
    board.try_again(node)


def _cancel(command: Command, nodes: list[Node], board: Board, store: Store) -> Result:
    """REFERENCE 1.5: units of work end CANCELED; an outcome that was written first wins. Open until all of them have ended."""
    jobs = [board.timetable.active.get(node) for node in nodes]
    running = [job for job in jobs if job is not None and job.uow_state is not None and job.uow_state not in UOW_FINISHED]
    # A reprocess, given before or after this one, was promised; what it ends is what this is about.
    promised = [job for job in running if job.next_event is JobEvent.REOPENED]
    for job in running:
        if job.next_event is not JobEvent.REOPENED and call_off(board, job, JobEvent.SKIPPED, _reason(command)):
            _tell((job.process, ordinal_of(board.timetable.states[job.process].qualifier, job.timeperiod)), command, board)
    if len(promised) < len(running):
        return None
    if promised:
        return CommandState.DONE, f"{promised[0].uow_id} is being ended; after that it runs again, as {promised[0].reason}"
    return _too_late(command, nodes, board, store)


def _too_late(command: Command, nodes: list[Node], board: Board, store: Store) -> Result:
    found = [job for job in records_of(board, store, nodes).values() if job.uow_state is not None]
    if not found:
        return CommandState.REFUSED, "nothing of it is running or requested"
    done = [job for job in found if job.uow_state is UowState.CANCELED and job.reason == _reason(command)]
    if not done:
        states = sorted({str(job.uow_state).removeprefix("state_") for job in found})
        return CommandState.REFUSED, f"too late: {', '.join(states)}"
    if len(nodes) == 1:
        return CommandState.DONE, f"canceled {done[0].uow_id}"
    return CommandState.DONE, f"canceled {len(done)} units of work; {len(found) - len(done)} had ended before"


def call_off(board: Board, job: Job, event: JobEvent, reason: str) -> bool:
    """Let a job's unit of work end, and `event` happen to the job after it; returns False where that was asked before."""
    return moves.call_off(job, event, reason, board.draft, board.inflight, board.look_at)


def records_of(board: Board, store: Store, nodes: list[Node]) -> dict[Node, Job]:
    """Return the records there are of `nodes`: as this turn has them, else from the store."""
    found: dict[Node, Job] = {}
    wanted: dict[tuple[str, str], Node] = {}
    for node in nodes:
        job = board.draft.jobs.get(node) or board.timetable.active.get(node)
        if job is not None:
            found[node] = job
        elif board.timetable.states[node[0]][node[1]] != JobState.EMBRYO:
            wanted[node[0], board.timetable.period(node)] = node
    if not wanted:
        return found
    # A record of a later turn means that another scheduler leads, so that this turn comes to nothing.
    read = {wanted[job.process, job.timeperiod]: job for job in store.jobs_at(list(wanted))}
    found.update({node: job for node, job in read.items() if job.turn <= board.timetable.head})
    archived: dict[str, list[Node]] = {}
    for node in wanted.values():
        if node not in read:
            archived.setdefault(node[0], []).append(node)
    for places in archived.values():
        found.update(_archived(board, store, places))
    return found


def _archived(board: Board, store: Store, nodes: list[Node]) -> dict[Node, Job]:
    """Return what is known of finished jobs of one process whose records were removed: the state, and what they start anew above."""
    floor = store.floor(nodes[0][0])
    return {
        (process, ordinal): Job(
            process,
            board.timetable.period((process, ordinal)),
            JobState(board.timetable.states[process][ordinal]),
            board.draft.now,
            turn=0,
            generation=floor.generation,
            fence=floor.fence,
            reason=ARCHIVED,
        )
        for process, ordinal in nodes
    }


def _said(plan: Plan) -> str:
    return "; ".join(f"{count:,} {'job' if count == 1 else 'jobs'} {action}" for action, count in plan.counts().items())


def _reason(command: Command) -> str:
    verb = {"cancel": "canceled"}.get(command.verb) or _DONE.get(command.verb, command.verb)
    return f"operator {command.who} {verb} it: {command.why}"
