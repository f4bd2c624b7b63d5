"""How does MongoDB answer what a dashboard asks? By the index of what began when, and by the `_id`s of the output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pymongo.collection import Collection

from db.documents import Row, moment_text, row_job, row_piece
from db.model import Job, OutputPiece, UnitOfWork
from db.mongo_bulk import fetch
from db.mongo_client import Talk
from db.mongo_keeping import below, document_uow
from db.mongo_projection import job_id
from db.store import Store


class MongoLooking(Store):
    """What `MongoStore` knows of what ran when."""

    _talk: Talk
    _jobs: Collection[Row]
    _uows: Collection[Row]
    _output: Collection[Row]

    def uows_begun(self, since: datetime, until: datetime, limit: int) -> list[UnitOfWork]:
        """See Looking."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        wanted = {"started_at": {"$gte": moment_text(since.astimezone(UTC)), "$lt": moment_text(until.astimezone(UTC))}}
        with self._talk():
            found = self._uows.find(wanted, sort=[("started_at", -1), ("_id", -1)], limit=limit)
            return [document_uow(document) for document in found]

    def jobs_at(self, places: Sequence[tuple[str, str]]) -> list[Job]:
        """See Looking."""
        with self._talk():
            return [row_job(document) for document in fetch(self._jobs, [job_id(process, timeperiod) for process, timeperiod in places])]

    def output_from(self, uow_id: str, fence: int, offset: int) -> list[OutputPiece]:
        """See Looking."""
        with self._talk():
            found = self._output.find({"_id": below(f"{uow_id}/{fence}"), "offset": {"$gte": offset}})
            return sorted((row_piece(document) for document in found), key=lambda piece: piece.offset)
