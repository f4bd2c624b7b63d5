"""How are the cells of the heat map written down? As few letters each as can be: a page has thousands. Pure.

What is written is digits, words of ours, and names that were escaped here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from mx.models.timetable import Cell, HeatMap, Row

_WORDS = {
    "embryo": "due, not begun", "in_progress": "in progress", "final_run": "in its final run", "future": "not due yet",
    "failing": "failing", "held": "held", "late": "late",
}  # fmt: skip


def query(view: Mapping[str, str | int], **changed: str | int) -> str:
    """Return the query of a view that differs as given; what is empty is left out, but for the place."""
    facts = {**view, **changed}
    return urlencode({name: value for name, value in facts.items() if name == "at" or value not in ("", 1)})


def word(cell: Cell) -> str:
    """Return what a cell says to those who can't see it: the worst state, and how much is finished."""
    said = _WORDS.get(cell.state, cell.state)
    if cell.total <= 1:
        own = [_WORDS.get(state, state) for state in cell.counts if state != cell.state and state not in ("failing", "held", "late")]
        return ", ".join([said, *own])
    counts = ", ".join(f"{count:,} {state}" for state, count in cell.counts.items() if state in ("failing", "held", "late"))
    return f"{said}, {cell.finished:,} of {cell.total:,} finished{f', {counts}' if counts else ''}"


def cells(found: HeatMap, row: Row, view: Mapping[str, str | int], selected: Collection[int]) -> Markup:
    """Return the cells of a row; those of the columns `selected` are marked."""
    job = f"/job/{quote(row.process, safe='')}/"
    rest = query({name: value for name, value in view.items() if name != "at"})
    drill = f"&amp;{escape(rest)}" if rest else ""
    return Markup("".join(_cell(cell, found, job, drill, cell.column in selected) for cell in row.cells))  # noqa: S704  see above


def _cell(cell: Cell, found: HeatMap, job: str, drill: str, is_selected: bool) -> str:  # noqa: FBT001
    span = f' colspan="{cell.width}"' if cell.width > 1 else ""
    mark = ' class="sel"' if is_selected else ""
    if not cell.total:
        return f"<td{span}{mark}></td>"
    share = cell.finished * 10 // cell.total if cell.finished < cell.total and cell.total > 1 else 10
    kind = f"c-{cell.state} f{share}" if share < 10 else f"c-{cell.state}"
    href = f"{job}{cell.timeperiod}" if cell.timeperiod else f"?at={found.columns[cell.column].place}{drill}"
    text = f"{cell.finished * 100 // cell.total}" if share < 10 and cell.state != "future" else ""
    return f'<td{span}{mark}><a class="{kind}" href="{href}" title="{word(cell)}">{text}</a></td>'
