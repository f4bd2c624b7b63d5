"""What do Prometheus and whoever watches a deployment ask?"""

from __future__ import annotations

from typing import Protocol

from mx.models.measures import Measures
from mx.models.presence import Standby


class FiguresDesk(Protocol):
    """Figures, and who is there."""

    def measures(self) -> Measures:
        """Return all figures as they are now; a constant number of calls to the store."""
        ...

    def standby(self) -> Standby:
        """Return who leads, who would lead next, and every session that is open."""
        ...
