"""Which periods of which processes are in which state? A heat map, from years down to seconds; what is selected can be steered."""

from __future__ import annotations

from flask import Blueprint, request

from mx import heatmap
from mx.desk import Desk
from mx.frame import shown
from mx.models.timetable import HeatMap
from system.errors import TimeperiodError
from system.timeplaces import read

VERBS = (
    ("reprocess", "Reprocess", "run again what is finished, with all that uses it"),
    ("skip", "Skip", "give up what is not finished"),
    ("hold", "Hold", "let what has not begun wait"),
    ("release", "Release", "let what is held go on"),
    ("cancel", "Cancel", "end what runs"),
)


def page(desk: Desk) -> Blueprint:
    """Return `/timetable`."""
    bp = Blueprint("timetable", __name__)

    @bp.get("/timetable")
    def timetable() -> str:
        """Show a page of the heat map."""
        asked = request.args
        tree, find = asked.get("tree", ""), asked.get("find", "")[:100]
        found = desk.heat_map(asked.get("at"), tree=tree, find=find, page=_number(asked.get("page", "")))
        view: dict[str, str | int] = {"at": found.place, "tree": tree, "find": find, "page": found.page}
        chosen = asked.getlist("process")[:200]
        low, high = asked.get("from", "")[:14], asked.get("to", "")[:14]
        columns = _selected(found, low, high) if chosen else frozenset()
        rows = [
            (row, row.process in chosen, heatmap.cells(found, row, view, columns if row.process in chosen else ())) for row in found.rows
        ]
        return shown(
            "timetable", found=found, rows=rows, view=view, low=low, high=high, columns=columns, query=heatmap.query, verbs=VERBS,
            elsewhere=[name for name in chosen if all(row.process != name for row in found.rows)],
        )  # fmt: skip

    return bp


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _selected(found: HeatMap, low: str, high: str) -> frozenset[int]:
    """Return which columns lie in a range of places; none where that can't be read."""
    try:
        start, end = read(low).start, read(high or low).end
    except TimeperiodError:
        return frozenset()
    return frozenset(at for at, column in enumerate(found.columns) if start <= column.start < end)
