"""What does the dashboard draw of all processes? Nodes with their counts, and who needs whom; whole trees where they are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.graph import Graph, GraphEdge, GraphNode
from scheduler.desk import Desk
from scheduler.lateness import count_late
from scheduler.trees import Place
from system.context import Dependency
from system.entry_check import near
from system.errors import NotFound

MOST = 200


class GraphArea(Area):
    """Answers the part of `mx.desk_trees.TreesDesk` that is about all processes."""

    @asked
    def graph(self, trees: Sequence[str] = ()) -> Graph:
        """See TreesDesk."""
        desk, context = self.parts.desk, self.parts.context
        for name in trees:
            if name not in context.trees:
                raise NotFound(f"there is no tree {name!r}{near(name, context.trees)}")
        places = desk.topology.places
        edges = [edge for place in places.values() for edge in _edges(place)]
        wanted = {name for name, place in places.items() if not trees or place.tree in trees}
        if trees:
            wanted |= {edge.source for edge in edges if edge.target in wanted} | {edge.target for edge in edges if edge.source in wanted}
        if len(wanted) > MOST:
            return self._of_trees(desk, places, wanted, edges)
        nodes = tuple(self._nodes(desk, wanted))
        kept = tuple(edge for edge in edges if edge.source in wanted and edge.target in wanted)
        return Graph(nodes=nodes, edges=kept, trees=tuple(context.trees))

    def _of_trees(self, desk: Desk, places: dict[str, Place], wanted: Collection[str], edges: Sequence[GraphEdge]) -> Graph:
        """Return the graph of whole trees; a process in no tree stands for itself."""
        home = {name: place.tree or name for name, place in places.items()}
        sums: dict[str, Counter[str]] = {}
        on: dict[str, bool] = {}
        for node in self._nodes(desk, wanted):
            counts = {key: getattr(node, key) for key in ("due", "finished", "active", "held", "failing", "late")}
            sums.setdefault(home[node.name], Counter()).update(counts)
            on[home[node.name]] = on.get(home[node.name], False) or node.is_on
        shown = list(sums)[:MOST]
        whole = [{"name": name, "is_tree": name not in places, "is_on": on[name], **sums[name]} for name in shown]
        nodes = tuple(GraphNode.model_validate(each) for each in whole)
        pairs = dict.fromkeys((home[edge.source], home[edge.target]) for edge in edges)
        kept = tuple(
            GraphEdge(source=source, target=target, relation="dependency")
            for source, target in pairs
            if source != target and source in shown and target in shown
        )
        trees = tuple(self.parts.context.trees)
        return Graph(nodes=nodes, edges=kept, trees=trees, is_collapsed=True, left_out=len(sums) - len(shown))

    def _nodes(self, desk: Desk, wanted: Collection[str]) -> Iterator[GraphNode]:
        table, now = desk.read(), self.now()
        active: Counter[str] = Counter()
        held: Counter[str] = Counter()
        failing: Counter[str] = Counter()
        for (name, _), job in table.active.items():
            active[name] += 1
            held[name] += bool(job.held)
            failing[name] += bool(job.failing_since and not job.held)
        for name, place in desk.topology.places.items():
            if name not in wanted:
                continue
            states = table.states[name]
            end = states.due_end(now)
            due = end - states.first
            yield GraphNode(
                name=name, tree=place.tree, qualifier=place.qualifier.name, is_on=states.is_on, due=due,
                finished=due - states.count_unfinished(states.first, end), active=active[name], held=held[name], failing=failing[name],
                late=count_late(states, desk.topology, now),
            )  # fmt: skip


def _edges(place: Place) -> Iterator[GraphEdge]:
    """Yield what a process needs."""
    if place.child:
        yield GraphEdge(source=place.child, target=place.name, relation="child")
    for other in place.dependencies:
        yield GraphEdge(source=other, target=place.name, relation="dependency")
    for need in place.needs:
        for other in need.processes:
            yield GraphEdge(source=other, target=place.name, relation="dependency", note=note_of(need))
    if place.in_order:
        yield GraphEdge(source=place.name, target=place.name, relation="dependency", note="in order")


def note_of(need: Dependency) -> str:
    """Return what is special about a dependency, empty for the same period of one process."""
    words = [f"moved by {need.offset:+d}"] if need.offset else []
    words += [f"the last {need.last}"] if need.last > 1 else []
    words += ["any of them"] if need.any_of else []
    words += ["optional"] if need.optional else []
    return ", ".join(words)
