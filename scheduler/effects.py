"""What did a command touch, and how far is that now? Told by the turn that carried it out, and by the jobs as they stand. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from db.model import Command, Job, Turn
from scheduler.commands import said_of
from scheduler.timetable import Node, Timetable, ordinal_of
from scheduler.trees import Topology
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState

# What a job that a command touched is at; those that need a person first, and what is finished last.
STAGES = ("held", "failing", "ending", "running", "requested", "waiting", "finished")


def touched(command: Command, turn: Turn, table: Timetable) -> list[Node]:
    """Return the nodes that a command touched, as `turn`, which answered it, tells: each once, in the order of the plan."""
    found: dict[Node, None] = {}
    for event in turn.events:
        is_its = event.kind == command.verb and event.who == command.who
        states = table.states.get(event.process)
        if is_its and states is not None and event.text == said_of(command, event.process, event.timeperiod):
            found[event.process, ordinal_of(states.qualifier, event.timeperiod)] = None
    return list(found)


def stage_of(table: Timetable, node: Node, running: Container[str]) -> str:
    """Return what a job is at, one of STAGES; `running` are the ids of units of work that a worker has."""
    job = table.active.get(node)
    if job is None:
        return "finished" if JobState(table.states[node[0]][node[1]]) in JOB_FINISHED else "waiting"
    if job.held:
        return "held"
    if job.next_event is not None:
        return "ending"
    if not has_unit(job):
        return "waiting"
    if job.uow_id in running:
        return "running"
    return "failing" if job.failing_since else "requested"


def without_others(table: Timetable, topology: Topology, nodes: Sequence[Node]) -> list[Node]:
    """Return those of `nodes` that can be skipped without another unfinished one: what lies inside a node is skipped with it."""
    kept: set[Node] = set()
    rank = {name: place for place, name in enumerate(topology.order())}
    for node in sorted(nodes, key=lambda node: rank[node[0]]):
        child, inside = topology[node[0]].child, topology.children_of(*node)
        if child is None or all((child, at) in kept for at in inside if table.is_unfinished((child, at))):
            kept.add(node)
    return [node for node in nodes if node in kept]


def has_unit(job: Job) -> bool:
    """Return whether a job has a unit of work that has not ended."""
    return job.uow_state is not None and job.uow_state not in UOW_FINISHED
