"""Who waits for whom? The pure topology of a checked context: parents, children, dependencies, and their timeperiods.

Edges join a node (process, ordinal) to its inputs: its children in the same tree, the same period of the processes that its
tree depends on, and what its process depends on by itself. Nothing here knows a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from graphlib import CycleError, TopologicalSorter

from system.context import Context, Dependency, Tree, last_moment
from system.grouping import group_of
from system.timeperiod import Qualifier, Timeperiod

NO_PERIODS = range(0)
# One cache serves all processes of a pair of qualifiers, so that it stays small however many processes there are.
_CACHED = 16_384


@dataclass(frozen=True, slots=True)
class Place:
    """Where one process stands. `parent` is its tree's next coarser process, `child` the next finer one.

    `dependencies` are the processes of the same qualifier in the trees that its tree depends on, in the order given there;
    `dependants` the reverse, in the order of the context. `last` is the first period that the process does not run, None: never.
    `needs` is what the process depends on by itself; `in_order`: a period starts after the one before it has finished.
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
                coarse = self.places[place.parent].qualifier
                self._up[place.name] = place.parent, _climb(place.qualifier, coarse)
                self._down[place.parent] = _descend(coarse, place.qualifier)
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

    def group(self, process: str, ordinal: int) -> range:
        """Return the ordinals of the group that holds a period, in order: the last of them is the one that runs.

        Without time grouping a period is its own group. A group that the process's end cuts ends there.
        """
        place = self.places[process]
        if place.grouping == 1:
            return range(ordinal, ordinal + 1)
        found = group_of(place.qualifier, ordinal, place.grouping)
        return found if place.last is None or ordinal >= place.last else range(found.start, min(found.stop, place.last))

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

    def needed_of(self, process: str, ordinal: int, other: str, offset: int = 0, last: int = 1) -> range:
        """Return the ordinals of `other` that a period depends on: the counterparts of its group, to the end of their own group.

        They are moved by `offset` and begin `last` - 1 earlier, in periods of `other`. No group depends on itself.
        """
        group = self.group(process, ordinal)
        found = _counterparts(self.places[process].qualifier, group.start, group.stop, self.places[other].qualifier)
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
        if up:
            yield up[0], self.group(up[0], up[1](ordinal))[-1]
        for dependant in self.places[process].dependants:
            if self.places[process].grouping == 1:
                yield dependant, self.group(dependant, ordinal)[-1]
            else:
                yield from dict.fromkeys((dependant, self.group(dependant, own)[-1]) for own in self.group(process, ordinal))
        for user, offset, last in self._users.get(process, ()):
            yield from self._using(process, ordinal, user, offset, last)

    def _using(self, process: str, ordinal: int, user: str, offset: int, last: int) -> Iterator[tuple[str, int]]:
        """Yield the periods of `user` that have this one in their `needed_of`; of a group the period that runs."""
        # A period stands for those before it in its group: whoever needs one of these needs its end.
        first = self.group(process, ordinal).start
        span = _counterparts(self.places[process].qualifier, first - offset, ordinal - offset + last, self.places[user].qualifier)
        own = span.start
        while own < span.stop:
            group = self.group(user, own)
            if user != process or group.start > ordinal:
                yield user, group[-1]
            own = group.stop

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
            last=process.qualifier.ordinal_of(end) if (end := last_moment(process)) else None,
            needs=process.needs,
            in_order=process.in_order,
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


def _counterparts(qualifier: Qualifier, low: int, high: int, other: Qualifier) -> range:
    """Return the periods of `other` over `[low, high)`: those inside it, or those that contain a part of it."""
    if other is qualifier:
        return range(low, high)
    if other > qualifier:
        down = _descend(qualifier, other)
        return range(down(low).start, down(high - 1).stop)
    up = _climb(qualifier, other)
    return range(up(low), up(high - 1) + 1)


@cache
def _climb(fine: Qualifier, coarse: Qualifier) -> Callable[[int], int]:
    @lru_cache(maxsize=_CACHED)
    def climb(ordinal: int) -> int:
        return Timeperiod(fine, ordinal).within(coarse).ordinal

    return climb


@cache
def _descend(coarse: Qualifier, fine: Qualifier) -> Callable[[int], range]:
    @lru_cache(maxsize=_CACHED)
    def descend(ordinal: int) -> range:
        return Timeperiod(coarse, ordinal).inside(fine)

    return descend
