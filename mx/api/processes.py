"""Processes: which are registered, how far they are, and the states of their periods."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.paging import Page, cursor_of, place_of
from mx.api.params import Count, Instant, Name, Paged, ProcessPath, Query
from mx.desk import Desk
from mx.models.registered import Kind, Level, RegisteredProcess, StatesChunk, Watermark

MOST_STATES = 100_000


class ProcessesQuery(Paged):
    """Which processes."""

    kind: Kind | None = Field(None, description="Only of this kind.")
    tree: Name | None = Field(None, description="Only those of this tree.")


class StatesQuery(Query):
    """Which periods."""

    since: Instant | None = Field(None, description="Only periods that begin then or later.")
    until: Instant | None = Field(None, description="Only periods that begin before.")
    limit: Count = Field(MOST_STATES, ge=1, le=MOST_STATES, description="At most so many periods, the oldest ones.")


class ProcessPage(Page[RegisteredProcess]):
    """A page of the list of processes, by name."""


class WatermarkList(Page[Watermark]):
    """All watermarks, in the order of the context."""


class LevelList(Page[Level]):
    """How far all processes are."""


def api(desk: Desk) -> Part:
    """Return `/processes`, `/watermarks`, `/timetable` and what lies under them."""
    bp = area("processes", "What is registered, and how far it is")

    @bp.get("/processes", operation_id="list_processes", responses={200: ProcessPage})
    def processes(query: ProcessesQuery) -> Response:
        """List the processes that are registered, by name."""
        filters: dict[str, object] = {"kind": query.kind, "tree": query.tree}
        place = place_of(query.cursor, filters, 1)
        found = [
            each
            for each in desk.registered()
            if query.kind in (None, each.kind) and query.tree in (None, each.tree) and (place is None or each.name > str(place[0]))
        ]
        shown = found[: query.limit]
        after = cursor_of([shown[-1].name], filters) if len(found) > len(shown) else ""
        return answer(ProcessPage(items=tuple(shown), next=after))

    @bp.get("/timetable", operation_id="timetable", responses={200: LevelList})
    def timetable() -> Response:
        """Count the jobs of every process by state, over the periods that are due; tree by tree, the coarsest first."""
        return answer(LevelList(items=tuple(desk.levels())))

    @bp.get("/timetable/<process>", operation_id="states", responses={200: StatesChunk})
    def states(path: ProcessPath, query: StatesQuery) -> Response:
        """Show the states of consecutive periods of one process, a character each: a year of hours is 9 kB."""
        return answer(desk.states_of(path.process, query.since, query.until, query.limit))

    @bp.get("/watermarks", operation_id="watermarks", responses={200: WatermarkList})
    def watermarks() -> Response:
        """Say up to where each process is complete."""
        return answer(WatermarkList(items=tuple(desk.watermarks())))

    return bp
