"""Which rows does a user's source hold for a window? A small port, and a backend in memory.

A probe is a call to somebody else's database: it may take long, or for ever. Nobody may make one on a thread that others wait for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from system.errors import SourceError
from system.source_entry import SourceEntry

# What a key may be once it is to be written down: whatever else a source has is told as text.
Key = int | float | str


@dataclass(frozen=True, slots=True)
class Extent:
    """The rows of a window: their lowest and highest key, and how many there are; at least one."""

    lowest: Key
    highest: Key
    count: int


class Source(ABC):
    """One table or collection. For one thread at a time."""

    @abstractmethod
    def probe(self, start: datetime, end: datetime) -> Extent | None:
        """Return the extent of the rows in `[start, end)`, None where there are none; raises SourceError when it can't be asked."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections."""


class MemorySource(Source):
    """Rows in memory, each a moment and a key: for tests and simulation. `fault`: what is wrong with it, empty when it is there."""

    def __init__(self, rows: Iterable[tuple[datetime, int]] = ()) -> None:
        self.rows = list(rows)
        self.fault = ""

    def probe(self, start: datetime, end: datetime) -> Extent | None:
        """See Source."""
        if self.fault:
            raise SourceError(self.fault)
        keys = [key for moment, key in self.rows if start <= moment < end]
        return Extent(min(keys), max(keys), len(keys)) if keys else None

    def close(self) -> None:
        """See Source."""


Opener = Callable[[SourceEntry], Source]


def key_of(found: object) -> Key:
    """Return a key as it can be written down."""
    if isinstance(found, int | float | str) and not isinstance(found, bool):
        return found
    return found.isoformat() if isinstance(found, datetime) else str(found)
