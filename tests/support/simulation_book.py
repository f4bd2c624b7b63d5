"""Who waits for whom in a history, and what is owed to whom? By brute force, from the context and the calendar.

Knows nothing of the engine: gates and finalization are those of REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.model import Job, UnitOfWork
from system.context import Context, Dependency, ManagedProcess
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState
from system.timeperiod import Timeperiod, parse
from tests.support.simulation_spans import counterparts, group_around, span_of, zones_of

Node = tuple[str, str]
Jobs = Mapping[Node, Job]

PASSED_OVER = "not caught up"  # the reason of a period that ends because it was missed
_GOOD = (JobState.PROCESSED, JobState.NOOP)
_UNCLEAR = timedelta(minutes=3)  # about the limit, schedules make a difference


class Violation(BaseException):
    """A history went wrong. No part of the product may catch this."""


def must(is_so: object, *facts: object) -> None:
    """Raise Violation with `facts` unless `is_so`."""
    if not is_so:
        raise Violation(" ".join(str(fact) for fact in facts))


@dataclass(frozen=True, slots=True)
class Entry:
    """Periods that a node depends on together: all of them, or any; optional or not."""

    nodes: tuple[Node, ...]
    any_of: bool = False
    optional: bool = False

    def is_finished(self, jobs: Jobs) -> bool:
        """Return whether there is nothing left to wait for."""
        states = [state_of(jobs, node) for node in self.nodes]
        return all(state in JOB_FINISHED for state in states) or (self.any_of and any(state in _GOOD for state in states))

    def is_skipped(self, jobs: Jobs) -> bool:
        """Return whether it closes a gate for good."""
        found = [state_of(jobs, node) is JobState.SKIPPED for node in self.nodes]
        return bool(found) and not self.optional and (all(found) if self.any_of else any(found))


class Book:
    """All periods of a context that has an end, and who waits for whom. `nodes` are (process, timeperiod id).

    `has_work` says whether there is something to run for before a period is finalizable: not where its source has no rows. `is_missed` says
    whether a period is not to be caught up, which nothing may have touched: it ends after what it is made of.
    """

    def __init__(self, context: Context, history_s: float) -> None:
        self.history_s = history_s
        self.has_work: Callable[[Node], bool] = lambda node: True
        self.is_missed: Callable[[Node, Jobs], bool] = lambda node, jobs: False
        self.context = context
        self.zones = zones_of(context)
        self.processes: Mapping[str, ManagedProcess] = context.managed
        self.nodes: list[Node] = []
        for process in self.processes.values():
            low, high = (parse(process.qualifier, text).ordinal for text in (process.start, process.end))
            self.nodes += [(process.name, Timeperiod(process.qualifier, ordinal).id) for ordinal in range(low, high)]
        self.known = set(self.nodes)
        self.last = dict(self.nodes)  # the last period of each process
        self.groups = {node: group_around(self.processes[node[0]], node[1]) for node in self.nodes}
        self.inside: dict[Node, list[Node]] = {}  # the periods of the next finer level inside a period's group
        self.children: dict[Node, list[Node]] = {}  # what it waits for of these, to the end of their groups
        self.dependencies: dict[Node, list[Entry]] = {}
        self.before: dict[Node, Node] = {}
        for node in self.nodes:
            self._enter(node)
        self.users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for other in dict.fromkeys(self.inputs(node)):
                self.users[other].append(node)

    def _enter(self, node: Node) -> None:
        """Find what a period that runs is made of; one that ends no group has nothing to wait for."""
        name, trees = node[0], self.context.trees.values()
        self.inside[node], self.children[node], self.dependencies[node] = [], [], []
        if not self.runs(node):
            return
        tree = next(tree for tree in trees if name in tree.enclosed_processes)
        whole = [found for text in self.groups[node] for found in self._inside(name, text, tree.enclosed_processes)]
        self.inside[node] = [found for found in whole if found in self.known]
        # A group that begins before its process does, covers that time too.
        self.children[node] = self._to_their_ends(whole)
        same = [o for t in tree.dependent_on for o in self.context.trees[t].enclosed_processes if self._level(o) == self._level(name)]
        ends = [self._to_their_ends([(other, text) for text in self.groups[node]]) for other in same]
        self.dependencies[node] = [Entry(tuple(found)) for found in ends if found]
        self.dependencies[node] += [self._entry(node, need) for need in self.processes[name].needs]
        before = (name, parse(self.processes[name].qualifier, self.groups[node][0]).shift(-1).id)
        if self.processes[name].in_order and before in self.known:
            self.before[node] = before

    def runs(self, node: Node) -> bool:
        """Return whether a period runs for its group."""
        return self.groups[node][-1] == node[1]

    def end_of(self, node: Node) -> Node:
        """Return the period that runs for a period's group."""
        return node[0], self.groups[node][-1]

    def _to_their_ends(self, nodes: Iterable[Node]) -> list[Node]:
        """Return periods with those after them in their groups: whoever depends on one depends on what its group's end runs."""
        found: dict[Node, None] = {}
        for name, text in nodes:
            group = group_around(self.processes[name], text)
            found.update({(name, other): None for other in group[group.index(text) :] if (name, other) in self.known})
        return sorted(found)

    def _entry(self, node: Node, need: Dependency) -> Entry:
        """Return the periods that a dependency means, one after the other as REFERENCE 1.3 says it."""
        found: list[Node] = []
        for other in need.processes:
            qualifier = self.processes[other].qualifier
            for text in self.groups[node]:
                same = counterparts(self.processes[node[0]], self.processes[other], self.zones, text)
                found += [(other, Timeperiod(qualifier, at + need.offset - back).id) for at in same for back in range(need.last)]
        whole = [n for n in self._to_their_ends(found) if n[0] != node[0] or n[1] < self.groups[node][0]]
        return Entry(tuple(n for n in whole if not need.any_of or self.runs(n)), need.any_of, need.optional)

    def inputs(self, node: Node) -> list[Node]:
        """Return what `node` is made of, what it may finish without among it."""
        return [*self.children[node], *(other for entry in self.dependencies[node] for other in entry.nodes)]

    def downstream(self, nodes: Iterable[Node], jobs: Jobs | None = None) -> set[Node]:
        """Return `nodes` and what is made of them, directly or not; with `jobs` only what is made of something that has been touched."""
        return reach(nodes, lambda node: [] if jobs and state_of(jobs, node) is JobState.EMBRYO else self.users[node])

    def unneeded(self, node: Node) -> set[Node]:
        """Return the inputs without which `node` may finish: those of which one is enough."""
        loose = {other for entry in self.dependencies[node] if entry.any_of for other in entry.nodes}
        firm = {other for entry in self.dependencies[node] if not entry.any_of for other in entry.nodes}
        return loose - firm - set(self.children[node])

    def missing(self, node: Node, jobs: Jobs) -> list[object]:
        """Return what finalization of `node` waits for."""
        children = [child for child in self.children[node] if state_of(jobs, child) not in JOB_FINISHED]
        return [*children, *(entry for entry in self.dependencies[node] if not entry.is_finished(jobs))]

    def is_open(self, node: Node, jobs: Jobs) -> bool:
        """Return whether the gate before any work on `node` is open: the table of REFERENCE 1.3."""
        kind = self.processes[node[0]].blocking_type
        children = all(state_of(jobs, child) in JOB_FINISHED for child in self.children[node])
        finished = all(entry.is_finished(jobs) for entry in self.dependencies[node])
        good = finished and not self.has_skipped_dependency(node, jobs)
        is_its_turn = node not in self.before or state_of(jobs, self.before[node]) in JOB_FINISHED
        job = jobs.get(node)
        is_anew = job is not None and job.generation > 1
        return is_its_turn and {
            "blocking_normal": not is_anew or (children and finished),  # who starts anew runs after what it is made of
            "blocking_children": children and finished,
            "blocking_dependencies": good,
            "blocking_all": children and good,
        }[kind]

    def is_shut_for_good(self, node: Node, jobs: Jobs) -> bool:
        """Return whether a skipped dependency skips `node`."""
        kind = self.processes[node[0]].blocking_type
        return kind in ("blocking_dependencies", "blocking_all") and self.has_skipped_dependency(node, jobs)

    def is_emptied(self, node: Node, jobs: Jobs, turn: int) -> bool:
        """Return whether all children of `node` that run are SKIPPED. One that starts anew in `turn` may have been so before that."""
        children = [child for child in self.inside[node] if self.runs(child)]
        gone = [_is_anew(jobs, child, turn) or state_of(jobs, child) is JobState.SKIPPED for child in children]
        return bool(gone) and all(gone)

    def has_skipped_dependency(self, node: Node, jobs: Jobs) -> bool:
        """Return whether something that `node` depends on is SKIPPED."""
        return any(entry.is_skipped(jobs) for entry in self.dependencies[node])

    def owed(self, jobs: Jobs) -> list[str]:
        """Return the periods, all being due, for which something is still to be done without an operator, and what."""
        return [f"{node[0]} {node[1]}: {owes}" for node in self.nodes if (owes := self._owes(node, jobs))]

    def begin(self, node: Node) -> datetime:
        """Return when a period's group begins."""
        return span_of(self.processes[node[0]], self.zones[node[0]], self.groups[node][0])[0]

    def close(self, node: Node) -> datetime:
        """Return when a period is over, its lag too."""
        process = self.processes[node[0]]
        return span_of(process, self.zones[node[0]], node[1])[1] + timedelta(seconds=process.lag_s)

    def is_restless(self, node: Node, jobs: Jobs) -> bool:
        """Return whether a job runs again and again, all being due, until somebody finishes what it is made of."""
        job = jobs.get(node)
        is_running = job is not None and job.state is JobState.IN_PROGRESS and not job.held
        return self.processes[node[0]].is_live and is_running and bool(self.missing(node, jobs))

    def _owes(self, node: Node, jobs: Jobs) -> str:
        job = jobs.get(node)
        if job is not None and job.held:
            return ""
        if job is None or job.state is JobState.EMBRYO:
            if not self.runs(node):
                return "to be passed over, for it ends no group"
            if self.is_missed(node, jobs):
                return "" if self.missing(node, jobs) else "to be passed over, for it is not to be caught up"
            if self.is_shut_for_good(node, jobs):
                return "to be skipped"
            is_run = self.is_open(node, jobs) and (self.has_work(node) or not self.missing(node, jobs))
            return "to be run" if is_run else ""
        if job.state in JOB_FINISHED:
            return ""
        if self.is_restless(node, jobs):
            return ""
        if job.uow_state not in UOW_FINISHED:
            return f"{job.uow_id} to end"
        is_ready = job.uow_state is UowState.CANCELED or not self.missing(node, jobs)
        return "to be finished" if is_ready else ""

    def lane(self, node: Node, at: datetime) -> str:
        """Return the lane in which a period is to be run that is opened then: by its age, where that is plain."""
        process = self.processes[node[0]]
        period = parse(process.qualifier, node[1])
        age = at - period.end - timedelta(seconds=process.lag_s)
        limit = max(timedelta(seconds=self.history_s), period.shift(2).start - period.start)
        return "" if abs(age - limit) < _UNCLEAR else "backfill" if age > limit else "live"

    def _inside(self, name: str, text: str, members: Iterable[str]) -> list[Node]:
        """Return the nodes of the next finer level inside a period."""
        finer = [self.processes[m] for m in members if self._level(m) > self._level(name)]
        if not finer:
            return []
        child = min(finer, key=lambda process: process.qualifier.fineness)
        inside = counterparts(self.processes[name], child, self.zones, text)
        return [(child.name, Timeperiod(child.qualifier, ordinal).id) for ordinal in inside]

    def _level(self, name: str) -> int:
        return self.processes[name].qualifier.fineness


def reach(nodes: Iterable[Node], further: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """Return `nodes` and where `further` leads from them, in any number of steps."""
    found: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += further(node)
    return found


def state_of(jobs: Jobs, node: Node) -> JobState:
    """Return a job's state; EMBRYO where it has no record."""
    job = jobs.get(node)
    return job.state if job else JobState.EMBRYO


def _is_anew(jobs: Jobs, node: Node, turn: int) -> bool:
    job = jobs.get(node)
    return job is not None and job.turn == turn and job.generation > 1 and job.state not in JOB_FINISHED


def node_of(record: Job | UnitOfWork) -> Node:
    """Return whose job or unit of work it is."""
    return record.process, record.timeperiod
