"""How are many documents of MongoDB written at once?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymongo import ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from db.documents import Row
from system.errors import Unavailable

DUPLICATE_KEY = 11000

Write = UpdateOne | ReplaceOne[Row]


def upsert_first(collection: Collection[Row], documents: Iterable[Row]) -> None:
    """Insert the documents whose `_id` is new; the others stay as they are."""
    write(collection, [UpdateOne({"_id": document.pop("_id")}, {"$setOnInsert": document}, upsert=True) for document in documents])


def upsert_newer(collection: Collection[Row], documents: Iterable[Row]) -> None:
    """Write the documents whose `_id` is new or whose stored `turn` is older.

    Where the stored one is not older the filter finds nothing and the insert that follows finds its `_id` taken: it stays.
    """
    write(collection, [ReplaceOne({"_id": d["_id"], "turn": {"$lt": d["turn"]}}, d, upsert=True) for d in documents])


def write(collection: Collection[Row], writes: Sequence[Write]) -> int:
    """Do `writes` in no order and return how many documents were changed; an `_id` that is taken is no error."""
    if not writes:
        return 0
    try:
        return collection.bulk_write(writes, ordered=False).modified_count
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors"):
            raise Unavailable(f"MongoDB did not confirm that writes will last: {error.details['writeConcernErrors']!r:.200}") from error
        if any(fault.get("code") != DUPLICATE_KEY for fault in error.details.get("writeErrors", ())):
            raise
        return int(error.details.get("nModified", 0))
