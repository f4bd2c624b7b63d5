"""Can the lines of a drawn graph be followed? Nodes never touch, lines lead to the right and never through a node, and few cross."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mx.drawing.layered import HEIGHT, WIDTH, Layout, layered

NAMES = [f"n{at}" for at in range(14)]
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=40)


def points(path: str) -> list[tuple[int, int]]:
    """Return where a path begins and where each of its parts ends."""
    parts = [[int(number) for number in re.findall(r"-?\d+", part)] for part in re.findall(r"[MLC][^MLC]+", path)]
    return [(part[-2], part[-1]) for part in parts]


def through(layout: Layout, path: str) -> list[str]:
    """Return the nodes that the straight parts of a line run through."""
    ends = points(path)
    flat = [(a, b) for a, b in pairwise(ends) if abs(b[0] - a[0]) == WIDTH]
    return [
        name for name, (x, y) in layout.places.items() for a, _ in flat if x <= a[0] <= x + WIDTH and y < a[1] < y + HEIGHT
    ]  # fmt: skip


@given(EDGES)
@settings(max_examples=60, deadline=None)
def test_nodes_never_touch_and_lines_keep_clear_of_them(edges: list[tuple[str, str]]) -> None:
    layout = layered(NAMES, edges)
    assert set(layout.places) == set(NAMES)
    for (x1, y1), (x2, y2) in combinations(layout.places.values(), 2):
        assert x1 != x2 or abs(y1 - y2) >= HEIGHT
        assert x1 == x2 or abs(x1 - x2) >= WIDTH or abs(y1 - y2) >= HEIGHT
    assert set(layout.paths) == {edge for edge in edges if edge[0] != edge[1]}
    assert all(not through(layout, path) for path in layout.paths.values())
    assert all(0 <= x <= layout.width - WIDTH and 0 <= y <= layout.height - HEIGHT for x, y in layout.places.values())


@given(EDGES)
@settings(max_examples=60, deadline=None)
def test_a_line_begins_and_ends_at_its_nodes(edges: list[tuple[str, str]]) -> None:
    layout = layered(NAMES, edges)
    for (source, target), path in layout.paths.items():
        (x1, y1), (x2, y2) = points(path)[0], points(path)[-1]
        assert y1 - layout.places[source][1] == y2 - layout.places[target][1] == HEIGHT // 2
        assert 0 <= min(abs(x1 - layout.places[source][0] - side) for side in (0, WIDTH)) <= 4
        assert min(abs(x2 - layout.places[target][0] - side) for side in (0, WIDTH)) <= 4


def test_a_line_between_two_of_one_layer_ends_beside_its_node() -> None:
    layout = layered(["a", "b", "c", "d"], [("b", "d"), ("d", "c"), ("a", "d"), ("b", "a"), ("c", "d"), ("c", "a")])
    ends = {name: (x + WIDTH, y + HEIGHT // 2) for name, (x, y) in layout.places.items()}
    level = [edge for edge in layout.paths if ends[edge[0]][0] == ends[edge[1]][0]]
    assert level
    assert all(points(layout.paths[edge])[0] == ends[edge[0]] for edge in level)
    assert all(points(layout.paths[edge])[-1] == (ends[edge[1]][0] + 4, ends[edge[1]][1]) for edge in level)


def test_inputs_stand_to_the_left() -> None:
    layout = layered(["c", "b", "a"], [("a", "b"), ("b", "c"), ("a", "c")])
    assert layout.places["a"][0] < layout.places["b"][0] < layout.places["c"][0]


def test_two_chains_do_not_cross() -> None:
    layout = layered(["a1", "b1", "b2", "a2", "a3", "b3"], [("a1", "a2"), ("b1", "b2"), ("a2", "a3"), ("b2", "b3")])
    above = [layout.places[f"a{at}"][1] < layout.places[f"b{at}"][1] for at in (1, 2, 3)]
    assert len(set(above)) == 1


def test_a_circle_is_drawn_all_the_same() -> None:
    layout = layered(["a", "b"], [("a", "b"), ("b", "a"), ("a", "a")])
    assert set(layout.paths) == {("a", "b"), ("b", "a")}


def test_nodes_without_lines_stand_in_rows_below() -> None:
    layout = layered([f"n{at}" for at in range(9)], [("n0", "n1")])
    assert all(layout.places[f"n{at}"][1] > HEIGHT for at in range(2, 9))
    assert len({layout.places[f"n{at}"][1] for at in range(2, 9)}) == 2
    assert layered([], []).places == {}
