"""Which parent is nothing left of? One all of whose children are SKIPPED; it is so with them, whatever skipped each, and in whatever order.

Pure. Semantics: REFERENCE 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from db.model import Job
from scheduler.timetable import Node, Timetable
from scheduler.trees import Topology
from system.lifecycle import UOW_FINISHED, JobEvent, JobState

_REASON = "children: "


class Emptied:
    """The parents that the last child of may have been skipped since they were looked at last."""

    def __init__(self, topology: Topology, timetable: Timetable) -> None:
        self._topology = topology
        self._timetable = timetable
        self._doubtful: dict[Node, None] = {}

    def skipped(self, node: Node) -> None:
        """Take over that `node` was skipped."""
        if (parent := parent_of(self._topology, node)) is not None:
            self._doubtful[parent] = None

    def ended(self, node: Node, before: Job) -> None:
        """Take over that the unit of work of an unfinished `node` ended: it may have done its work before it was called off for this."""
        if before.next_event is JobEvent.SKIPPED and before.reason.startswith(_REASON):
            self._doubtful[node] = None

    def take(self) -> Iterator[tuple[Node, str]]:
        """Yield the parents that nothing is left of, and the reason: no operator's, so whoever reprocesses a child reopens them."""
        while self._doubtful:
            parent, _ = self._doubtful.popitem()
            if is_emptied(self._topology, self._timetable, parent):
                yield parent, f"{_REASON}all in {self._topology[parent[0]].child} are skipped"


def parent_of(topology: Topology, node: Node) -> Node | None:
    """Return the parent of a node: of a group the period that runs."""
    parent, up = topology[node[0]].parent, topology.parent_of(*node)
    return None if parent is None or up is None else (parent, topology.group(parent, up)[-1])


def is_emptied(topology: Topology, timetable: Timetable, parent: Node) -> bool:
    """Return whether `parent` is not finished, and all that it is made of is SKIPPED."""
    child = topology[parent[0]].child
    if child is None or not timetable.is_unfinished(parent):
        return False
    inside, states = topology.children_of(*parent), timetable.states[child]
    ends = topology.ends_of(child, range(*states.clip(inside.start, inside.stop)))
    first = next(ends, None)
    return first is not None and states[first] == JobState.SKIPPED and all(states[end] == JobState.SKIPPED for end in ends)


def runs(job: Job | None) -> bool:
    """Return whether a job has a unit of work that has not ended."""
    return job is not None and job.uow_state is not None and job.uow_state not in UOW_FINISHED
