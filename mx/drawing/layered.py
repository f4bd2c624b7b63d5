"""Where does each node of a graph stand so that its lines can be followed? In layers from left to right, inputs first.

Layers by the longest way from a node without inputs; what goes over several layers gets a place in each, so that no line runs
through a node; the order inside a layer by the middle of the neighbours, to and fro, so that few lines cross. Nodes without any
line stand in rows below.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

WIDTH, HEIGHT, GAP, BETWEEN, THIN = 208, 58, 16, 72, 18
_SWEEPS, _PULLS = 8, 6

# A node's name, or a place that a line takes in a layer.
Spot = Hashable
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """The left upper corner of each node, the path of each line, and how much room that takes."""

    places: dict[str, tuple[int, int]]
    paths: dict[Edge, str]
    width: int
    height: int


def layered(names: Sequence[str], edges: Sequence[Edge]) -> Layout:
    """Return where nodes and lines stand. Lines from a node to itself, or to names that are not there, are left out.

    Kept for the next reader: who depends on whom changes with the context only.
    """
    return _layered(tuple(names), tuple(edges))


@lru_cache(maxsize=32)
def _layered(names: tuple[str, ...], edges: tuple[Edge, ...]) -> Layout:
    known = set(names)
    lines = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1] and known.issuperset(edge)]
    joined = {name for edge in lines for name in edge}
    inside = [name for name in names if name in joined]
    layer_of = _layers(inside, lines)
    layers, chains = _with_places(inside, lines, layer_of)
    neighbours = _neighbours(chains)
    _order(layers, neighbours)
    y = _heights(layers, neighbours)
    bottom = max((y[spot] + _height(spot) for layer in layers for spot in layer), default=0)
    places = {name: (layer_of[name] * (WIDTH + BETWEEN), y[name]) for name in inside}
    paths = {edge: _path(edge, chain, layer_of, y) for edge, chain in chains.items()}
    alone = [name for name in names if name not in joined]
    across = max(len(layers), 4)
    top = bottom + GAP * 2 if inside else 0
    places |= {name: (at % across * (WIDTH + BETWEEN // 3), top + at // across * (HEIGHT + GAP)) for at, name in enumerate(alone)}
    width = max((x + WIDTH for x, _ in places.values()), default=WIDTH)
    return Layout(places, paths, width, max((at + HEIGHT for _, at in places.values()), default=HEIGHT))


def _layers(names: Sequence[str], lines: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each node; a line that would close a circle counts for nothing."""
    inputs: dict[str, list[str]] = {name: [] for name in names}
    for source, target in lines:
        inputs[target].append(source)
    while True:
        try:
            order = list(TopologicalSorter(inputs).static_order())
        except CycleError as error:
            circle: list[str] = error.args[1]  # each is an input of the next
            inputs[circle[1]].remove(circle[0])
            continue
        found: dict[str, int] = {}
        for name in order:
            found[name] = max((found[other] + 1 for other in inputs[name]), default=0)
        return found


def _with_places(names: Sequence[str], lines: Sequence[Edge], layer_of: dict[str, int]) -> tuple[list[list[Spot]], dict[Edge, list[Spot]]]:
    """Return the layers with a place for each line that passes through, and each line's way from left to right."""
    layers: list[list[Spot]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for name in names:
        layers[layer_of[name]].append(name)
    chains: dict[Edge, list[Spot]] = {}
    for edge in lines:
        left, right = sorted(edge, key=lambda name: layer_of[name])
        between: list[Spot] = [(edge, at) for at in range(layer_of[left] + 1, layer_of[right])]
        for at, spot in enumerate(between, layer_of[left] + 1):
            layers[at].append(spot)
        chains[edge] = [left, *between, right]
    return layers, chains


def _neighbours(chains: dict[Edge, list[Spot]]) -> dict[Spot, tuple[list[Spot], list[Spot]]]:
    """Return for each place those it is joined to: on its left, on its right."""
    found: dict[Spot, tuple[list[Spot], list[Spot]]] = {}
    for chain in chains.values():
        for left, right in pairwise(chain):
            found.setdefault(left, ([], []))[1].append(right)
            found.setdefault(right, ([], []))[0].append(left)
    return found


def _order(layers: list[list[Spot]], neighbours: dict[Spot, tuple[list[Spot], list[Spot]]]) -> None:
    """Put each layer into the order of the middles of its neighbours, in turns from the left and from the right."""
    for sweep in range(_SWEEPS):
        side = sweep % 2
        walked = range(1, len(layers)) if side == 0 else range(len(layers) - 2, -1, -1)
        for at in walked:
            other = layers[at - 1] if side == 0 else layers[at + 1]
            place = {spot: number for number, spot in enumerate(other)}
            own = {spot: number * len(other) / max(1, len(layers[at])) for number, spot in enumerate(layers[at])}
            layers[at].sort(key=lambda spot: _middle([place[n] for n in neighbours[spot][side] if n in place], own[spot]))


def _heights(layers: list[list[Spot]], neighbours: dict[Spot, tuple[list[Spot], list[Spot]]]) -> dict[Spot, int]:
    """Return how far down each place begins: near the middle of its neighbours, in order, without touching."""
    y: dict[Spot, float] = {}
    for layer in layers:
        _stack(layer, dict.fromkeys(layer, 0.0), y)
    for pull in range(_PULLS):
        side = pull % 2
        for layer in layers if side == 0 else layers[::-1]:
            wanted = {}
            for spot in layer:
                middles = [y[n] + _height(n) / 2 for n in neighbours[spot][side]]
                wanted[spot] = _middle(middles, y[spot] + _height(spot) / 2) - _height(spot) / 2
            _stack(layer, wanted, y)
    top = min(y.values(), default=0.0)
    return {spot: round(at - top) for spot, at in y.items()}


def _stack(layer: Sequence[Spot], wanted: dict[Spot, float], y: dict[Spot, float]) -> None:
    """Set the places of a layer as near to where they want to be as their order and their heights allow."""
    blocks: list[tuple[float, float, list[Spot]]] = []  # where it begins, how high it is, what is in it
    for spot in layer:
        begin, high, inside = wanted[spot], float(_height(spot) + GAP), [spot]
        while blocks and blocks[-1][0] + blocks[-1][1] > begin:
            before, above, others = blocks.pop()
            begin = (before * len(others) + (begin - above) * len(inside)) / (len(others) + len(inside))
            high, inside = above + high, [*others, *inside]
        blocks.append((begin, high, inside))
    for begin, _, inside in blocks:
        at = begin
        for spot in inside:
            y[spot] = at
            at += _height(spot) + GAP


def _middle(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _height(spot: Spot) -> int:
    return HEIGHT if isinstance(spot, str) else THIN


def _path(edge: Edge, chain: Sequence[Spot], layer_of: dict[str, int], y: dict[Spot, int]) -> str:
    """Return the path of a line, a little short of its end so that the arrow has room. One that goes back is drawn from right to left."""
    first = layer_of[str(chain[0])]
    if layer_of[str(chain[-1])] == first:  # both in one layer, as a circle was cut there: beside them, as nothing stands there
        x, begin, end = first * (WIDTH + BETWEEN) + WIDTH, *(y[name] + HEIGHT // 2 for name in edge)
        return f"M{x} {begin}C{x + BETWEEN // 2} {begin} {x + BETWEEN // 2} {end} {x + 4} {end}"
    points = []
    for at, spot in enumerate(chain):
        x, middle = (first + at) * (WIDTH + BETWEEN), y[spot] + _height(spot) // 2
        points += [(x, middle)] if at else []
        points += [(x + WIDTH, middle)] if at < len(chain) - 1 else []
    points[-1] = (points[-1][0] - 4, points[-1][1])
    if edge[0] != chain[0]:
        points = [(points[-1][0] + 4, points[-1][1]), *points[-2:0:-1], (points[0][0] + 4, points[0][1])]
    path = f"M{points[0][0]} {points[0][1]}"
    for at in range(1, len(points)):
        (x1, y1), (x2, y2) = points[at - 1], points[at]
        bend = (x2 - x1) // 2
        path += f"L{x2} {y2}" if y1 == y2 else f"C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return path
