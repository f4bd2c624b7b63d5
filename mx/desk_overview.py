"""What do the overview, the timetable and the audit ask?"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mx.models.audit import AuditCount, AuditLook
from mx.models.overview import Overview
from mx.models.timetable import HeatMap


class OverviewDesk(Protocol):
    """What looks at the whole."""

    def overview(self, *, needs: int = 20, marks: int = 20, running: int = 10) -> Overview:
        """Return how all stands, with at most so many lines of each kind."""
        ...

    def heat_map(self, place: str | None = None, *, tree: str = "", find: str = "", page: int = 1, size: int = 50) -> HeatMap:
        """Return a page of the heat map over the units inside `place`: processes of `tree` whose names hold `find`.

        An empty place is all years there are; None is that, too, or the year where there is only one. Raises TimeperiodError for a
        place that can't be.
        """
        ...

    def audit_count(self) -> AuditCount | None:
        """Return what the leader counted last; none where nobody leads, or nothing was counted yet."""
        ...

    def audit_look(
        self, process: str = "", low: datetime | None = None, high: datetime | None = None, *, anew: bool = False, most: int = 200
    ) -> AuditLook:
        """Begin to look at the records of a range, or return how far the look at that range is; with the first `most` findings.

        `anew` begins again where it has ended. Raises NotFound for an unknown process, Refused while too many others go on.
        """
        ...
