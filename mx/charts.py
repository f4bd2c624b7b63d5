"""How are a few numbers drawn as a small picture? Bars of an SVG, as whole numbers, so that a template only writes them down. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle: `kind` is its style's class; `y` counts from the top."""

    kind: str
    x: int
    y: float
    width: int
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in a box of `width` times `height`; `top` is the number that reaches its upper edge."""

    width: int
    height: int
    top: int
    bars: tuple[Bar, ...]


def nice_top(most: int) -> int:
    """Return the next number from 1, 2, 5, 10, 20, 50, ... that is not below `most`; at least 1."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if most <= step * size:
                return step * size
        size *= 10


def stacked(columns: Sequence[Sequence[tuple[str, int]]], *, step: int = 5, height: int = 60) -> Chart:
    """Return a chart with a stack of bars for each column, the first one at the bottom; each bar is a kind and a number."""
    top = nice_top(max((sum(count for _, count in column) for column in columns), default=0))
    bars = []
    for at, column in enumerate(columns):
        floor = float(height)
        for kind, count in column:
            if count:
                size = round(max(1.0, count * height / top), 1)
                floor = max(0.0, round(floor - size, 1))
                bars.append(Bar(kind, at * step, floor, step - 1, size))
    return Chart(step * len(columns), height, top, tuple(bars))
