"""Processes: which are registered, how far they are, and the states of their periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from flask import Response, g
from pydantic import Field

from mx.api.answers import Accepted, accepted, answer
from mx.api.app import Part, area
from mx.api.idempotency import mark
from mx.api.paging import Page, cursor_of, page_after, place_of
from mx.api.params import Count, Instant, Name, Paged, ProcessPath, Query, Reasoned
from mx.api.problems import Fault, Refused
from mx.desk import Desk
from mx.models.process import ProcessDetail
from mx.models.registered import Kind, Level, RegisteredProcess, StatesChunk, Watermark
from mx.models.triggers import ProcessTrigger
from mx.security.roles import Role, needs

Row = TypeVar("Row")
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


class SwitchPath(ProcessPath):
    """A process, and how it is to be switched."""

    verb: Literal["on", "off", "frequency", "reset"]


class Switching(Reasoned):
    """How a process is to be switched, and why."""

    frequency: str = Field("", max_length=200, description="With `frequency`: the schedule, such as `every 60` or `at 03:30`.")


class TriggersQuery(Paged):
    """Which processes."""

    words: str = Field("", max_length=100, description="Only processes whose names hold this.")
    state: Literal["on", "off", "changed"] | None = Field(None, description="Only those that stand so; `changed`: by an operator.")


class TriggerPage(Page[ProcessTrigger]):
    """A page of the list of how processes are switched, in the order of the context."""


class ProcessPage(Page[RegisteredProcess]):
    """A page of the list of processes, by name."""


class WatermarkPage(Page[Watermark]):
    """A page of the watermarks, in the order of the context."""


class LevelPage(Page[Level]):
    """A page of how far the processes are."""


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

    @bp.get("/processes/<process>", operation_id="get_process", responses={200: ProcessDetail})
    def process(path: ProcessPath) -> Response:
        """Show one process: what it runs, on what it depends, how it stands, its last runs."""
        return answer(desk.process(path.process))

    @bp.post("/processes/<process>/<verb>", operation_id="switch_process", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def switch(path: SwitchPath, body: Switching) -> Response:
        """Switch a process on or off, give it another schedule, or let the context say again."""
        if bool(body.frequency) != (path.verb == "frequency"):
            raise Refused(422, "a schedule goes with `frequency`, and with nothing else", [Fault(where="frequency", what="out of place")])
        number = desk.switch_process(path.verb, path.process, g.user.name, body.why, frequency=body.frequency, token=mark())
        return accepted(number)

    @bp.get("/triggers", operation_id="list_triggers", responses={200: TriggerPage})
    def triggers(query: TriggersQuery) -> Response:
        """List how managed processes are switched and when they run, in the order of the context."""
        filters: dict[str, object] = {"words": query.words, "state": query.state}

        def fetch(first: int, count: int) -> tuple[Sequence[ProcessTrigger], int]:
            found = desk.process_triggers(words=query.words, state=query.state or "", offset=first, limit=count)
            return found.rows, found.total

        rows, after = page_after(fetch, lambda row: row.process, query.cursor, filters, query.limit)
        return answer(TriggerPage(items=rows, next=after))

    _how_far(bp, desk)
    return bp


def _how_far(bp: Part, desk: Desk) -> None:
    @bp.get("/timetable", operation_id="timetable", responses={200: LevelPage})
    def timetable(query: Paged) -> Response:
        """Count the jobs of every process by state, over the periods that are due; tree by tree, the coarsest first."""
        rows, after = _page(desk.levels(), lambda row: f"{row.tree}/{row.process}", query)
        return answer(LevelPage(items=rows, next=after))

    @bp.get("/timetable/<process>", operation_id="states", responses={200: StatesChunk})
    def states(path: ProcessPath, query: StatesQuery) -> Response:
        """Show the states of consecutive periods of one process, a character each: a year of hours is 9 kB."""
        return answer(desk.states_of(path.process, query.since, query.until, query.limit))

    @bp.get("/watermarks", operation_id="watermarks", responses={200: WatermarkPage})
    def watermarks(query: Paged) -> Response:
        """Say up to where each process is complete."""
        rows, after = _page(desk.watermarks(), lambda row: row.process, query)
        return answer(WatermarkPage(items=rows, next=after))


def _page(rows: Sequence[Row], name_of: Callable[[Row], str], query: Paged) -> tuple[tuple[Row, ...], str]:
    """Return a page of rows that are all there."""
    return page_after(lambda first, count: (rows[first : first + count], len(rows)), name_of, query.cursor, {}, query.limit)
