"""What does a list of jobs show? A page of it, and the units of work that one job had."""

from __future__ import annotations

from collections.abc import Sequence

from db.model import Job, UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.parts import WebParts
from mx.models.joblist import JobFilter, JobPlace, JobRow, JobRows, UowRow
from scheduler.jobpage import PageJob, Wanted, page_of
from scheduler.trees import Topology
from system.context import Context
from system.errors import NotFound
from system.lifecycle import JobState
from system.timeperiod import parse

_STATES = {state.name.lower(): state for state in JobState}


class JobListArea(Area):
    """Answers `mx.desk_joblist.JobListDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._topology: tuple[Context, Topology] | None = None

    @asked
    def job_rows(self, wanted: JobFilter, after: JobPlace | None, limit: int) -> JobRows:
        """Return the rows that come after `after` in the order of the list, at most `limit`; raises NotFound for an unknown process."""
        context, desk = self.parts.context, self.parts.desk
        for name in wanted.processes:
            self._known(name)
        asked_for = Wanted(
            processes=wanted.processes or tuple(context.managed),
            states=frozenset([_STATES[wanted.state]]) if wanted.state else frozenset(),
            phase=wanted.phase or "", late=wanted.late, since=wanted.since, until=wanted.until,
            is_oldest_first=wanted.order == "oldest",
        )  # fmt: skip
        found = page_of(desk.read(), self._topology_of(context), asked_for, after, limit + 1, self.now(), self.parts.store.uows)
        shown = found[:limit]
        records = self._records(shown)
        rows = tuple(_row(each, each.job or records.get((each.node[0], each.timeperiod))) for each in shown)
        return JobRows(rows=rows, is_more=len(found) > limit)

    @asked
    def uow_rows(self, process: str, timeperiod: str, limit: int) -> Sequence[UowRow]:
        """Return the units of work of one job, last opened first; raises NotFound or TimeperiodError."""
        self._known(process)
        parse(self.parts.context.managed[process].qualifier, timeperiod)
        return [uow_row(uow) for uow in self.parts.store.uows_of(process, timeperiod, limit)]

    def _topology_of(self, context: Context) -> Topology:
        """Return how the processes hang together, worked out once for each context."""
        if self._topology is None or self._topology[0] is not context:
            self._topology = context, Topology(context)
        return self._topology[1]

    def _known(self, process: str) -> None:
        if process not in self.parts.context.managed:
            raise NotFound(f"there is no managed process {process!r}: /api/v1/processes lists them")

    def _records(self, found: Sequence[PageJob]) -> dict[tuple[str, str], Job]:
        """Return the records of the finished ones, by one call."""
        places = [(each.node[0], each.timeperiod) for each in found if each.job is None]
        return {(job.process, job.timeperiod): job for job in self.parts.store.jobs_at(places)} if places else {}


def _row(found: PageJob, job: Job | None) -> JobRow:
    return JobRow.model_validate(
        {
            "process": found.node[0], "timeperiod": found.timeperiod, "state": found.state.name.lower(), "ends_at": found.ends_at,
            "phase": found.phase or None, "late_since": found.late_since,
            "changed_at": job.changed_at if job else None, "generation": job.generation if job else None, "run": job.run if job else None,
            "failures": job.failures if job else 0, "reason": (job.held or job.reason) if job else "",
        }
    )  # fmt: skip


def uow_row(uow: UnitOfWork) -> UowRow:
    """Return a unit of work as it is shown."""
    fields = {name: getattr(uow, name) for name in UowRow.model_fields if name != "state"}
    return UowRow(**fields, state=uow.state.value.removeprefix("state_"))
