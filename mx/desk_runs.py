"""What does the dashboard ask about what ran when?"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mx.models.runs import Runs


class RunsDesk(Protocol):
    """Units of work by time."""

    def runs(self, since: datetime, until: datetime, *, process: str = "", box: str = "", limit: int = 1000) -> Runs:
        """Return what ran in `[since, until)`, the last begun first, of one process or on one box where they are named."""
        ...
