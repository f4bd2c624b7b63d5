"""How are many documents of MongoDB written or fetched at once? In no order, by few statements, so that a server has little to do.

An `_id` that is taken is no error here: whoever came first keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from db.documents import Row
from db.mongo_errors import DUPLICATE_KEY
from system.errors import Unavailable

Write = InsertOne[Row] | UpdateOne | UpdateMany | ReplaceOne[Row] | DeleteMany

# So many in one message: a slow server answers it well within the driver's patience.
_AT_ONCE = 2000
# So many `_id`s in one question: the driver refuses what is larger than 16 MB.
_ASKED_AT_ONCE = 10_000

# (_id, what else the document must match, what to set). Values are plain, so that equal ones can be found.
Change = tuple[object, Row, Row]


def insert_new(collection: Collection[Row], documents: Sequence[Row]) -> list[Row]:
    """Insert the documents whose `_id` is new; returns the others, which are left as they are in the store."""
    taken: list[Row] = []
    for place in range(0, len(documents), _AT_ONCE):
        part = documents[place : place + _AT_ONCE]
        _, refused = _write(collection, [InsertOne(document) for document in part])
        taken += [part[number] for number in refused]
    return taken


def upsert_newer(collection: Collection[Row], documents: Sequence[Row]) -> None:
    """Write the documents whose `_id` is new or whose stored `turn` is older.

    Where the stored one is not older the filter finds nothing, and the insert that follows finds its `_id` taken. So it does, too, where
    someone else inserted an older one in that very moment: hence once more, as what is there now only has to be replaced.
    """
    for place in range(0, len(documents), _AT_ONCE):
        part = documents[place : place + _AT_ONCE]
        _, refused = _write(collection, [_newer(document, upsert=True) for document in part])
        _write(collection, [_newer(part[number], upsert=False) for number in refused])


def _newer(document: Row, *, upsert: bool) -> Write:
    return ReplaceOne({"_id": document["_id"], "turn": {"$lt": document["turn"]}}, document, upsert=upsert)


def change(collection: Collection[Row], changes: Iterable[Change], **also: object) -> int:
    """Do `changes`, alike ones by one statement, each document atomically; returns how many were changed. `also` is set in each."""
    changes = list(changes)
    if len(changes) == 1:  # the driver makes less of it than of a bulk
        ((key, match, values),) = changes
        return collection.update_one({"_id": key, **match}, {"$set": {**values, **also}}).modified_count
    alike: dict[object, tuple[Row, Row, list[object]]] = {}
    for key, match, values in changes:
        kind = (tuple(map(str, match.items())), tuple(values.items()))
        alike.setdefault(kind, (match, {**values, **also}, []))[2].append(key)
    done, waiting, weight = 0, [], 0
    for match, values, keys in alike.values():
        for place in range(0, len(keys), _AT_ONCE):
            part = keys[place : place + _AT_ONCE]
            waiting.append(_change(match, values, part))
            weight += len(part)
            if weight >= _AT_ONCE:
                done += write(collection, waiting)
                waiting, weight = [], 0
    return done + write(collection, waiting)


def _change(match: Row, values: Row, keys: list[object]) -> Write:
    if len(keys) == 1:
        return UpdateOne({"_id": keys[0], **match}, {"$set": values})
    return UpdateMany({"_id": {"$in": sorted(keys, key=str)}, **match}, {"$set": values})


def fetch(collection: Collection[Row], ids: Iterable[str]) -> Iterator[Row]:
    """Yield the documents there are among any number of `_id`s, each once."""
    wanted = list(dict.fromkeys(ids))
    for place in range(0, len(wanted), _ASKED_AT_ONCE):
        yield from collection.find({"_id": {"$in": wanted[place : place + _ASKED_AT_ONCE]}})


def write(collection: Collection[Row], writes: Sequence[Write]) -> int:
    """Do `writes` and return how many documents were changed."""
    return sum(_write(collection, writes[place : place + _AT_ONCE])[0] for place in range(0, len(writes), _AT_ONCE))


def _write(collection: Collection[Row], writes: Sequence[Write]) -> tuple[int, list[int]]:
    """Return how many documents were changed, and the places of those writes that found their `_id` taken."""
    if not writes:
        return 0, []
    try:
        return collection.bulk_write(writes, ordered=False).modified_count, []
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors"):
            raise Unavailable(f"MongoDB did not confirm that writes will last: {error.details['writeConcernErrors']!r:.200}") from error
        faults = error.details.get("writeErrors", ())
        if any(fault.get("code") != DUPLICATE_KEY for fault in faults):
            raise
        return int(error.details.get("nModified", 0)), [fault["index"] for fault in faults]
