"""What does a node wait for? Its children and the periods that it depends on, counted off the timetable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from scheduler.decisions import Input
from scheduler.timetable import Node, Timetable, id_of
from scheduler.trees import Topology
from system.context import Dependency
from system.lifecycle import JOB_FINISHED, JobState


def inputs_of(timetable: Timetable, topology: Topology, node: Node) -> tuple[Input, ...]:
    """Return one `Input` for the children of `node` (if its tree has a finer level) and one for each process it depends on."""
    process, ordinal = node
    place = topology[process]
    found = []
    if place.child is not None:
        inside = topology.awaited_of(process, ordinal)
        found.append(_look(timetable, place.child, inside.start, inside.stop, is_child=True))
    for other in place.dependencies:
        needed = topology.needed_of(process, ordinal, other)
        found.append(_look(timetable, other, needed.start, needed.stop, is_child=False))
    for need in place.needs:
        found += _needed(timetable, topology, node, need)
    if place.in_order:
        first = topology.group(process, ordinal).start
        found.append(replace(_look(timetable, process, first - 1, first, is_child=False), is_order=True))
    return tuple(found)


def before_start(timetable: Timetable, topology: Topology, node: Node) -> tuple[str, ...]:
    """Return a sentence for each process of whose inputs to `node` some lie before its start, which counts them as done.

    Of several of which one is enough they count where all of them lie there, else for nothing.
    """
    process, ordinal = node
    place = topology[process]
    inputs = [(place.child, topology.awaited_of(process, ordinal))] if place.child else []
    inputs += [(other, topology.needed_of(process, ordinal, other)) for other in place.dependencies]
    for need in place.needs:
        found = [(other, topology.needed_of(process, ordinal, other, need.offset, need.last)) for other in need.processes]
        if not need.any_of or all(needed.stop <= timetable.states[other].first for other, needed in found):
            inputs += found
    earlier = [(other, range(needed.start, min(needed.stop, timetable.states[other].first))) for other, needed in inputs]
    return tuple(dict.fromkeys(_before(timetable, other, found) for other, found in earlier if found))


def _before(timetable: Timetable, process: str, found: range) -> str:
    """Return the sentence about the periods of a process that lie before its start."""
    first, last = (timetable.period((process, ordinal)) for ordinal in (found[0], found[-1]))
    if first == last:
        return f"{process} {first} is before its start: counts as done"
    return f"{process} {first} to {last} ({len(found):,} periods) are before its start: count as done"


def _needed(timetable: Timetable, topology: Topology, node: Node, need: Dependency) -> Iterator[Input]:
    """Yield an `Input` for each process of what a process depends on by itself; one for all of them where one period is enough."""
    periods = {other: topology.needed_of(*node, other, need.offset, need.last) for other in need.processes}
    if need.any_of:
        yield _any_of(timetable, topology, periods, is_optional=need.optional)
        return
    for other, needed in periods.items():
        found = _look(timetable, other, needed.start, needed.stop, is_child=False)
        yield replace(found, skipped=0, first_skipped="") if need.optional and found.skipped else found


def _any_of(timetable: Timetable, topology: Topology, periods: Mapping[str, range], *, is_optional: bool) -> Input:
    """Return the whole of several periods of which one is enough. Those that end no group are none of them: they have no data by rule."""
    found = [_part(timetable, topology, process, needed) for process, needed in periods.items()]
    parts = tuple(part for part, _ in found)
    left, lost = sum(part.unfinished for part in parts), sum(part.skipped for part in parts)
    whole = Input(is_child=False, process=parts[0].process, any_of=parts)
    if any(good for _, good in found):
        return whole
    if left:
        part = next(part for part in parts if part.unfinished)
        return replace(whole, process=part.process, unfinished=left, first_unfinished=part.first_unfinished)
    if lost and not is_optional:
        part = next(part for part in parts if part.skipped)
        return replace(whole, process=part.process, skipped=lost, first_skipped=part.first_skipped)
    return whole


def _part(timetable: Timetable, topology: Topology, process: str, needed: range) -> tuple[Input, int]:
    """Return one process's part of several periods of which one is enough, and how many of them are good."""
    states = timetable.states[process]
    low, high = states.clip(needed.start, needed.stop)
    ends = list(topology.ends_of(process, range(low, high)))
    unfinished = [end for end in ends if JobState(states[end]) not in JOB_FINISHED]
    skipped = [end for end in ends if states[end] == JobState.SKIPPED]
    first = [id_of(states.qualifier, found[0]) if found else "" for found in (unfinished, skipped)]
    part = Input(is_child=False, process=process, unfinished=len(unfinished), first_unfinished=first[0],
                 skipped=len(skipped), first_skipped=first[1])
    return part, len(ends) - len(unfinished) - len(skipped)


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
