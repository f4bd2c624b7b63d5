"""What will a reprocess, a skip or a hold touch? The plan as data, made by the functions that the command is then carried out by.

Pure but for the records of finished jobs, which the caller reads. Semantics: REFERENCE 1.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from db.model import Job
from scheduler.blockers import said
from scheduler.board import Board
from scheduler.followers import Supposed
from scheduler.settlement import is_operators_skip
from scheduler.switches import said_off
from scheduler.timetable import Node
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobEvent, JobState

# What one command may touch: all of it is one turn, and a turn is one record.
MOST_STEPS = 20_000
# A server takes a record of up to 16 MiB (MariaDB as it comes, MongoDB always), and what is quoted in it gets longer on the way.
MOST_BYTES = 12_000_000


class Action(Enum):
    """What is done to one job."""

    REOPEN = "to start anew"
    REOPEN_AFTER = "to start anew once what it runs has ended"
    SKIP = "skipped"
    SKIP_AFTER = "to be skipped once what it runs has ended"
    FOLLOW = "skipped with it"
    FOLLOW_AFTER = "to be skipped after that"
    HOLD = "held"
    RELEASE = "released"
    TRIGGER = "to run without waiting for its schedule"
    CANCEL = "to be ended and skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One job and what is done to it. `job` is its record, None where it has none yet."""

    node: Node
    action: Action
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, each after its inputs. Empty with a `refusal` that says why there is nothing to do."""

    steps: tuple[Step, ...] = ()
    refusal: str = ""

    def counts(self) -> dict[str, int]:
        """Return how many jobs each action concerns."""
        return dict(Counter(step.action.value for step in self.steps))


Records = Mapping[Node, Job]
Planner = Callable[[Board, Records, list[Node]], Plan]


def reprocess_nodes(board: Board, nodes: Iterable[Node]) -> list[Node]:
    """Return `nodes` with their ancestors and dependants, transitively, each after its inputs."""
    return board.topology.closure(nodes, board.is_reached)


def skip_nodes(board: Board, nodes: Iterable[Node]) -> list[Node]:
    """Return `nodes` with their descendants. The dependants whose gate that closes for good follow by their own decision."""
    found: dict[Node, None] = {}
    waiting = list(nodes)
    while waiting and len(found) <= MOST_STEPS:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            child = board.topology[node[0]].child
            states = board.timetable.states[child] if child else None
            inside = board.topology.children_of(*node)
            if child and states:
                low, high = states.clip(inside.start, inside.stop)
                waiting.extend((child, ordinal) for ordinal in range(low, high))
    return _in_order(board, found)


def reprocess(board: Board, records: Records, nodes: list[Node]) -> Plan:
    """Plan that `nodes` and what uses them start anew. What an operator skipped is reopened only where it is named."""
    steps, named = [], set(nodes)
    for node in reprocess_nodes(board, nodes):
        job = records.get(node)
        if job is None or job.state is JobState.EMBRYO or (node not in named and _is_operators(job)):
            continue
        steps.append(Step(node, Action.REOPEN_AFTER if _runs(job) else Action.REOPEN, job))
    return Plan(tuple(steps)) if steps else Plan(refusal="it has not run yet")


def skip(board: Board, records: Records, nodes: list[Node]) -> Plan:
    """Plan that the unfinished ones among `nodes` and their descendants are given up, and whoever can't run without them."""
    steps = []
    for node in skip_nodes(board, nodes):
        if board.timetable.states[node[0]][node[1]] in JOB_FINISHED:
            continue
        job = records.get(node)
        steps.append(Step(node, Action.SKIP_AFTER if job and _runs(job) else Action.SKIP, job))
    if not steps:
        return Plan(refusal="it is finished; what is done can only be reprocessed")
    now = [step.node for step in steps if step.action is Action.SKIP]
    after = [step.node for step in steps if step.action is Action.SKIP_AFTER]
    supposed = Supposed(board)
    supposed.skip(now)
    followers = supposed.followers(now, MOST_STEPS, at_once=True)
    steps += _steps(board, followers, Action.FOLLOW)
    return _with_followers(board, supposed, steps, [*now, *followers, *after])


def _with_followers(board: Board, supposed: Supposed, steps: list[Step], ending: list[Node]) -> Plan:
    """Return the plan of `steps` with those that are skipped once `ending` are; a refusal where that is more than one command may touch."""
    supposed.skip(ending)
    steps += _steps(board, supposed.followers(ending, MOST_STEPS), Action.FOLLOW_AFTER)
    if len(steps) > MOST_STEPS:
        return Plan(refusal=f"that would skip over {MOST_STEPS:,} jobs, most of them as their gates close: skip the last of these first")
    return Plan(tuple(steps))


def _steps(board: Board, nodes: Iterable[Node], action: Action) -> list[Step]:
    return [Step(node, action, board.timetable.active.get(node)) for node in nodes]


def hold(board: Board, records: Records, nodes: list[Node]) -> Plan:
    """Plan that those of `nodes` that have not begun wait for an operator."""
    embryos = [n for n in nodes if board.timetable.states[n[0]][n[1]] == JobState.EMBRYO]
    steps = [Step(n, Action.HOLD, records.get(n)) for n in embryos if not (n in records and records[n].held)]
    return Plan(tuple(steps)) if steps else Plan(refusal="nothing of it waits: it is held, under way or finished")


def release(board: Board, records: Records, nodes: list[Node]) -> Plan:
    """Plan that those of `nodes` that are held go on."""
    active = {node: board.timetable.active.get(node) for node in nodes}
    steps = [Step(node, Action.RELEASE, records.get(node)) for node, job in active.items() if job and job.held]
    return Plan(tuple(steps)) if steps else Plan(refusal="it is not held")


def trigger(board: Board, records: Records, nodes: list[Node]) -> Plan:
    """Plan that those of `nodes` that have ended and wait for their lag or their schedule are due now; their gates still hold."""
    refusals = {node: _no_trigger(board, node, records.get(node)) for node in nodes}
    steps = [Step(node, Action.TRIGGER, records.get(node)) for node, refusal in refusals.items() if not refusal]
    return Plan(tuple(steps)) if steps else Plan(refusal=refusals[nodes[0]])


def _no_trigger(board: Board, node: Node, job: Job | None) -> str:
    """Return why a period can't be made due now, empty when it can."""
    process, timeperiod = node[0], board.timetable.period(node)
    states = board.timetable.states[process]
    if states[node[1]] in JOB_FINISHED:
        return f"{timeperiod} is finished: `launch.py job reprocess {process} {timeperiod} --why TEXT` runs it again"
    if not states.is_on:
        return f"{said_off(states)}: `launch.py process on {process} --why TEXT` first"
    if job is not None and job.held:
        return f"{timeperiod} is held: `launch.py job release {process} {timeperiod} --why TEXT` first"
    if states[node[1]] != JobState.EMBRYO and not (states.process.is_live and job is not None and job.uow_state in UOW_FINISHED):
        return f"{timeperiod} is under way: `launch.py job why {process} {timeperiod}` says what it waits for"
    if states.process.is_live:
        begin = states.begin_at(node[1])
        return f"{timeperiod} begins at {said(begin)}: nothing of it can run before" if begin > board.draft.now else ""
    return _not_yet_or_already(board, node, job)


def _not_yet_or_already(board: Board, node: Node, job: Job | None) -> str:
    """Return why an untouched period that runs after its end can't be made due now, empty when it can."""
    process, timeperiod = node[0], board.timetable.period(node)
    states = board.timetable.states[process]
    end = states.calendar.end(states.qualifier, node[1])
    if end > board.draft.now:
        return f"{timeperiod} is open until {said(end)}: it runs after its end"
    is_due = node[1] < board.frontiers[process].due_end or (job is not None and job.again_at is not None)
    if is_due and not states.is_missed(node[1], job):
        return f"{timeperiod} is due already: `launch.py job why {process} {timeperiod}` says what it waits for"
    return ""


def cancel(board: Board, records: Records, nodes: list[Node]) -> Plan:  # noqa: ARG001  as the other ones
    """Plan that what `nodes` have under way ends, and is skipped. What ends already, to run again, goes on doing so."""
    jobs = [(node, board.timetable.active.get(node)) for node in nodes]
    running = [(node, job) for node, job in jobs if job is not None and job.uow_state is not None and job.uow_state not in UOW_FINISHED]
    steps = [Step(node, Action.CANCEL, job) for node, job in running if job.next_event is None]
    if steps:
        plan = _with_followers(board, Supposed(board), steps, [step.node for step in steps])
        return plan if plan.steps else Plan(tuple(steps[:MOST_STEPS]))
    return Plan(refusal="what it runs is being ended already" if running else "nothing of it is running or requested")


PLANNERS: dict[str, Planner] = {"reprocess": reprocess, "skip": skip, "hold": hold, "release": release, "trigger": trigger}
# What can be shown before it is given; a cancel is carried out by itself, since it waits for what it ends.
PREVIEWS: dict[str, Planner] = {**PLANNERS, "cancel": cancel}
# The nodes whose records a planner asks for.
REACH: dict[str, Callable[[Board, Iterable[Node]], list[Node]]] = {
    "reprocess": reprocess_nodes,
    "skip": skip_nodes,
    "hold": lambda _, nodes: list(nodes),
    "release": lambda _, nodes: list(nodes),
    "trigger": lambda _, nodes: list(nodes),
    "cancel": lambda _, nodes: list(nodes),
}


def _runs(job: Job) -> bool:
    return job.state not in JOB_FINISHED and job.state is not JobState.EMBRYO and job.uow_state not in UOW_FINISHED


def _is_operators(job: Job) -> bool:
    """Return whether an operator skipped the job, or has said so and its unit of work has not ended yet."""
    return is_operators_skip(job) or (job.next_event is JobEvent.SKIPPED and job.reason.startswith("operator"))


def _in_order(board: Board, nodes: Iterable[Node]) -> list[Node]:
    rank = {name: place for place, name in enumerate(board.topology.order())}
    return sorted(nodes, key=lambda node: (rank[node[0]], node[1]))
