"""Which jobs stand on a page of a list that is too long to be held? Found in the timetable's bytes, from a place in the list onwards.

The order is by the end of the period, then by process, so a place stays where it is while jobs come and go around it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from db.model import Job, UnitOfWork
from scheduler.joblist import phase_of
from scheduler.lateness import late_at
from scheduler.timetable import Node, States, Timetable
from scheduler.trees import Topology
from system.lifecycle import JOB_FINISHED, JobState, UowState

Key = tuple[datetime, str]
_BEGUN = frozenset(JobState) - {JobState.EMBRYO}
_WITH_A_WORKER = (UowState.REQUESTED, UowState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs. `states` empty: all that have begun; `phase` empty: any; `since` and `until` bound the ends of periods, half open."""

    processes: Sequence[str]
    states: frozenset[JobState] = frozenset()
    phase: str = ""
    late: bool = False
    since: datetime | None = None
    until: datetime | None = None
    is_oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class PageJob:
    """One job of a page. `job` is None where it is finished or untouched, `phase` empty where it is not under way."""

    node: Node
    timeperiod: str
    ends_at: datetime
    state: JobState
    job: Job | None
    phase: str
    late_since: datetime | None


def page_of(
    table: Timetable, topology: Topology, wanted: Wanted, after: Key | None, limit: int, now: datetime,
    uows_of: Callable[[Sequence[str]], Sequence[UnitOfWork]],
) -> list[PageJob]:  # fmt: skip
    """Return at most `limit` jobs that come after a place. `uows_of` reads units of work by id, and is called once at most."""
    asked = [j.uow_id for j in table.active.values() if j.process in wanted.processes and j.uow_state in _WITH_A_WORKER]
    uows: dict[str, UnitOfWork] = {}
    if wanted.phase:
        uows = {uow.id: uow for uow in uows_of(asked)} if asked else {}
    walks = [_walk(table.states[name], topology, wanted, after, now) for name in wanted.processes]
    if wanted.phase:
        nodes = {node for node, job in table.active.items() if phase_of(job, uows.get(job.uow_id)) == wanted.phase}
        walks = [_of_nodes(table.states[name], nodes, wanted, after, now) for name in wanted.processes]
    merged = heapq.merge(*walks, key=lambda found: found[0], reverse=not wanted.is_oldest_first)
    found = [node for _, node in islice(merged, limit)]
    if not wanted.phase:
        ids = [table.active[node].uow_id for node in found if node in table.active and table.active[node].uow_state in _WITH_A_WORKER]
        uows = {uow.id: uow for uow in uows_of(ids)} if ids else {}
    return [_job(table, node, uows, now) for node in found]


def _job(table: Timetable, node: Node, uows: Mapping[str, UnitOfWork], now: datetime) -> PageJob:
    states, job = table.states[node[0]], table.active.get(node)
    state = JobState(states[node[1]])
    phase = phase_of(job, uows.get(job.uow_id)) if job else ""
    late = None if state in JOB_FINISHED else late_at(states, node, now)
    return PageJob(node, table.period(node), states.calendar.end(states.qualifier, node[1]), state, job, phase, late)


def _walk(states: States, topology: Topology, wanted: Wanted, after: Key | None, now: datetime) -> Iterator[tuple[Key, Node]]:
    """Yield the wanted periods of one process, in the order of the list, from the first that may come after the place."""
    low, high = _bounds(states, wanted, after, now)
    if low >= high:
        return
    kinds = wanted.states or _BEGUN
    if wanted.late:
        kinds = (wanted.states or frozenset(JobState)) - JOB_FINISHED
    flags = states.between(low, high).translate(_flags_of(kinds))
    for ordinal in _oldest_first(flags, low) if wanted.is_oldest_first else _newest_first(flags, low):
        if not wanted.late or topology.group(states.process.name, ordinal)[-1] == ordinal:
            yield from _keyed(states, ordinal, wanted, after)


@lru_cache
def _flags_of(kinds: frozenset[JobState]) -> bytes:
    """Return by state whether it is one of `kinds`."""
    return bytes(int(state in kinds) for state in range(256))


def _of_nodes(
    states: States, nodes: Collection[Node], wanted: Wanted, after: Key | None, now: datetime
) -> Iterator[tuple[Key, Node]]:
    """Yield those of `nodes` that are of this process, likewise."""
    low, high = _bounds(states, wanted, after, now)
    name = states.process.name
    ordinals = sorted((at for process, at in nodes if process == name and low <= at < high), reverse=not wanted.is_oldest_first)
    for ordinal in ordinals:
        state = JobState(states[ordinal])
        if (not wanted.states or state in wanted.states) and (not wanted.late or late_at(states, (name, ordinal), now)):
            yield from _keyed(states, ordinal, wanted, after)


def _keyed(states: States, ordinal: int, wanted: Wanted, after: Key | None) -> Iterator[tuple[Key, Node]]:
    """Yield a period with its key, unless it lies outside what is wanted or before the place."""
    key = states.calendar.end(states.qualifier, ordinal), states.process.name
    if (wanted.since and key[0] < wanted.since) or (wanted.until and key[0] >= wanted.until):
        return
    if after is None or (key > after if wanted.is_oldest_first else key < after):
        yield key, (states.process.name, ordinal)


def _bounds(states: States, wanted: Wanted, after: Key | None, now: datetime) -> tuple[int, int]:
    """Return the periods among which all that is wanted lies; a few beside may be among them."""
    low, high = states.first, states.stored_end  # what has begun is stored
    if JobState.EMBRYO in wanted.states:
        high = states.due_end(now)
    if wanted.late:
        deadline = states.process.deadline
        if deadline is None:
            return 0, 0
        high = states.calendar.containing(states.qualifier, now - timedelta(seconds=deadline))
    since, until = wanted.since, wanted.until
    if after is not None and wanted.is_oldest_first:
        since = max(since or after[0], after[0])
    elif after is not None:
        until = min(until or after[0], after[0])
    if since is not None:
        low = max(low, states.calendar.containing(states.qualifier, since) - 1)
    if until is not None:
        high = min(high, states.calendar.containing(states.qualifier, until) + 1)
    return low, high if states.last is None else min(high, states.last)


def _newest_first(flags: bytes, first: int) -> Iterator[int]:
    at = len(flags)
    while (at := flags.rfind(1, 0, at)) >= 0:
        yield first + at


def _oldest_first(flags: bytes, first: int) -> Iterator[int]:
    at = -1
    while (at := flags.find(1, at + 1)) >= 0:
        yield first + at
