"""What does a dashboard ask of a store? What ran when, and what an attempt has printed since. Part of the port `Store`.

Each answer is bounded, and found by an index: it costs the same after ten years as after a day.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from db.model import Job, OutputPiece, UnitOfWork


class Looking(ABC):
    """Reads that only a person asks for."""

    @abstractmethod
    def uows_begun(self, since: datetime, until: datetime, limit: int) -> list[UnitOfWork]:
        """Return the units of work whose last attempt began in `[since, until)`, at most `limit`, the last begun first.

        By the workers' clocks. What has not begun yet is never among them.
        """

    @abstractmethod
    def jobs_at(self, places: Sequence[tuple[str, str]]) -> list[Job]:
        """Return the records there are of jobs at (process, timeperiod), of however many processes, in no order.

        One that is named twice comes once.
        """

    @abstractmethod
    def output_from(self, uow_id: str, fence: int, offset: int) -> list[OutputPiece]:
        """Return the pieces of what one attempt printed that begin at byte `offset` or later, in order."""
