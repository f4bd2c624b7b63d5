"""How is a long list handed out? A page at a time; a cursor says where the next one begins, by what stands there, never by a count.

So a list that grows meanwhile neither repeats nor leaves out what was there all the time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from mx.api.problems import Fault, Refused

Row = TypeVar("Row")
Fetch = Callable[[int, int], tuple[Sequence[Row], int]]
MOST, USUAL = 500, 50


class Page(BaseModel, Generic[Row]):
    """A part of a list. `next` is the cursor of the next page, empty after the last one."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Row, ...]
    next: str = ""


def cursor_of(place: Sequence[str | int], filters: Mapping[str, object]) -> str:
    """Return the cursor of what comes after `place` in a list with these filters."""
    return base64.urlsafe_b64encode(json.dumps([_mark(filters), *place], separators=(",", ":")).encode()).decode().rstrip("=")


def place_of(cursor: str, filters: Mapping[str, object], parts: int) -> list[str | int] | None:
    """Return the place that a cursor stands for, of so many parts; None for the empty one. Refuses one that is of another list."""
    if not cursor:
        return None
    try:
        mark, *place = list[str | int](json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (ValueError, TypeError) as error:
        raise _no_cursor("it can't be read") from error
    if mark != _mark(filters):
        raise _no_cursor("it is of a list with other filters")
    if len(place) != parts or not all(isinstance(part, str | int) for part in place):
        raise _no_cursor("it is of another list")
    return place


def _no_cursor(why: str) -> Refused:
    said = f"the cursor is not one of this list: {why}; begin without one, and go on with `next` of each page"
    return Refused(422, said, [Fault(where="cursor", what=why)])


def _mark(filters: Mapping[str, object]) -> str:
    """Return a short text that differs where the filters do."""
    return hashlib.sha256(json.dumps(dict(filters), sort_keys=True, default=str).encode()).hexdigest()[:12]


def page_after(
    fetch: Fetch[Row], name_of: Callable[[Row], str], cursor: str, filters: Mapping[str, object], limit: int
) -> tuple[tuple[Row, ...], str]:
    """Return a page of a list that is got by number (`fetch` returns rows and how many there are in all), and the next cursor.

    The cursor names the row before: where the list has changed ahead of it, the page begins after that row, wherever it stands now.
    """
    place = place_of(cursor, filters, 2)
    first = 0 if place is None else _after(fetch, name_of, int(place[0]), str(place[1]))
    rows, total = fetch(first, limit)
    is_more = bool(rows) and first + len(rows) < total
    return tuple(rows), cursor_of([first + len(rows), name_of(rows[-1])], filters) if is_more else ""


def _after(fetch: Fetch[Row], name_of: Callable[[Row], str], first: int, name: str) -> int:
    """Return the number of the row after the one that is called `name`, which was the one before number `first`."""
    found, total = fetch(max(0, first - 1), 1)
    if found and name_of(found[0]) == name:
        return first
    names = [name_of(row) for row in fetch(0, total)[0]]
    return names.index(name) + 1 if name in names else min(first - 1, total)  # it is gone: what came after it stands in its place
