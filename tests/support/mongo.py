"""How does mongomock stand in for MongoDB? With what it lacks lent to it: single-document atomicity, bulk writes, a look-up by `_id`.

mongomock checks and then writes without a lock, does not know the bulk arguments of newer drivers, and walks the whole collection
even for one `_id`. Only a real server is evidence of atomicity; this one shows that the port takes no SQL shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import RLock
from types import SimpleNamespace
from typing import Any, cast

import mongomock
from mongomock import filtering
from pymongo.database import Database
from pymongo.errors import BulkWriteError, WriteError

from db.documents import Row
from system.clock import RealClock

_applies: Any = filtering.filter_applies


def mock_database() -> Database[Row]:
    """Return an empty database whose every call is atomic."""
    return cast("Database[Row]", _Database())


class _Database:
    def __init__(self) -> None:
        self._lock = RLock()
        self._collections: dict[str, _Collection] = {}
        self._database: Any = mongomock.MongoClient().db
        self.client: Any = self._database.client

    def __getitem__(self, name: str) -> _Collection:
        return self._collections.setdefault(name, _Collection(self._database[name], self._lock))

    def command(self, name: str) -> Row:
        """Answer as a standalone server of now, with a clock of its own."""
        answers: dict[str, Row] = {"hello": {"localTime": RealClock().now().replace(tzinfo=None)}, "buildInfo": self.client.server_info()}
        return answers[name]


class _Collection:
    def __init__(self, collection: Any, lock: RLock) -> None:
        self._collection = collection
        self._lock = lock
        collection._iter_documents = self._matching

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)

        def locked(*args: Any, **options: Any) -> Any:
            with self._lock:
                return method(*args, **options)

        return locked

    def with_options(self, **_: Any) -> _Collection:
        return self

    def find(self, *args: Any, **options: Any) -> Iterator[Row]:
        with self._lock:
            return iter(list(self._collection.find(*args, **options)))

    def bulk_write(self, writes: Sequence[Any], *, ordered: bool) -> SimpleNamespace:
        with self._lock:
            bulk = _Bulk(self._collection)
            for write in writes:
                write._add_to_bulk(bulk)
        assert not ordered
        if bulk.errors:
            raise BulkWriteError({"writeErrors": bulk.errors, "writeConcernErrors": [], "nModified": bulk.modified})
        return SimpleNamespace(modified_count=bulk.modified)

    def _matching(self, match: Mapping[str, Any]) -> Iterable[Row]:
        store = self._collection._store
        wanted = match.get("_id")
        if wanted is None or (isinstance(wanted, Mapping) and "$in" not in wanted):
            return [document for document in list(store.documents) if _applies(match, document)]
        ids = dict.fromkeys(wanted["$in"] if isinstance(wanted, Mapping) else [wanted])
        rest = {name: value for name, value in match.items() if name != "_id"}
        return [store[i] for i in ids if i in store and _applies(rest, store[i])]


class _Bulk:
    """What the driver's write operations hand themselves to; each is done at once."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.modified = 0
        self._place = -1
        self.errors: list[Row] = []

    def add_insert(self, document: Row) -> None:
        self._try(lambda: self._collection.insert_one(document))

    def add_update(self, match: Row, update: Row, multi: bool, upsert: bool, **_: Any) -> None:
        self._do(self._collection.update_many if multi else self._collection.update_one, match, update, upsert)

    def add_delete(self, match: Row, limit: int, **_: Any) -> None:
        assert not limit
        self._try(lambda: self._collection.delete_many(match))

    def add_replace(self, match: Row, replacement: Row, upsert: bool, **_: Any) -> None:
        self._do(self._collection.replace_one, match, replacement, upsert)

    def _do(self, method: Any, match: Row, change: Row, upsert: bool) -> None:
        done = self._try(lambda: method(match, change, upsert=bool(upsert)))
        self.modified += done.modified_count if done else 0

    def _try(self, step: Callable[[], Any]) -> Any:
        self._place += 1
        try:
            return step()
        except WriteError as error:
            self.errors.append({"code": error.code, "errmsg": str(error), "index": self._place})
            return None
