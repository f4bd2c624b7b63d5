"""Who waits for whom? The pure topology of a checked context: parents, children, dependencies, and their timeperiods.

Edges join a node (process, ordinal) to its inputs: its children in the same tree, the same period of the processes that its
tree depends on, and what its process depends on by itself. Nothing here knows a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from graphlib import CycleError, TopologicalSorter

from system.calendars import UTC_CALENDAR, Calendar
from system.context import Context, Dependency, Tree, period_after_last
from system.grouping import group_of
from system.timeperiod import Qualifier

NO_PERIODS = range(0)
# One cache serves all processes of a pair of qualifiers, so that it stays small however many processes there are.
_CACHED = 16_384


@dataclass(frozen=True, slots=True)
class Place:
    """Where one process stands. `parent` is its tree's next coarser process, `child` the next finer one.

    `dependencies` are the processes of the same qualifier in the trees that its tree depends on, in the order given there;
    `dependants` the reverse, in the order of the context. `last` is the first period that the process does not run, None: never.
    `needs` is what the process depends on by itself; `in_order`: a period starts after the one before it has finished. `calendar` is
    that of its tree.
    """

    name: str
    tree: str
    qualifier: Qualifier
    parent: str | None
    child: str | None
    dependencies: tuple[str, ...]
    dependants: tuple[str, ...]
    grouping: int = 1
    last: int | None = None
    needs: tuple[Dependency, ...] = ()
    in_order: bool = False
    calendar: Calendar = UTC_CALENDAR


class Topology:
    """The places of all managed processes of a context that was checked, and the walk between their periods.

    `places` is keyed by process name, in the order of the context. Whatever takes an ordinal raises TimeperiodError outside the calendar.
    """

    def __init__(self, context: Context) -> None:
        self.places: dict[str, Place] = _places(context)
        self._up: dict[str, tuple[str, Callable[[int], int]]] = {}
        self._down: dict[str, Callable[[int], range]] = {}
        for place in self.places.values():
            if place.parent is not None:
                coarse, calendar = self.places[place.parent].qualifier, self._between(place.parent, place.name)
                self._up[place.name] = place.parent, _climb(place.qualifier, coarse, calendar)
                self._down[place.parent] = _descend(coarse, place.qualifier, calendar)
        self._users: dict[str, list[tuple[str, int, int]]] = {}
        for place in self.places.values():
            for need in place.needs:
                for other in need.processes:
                    self._users.setdefault(other, []).append((place.name, need.offset, need.last))
        self._order, self._is_looped = _order(self.places)
        self._rank = {name: rank for rank, name in enumerate(self._order)}

    def __getitem__(self, process: str) -> Place:
        return self.places[process]

    def order(self) -> list[str]:
        """Return all process names, each after its child and its dependencies; the same context gives the same order.

        Where processes depend on each other's past, what they depend on by themselves is left out of it.
        """
        return list(self._order)

    def inputs_of(self, process: str) -> set[str]:
        """Return a process with all that it waits for, directly or not."""
        found: set[str] = set()
        waiting = [process]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                place = self.places[name]
                waiting += [*((place.child,) if place.child else ()), *place.dependencies]
                waiting += [other for need in place.needs for other in need.processes]
        return found

    def group(self, process: str, ordinal: int) -> range:
        """Return the ordinals of the group that holds a period, in order: the last of them is the one that runs.

        Without time grouping a period is its own group. A group that the process's end cuts ends there.
        """
        place = self.places[process]
        if place.grouping == 1:
            return range(ordinal, ordinal + 1)
        found = group_of(place.qualifier, ordinal, place.grouping)
        return found if place.last is None or ordinal >= place.last else range(found.start, min(found.stop, place.last))

    def left_out(self, process: str, ordinal: int) -> str:
        """Return why there is no time in a period's group, empty where there is some: the zone of its tree has no such day."""
        calendar, qualifier = self.places[process].calendar, self.places[process].qualifier
        if not calendar.moves(qualifier):
            return ""
        group = self.group(process, ordinal)
        is_empty = calendar.start(qualifier, group.start) == calendar.start(qualifier, group.stop)
        return f"{calendar.time_zone} has no such day: its clocks were put over it" if is_empty else ""

    def parent_of(self, process: str, ordinal: int) -> int | None:
        """Return the ordinal of the parent's period that contains this one, None where the process has no parent."""
        up = self._up.get(process)
        return up[1](ordinal) if up else None

    def children_of(self, process: str, ordinal: int) -> range:
        """Return the ordinals of the child's periods inside this one's group, empty where the process has no child."""
        down = self._down.get(process)
        if down is None:
            return NO_PERIODS
        group = self.group(process, ordinal)
        return range(down(group[0]).start, down(group[-1]).stop)

    def awaited_of(self, process: str, ordinal: int) -> range:
        """Return the ordinals of the child's periods that this one waits for: its children, to the end of their last one's group.

        Groups of hours are those of UTC's days, and may reach over the end of a zone's.
        """
        found, child = self.children_of(process, ordinal), self.places[process].child
        return range(found.start, self.group(child, found[-1]).stop) if child and found else found

    def needed_of(self, process: str, ordinal: int, other: str, offset: int = 0, last: int = 1) -> range:
        """Return the ordinals of `other` that a period depends on: the counterparts of its group, to the end of their own group.

        They are moved by `offset` and begin `last` - 1 earlier, in periods of `other`. No group depends on itself.
        """
        group = self.group(process, ordinal)
        found = self._counterparts(process, group.start, group.stop, other)
        low, high = found.start + offset - last + 1, found.stop + offset
        stop = self.group(other, high - 1).stop
        return range(low, min(stop, group.start) if other == process else stop)

    def follower_of(self, process: str, ordinal: int) -> int | None:
        """Return the period of the process that starts only after this one has finished, None where there is no order in it."""
        if not self.places[process].in_order:
            return None
        return self.group(process, self.group(process, ordinal).stop)[-1]

    def ends_of(self, process: str, periods: range) -> Iterator[int]:
        """Yield those of `periods` that run: all of them, or the ends of their groups."""
        if self.places[process].grouping == 1:
            yield from periods
            return
        for ordinal in periods:
            if self.group(process, ordinal)[-1] == ordinal:
                yield ordinal

    def affected_by(self, process: str, ordinal: int) -> Iterator[tuple[str, int]]:
        """Yield the nodes that use this one directly: the parent, then the dependants; of a group the period that runs."""
        up = self._up.get(process)
        if self.places[process].grouping > 1:
            # Whoever needs a period waits to the end of its group: so for this one and those before it, and not for those after it.
            group = range(self.group(process, ordinal).start, ordinal + 1)
            if up:
                yield from dict.fromkeys((up[0], self.group(up[0], up[1](own))[-1]) for own in group)
            for dependant in self.places[process].dependants:
                yield from dict.fromkeys((dependant, self.group(dependant, own)[-1]) for own in group)
        else:
            if up:
                yield up[0], self.group(up[0], up[1](ordinal))[-1]
            for dependant in self.places[process].dependants:
                yield dependant, self.group(dependant, ordinal)[-1]
        for user, offset, last in self._users.get(process, ()):
            yield from self._using(process, ordinal, user, offset, last)

    def _using(self, process: str, ordinal: int, user: str, offset: int, last: int) -> Iterator[tuple[str, int]]:
        """Yield the periods of `user` that have this one in their `needed_of`; of a group the period that runs."""
        # A period stands for those before it in its group: whoever needs one of these needs its end.
        first = self.group(process, ordinal).start
        span = self._counterparts(process, first - offset, ordinal - offset + last, user)
        own = span.start
        while own < span.stop:
            group = self.group(user, own)
            if user != process or group.start > ordinal:
                yield user, group[-1]
            own = group.stop

    def _counterparts(self, process: str, low: int, high: int, other: str) -> range:
        """Return the periods of `other` over `[low, high)`: those that begin inside it, or those that contain the start of one of them."""
        own, others = self.places[process].qualifier, self.places[other].qualifier
        if others is own:
            return range(low, high)
        calendar = self._between(process, other)
        if others > own:
            down = _descend(own, others, calendar)
            return range(down(low).start, down(high - 1).stop)
        up = _climb(own, others, calendar)
        return range(up(low), up(high - 1) + 1)

    def _between(self, process: str, other: str) -> Calendar:
        own, others = self.places[process], self.places[other]
        return own.calendar.beside(own.qualifier, others.calendar, others.qualifier)

    def downstream(
        self, process: str, ordinal: int, is_there: Callable[[tuple[str, int]], bool] = lambda node: True  # noqa: ARG005  all are
    ) -> list[tuple[str, int]]:
        """Return every node that uses this one, directly or not, without the node itself; see `closure`."""
        return [node for node in self.closure([(process, ordinal)], is_there) if node != (process, ordinal)]

    def closure(
        self, nodes: Iterable[tuple[str, int]], is_there: Callable[[tuple[str, int]], bool] = lambda node: True  # noqa: ARG005  all are
    ) -> list[tuple[str, int]]:
        """Return `nodes` with every node that uses one of them, directly or not, each once and after its own inputs.

        Those for which `is_there` is False are left out, and so is what only they lead to. Where a process without an end depends on
        its own past, `is_there` has to set the end.
        """
        found: dict[tuple[str, int], list[tuple[str, int]]] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = [user for user in self.affected_by(*node) if is_there(user)]
                waiting += found[node]
        return self._inputs_first(found)

    def _inputs_first(self, found: dict[tuple[str, int], list[tuple[str, int]]]) -> list[tuple[str, int]]:
        if not self._is_looped:
            return sorted(found, key=lambda node: (self._rank[node[0]], node[1]))
        sorter: TopologicalSorter[tuple[str, int]] = TopologicalSorter()
        for node, users in found.items():
            sorter.add(node)
            for user in users:
                sorter.add(user, node)
        return list(sorter.static_order())


def _places(context: Context) -> dict[str, Place]:
    tree_of = {name: tree for tree in context.trees.values() for name in tree.enclosed_processes}
    levels = {tree.name: _levels(context, tree) for tree in context.trees.values()}
    dependencies = {name: _dependencies(context, tree_of.get(name), levels, name) for name in context.managed}
    dependants: dict[str, list[str]] = {name: [] for name in context.managed}
    for name, inputs in dependencies.items():
        for other in inputs:
            dependants[other].append(name)
    places = {}
    for name, process in context.managed.items():
        tree = tree_of.get(name)
        level = levels[tree.name] if tree else [name]
        at = level.index(name)
        places[name] = Place(
            name=name,
            tree=tree.name if tree else "",
            qualifier=process.qualifier,
            parent=level[at - 1] if at else None,
            child=level[at + 1] if at + 1 < len(level) else None,
            dependencies=dependencies[name],
            dependants=tuple(dependants[name]),
            grouping=process.time_grouping,
            last=after.ordinal if (after := period_after_last(process)) else None,
            needs=process.needs,
            in_order=process.in_order,
            calendar=context.calendar_of(name),
        )
    return places


def _levels(context: Context, tree: Tree) -> list[str]:
    """Return a tree's processes, coarsest first."""
    return sorted(tree.enclosed_processes, key=lambda name: context.managed[name].qualifier)


def _dependencies(context: Context, tree: Tree | None, levels: dict[str, list[str]], name: str) -> tuple[str, ...]:
    wanted = context.managed[name].qualifier
    named = dict.fromkeys(tree.dependent_on) if tree else {}
    return tuple(other for input_tree in named for other in levels[input_tree] if context.managed[other].qualifier == wanted)


def _order(places: dict[str, Place]) -> tuple[list[str], bool]:
    """Return the processes, each after its inputs, and whether that took leaving out what processes depend on by themselves."""
    inputs = {p.name: (*((p.child,) if p.child else ()), *p.dependencies) for p in places.values()}
    # A process that depends on its own past stays where it is: its periods are in order anyhow.
    more = {p.name: [other for need in p.needs for other in need.processes if other != p.name] for p in places.values()}
    try:
        return list(TopologicalSorter({name: (*inputs[name], *more[name]) for name in places}).static_order()), False
    except CycleError:
        return list(TopologicalSorter(inputs).static_order()), True


@cache
def _climb(fine: Qualifier, coarse: Qualifier, calendar: Calendar) -> Callable[[int], int]:
    @lru_cache(maxsize=_CACHED)
    def climb(ordinal: int) -> int:
        return calendar.within(fine, ordinal, coarse)

    return climb


@cache
def _descend(coarse: Qualifier, fine: Qualifier, calendar: Calendar) -> Callable[[int], range]:
    @lru_cache(maxsize=_CACHED)
    def descend(ordinal: int) -> range:
        return calendar.inside(coarse, ordinal, fine)

    return descend
