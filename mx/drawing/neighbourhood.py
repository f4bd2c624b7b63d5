"""Where stand a job, what it waits for, and who waits for it? Three columns, the job in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mx.models.job import Neighbour, Neighbours

WIDTH, HEIGHT, GAP, BETWEEN = 232, 50, 12, 64
_LETTERS = 27


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with what it stands for; None is the job itself."""

    x: int
    y: int
    neighbour: Neighbour | None


@dataclass(frozen=True, slots=True)
class Line:
    """A curve from the right side of one box to the left side of another. `waits`: what it comes from is not finished."""

    path: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines, and how much room they take."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def neighbourhood(found: Neighbours, *, is_finished: bool) -> Drawing:
    """Return where the boxes of a job's neighbours stand. `is_finished`: the job itself is."""
    most = max(1, len(found.inputs), len(found.users))
    height = most * HEIGHT + (most - 1) * GAP
    columns = [found.inputs, None, found.users]
    shown = [column for column in columns if column is None or column]
    place = {at: index * (WIDTH + BETWEEN) for index, at in enumerate(at for at, column in enumerate(columns) if column is None or column)}
    middle = Box(place[1], (height - HEIGHT) // 2, None)
    inputs = _column(found.inputs, place.get(0, 0), height)
    users = _column(found.users, place.get(2, 0), height)
    lines = [Line(curve(box, middle), waits=box.neighbour is not None and box.neighbour.finished < box.neighbour.count) for box in inputs]
    lines += [Line(curve(middle, box), waits=not is_finished) for box in users]
    return Drawing(len(shown) * WIDTH + (len(shown) - 1) * BETWEEN, height, (*inputs, middle, *users), tuple(lines))


def _column(neighbours: Sequence[Neighbour], x: int, height: int) -> list[Box]:
    own = len(neighbours) * HEIGHT + (len(neighbours) - 1) * GAP
    top = (height - own) // 2
    return [Box(x, top + at * (HEIGHT + GAP), neighbour) for at, neighbour in enumerate(neighbours)]


def curve(start: Box, end: Box) -> str:
    """Return the path of a line between two boxes, a little short of the second so that its arrow has room."""
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x - 4, end.y + HEIGHT // 2
    bend = (x2 - x1) // 2
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def shortened(text: str, most: int = _LETTERS) -> str:
    """Return a name that fits into a box: its middle is left out, since names often differ at their ends."""
    if len(text) <= most:
        return text
    front = most // 2
    return f"{text[:front]}…{text[len(text) - (most - front - 1) :]}"
