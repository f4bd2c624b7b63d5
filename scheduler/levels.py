"""How far is each process? Counts over the periods that are due, for processes of the context and for those that have left it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from db.model import Chunk, Job, ProcessRow
from scheduler.lateness import late_count
from scheduler.timetable import Timetable, id_of
from scheduler.trees import Topology
from system.lifecycle import JOB_FINISHED, JobState
from system.timeperiod import QUALIFIERS


@dataclass(frozen=True, slots=True)
class Level:
    """One process of a tree, over the periods that are due. `counts` is by state label; `first` and `last` are ids, or empty.

    `active`, `held` and `failing` count all jobs under way; `open` those of them whose period is not over, so that they
    can't be done yet; `late` the unfinished periods that are past their deadline. `is_retired`: the process has left the
    context, and what it left behind is counted.
    """

    tree: str
    process: str
    qualifier: str
    counts: dict[str, int]
    due: int
    finished: int
    active: int
    held: int
    failing: int
    first: str
    last: str
    open: int = 0
    late: int = 0
    is_retired: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the whole timetable is. Done means that no command waits either. `is_stuck`: what is left can't be done without a person."""

    due: int
    finished: int
    active: int
    held: int
    failing: int
    is_done: bool
    is_stuck: bool


def by_process(table: Timetable) -> dict[str, dict[int, Job]]:
    """Return the jobs under way of each process that has any, by ordinal."""
    found: dict[str, dict[int, Job]] = {}
    for (process, ordinal), job in table.active.items():
        found.setdefault(process, {})[ordinal] = job
    return found


def level_of(
    table: Timetable, topology: Topology, tree: str, process: str, now: datetime, jobs: Mapping[int, Job] | None = None
) -> Level:
    """Return how far a process is; `jobs` are those under way, looked for where they are not given."""
    states = table.states[process]
    jobs = by_process(table).get(process, {}) if jobs is None else jobs
    due_end = states.due_end(now)
    counts = states.counts(states.first, due_end)
    is_empty = due_end <= states.first
    return Level(
        tree,
        process,
        states.qualifier.name,
        {state.label: count for state, count in counts.items() if count},
        due_end - states.first,
        sum(counts[state] for state in JOB_FINISHED),
        len(jobs),
        sum(1 for job in jobs.values() if job.held),
        sum(1 for job in jobs.values() if job.failing_since and not job.held),
        "" if is_empty else table.period((process, states.first)),
        "" if is_empty else table.period((process, due_end - 1)),
        sum(1 for ordinal in jobs if states.is_open(ordinal, now)),
        late_count(states, topology, now),
    )


def retired_level(row: ProcessRow, chunks: Iterable[Chunk], jobs: Iterable[Job]) -> Level:
    """Return what a process that left the context has left behind: its chunks, and its jobs that were not finished."""
    facts = json.loads(row.shape)
    qualifier = QUALIFIERS[facts["qualifier"]]
    counts: Counter[JobState] = Counter()
    touched = []
    for chunk in chunks:
        counts.update(JobState(byte) for byte in chunk.states if byte)
        touched += [chunk.first + at for at, byte in enumerate(chunk.states) if byte]
    left = list(jobs)
    return Level(
        facts.get("tree", ""),
        row.name,
        qualifier.name,
        {state.label: counts[state] for state in JobState if counts[state]},
        counts.total(),
        sum(counts[state] for state in JOB_FINISHED),
        len(left),
        sum(1 for job in left if job.held),
        sum(1 for job in left if job.failing_since and not job.held),
        id_of(qualifier, min(touched)) if touched else "",
        id_of(qualifier, max(touched)) if touched else "",
        is_retired=True,
    )
