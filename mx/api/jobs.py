"""Jobs: a list with filters, and the units of work of one."""

from __future__ import annotations

from datetime import datetime

from flask import Response
from pydantic import Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.paging import Page, cursor_of, place_of
from mx.api.params import Count, Flag, Instant, JobPath, Name, Paged, Query
from mx.desk import Desk
from mx.models.job import JobDetail, JobEvent, Neighbours, Printed
from mx.models.joblist import JobFilter, JobPlace, JobRow, Order, Phase, State, UowRow
from mx.models.why import Why

TEXT = {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}


class JobsQuery(Paged):
    """Which jobs. Without a filter: all that have begun, those whose period ended last first."""

    process: list[Name] = Field([], max_length=100, description="Only of these processes; may be repeated.")
    state: State | None = Field(None, description="Only in this state. `embryo` are those that are due and that nothing has touched.")
    phase: Phase | None = Field(None, description="Only those under way that are at this.")
    late: Flag = Field(default=False, description="Only unfinished ones that are past their deadline.")
    since: Instant | None = Field(None, description="Only periods that ended then or later.")
    until: Instant | None = Field(None, description="Only periods that ended before.")
    order: Order = Field("newest", description="Which come first.")


class UowsQuery(Query):
    """How many units of work."""

    limit: Count = Field(50, ge=1, le=500, description="At most so many, those opened last first.")


class EventsQuery(Query):
    """How many lines."""

    limit: Count = Field(100, ge=1, le=1_000, description="At most so many, the latest ones.")


class OutputQuery(Query):
    """Which attempt, and from where on."""

    uow: str = Field("", max_length=400, description="A unit of work of the job; empty for the current one.")
    fence: Count = Field(0, ge=0, description="The number of the attempt; 0 for the last one.")
    begin: Count | None = Field(None, ge=0, description="The byte to begin at; left out: the end of what there is.")


class JobEvents(Page[JobEvent]):
    """What happened to a job, oldest first."""


class JobPage(Page[JobRow]):
    """A page of the list of jobs."""


class UowList(Page[UowRow]):
    """Units of work."""


def api(desk: Desk) -> Part:
    """Return `/jobs` and what lies under one."""
    bp = area("jobs", "A process and a timeperiod: its state, why it waits, and what was done for it")

    @bp.get("/jobs", operation_id="list_jobs", responses={200: JobPage})
    def jobs(query: JobsQuery) -> Response:
        """List jobs, a page at a time, by the end of their period."""
        wanted = JobFilter(
            processes=tuple(query.process), state=query.state, phase=query.phase, late=query.late, since=query.since, until=query.until,
            order=query.order,
        )  # fmt: skip
        filters = wanted.model_dump(mode="json")
        found = desk.job_rows(wanted, _place(query.cursor, filters), query.limit)
        last = found.rows[-1] if found.rows and found.is_more else None
        after = cursor_of([last.ends_at.isoformat(), last.process], filters) if last else ""
        return answer(JobPage(items=found.rows, next=after))

    _one(bp, desk)
    return bp


def _one(bp: Part, desk: Desk) -> None:
    @bp.get("/jobs/<process>/<timeperiod>", operation_id="get_job", responses={200: JobDetail})
    def job(path: JobPath) -> Response:
        """Show one job: state, why it waits, attempts, the periods around it."""
        return answer(desk.job(path.process, path.timeperiod))

    @bp.get("/jobs/<process>/<timeperiod>/why", operation_id="why", responses={200: Why})
    def why(path: JobPath) -> Response:
        """Say why a job is not running now, down to the leaf causes."""
        return answer(desk.why(path.process, path.timeperiod))

    @bp.get("/jobs/<process>/<timeperiod>/neighbours", operation_id="neighbours", responses={200: Neighbours})
    def neighbours(path: JobPath) -> Response:
        """Show what a job waits for and who waits for it, one step each way."""
        return answer(desk.neighbours(path.process, path.timeperiod))

    @bp.get("/jobs/<process>/<timeperiod>/events", operation_id="job_events", responses={200: JobEvents})
    def events(path: JobPath, query: EventsQuery) -> Response:
        """Show what happened to a job, oldest first: what, when, by whom and why."""
        return answer(JobEvents(items=tuple(desk.job_events(path.process, path.timeperiod, query.limit))))

    @bp.get("/jobs/<process>/<timeperiod>/output", operation_id="job_output", responses={200: Printed})
    def output(path: JobPath, query: OutputQuery) -> Response:
        """Show a part of what an attempt printed; `end` is where to ask from for what comes next."""
        return answer(desk.printed(path.process, path.timeperiod, uow=query.uow, fence=query.fence, begin=query.begin))

    @bp.get("/jobs/<process>/<timeperiod>/output.txt", operation_id="job_output_text", responses={200: TEXT})
    def output_text(path: JobPath) -> Response:
        """Show all that the attempts of the current unit of work printed, as text."""
        return Response(desk.printed_whole(path.process, path.timeperiod), mimetype="text/plain")

    @bp.get("/jobs/<process>/<timeperiod>/uows", operation_id="list_uows", responses={200: UowList})
    def uows(path: JobPath, query: UowsQuery) -> Response:
        """List the units of work of one job, last opened first."""
        return answer(UowList(items=tuple(desk.uow_rows(path.process, path.timeperiod, query.limit))))


def _place(cursor: str, filters: dict[str, object]) -> JobPlace | None:
    place = place_of(cursor, filters, 2)
    return (datetime.fromisoformat(str(place[0])), str(place[1])) if place else None
