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
from mx.models.joblist import JobFilter, JobPlace, JobRow, Order, Phase, State, UowRow


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

    @bp.get("/jobs/<process>/<timeperiod>/uows", operation_id="list_uows", responses={200: UowList})
    def uows(path: JobPath, query: UowsQuery) -> Response:
        """List the units of work of one job, last opened first."""
        return answer(UowList(items=tuple(desk.uow_rows(path.process, path.timeperiod, query.limit))))

    return bp


def _place(cursor: str, filters: dict[str, object]) -> JobPlace | None:
    place = place_of(cursor, filters, 2)
    return (datetime.fromisoformat(str(place[0])), str(place[1])) if place else None
