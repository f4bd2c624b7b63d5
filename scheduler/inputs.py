"""What does a node wait for? Its children and the periods that it depends on, counted off the timetable."""

from __future__ import annotations

from scheduler.discrete import Input
from scheduler.timetable import Node, Timetable, id_of
from scheduler.trees import Topology


def inputs_of(timetable: Timetable, topology: Topology, node: Node) -> tuple[Input, ...]:
    """Return one `Input` for the children of `node` (if its tree has a finer level) and one for each process it depends on."""
    process, ordinal = node
    place = topology[process]
    found = []
    if place.child is not None:
        inside = topology.children_of(process, ordinal)
        found.append(_look(timetable, place.child, inside.start, inside.stop, is_child=True))
    for other in place.dependencies:
        needed = topology.needed_of(process, ordinal, other)
        found.append(_look(timetable, other, needed.start, needed.stop, is_child=False))
    for need in place.needs:
        for other in need.processes:
            needed = topology.needed_of(process, ordinal, other, need.offset, need.last)
            found.append(_look(timetable, other, needed.start, needed.stop, is_child=False))
    return tuple(found)


def _look(timetable: Timetable, process: str, low: int, high: int, *, is_child: bool) -> Input:
    qualifier = timetable.states[process].qualifier
    unfinished, first = timetable.unfinished(process, low, high)
    skipped, first_skipped = timetable.skipped(process, low, high)
    return Input(
        is_child,
        process,
        unfinished,
        "" if first is None else id_of(qualifier, first),
        skipped,
        "" if first_skipped is None else id_of(qualifier, first_skipped),
    )
