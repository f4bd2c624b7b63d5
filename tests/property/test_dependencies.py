"""Do children partition their parent, and is the order topological, whatever trees there are?"""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from scheduler.trees import Topology
from system.context import Context
from system.timeperiod import containing
from tests.support.contexts import context_of

LEVELS = ["yearly", "monthly", "daily", "hourly"]
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
Node = tuple[str, int]


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Return a context of one to four trees without a cycle, given in any order."""
    names = draw(st.permutations("abcd"))[: draw(st.integers(1, 4))]
    levels = {name: draw(st.permutations(LEVELS))[: draw(st.integers(1, 4))] for name in names}
    earlier = {name: [other for other in names if other < name] for name in names}
    links = {name: draw(st.lists(st.sampled_from(found), unique=True)) for name, found in earlier.items() if found}
    return context_of(levels, links)


@st.composite
def nodes(draw: st.DrawFn) -> tuple[Context, Node]:
    context = draw(contexts())
    process = draw(st.sampled_from(list(context.managed.values())))
    return context, (process.name, containing(process.qualifier, draw(MOMENTS)).ordinal)


def closure(topology: Topology, node: Node) -> set[Node]:
    """Return what uses `node`, by brute force: repeat one step until nothing is added."""
    found = {node}
    while True:
        step = {user for one in found for user in topology.affected_by(*one)}
        if step <= found:
            return found - {node}
        found |= step


@given(nodes())
def test_every_child_of_a_period_has_it_as_parent(drawn: tuple[Context, Node]) -> None:
    topology, (process, ordinal) = Topology(drawn[0]), drawn[1]
    child = topology[process].child
    children = topology.children_of(process, ordinal)
    if child is None:
        assert list(children) == []
    else:
        assert {topology.parent_of(child, children[0]), topology.parent_of(child, children[-1])} == {ordinal}
        assert topology.parent_of(child, children.start - 1) == ordinal - 1
        assert topology.parent_of(child, children.stop) == ordinal + 1


@given(nodes())
def test_every_period_is_among_the_children_of_its_parent(drawn: tuple[Context, Node]) -> None:
    topology, (process, ordinal) = Topology(drawn[0]), drawn[1]
    parent, above = topology[process].parent, topology.parent_of(process, ordinal)
    assert (parent is None) == (above is None)
    if parent is not None and above is not None:
        assert ordinal in topology.children_of(parent, above)


@given(contexts())
def test_the_order_is_complete_and_topological(context: Context) -> None:
    topology = Topology(context)
    order = topology.order()
    assert sorted(order) == sorted(context.managed)
    for name in order:
        place = topology[name]
        inputs = [*place.dependencies, *([place.child] if place.child else [])]
        assert all(order.index(other) < order.index(name) for other in inputs)


@given(contexts())
def test_dependencies_and_dependants_mirror_each_other(context: Context) -> None:
    topology = Topology(context)
    for name, place in topology.places.items():
        assert all(name in topology[other].dependants for other in place.dependencies)
        assert all(name in topology[other].dependencies for other in place.dependants)


@given(nodes())
def test_downstream_is_the_whole_closure_each_after_its_inputs(drawn: tuple[Context, Node]) -> None:
    topology, node = Topology(drawn[0]), drawn[1]
    found = topology.downstream(*node)
    assert set(found) == closure(topology, node)
    assert len(found) == len(set(found))
    for at, user in enumerate(found):
        assert not set(topology.affected_by(*user)) & set(found[:at])
