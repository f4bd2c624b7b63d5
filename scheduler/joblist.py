"""Which jobs are there to look at, and in which order? What needs a person first, then what runs, then what is finished, newest first."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from db.model import Job, UnitOfWork
from scheduler.lateness import late_at
from scheduler.timetable import Node, Timetable
from system.lifecycle import JOB_FINISHED, JobState, UowState

# What a job under way is at, in the order of the list.
LATE = "late"
PHASES = ("held", "failing", "running", "requested", "waiting")


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job of a list. `phase` is one of PHASES, empty for one that is not under way; `since` is None where no record was read.

    `late_since` is the deadline that the job has missed, None where it has not.
    """

    process: str
    timeperiod: str
    state: str
    phase: str
    since: datetime | None
    reason: str
    late_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobList:
    """The first lines of a list, and how many there are in all."""

    lines: list[JobLine]
    total: int


def phase_of(job: Job, uow: UnitOfWork | None) -> str:
    """Return what a job under way is at, one of PHASES."""
    if job.held:
        return "held"
    if uow is not None and uow.state is UowState.IN_PROGRESS:
        return "running"
    if job.failing_since:
        return "failing"
    return "requested" if uow is not None and uow.state is UowState.REQUESTED else "waiting"


def active_lines(table: Timetable, processes: Collection[str], uows: Mapping[str, UnitOfWork], now: datetime) -> list[JobLine]:
    """Return the jobs of `processes` that are under way: what needs a person first, then the oldest period."""
    found = []
    for (process, ordinal), job in table.active.items():
        if process in processes:
            phase = phase_of(job, uows.get(job.uow_id))
            since, late = job.failing_since or job.changed_at, late_at(table.states[process], (process, ordinal), now)
            line = JobLine(process, job.timeperiod, job.state.label, phase, since, job.held or job.reason, late)
            states = table.states[process]
            found.append((PHASES.index(phase), states.calendar.start(states.qualifier, ordinal), process, line))
    return [line for *_, line in sorted(found, key=lambda entry: entry[:3])]


def nodes_in(table: Timetable, processes: Collection[str], state: JobState | None, now: datetime, limit: int) -> tuple[list[Node], int]:
    """Return at most `limit` periods that are due and in `state`, and how many there are; None is every finished state.

    Finished ones come newest first; what nothing has touched yet (EMBRYO) oldest first, as it will be run.
    """
    wanted = JOB_FINISHED if state is None else frozenset({state})
    is_oldest_first = state is JobState.EMBRYO
    walks = [_walk(table, process, wanted, now, is_oldest_first=is_oldest_first) for process in processes]
    merged = heapq.merge(*walks, key=lambda entry: entry[0], reverse=not is_oldest_first)
    total = 0
    for process in processes:
        states = table.states[process]
        counts = states.counts(states.first, states.due_end(now))
        total += sum(counts[each] for each in wanted)
    return [node for _, node in islice(merged, limit)], total


def _walk(
    table: Timetable, process: str, wanted: frozenset[JobState], now: datetime, *, is_oldest_first: bool
) -> Iterator[tuple[datetime, Node]]:
    states = table.states[process]
    if is_oldest_first:
        ordinals = table.due_embryos(process, now)
    else:
        ordinals = _newest_first(states.between(states.first, states.due_end(now)), states.first, wanted)
    for ordinal in ordinals:
        yield states.calendar.end(states.qualifier, ordinal), (process, ordinal)


def _newest_first(found: bytes, first: int, wanted: frozenset[JobState]) -> Iterator[int]:
    at = len(found)
    while (at := max(found.rfind(state, 0, at) for state in wanted)) >= 0:
        yield first + at
