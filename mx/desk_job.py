"""What does the dashboard ask about one job, and about one process?"""

from __future__ import annotations

from typing import Protocol

from mx.models.job import JobDetail, JobEvent, Neighbours, Printed
from mx.models.process import ProcessDetail
from mx.models.why import Why


class JobDesk(Protocol):
    """Each raises NotFound for a process or a period that there can't be, and says which is near."""

    def job(self, process: str, timeperiod: str) -> JobDetail:
        """Return a job as it stands, with its attempts and why it is not running."""
        ...

    def why(self, process: str, timeperiod: str) -> Why:
        """Return why a job is not running now, down to the leaf causes."""
        ...

    def neighbours(self, process: str, timeperiod: str) -> Neighbours:
        """Return what a job waits for and who waits for it, one step each way."""
        ...

    def job_events(self, process: str, timeperiod: str, limit: int) -> list[JobEvent]:
        """Return what happened to a job, oldest first: the last `limit` lines."""
        ...

    def printed(self, process: str, timeperiod: str, *, uow: str = "", fence: int = 0, begin: int | None = None) -> Printed:
        """Return what an attempt printed from byte `begin` on; its end where `begin` is None.

        By default of the last attempt of the current unit of work; `uow` and `fence` name others.
        """
        ...

    def printed_whole(self, process: str, timeperiod: str, *, uow: str = "") -> str:
        """Return all that is kept of what a unit of work printed, one attempt after the other: the last 20."""
        ...

    def process(self, name: str) -> ProcessDetail:
        """Return a process: managed, freerun or daemon."""
        ...
