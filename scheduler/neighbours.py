"""What does a period wait for, and who waits for it, one step each way? Pure: to be drawn.

Periods of one process are told as one span, since a month may wait for 744 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from scheduler.timetable import Node, Timetable
from scheduler.trees import Topology
from system.lifecycle import JobState

_MOST = 10_000  # periods that use one, as far as they are walked


@dataclass(frozen=True, slots=True)
class Span:
    """Periods of one process. `relation` is what they are to the one asked about: child, dependency, order, parent or dependant."""

    process: str
    periods: range
    relation: str


@dataclass(frozen=True, slots=True)
class Look:
    """How the periods of a span stand, those that exist: how many, how many of them are finished, the one to look at first.

    `state` is None where they differ, or where there are none.
    """

    first: int
    last: int
    count: int
    finished: int
    look_at: int
    state: JobState | None


def inputs_of(topology: Topology, node: Node) -> list[Span]:
    """Return what a period waits for: its children, then what it depends on, then the one before it where order counts."""
    process, ordinal = node
    place = topology[process]
    found = [Span(place.child, topology.awaited_of(process, ordinal), "child")] if place.child else []
    found += [Span(other, topology.needed_of(process, ordinal, other), "dependency") for other in place.dependencies]
    for need in place.needs:
        needed = {other: topology.needed_of(process, ordinal, other, need.offset, need.last) for other in need.processes}
        found += [Span(other, periods, "dependency") for other, periods in needed.items()]
    if place.in_order:
        first = topology.group(process, ordinal).start
        found.append(Span(process, range(first - 1, first), "order"))
    return _merged(found)


def users_of(topology: Topology, node: Node) -> list[Span]:
    """Return who waits for a period: its parent, then its dependants, then the one after it where order counts."""
    process, ordinal = node
    parent, follower = topology[process].parent, topology.follower_of(process, ordinal)
    nodes = [*islice(topology.affected_by(process, ordinal), _MOST), *([(process, follower)] if follower is not None else [])]
    relations = {parent: "parent", process: "order"}
    return _merged(Span(name, range(at, at + 1), relations.get(name, "dependant")) for name, at in nodes)


def look(table: Timetable, span: Span) -> Look:
    """Return how a span stands."""
    states = table.states[span.process]
    low, high = states.clip(span.periods.start, span.periods.stop)
    if low >= high:
        return Look(span.periods.start, span.periods.stop - 1, 0, 0, span.periods.start, None)
    found = states.between(low, high)
    left, first = table.unfinished(span.process, low, high)
    state = JobState(found[0]) if found.count(found[:1]) == len(found) else None
    return Look(low, high - 1, len(found), len(found) - left, low if first is None else first, state)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return one span for each process and relation, in the order in which they were met first."""
    found: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = span.process, span.relation
        known = found.get(key)
        if known is None:
            found[key] = span
        else:
            low, high = min(known.periods.start, span.periods.start), max(known.periods.stop, span.periods.stop)
            found[key] = Span(span.process, range(low, high), span.relation)
    return list(found.values())
