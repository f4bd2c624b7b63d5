"""Commands: what a command would touch, giving it, and what came of it."""

from __future__ import annotations

from typing import Literal

from flask import Response, g
from pydantic import BaseModel, Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.idempotency import mark
from mx.api.paging import Page, cursor_of, place_of
from mx.api.params import Body, Count, Name, Paged, Query
from mx.desk import Desk
from mx.models.commands import CommandLine, Progress
from mx.models.plans import Given, Verb, WhatIf
from mx.models.steps import PlanSteps
from mx.security.roles import Role, needs
from system.errors import NotFound

_PERIOD = Field(
    min_length=4, max_length=10, pattern=r"^[0-9]{4,10}$",
    description="A period's id, or a year, month, day or hour: 2013, 201311, 20131104, 2013110413.",
)  # fmt: skip
_UNTIL = Field("", max_length=10, pattern=r"^([0-9]{4,10})?$", description="The first period that is left out; empty: `timeperiod` alone.")


class Wanted(Body):
    """What is to be done to which jobs."""

    verb: Verb
    processes: list[Name] = Field(min_length=1, max_length=1_000)
    timeperiod: str = _PERIOD
    until: str = _UNTIL


class Commanded(Wanted):
    """What is to be done to which jobs, and why."""

    why: str = Field(min_length=1, max_length=1_000, pattern=r"\S", description="The reason; it is kept with the command.")


class StepsWanted(Body):
    """What is to be done to which jobs of one process."""

    verb: Verb
    process: Name
    timeperiod: str = _PERIOD
    until: str = _UNTIL


class CommandsQuery(Paged):
    """Which commands."""

    who: str = Field("", max_length=190, description="Only those that this person or token gave.")
    verb: str = Field("", max_length=60, description="Only these, such as `reprocess`.")
    process: str = Field("", max_length=190, description="Only those about this process.")
    state: Literal["open", "done", "refused"] | None = None


class NumberPath(BaseModel):
    """A command in the address."""

    number: Count = Field(ge=1, le=999_999_999)


class ProgressQuery(Query):
    """How much of it."""

    lines: Count = Field(50, ge=0, le=500, description="At most so many jobs that are not finished.")


class CommandList(Page[CommandLine]):
    """A page of the audit log, the newest first."""


def api(desk: Desk) -> Part:
    """Return `/plan`, `/commands` and what lies under them."""
    bp = area("commands", "What a command would touch, giving it, and the audit log")

    @bp.post("/plan", operation_id="plan", responses={200: WhatIf})
    @needs(Role.VIEWER)
    def plan(body: Wanted) -> Response:
        """Show what a command would touch if it were given now, without giving it, in groups."""
        return answer(desk.what_if(body.verb, body.processes, body.timeperiod, body.until))

    @bp.post("/plan/steps", operation_id="plan_steps", responses={200: PlanSteps})
    @needs(Role.VIEWER)
    def steps(body: StepsWanted) -> Response:
        """Show every single job that a command would touch, each after its inputs, without giving it."""
        return answer(desk.plan_steps(body.verb, body.process, body.timeperiod, body.until))

    @bp.post("/commands", operation_id="give_command", responses={202: Given})
    @needs(Role.OPERATOR)
    def give(body: Commanded) -> Response:
        """Give a command: reprocess, skip, hold, release, cancel or trigger periods of processes."""
        given = desk.give(body.verb, body.processes, body.timeperiod, g.user.name, body.why, until=body.until, token=mark())
        return answer(given, 202, location=f"/api/v1/commands/{given.number}")

    @bp.get("/commands", operation_id="list_commands", responses={200: CommandList})
    def commands(query: CommandsQuery) -> Response:
        """List commands, the newest first: the audit log. A page with filters may be empty and have a next one all the same."""
        filters: dict[str, object] = {"who": query.who, "verb": query.verb, "process": query.process, "state": query.state}
        place = place_of(query.cursor, filters, 1)
        before = int(place[0]) if place else 0
        wanted = {name: str(text or "") for name, text in filters.items()}
        found = desk.commands(before=before, limit=query.limit, **wanted)
        return answer(CommandList(items=found.lines, next=cursor_of([found.next], filters) if found.next else ""))

    @bp.get("/commands/<number>", operation_id="get_command", responses={200: CommandLine})
    def command(path: NumberPath) -> Response:
        """Show one command and the answer to it."""
        found = desk.commands(before=path.number + 1, limit=1).lines
        if not found or found[0].number != path.number:
            raise NotFound(f"there is no command {path.number}, or it was archived: /api/v1/commands lists those that are kept")
        return answer(found[0])

    @bp.get("/commands/<number>/progress", operation_id="progress", responses={200: Progress})
    def progress(path: NumberPath, query: ProgressQuery) -> Response:
        """Show what came of a command, and of those that were given together with it, so far."""
        return answer(desk.progress(path.number, lines=query.lines))

    return bp
