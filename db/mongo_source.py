"""Which documents does a collection of MongoDB hold for a window? Their time is a date, their key `_id` unless another is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from db.source import Extent, Source, key_of
from system.errors import SourceError
from system.hidden import hide
from system.source_entry import SourceEntry

_PATIENCE_MS = 10_000


class MongoSource(Source):
    """One collection."""

    def __init__(self, entry: SourceEntry, collection: Collection[Mapping[str, Any]]) -> None:
        self._entry = entry
        self._collection = collection

    def probe(self, start: datetime, end: datetime) -> Extent | None:
        """See Source."""
        key, window = self._entry.key or "_id", {self._entry.time: {"$gte": start, "$lt": end}}
        try:
            ends = [next(iter(self._collection.find(window, {key: 1}).sort(key, way).limit(1)), None) for way in (1, -1)]
            count = self._collection.count_documents(window)
        except PyMongoError as error:
            raise SourceError(f"source {self._entry!r} can't be asked: {hide(str(error))}") from error
        lowest, highest = ends
        if lowest is None or highest is None or not count:
            return None
        return Extent(key_of(lowest.get(key)), key_of(highest.get(key)), count)

    def close(self) -> None:
        """See Source."""
        self._collection.database.client.close()


def mongo_source(entry: SourceEntry) -> MongoSource:
    """Return the collection that `entry` names, in its URL's own database; raises SourceError for a URL that can't be used."""
    try:
        client: MongoClient[Mapping[str, Any]] = MongoClient(
            entry.url, serverSelectionTimeoutMS=_PATIENCE_MS, timeoutMS=_PATIENCE_MS, tz_aware=True
        )
        return MongoSource(entry, client.get_default_database()[entry.table])
    except PyMongoError as error:
        raise SourceError(f"source {entry!r} can't be used: {hide(str(error))}") from error
