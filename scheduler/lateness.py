"""Which periods are late: past their deadline and unfinished? Derived from states and time, never stored.

Pure, and shared by all who ask. Costs as much as there are periods from the first unfinished one on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.blockers import Blocker
from scheduler.timetable import FINISHED_BYTES, Node, States
from scheduler.trees import Topology


@dataclass(frozen=True, slots=True)
class Late:
    """The late periods of one process: how many, the oldest one, since when that is late, and what it waits for (None: not looked into)."""

    process: str
    count: int
    first: str
    since: datetime
    why: Blocker | None = None


def late_since(states: States, ordinal: int) -> datetime | None:
    """Return the deadline of a period, None where its process has none."""
    deadline = states.process.deadline
    return None if deadline is None else states.calendar.end(states.qualifier, ordinal) + timedelta(seconds=deadline)


def late(states: States, topology: Topology, now: datetime) -> Iterator[int]:
    """Yield the late periods of a process, oldest first; of a group its end alone."""
    deadline = states.process.deadline
    if deadline is None:
        return
    high = states.calendar.containing(states.qualifier, now - timedelta(seconds=deadline))
    for ordinal in states.unfinished(states.first, high if states.last is None else min(high, states.last)):
        if topology.group(states.process.name, ordinal)[-1] == ordinal:
            yield ordinal


def count_late(states: States, topology: Topology, now: datetime) -> int:
    """Return how many periods of a process are late. Ungrouped ones are counted as bytes, so that a long backlog costs no more."""
    deadline = states.process.deadline
    if deadline is None:
        return 0
    if states.process.time_grouping > 1:
        return sum(1 for _ in late(states, topology, now))
    high = states.calendar.containing(states.qualifier, now - timedelta(seconds=deadline))
    return states.count_unfinished(states.first, high if states.last is None else min(high, states.last))


def late_count(states: States, topology: Topology, now: datetime) -> int:
    """Return how many periods of a process are late; as long as there is no grouping they are counted as bytes."""
    deadline, first = states.process.deadline, next(late(states, topology, now), None)
    if deadline is None or first is None:
        return 0
    if states.process.time_grouping > 1:
        return sum(1 for _ in late(states, topology, now))
    high = states.calendar.containing(states.qualifier, now - timedelta(seconds=deadline))
    return len(states.between(first, high if states.last is None else min(high, states.last)).translate(None, FINISHED_BYTES))


def late_at(states: States, node: Node, now: datetime) -> datetime | None:
    """Return since when an unfinished period is late, None where it is not."""
    since = late_since(states, node[1])
    return since if since is not None and since <= now else None
