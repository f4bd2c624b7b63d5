"""What does a MongoDB server tell of itself, and which of our indexes does it lack?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from pymongo.database import Database

from db.documents import Row
from db.facts import StoreFacts
from db.mongo_client import Talk
from db.mongo_schema import INDEXES, SCHEMA_VERSION
from db.store import Store

_OLDEST = (5, 0)


class MongoFacts(Store):
    """What `MongoStore` tells of itself."""

    _database: Database[Row]
    _talk: Talk

    def describe(self) -> StoreFacts:
        """See Store."""
        with self._talk.brief():
            hello, build = self._database.command("hello"), self._database.command("buildInfo")
            found = self._database["meta"].find_one({"_id": "schema"})
            missing = tuple(_missing(self._database)) if found else ()
        version = str(build["version"])
        schema = int(found["version"]) if found else 0
        now = hello["localTime"].replace(tzinfo=UTC)
        return StoreFacts(f"MongoDB {version}, {_shape(hello)}", schema, SCHEMA_VERSION, _unsupported(version), missing, now)

    def mend(self) -> None:
        """See Store."""
        self.prepare()


def _missing(database: Database[Row]) -> Iterator[str]:
    for collection, keys, _ in INDEXES:
        there = [list(index["key"]) for index in database[collection].index_information().values()]
        if list(keys) not in there:
            yield f"index {collection}({', '.join(name for name, _ in keys)})"


def _shape(hello: dict[str, Any]) -> str:
    if hello.get("setName"):
        return f"replica set {hello['setName']}"
    return "sharded" if hello.get("msg") == "isdbgrid" else "standalone"


def _unsupported(version: str) -> str:
    oldest = ".".join(map(str, _OLDEST))
    found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return "" if found >= _OLDEST else f"MongoDB {oldest} or later is expected"
