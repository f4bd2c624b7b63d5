"""What do programs ask about processes as such: which there are, how far they are, and the states of a range?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mx.models.registered import Level, RegisteredProcess, StatesChunk, Watermark


class RegisteredDesk(Protocol):
    """Answered from the context and the timetable's bytes."""

    def registered(self) -> Sequence[RegisteredProcess]:
        """Return all processes, by name."""
        ...

    def watermarks(self) -> Sequence[Watermark]:
        """Return up to where each process is complete, in the order of the context."""
        ...

    def levels(self) -> Sequence[Level]:
        """Return how far every process is, tree by tree, the coarsest first; then those that left the context."""
        ...

    def states_of(self, process: str, since: datetime | None, until: datetime | None, limit: int) -> StatesChunk:
        """Return the states of the periods that begin in `[since, until)`, at most `limit`; raises NotFound."""
        ...
