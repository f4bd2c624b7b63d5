"""How does the store in memory answer what a dashboard asks? By walking all it has: it serves tests and simulation only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from db.model import Job, OutputPiece, UnitOfWork
from db.store import Store


class MemoryLooking(Store):
    """What `MemoryStore` knows of what ran when."""

    _lock: Lock
    _jobs: dict[tuple[str, str], Job]
    _uows: dict[str, UnitOfWork]
    _output: defaultdict[str, dict[tuple[int, int], OutputPiece]]

    def uows_begun(self, since: datetime, until: datetime, limit: int) -> list[UnitOfWork]:
        """See Looking."""
        with self._lock:
            found = [(uow.started_at, uow.id, uow) for uow in self._uows.values() if uow.started_at and since <= uow.started_at < until]
        return [uow for *_, uow in sorted(found, key=lambda each: each[:2], reverse=True)[: max(0, limit)]]

    def jobs_at(self, places: Sequence[tuple[str, str]]) -> list[Job]:
        """See Looking."""
        with self._lock:
            return [job for place in dict.fromkeys(places) if (job := self._jobs.get(place)) is not None]

    def output_from(self, uow_id: str, fence: int, offset: int) -> list[OutputPiece]:
        """See Looking."""
        with self._lock:
            pieces = self._output.get(uow_id, {})
            return [pieces[place] for place in sorted(pieces) if place[0] == fence and place[1] >= offset]
