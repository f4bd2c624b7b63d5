"""What does a list of jobs ask?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mx.models.joblist import JobFilter, JobPlace, JobRows, UowRow


class JobListDesk(Protocol):
    """Jobs and their units of work, a page at a time."""

    def job_rows(self, wanted: JobFilter, after: JobPlace | None, limit: int) -> JobRows:
        """Return the rows that come after `after` in the order of the list, at most `limit`; raises NotFound for an unknown process."""
        ...

    def uow_rows(self, process: str, timeperiod: str, limit: int) -> Sequence[UowRow]:
        """Return the units of work of one job, last opened first; raises NotFound or TimeperiodError."""
        ...
